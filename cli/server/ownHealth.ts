import type { Logger } from 'pino'
import type { Check } from '../../gateway/http/health.ts'
import { checksOf, type OwnNote } from './ownGraph.ts'

/** How often a service is asked again for a schema that it has not given. */
const retryEveryMs = 10_000

/** The state of the own subgraphs: for the log, once at each change, and for health. */
export class OwnHealth {
  readonly #log: Logger
  readonly #away = new Map<string, string>()
  #notes: readonly OwnNote[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(log: Logger) {
    this.#log = log
  }

  setNotes(notes: readonly OwnNote[]): void {
    for (const n of notes)
      if (!this.#notes.some((o) => o.subgraph === n.subgraph && o.code === n.code))
        this.#log.error(
          { subgraph: n.subgraph, code: n.code, detail: n.detail },
          'an own subgraph is not served as configured',
        )
    for (const o of this.#notes)
      if (!notes.some((n) => n.subgraph === o.subgraph))
        this.#log.info({ subgraph: o.subgraph }, 'an own subgraph is served as configured again')
    this.#notes = notes
  }

  /** Asks services again while one of them has not given its schema. */
  retryWith(again: () => void): void {
    this.#timer = setInterval(() => {
      if (this.#notes.some((n) => n.isTemporary)) again()
    }, retryEveryMs).unref()
  }

  /** Notes the outcome of a request. */
  readonly note = (subgraph: string, failure: string | null): void => {
    const was = this.#away.get(subgraph)
    if (failure === null) {
      if (was === undefined) return
      this.#away.delete(subgraph)
      this.#log.info({ subgraph }, 'an own subgraph responds again')
    } else {
      if (was === undefined)
        this.#log.warn({ subgraph, reason: failure }, 'an own subgraph does not respond')
      this.#away.set(subgraph, failure)
    }
  }

  /** `kept`: whether another graph was refused, so that the last one is served. */
  checks(kept: boolean): Check[] {
    // Reasons may name addresses: they are in the log.
    const away = [...this.#away.keys()].map((name) => ({
      name: `subgraph ${name}`,
      ok: true,
      code: 'SUBGRAPH_AWAY',
      detail: 'its last request failed; see the log',
    }))
    const detail = 'another graph could not be loaded; see the log'
    const graph = kept ? [{ name: 'graph', ok: true, code: 'GRAPH_KEPT', detail }] : []
    return [...checksOf(this.#notes), ...away, ...graph]
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}
