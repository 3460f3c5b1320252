import type { inbox, outcome } from '../../schema/tables/ingest.ts'
import type { Sql, Transaction } from '../db/database.ts'
import type { SortTerm } from '../db/keyset.ts'
import { type Listing, listPage } from '../db/page.ts'
import { type Condition, Parameters, read } from '../db/statement.ts'

/** A message that could not be applied, including one that was corrected or discarded since. */
export interface ExceptionRow
  extends Pick<
      typeof outcome.$inferSelect,
      'inboxId' | 'object' | 'sourceId' | 'field' | 'code' | 'detail'
    >,
    Pick<
      typeof inbox.$inferSelect,
      'messageId' | 'correlationId' | 'format' | 'corrects' | 'receivedAt'
    > {
  system: string
  state: ExceptionState
  /** True if it waits in the queue for another attempt. */
  waiting: boolean
  failedAt: Date
}

export type ExceptionState = 'EXCEPTION' | 'CORRECTED' | 'DISCARDED'

/** A filter. All given parts must match; an empty list matches nothing. */
export interface ExceptionFilter {
  ids?: readonly number[] | null
  /** Messages with a higher number. */
  beyond?: number | null
  systems?: readonly string[] | null
  objects?: readonly string[] | null
  /** True selects messages that name no object, false those that name one. */
  withoutObject?: boolean | null
  codes?: readonly string[] | null
  /** Minimum age since receipt, in seconds. */
  ageSecondsMin?: number | null
  ageSecondsMax?: number | null
  /** Id of the record in its system, of the message, or correlation id. */
  about?: string | null
  /** Part of the reason, in any case. */
  text?: string | null
  /** Pairs of system and object, the form in which owners are configured. */
  places?: readonly { system: string; object: string | null }[] | null
  state?: ExceptionState | null
  /** True selects messages that wait in the queue for another attempt. */
  waiting?: boolean | null
}

const columns = `o.inbox_id as "inboxId", o.source as system, o.object, o.source_id as "sourceId", o.field,
  o.outcome as state, o.code, o.detail, i.message_id as "messageId", i.correlation_id as "correlationId", i.format,
  i.corrects, p.inbox_id is not null as waiting, i.received_at as "receivedAt", o.at as "failedAt"`

// A join, because Postgres would run an `exists` by hashing the whole queue.
const tables = `outcome o join inbox i on i.id = o.inbox_id left join pending p on p.inbox_id = o.inbox_id`

/** Exceptions as a list. */
export const exceptionListing: Listing = {
  from: tables,
  where: 'true',
  columns: () => columns,
  unique: { name: 'message', sql: 'o.inbox_id', type: 'bigint', nullable: false },
}

/** Walks the partial index of open exceptions, or that of (source, object). */
export const oldestExceptions: SortTerm[] = [{ column: exceptionListing.unique, descending: false }]

/** Returns the oldest exceptions of a filter. */
export async function readExceptions(
  sql: Sql,
  filter: ExceptionFilter,
  limit: number,
): Promise<ExceptionRow[]> {
  const request = {
    order: oldestExceptions,
    condition: exceptionCondition(filter),
    backward: false,
    limit,
  }
  return (await listPage<ExceptionRow>(sql, exceptionListing, request)).rows
}

export async function readExceptionsById(
  sql: Sql,
  ids: readonly number[],
): Promise<Map<number, ExceptionRow>> {
  const rows = await sql.unsafe<ExceptionRow[]>(
    `select ${columns} from ${tables}
     where o.inbox_id = any($1::bigint[]) and o.outcome in ('EXCEPTION', 'CORRECTED', 'DISCARDED')`,
    [ids as number[]],
  )
  return new Map(rows.map((r) => [r.inboxId, r]))
}

export interface ExceptionCount {
  system: string
  object: string | null
  code: string
  count: number
  /** How many of them wait in the queue for another attempt. */
  waiting: number
  oldestAt: Date
}

/** Counts exceptions by system, object and code, in one pass. */
export async function countExceptions(
  sql: Sql | Transaction,
  filter: ExceptionFilter,
): Promise<ExceptionCount[]> {
  const p = new Parameters()
  const text = `select o.source as system, o.object, o.code, count(*)::int as count,
       count(p.inbox_id)::int as waiting, min(i.received_at) as "oldestAt"
     from ${tables} where ${exceptionCondition(filter)(p)}
     group by 1, 2, 3 order by 4 desc, 1, 2, 3`
  return await read<ExceptionCount>(sql, text, p)
}

