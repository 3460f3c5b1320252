import type { Clock } from './clock.ts'
import type { PlannedFaults } from './faults.ts'
import type { Row } from './model.ts'

export interface VisibleRow extends Row {
  id: string
  /** Order of creation. */
  number: number
}

interface StoredRow extends VisibleRow {
  /** Until then, readers see `before`: a transaction that commits late. */
  hiddenUntil: number
  before: VisibleRow | undefined
}

/** The records of one object, as users wrote them and as readers see them now. */
export class Table {
  readonly #rows = new Map<string, StoredRow>()
  readonly #live: string[] = []
  readonly #livePosition = new Map<string, number>()
  readonly #clock: Clock
  readonly #faults: PlannedFaults
  /** Lists that are valid until the next write or the next hidden row that becomes visible. */
  readonly #lists = new Map<string, readonly VisibleRow[]>()
  #listsEnd = Number.POSITIVE_INFINITY
  #numbers = 0

  constructor(clock: Clock, faults: PlannedFaults) {
    this.#clock = clock
    this.#faults = faults
  }

  set(id: string, record: Record<string, unknown>, deleted = false): void {
    const now = this.#clock.now()
    const current = this.#rows.get(id)
    const lateness = this.#faults.takeLateness()
    const before = current && visibleAt(current, now)
    const number = current?.number ?? this.#numbers++
    const hiddenUntil = lateness > 0 ? now + lateness : 0
    this.#rows.set(id, { id, number, record, deleted, hiddenUntil, before })
    this.#setLive(id, !deleted)
    this.#lists.clear()
  }

  /** Removes every trace of a record, as after the vendor's time of keeping deleted ones. */
  purge(id: string): void {
    this.#rows.delete(id)
    this.#setLive(id, false)
    this.#lists.clear()
  }

  /** Returns the newest row, also if readers do not see it yet. */
  get(id: string): Row | undefined {
    return this.#rows.get(id)
  }

  /** Returns the row as readers see it now. */
  find(id: string): VisibleRow | undefined {
    const row = this.#rows.get(id)
    return row && visibleAt(row, this.#clock.now())
  }

  state(): ReadonlyMap<string, Row> {
    return new Map([...this.#rows].map(([id, { record, deleted }]) => [id, { record, deleted }]))
  }

  /** Yields the newest rows, in order of creation. */
  rows(): Iterable<VisibleRow> {
    return this.#rows.values()
  }

  /** Ids of the records that are not deleted. */
  get live(): readonly string[] {
    return this.#live
  }

  /** Returns the rows that readers see now, in an order that has a name. */
  sorted(
    name: string,
    compare: (a: VisibleRow, b: VisibleRow) => number = (a, b) => a.number - b.number,
  ): readonly VisibleRow[] {
    const now = this.#clock.now()
    if (now >= this.#listsEnd) this.#lists.clear()
    if (this.#lists.size === 0) this.#listsEnd = Number.POSITIVE_INFINITY
    const known = this.#lists.get(name)
    if (known) return known
    const list: VisibleRow[] = []
    for (const row of this.#rows.values()) {
      if (row.hiddenUntil > now) this.#listsEnd = Math.min(this.#listsEnd, row.hiddenUntil)
      const seen = visibleAt(row, now)
      if (seen) list.push(seen)
    }
    list.sort(compare)
    this.#lists.set(name, list)
    return list
  }

  #setLive(id: string, live: boolean): void {
    const position = this.#livePosition.get(id)
    if (live && position === undefined) {
      this.#livePosition.set(id, this.#live.length)
      this.#live.push(id)
    }
    if (live || position === undefined) return
    this.#livePosition.delete(id)
    const last = this.#live.pop()!
    if (last === id) return
    this.#live[position] = last
    this.#livePosition.set(last, position)
  }
}

const visibleAt = (row: StoredRow, now: number): VisibleRow | undefined =>
  row.hiddenUntil > now ? row.before : row
