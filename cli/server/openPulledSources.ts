import type { Connection, RequestCounts } from '../../connectors/connection/contract.ts'
import type { SharedRates } from '../../connectors/connection/limits/sharedRates.ts'
import { openConnection } from '../../connectors/connection/openConnection.ts'
import type { SourceConnection } from '../../connectors/connection/sourceConnection.ts'
import { openStream } from '../../connectors/connection/stream/openStream.ts'
import { streamedBody } from '../../connectors/salesforce/streamedBody.ts'
import type { FileRun, PulledSource } from '../../mdm/connections/scheduler.ts'
import { runStream } from '../../mdm/connections/streams/runStream.ts'
import { runFiles } from '../../mdm/files/runFiles.ts'
import { type Installation, pulledObjects } from '../config/installation.ts'
import type { PullRole } from '../observe/roles.ts'

export interface PulledSources {
  /** By name. */
  sources: Map<string, PulledSource>
  /** The cost of the requests to each, for metrics. */
  figures: PullRole['sources']
}

/** Which source systems are opened, and what counts their requests over all processes. */
export interface PulledOptions {
  only?: string
  rates?: SharedRates
}

/**
 * Opens the source systems that are asked, or whose files are read; `only` names one. Nothing is
 * requested yet. Each object has a connection of its own, so that its requests can be counted; they
 * share sign-in and limits.
 */
export function openPulledSources(
  installation: Installation,
  { only, rates }: PulledOptions = {},
): PulledSources {
  const figures: PullRole['sources'][number][] = []
  const sources = new Map<string, PulledSource>()
  for (const [name, objects] of pulledObjects(installation)) {
    if (only !== undefined && name !== only) continue
    const given = installation.connections.get(name)
    const opened = new Map<string, Connection>(
      given?.objects.map((object) => [object, openConnection(name, given, { rates })]),
    )
    const all = [...opened.values()]
    const runs = fileRuns(installation, name)
    const stream = given && streamRun(installation, name, given, rates)
    sources.set(name, {
      objects,
      stream: stream?.run,
      filesOf: (object) => runs.byObject.get(object),
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
      everyMs: given?.everyMs ?? 0,
      censusEveryMs: given?.censusMs ?? 0,
      calendar: installation.connectors.get(name)?.system.calendar,
    })
    figures.push({
      name,
      counts: () =>
        [runs.counts, ...(stream ? [stream.counts] : []), ...all.map((c) => c.counts())].reduce(
          sum,
        ),
      limits: () => all[0]?.limits() ?? [],
      clockAheadMs: () => all[0]?.clockAheadMs() ?? 0,
    })
  }
  return { sources, figures }
}

/** Returns how the stream of a source system is read; null where it has none. */
function streamRun(
  { connectors }: Installation,
  name: string,
  given: SourceConnection,
  rates: SharedRates | undefined,
): { run: FileRun; counts: RequestCounts } | null {
  const stream = openStream(name, given, { bodyOf: streamedBody, rates })
  if (!stream) return null
  const counts: RequestCounts = { requests: 0, retries: 0, waits: 0, bytes: 0 }
  return {
    counts,
    run: async (shared, claimed, signal) => {
      const connector = connectors.get(name)
      if (!connector) throw new Error(`no source system ${name}`)
      const tools = { stream, connector, objects: given.objects, counts }
      return await runStream(tools, shared, claimed, signal)
    },
  }
}

/** Returns how each object is read whose files are read, and the cost of that so far. */
function fileRuns(
  { files: all, connectors }: Installation,
  name: string,
): { byObject: Map<string, FileRun>; counts: RequestCounts } {
  const counts: RequestCounts = { requests: 0, retries: 0, waits: 0, bytes: 0 }
  const files = all.get(name)
  const run: FileRun = async (shared, claimed, signal) => {
    const reader = connectors.get(name)
    if (!files || !reader) throw new Error(`no source system ${name}`)
    // Each run counts by itself, and adds to the figures of the process.
    const own: RequestCounts = { requests: 0, retries: 0, waits: 0, bytes: 0 }
    try {
      return await runFiles({ files, reader, counts: own }, shared, claimed, signal)
    } finally {
      Object.assign(counts, sum(counts, own))
    }
  }
  const objects = [...(files?.objects.keys() ?? [])]
  return { byObject: new Map(objects.map((object) => [object, run])), counts }
}

function sum(a: RequestCounts, b: RequestCounts): RequestCounts {
  return {
    requests: a.requests + b.requests,
    retries: a.retries + b.retries,
    waits: a.waits + b.waits,
    bytes: a.bytes + b.bytes,
  }
}