/**
 * Returns the pairs of system and object with exceptions of a state. Owners are derived from them.
 */
export async function exceptionPlaces(
  sql: Sql,
  state: ExceptionState,
): Promise<{ system: string; object: string | null }[]> {
  return await sql<{ system: string; object: string | null }[]>`
    select source as system, object from outcome where outcome = ${state} group by 1, 2 order by 1, 2`
}

/**
 * Locks open exceptions that match and do not wait in the queue, oldest first. `more` is true if
 * the limit was reached.
 */
export async function lockOpen(
  tx: Transaction,
  filter: ExceptionFilter,
  limit: number,
): Promise<{ rows: ExceptionRow[]; more: boolean }> {
  const p = new Parameters()
  const where = exceptionCondition({ ...filter, state: 'EXCEPTION', waiting: false })(p)
  const text = `select ${columns} from ${tables} where ${where} order by o.inbox_id limit ${limit} for update of o`
  const rows = await read<ExceptionRow>(tx, text, p)
  // The previous holder of a lock may have put its message into the queue; that leaves the row we
  // waited for unchanged.
  const queued = await tx<{ id: number }[]>`
    select inbox_id as id from pending where inbox_id = any(${rows.map((r) => r.inboxId)}::bigint[])`
  const waiting = new Set(queued.map((q) => q.id))
  return { rows: rows.filter((r) => !waiting.has(r.inboxId)), more: rows.length === limit }
}

export async function readBody(sql: Sql, inboxId: number): Promise<string | null> {
  const [row] = await sql<{ body: string }[]>`select body from inbox where id = ${inboxId}`
  return row?.body ?? null
}

/** A century in seconds. No message is older, and Postgres has no moments of other eras. */
const agesMax = 3_155_760_000

/** Returns the condition of a filter. */
export function exceptionCondition(filter: ExceptionFilter): Condition {
  return (p) => {
    // Text and no parameter, so the partial indexes are used.
    const where = [`o.outcome = '${filter.state ?? 'EXCEPTION'}'`]
    if (filter.ids) where.push(`o.inbox_id = any(${p.list(filter.ids.map(String), 'bigint')})`)
    if (typeof filter.beyond === 'number')
      where.push(`o.inbox_id > ${p.add(filter.beyond, 'bigint')}`)
    if (filter.systems) where.push(`o.source = any(${p.list(filter.systems, 'text')})`)
    if (filter.objects) where.push(`o.object = any(${p.list(filter.objects, 'text')})`)
    if (typeof filter.withoutObject === 'boolean')
      where.push(`o.object is ${filter.withoutObject ? '' : 'not '}null`)
    if (filter.codes) where.push(`o.code = any(${p.list(filter.codes, 'text')})`)
    const ago = (seconds: number) =>
      `now() - make_interval(secs => ${p.add(Math.min(Math.max(seconds, -agesMax), agesMax), 'float8')})`
    if (typeof filter.ageSecondsMin === 'number')
      where.push(`i.received_at <= ${ago(filter.ageSecondsMin)}`)
    if (typeof filter.ageSecondsMax === 'number')
      where.push(`i.received_at >= ${ago(filter.ageSecondsMax)}`)
    if (filter.about) {
      const id = p.add(filter.about, 'text')
      where.push(
        `(o.source_id = ${id} or i.message_id = ${id} or i.correlation_id::text = lower(${id}))`,
      )
    }
    if (filter.text) where.push(`strpos(lower(o.detail), lower(${p.add(filter.text, 'text')})) > 0`)
    if (typeof filter.waiting === 'boolean')
      where.push(`p.inbox_id is ${filter.waiting ? 'not ' : ''}null`)
    if (filter.places) {
      const systems = p.list(
        filter.places.map((x) => x.system),
        'text',
      )
      const objects = p.list(
        filter.places.map((x) => x.object),
        'text',
      )
      where.push(`exists (select 1 from unnest(${systems}, ${objects}) as x (s, b)
        where x.s = o.source and x.b is not distinct from o.object)`)
    }
    return where.join(' and ')
  }
}
