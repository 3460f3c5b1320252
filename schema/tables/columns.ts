import { sql } from 'drizzle-orm'
import { bigint, check, customType, type PgColumn, timestamp } from 'drizzle-orm/pg-core'

/** A point in time; in TypeScript a Date, which keeps milliseconds. */
export const moment = (name: string) => timestamp(name, { withTimezone: true })
/** A position of the feed, a count or an amount in minor units: all stay under 2^53. */
export const int8 = (name: string) => bigint(name, { mode: 'number' })
export const bytea = customType<{ data: Uint8Array }>({ dataType: () => 'bytea' })
/** Unlike jsonb, `json` keeps the text as it was written. */
export const json = customType<{ data: unknown }>({ dataType: () => 'json' })
/** Ranges of whole numbers, as Postgres prints them: `{[1,3),[7,8)}`. */
export const multirange = customType<{ data: string }>({ dataType: () => 'int8multirange' })

/** The time of the statement, where `now()` is the time of the transaction. */
export const clock = sql`clock_timestamp()`

/**
 * A check that a column holds one of its enum's values, with the name that Postgres gives to such a
 * check.
 */
export function oneOf(
  table: string,
  column: PgColumn,
  values: readonly string[],
): ReturnType<typeof check> {
  const listed = values.map((value) => `'${value}'`).join(', ')
  return check(`${table}_${column.name}_check`, sql`${column} in (${sql.raw(listed)})`)
}

/** A check that a table has one row: its primary key can only be true. */
export function oneRow(table: string, column: PgColumn): ReturnType<typeof check> {
  return check(`${table}_one_check`, sql`${column}`)
}
