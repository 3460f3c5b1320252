import { storable } from '../../schema/storable.ts'
import type { Sql } from './database.ts'

/** What a column holds, as Postgres names it in a cast. */
export type SqlType = 'text' | 'date' | 'timestamptz' | 'float8' | 'bigint' | 'boolean' | 'uuid' | 'jsonb'

/**
 * Values of a statement that is put together from parts. Each travels as text (or an array of texts) and is cast in the
 * statement: so the driver converts nothing, and a timestamp keeps its microseconds.
 */
export class Parameters {
  readonly values: (string | string[] | null)[] = []

  add(value: string | number | boolean, type: SqlType): string {
    this.values.push(storable(String(value)))
    return type === 'text' ? `$${this.values.length}::text` : `$${this.values.length}::text::${type}`
  }

  /**
   * Ids that are looked up. A plan is made for as many as Postgres assumes of a list it does not know, so that the plan it
   * keeps looks no worse to it than one made anew for each list, which takes longer than the read.
   */
  keys(ids: readonly string[], type: 'uuid' | 'bigint' = 'uuid'): string {
    // To Postgres two spellings are one id, and its rows would come twice.
    this.values.push([...new Set(ids.map((id) => storable(id).toLowerCase()))])
    return `(select $${this.values.length}::text[])::${type}[]`
  }

  list(values: readonly string[], type: SqlType): string {
    this.values.push(values.map(storable))
    return type === 'text' ? `$${this.values.length}::text[]` : `$${this.values.length}::text[]::${type}[]`
  }
}

/** A part of a WHERE clause; it adds its values when it is written. */
export type Condition = (p: Parameters) => string

export const always: Condition = () => 'true'

/** A condition without values. */
export function literal(text: string): Condition {
  return () => text
}

export function allOf(conditions: readonly Condition[]): Condition {
  if (conditions.length === 0) return always
  return (p) => conditions.map((c) => `(${c(p)})`).join(' and ')
}

export function anyOf(conditions: readonly Condition[]): Condition {
  if (conditions.length === 0) return literal('false')
  return (p) => conditions.map((c) => `(${c(p)})`).join(' or ')
}

/** True where the condition is false or unknown, so that "not" of a filter and the filter together are everything. */
export function noneOf(condition: Condition): Condition {
  return (p) => `(${condition(p)}) is not true`
}

/** Texts seen, to tell the ones that come again; forgotten all at once when there are this many. */
const seenTextsMax = 2_000
/** Statements kept prepared on each connection; a caller who varies filters must not fill the server's memory. */
const preparedTextsMax = 150
const seen = new Map<string, number>()
const prepared = new Set<string>()

/** Only what comes for the third time is prepared: a text depends on which filters and orders a caller combines. */
function worthPreparing(text: string): boolean {
  if (prepared.has(text)) return true
  if (prepared.size >= preparedTextsMax) return false
  const times = (seen.get(text) ?? 0) + 1
  if (times >= 3) {
    seen.delete(text)
    prepared.add(text)
    return true
  }
  if (seen.size >= seenTextsMax) seen.clear()
  seen.set(text, times)
  return false
}

/** Runs a read that was put together from parts. */
export async function read<Row extends object>(sql: Sql, text: string, p: Parameters): Promise<Row[]> {
  return (await sql.unsafe(text, p.values, { prepare: worthPreparing(text) })) as unknown as Row[]
}
