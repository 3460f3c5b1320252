import type { Connection, RequestCounts } from '../../connectors/connection/contract.ts'
import { openConnection } from '../../connectors/connection/openConnection.ts'
import type { PulledSource } from '../../mdm/connections/scheduler.ts'
import type { Installation } from '../config/installation.ts'
import type { PullRole } from '../observe/roles.ts'

export interface PulledSources {
  /** By name. */
  sources: Map<string, PulledSource>
  /** The cost of the requests to each, for metrics. */
  figures: PullRole['sources']
}

/**
 * Opens the source systems that are asked; `only` names one. Nothing is requested yet. Each object
 * has a connection of its own, so that its requests can be counted; they share sign-in and limits.
 */
export function openPulledSources(installation: Installation, only?: string): PulledSources {
  const figures: PullRole['sources'][number][] = []
  const sources = new Map<string, PulledSource>()
  for (const [name, given] of installation.connections) {
    if (only !== undefined && name !== only) continue
    const opened = new Map<string, Connection>(
      given.objects.map((object) => [object, openConnection(name, given)]),
    )
    const all = [...opened.values()]
    sources.set(name, {
      objects: given.objects,
      connectionFor(object) {
        const connection = opened.get(object)
        if (!connection) throw new Error(`${name} has no object ${object}`)
        return connection
      },
      reader() {
        const connector = installation.connectors.get(name)
        if (!connector) throw new Error(`no source system ${name}`)
        return connector
      },
      everyMs: given.everyMs,
      censusEveryMs: given.censusMs,
      calendar: installation.connectors.get(name)?.system.calendar,
    })
    figures.push({
      name,
      counts: () => all.map((c) => c.counts()).reduce(sum),
      limits: () => all[0]?.limits() ?? [],
    })
  }
  return { sources, figures }
}

function sum(a: RequestCounts, b: RequestCounts): RequestCounts {
  return {
    requests: a.requests + b.requests,
    retries: a.retries + b.retries,
    waits: a.waits + b.waits,
    bytes: a.bytes + b.bytes,
  }
}
