import { storable } from '../../schema/storable.ts'
import type { Sql, Transaction } from './database.ts'

/** A type as Postgres names it in a cast. */
export type SqlType =
  | 'text'
  | 'date'
  | 'timestamptz'
  | 'float8'
  | 'bigint'
  | 'boolean'
  | 'uuid'
  | 'jsonb'

/**
 * Parameters of a composed statement. Each is sent as text (or an array of texts) and cast in the
 * statement, so that the driver converts nothing and a timestamp keeps its microseconds.
 */
export class Parameters {
  readonly values: (string | (string | null)[] | null)[] = []

  add(value: string | number | boolean, type: SqlType): string {
    this.values.push(storable(String(value)))
    return type === 'text'
      ? `$${this.values.length}::text`
      : `$${this.values.length}::text::${type}`
  }

  /**
   * Adds ids to look up. The subselect hides the list's length, so that a custom plan is estimated
   * like the generic one and Postgres keeps the generic plan. Planning each list would take longer
   * than the read.
   */
  keys(ids: readonly string[], type: 'uuid' | 'bigint' | 'text' = 'uuid'): string {
    // Two spellings of a uuid are one value to Postgres, which would return its rows twice.
    const normal = (id: string) => (type === 'text' ? storable(id) : storable(id).toLowerCase())
    this.values.push([...new Set(ids.map(normal))])
    return `(select $${this.values.length}::text[])::${type}[]`
  }

  list(values: readonly (string | null)[], type: SqlType): string {
    this.values.push(values.map((v) => (v === null ? null : storable(v))))
    return type === 'text'
      ? `$${this.values.length}::text[]`
      : `$${this.values.length}::text[]::${type}[]`
  }
}

/** A part of a WHERE clause, which adds its own parameters. */
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

/**
 * Matches where the condition is false or null, so that a filter and its negation together match
 * every row.
 */
export function noneOf(condition: Condition): Condition {
  return (p) => `(${condition(p)}) is not true`
}

/** Statement texts seen once or twice. All are dropped when there are this many. */
const seenTextsMax = 2_000
/**
 * Prepared statements of each connection. Callers who vary their filters must not fill the server's
 * memory.
 */
const preparedTextsMax = 150
const seen = new Map<string, number>()
const prepared = new Set<string>()

/**
 * A text is prepared when it comes for the third time: callers combine filters and orders in many
 * ways.
 */
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

/** Runs a composed read and returns its rows. */
export async function read<Row extends object>(
  sql: Sql | Transaction,
  text: string,
  p: Parameters,
): Promise<Row[]> {
  return (await sql.unsafe(text, p.values, { prepare: worthPreparing(text) })) as unknown as Row[]
}
