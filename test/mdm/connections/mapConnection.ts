import {
  type Connection,
  ConnectionError,
  type Json,
  type PulledPage,
  type PulledRow,
  type PullPosition,
} from '../../../connectors/connection/contract.ts'

interface Held {
  version: number
  record: Record<string, unknown> | null
  deleted: boolean
}

/** A system that holds its rows in Maps: a keyset by (version, id), and pages. */
export class MapSystem {
  readonly objects = new Map<string, Map<string, Held>>()
  /** Objects that state no version, and so have no delta. */
  readonly unversioned = new Set<string>()
  readonly censused = new Set<string>()
  /** The times between which deletions are known without a census. */
  readonly known = new Map<string, { from: number; to: number }>()
  /** What each page carries as its note. */
  note: ConnectionError | undefined
  pageRows = 3
  requests = 0
  /** Rows that a list leaves out although they exist. */
  readonly hidden = new Set<string>()
  /** Called before each page, with its number within the pull. */
  onPage: (object: string, page: number, from: PullPosition | null) => void | Promise<void> =
    () => {}
  /** The ids of each read of several records. */
  readonly reads: string[][] = []
  onRead: (object: string, ids: readonly string[], signal: AbortSignal) => void | Promise<void> =
    () => {}
  /** Records that the system refuses to show. */
  readonly refusals = new Map<string, ConnectionError>()
  #clock = Date.parse('2026-01-01T00:00:00Z')

  put(object: string, id: string, record: Record<string, unknown>, version?: number): void {
    this.#rows(object).set(id, {
      version: version ?? ++this.#clock,
      record: { id, ...record },
      deleted: false,
    })
  }

  /** The row stays as a tombstone that the delta has. */
  tombstone(object: string, id: string): void {
    this.#rows(object).set(id, { version: ++this.#clock, record: null, deleted: true })
  }

  /** The row vanishes without a word. */
  vanish(object: string, id: string): void {
    this.#rows(object).delete(id)
  }

  #rows(object: string): Map<string, Held> {
    const rows = this.objects.get(object) ?? new Map()
    this.objects.set(object, rows)
    return rows
  }

  row(object: string, id: string): PulledRow | null {
    const held = this.objects.get(object)?.get(id)
    if (!held) return null
    const versioned = !this.unversioned.has(object)
    return {
      object,
      id,
      version: versioned ? new Date(held.version).toISOString() : null,
      deleted: held.deleted,
      record: held.record,
    }
  }

  /** Rows after a place in the order (version, id). */
  after(object: string, version: number, id: string): { id: string; version: number }[] {
    return [...this.#rows(object)]
      .map(([key, held]) => ({ id: key, version: held.version }))
      .filter((r) => r.version > version || (r.version === version && r.id > id))
      .sort((a, b) => a.version - b.version || (a.id < b.id ? -1 : 1))
  }
}

interface At {
  version: number
  id: string
}

export function mapConnection(
  system: MapSystem,
  { source = 'shop', positionMs = null }: { source?: string; positionMs?: number | null } = {},
): Connection {
  const retries = 0
  return {
    source,
    get objects() {
      return [...system.objects.keys()]
    },
    hasDelta: (object) => !system.unversioned.has(object),
    needsCensus: (object) => system.censused.has(object),
    deletionsKnown: (object) => system.known.get(object) ?? null,
    async *pull(object, from, signal): AsyncGenerator<PulledPage, void, void> {
      let at = (from?.at ?? { version: 0, id: '' }) as Json & At
      const mode = from?.mode ?? 'FULL'
      for (let page = 0; ; page++) {
        signal.throwIfAborted()
        await system.onPage(object, page, from)
        system.requests++
        const rest = system.after(object, at.version, at.id)
        const taken = rest.slice(0, system.pageRows)
        const last = rest.length <= system.pageRows
        const end = taken.at(-1)
        at = end ? { version: end.version, id: end.id } : at
        yield {
          rows: taken.flatMap((r) => system.row(object, r.id) ?? []),
          position: {
            mode: last ? 'DELTA' : mode,
            at,
            expiresAt: positionMs === null ? null : Date.now() + positionMs,
          },
          last,
          total: system.objects.get(object)?.size ?? null,
          note: system.note,
        }
        if (last) return
      }
    },
    async *census(object, signal) {
      const rows = system.after(object, 0, '').filter((r) => !system.hidden.has(r.id))
      for (let n = 0; n < rows.length; n += system.pageRows) {
        signal.throwIfAborted()
        system.requests++
        yield rows
          .slice(n, n + system.pageRows)
          .filter((r) => !system.row(object, r.id)?.deleted)
          .map((r) => r.id)
      }
    },
    read: async (object, id) => system.row(object, id),
    writing: {
      abilityOf: () => null,
      write: () => Promise.reject(failure('PERMANENT', 'NOT_WRITABLE')),
      find: async () => null,
    },
    canRead: () => true,
    readSeveral: async (object, ids, signal) => {
      system.reads.push([...ids])
      await system.onRead(object, ids, signal)
      return ids.map((id) => {
        const problem = system.refusals.get(id)
        return problem ? { id, problem } : { id, row: system.row(object, id) }
      })
    },
    check: async () => [],
    limits: () => [],
    clockAheadMs: () => 0,
    counts: () => ({ requests: system.requests, retries, waits: 0, bytes: 0 }),
  }
}

export function failure(
  verdict: ConstructorParameters<typeof ConnectionError>[0],
  code: string,
  notBefore: number | null = null,
): ConnectionError {
  return new ConnectionError(verdict, code, `${code} of the test`, { notBefore })
}
