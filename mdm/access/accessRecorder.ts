import { counted } from '../../schema/kit/numberText.ts'
import type { Sql } from '../db/database.ts'
import {
  appendAccess,
  expireAccess,
  type SensitiveAccess,
  type Through,
} from './sensitiveAccess.ts'

/** The reader of an operation: one object for everything that the operation shows. */
export interface Seer {
  readonly actor?: string | undefined
  readonly correlationId: string
  readonly operation?: string | undefined
}

export interface AccessRecorderOptions {
  sql: Sql
  /** Retention of records, in days. */
  daysMax: number
  report: (message: string, error?: unknown) => void
  /** Interval between writes, in milliseconds; 1000 by default. */
  everyMs?: number
  bounds?: Partial<typeof BOUNDS>
}

/**
 * Memory bounds. Beyond `idsMax` only the number of records is recorded, not their ids. Beyond
 * `rowsMax` only their number is recorded, under the actor OVERLOAD.
 */
const BOUNDS = { idsMax: 200_000, rowsMax: 20_000 }
/** Actor of records for which no row was left. */
const OVERLOAD = '(overload)'
const idsPerRowMax = 1_000
const rowsPerStatementMax = 500
const expireEveryMs = 3_600_000
const stopTriesMax = 5

interface Seen {
  at: Date
  through: Through
  type: string
  fields: readonly string[]
  ids: Set<string>
  more: number
}

/**
 * Records who saw which sensitive fields of which records, never their values. Recording takes a
 * few entries in memory, so no response waits for it; they are written together once a second.
 * While the database is unavailable they wait, within bounds. An orderly stop writes all; a killed
 * process loses the last second.
 */
export class AccessRecorder {
  readonly #o: AccessRecorderOptions
  readonly #bounds: typeof BOUNDS
  #noted = new Map<Seer, Map<string, Seen>>()
  #ids = 0
  #rows = 0
  /** Rows that are not written yet. */
  #unwritten: SensitiveAccess[] = []
  #unnamed = 0
  #overload = 0
  #writing: Promise<void> | null = null
  #expiredAt = Number.NEGATIVE_INFINITY
  readonly #timer: NodeJS.Timeout

  constructor(options: AccessRecorderOptions) {
    this.#o = options
    this.#bounds = { ...BOUNDS, ...options.bounds }
    this.#timer = setInterval(() => void this.write(), options.everyMs ?? 1_000)
    this.#timer.unref()
  }

  /** Records that these fields of one record were read. `id` is null for a record without an id. */
  note(
    by: Seer,
    through: Through,
    type: string,
    fields: readonly string[],
    id: string | null,
  ): void {
    if (fields.length === 0) return
    let own = this.#noted.get(by)
    if (!own) {
      own = new Map()
      this.#noted.set(by, own)
    }
    const name = `${through} ${type} ${fields.length === 1 ? fields[0] : fields.join()}`
    let seen = own.get(name)
    if (!seen) {
      if (this.#rows >= this.#bounds.rowsMax) {
        this.#overload++
        if (own.size === 0) this.#noted.delete(by)
        return
      }
      this.#rows++
      seen = { at: new Date(), through, type, fields, ids: new Set(), more: 0 }
      own.set(name, seen)
    }
    if (id !== null && seen.ids.has(id)) return
    if (id === null) seen.more++
    else if (this.#ids < this.#bounds.idsMax) {
      seen.ids.add(id)
      this.#ids++
    } else {
      seen.more++
      this.#unnamed++
    }
  }

  /** Writes the recorded rows; one write at a time. */
  write(): Promise<void> {
    this.#writing ??= this.#write().finally(() => {
      this.#writing = null
    })
    return this.#writing
  }

  /**
   * Writes all remaining rows. Gives up after some seconds while the database is unavailable, and
   * reports the loss.
   */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#writing
    for (let i = 0; i < stopTriesMax && this.#left > 0; i++) {
      if (i > 0) await new Promise((resolve) => setTimeout(resolve, 500))
      await this.write()
    }
    if (this.#left > 0)
      this.#o.report(
        `${counted(this.#left, 'record')} of who saw sensitive fields could not be written`,
      )
  }

  get #left(): number {
    return this.#unwritten.length + this.#noted.size + this.#overload
  }

  async #write(): Promise<void> {
    try {
      this.#turn()
      while (this.#unwritten.length > 0) {
        const rows = this.#unwritten.slice(0, rowsPerStatementMax)
        await appendAccess(this.#o.sql, rows)
        this.#unwritten.splice(0, rows.length)
        this.#rows -= rows.length
        for (const r of rows) this.#ids -= r.ids.length
      }
      if (performance.now() - this.#expiredAt < expireEveryMs) return
      this.#expiredAt = performance.now()
      await expireAccess(this.#o.sql, this.#o.daysMax)
    } catch (e) {
      this.#o.report('who saw sensitive fields could not be written; it is tried again', e)
    }
  }

  /** Turns what was recorded into rows. */
  #turn(): void {
    if (this.#unnamed > 0)
      this.#o.report(
        `too much at once: of ${this.#unnamed} records seen it is known by whom, and not which they are`,
      )
    this.#unnamed = 0
    const noted = this.#noted
    this.#noted = new Map()
    for (const [by, own] of noted) {
      for (const seen of together([...own.values()])) this.#unwritten.push(...rowsOf(by, seen))
    }
    if (this.#overload > 0) this.#tellOverload()
    this.#rows = this.#unwritten.length
    this.#ids = this.#unwritten.reduce((n, r) => n + r.ids.length, 0)
  }

  #tellOverload(): void {
    this.#o.report(`too much at once: of ${this.#overload} records seen it is not known by whom`)
    const by = { actor: OVERLOAD, correlationId: '', operation: '' }
    const seen: Seen = {
      at: new Date(),
      through: 'FIELD',
      type: '',
      fields: [],
      ids: new Set(),
      more: this.#overload,
    }
    this.#unwritten.push(...rowsOf(by, seen))
    this.#overload = 0
  }
}

/** Merges entries about the same records: their fields become one row. */
function together(all: Seen[]): Seen[] {
  const merged: Seen[] = []
  for (const seen of all) {
    const same = merged.find(
      (m) =>
        m.through === seen.through &&
        m.type === seen.type &&
        m.more === seen.more &&
        m.ids.size === seen.ids.size &&
        [...seen.ids].every((id) => m.ids.has(id)),
    )
    if (same) same.fields = [...new Set([...same.fields, ...seen.fields])]
    else merged.push({ ...seen })
  }
  return merged
}

function rowsOf(by: Seer, { at, through, type, fields, ids, more }: Seen): SensitiveAccess[] {
  const { actor = 'nobody', correlationId, operation = '' } = by
  const row = { at, actor, correlationId, operation, through, type, fields: [...fields].sort() }
  const all = [...ids]
  const rows: SensitiveAccess[] = []
  for (let i = 0; i === 0 || i < all.length; i += idsPerRowMax)
    rows.push({ ...row, ids: all.slice(i, i + idsPerRowMax), more: i === 0 ? more : 0 })
  return rows
}
