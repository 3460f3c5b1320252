import type { ListedFile } from '../../connectors/places/contract.ts'
import type { NameOrder } from '../../connectors/places/namePattern.ts'
import type { fileDelivery } from '../../schema/tables/sync.ts'
import type { Sql, Transaction } from '../db/database.ts'

/** One content of one file, as `file_delivery` has it. */
export type Delivery = typeof fileDelivery.$inferSelect

/** Where files of one object are, in `file_delivery`. `object` is empty for manifests. */
export interface Shelf {
  source: string
  object: string
  place: string
}

const COLUMNS = `id, source, object, place, name, version, bytes, stamp, modified_at as "modifiedAt", sha256, sequence, series, state,
  holds_back as "holdsBack", code, detail, rows, messages, correlation_id as "correlationId", exception_id as "exceptionId",
  seen_at as "seenAt", began_at as "beganAt", ended_at as "endedAt", move, moved_at as "movedAt"`

/** Returns the latest content of each name; a probe of the unique index for each. */
export async function loadLatest(
  sql: Sql | Transaction,
  { source, object, place }: Shelf,
  names: readonly string[],
): Promise<Map<string, Delivery>> {
  const rows = await sql<Delivery[]>`
    select d.* from unnest(${[...names]}::text[]) as n (name) cross join lateral (
      select ${sql.unsafe(COLUMNS)} from file_delivery f
      where f.source = ${source} and f.object = ${object} and f.place = ${place} and f.name = n.name
      order by version desc limit 1) d`
  return new Map(rows.map((r) => [r.name, r]))
}

/** Returns what is not at its end: what waits, is being read or missing, holds others back or must be moved. */
export async function loadOpen(
  sql: Sql | Transaction,
  { source, object, place }: Shelf,
): Promise<Delivery[]> {
  return await sql<Delivery[]>`
    select ${sql.unsafe(COLUMNS)} from file_delivery
    where source = ${source} and object = ${object} and place = ${place}
      and (state in ('WAITING', 'READING', 'MISSING') or holds_back or (move is not null and moved_at is null))
    order by id`
}

/** Returns the highest number of each series. */
export async function loadSequences(
  sql: Sql | Transaction,
  { source, object, place }: Shelf,
  series: readonly string[],
): Promise<Map<string, number>> {
  const rows = await sql<{ series: string; max: number | null }[]>`
    select s.series, (
      select max(sequence) from file_delivery f
      where f.source = ${source} and f.object = ${object} and f.place = ${place} and f.series = s.series) as max
    from unnest(${[...new Set(series)]}::text[]) as s (series)`
  return new Map(rows.flatMap((r) => (r.max === null ? [] : [[r.series, r.max] as const])))
}

/** Adds a content that is new under its name, or a file that is missing. */
export async function addDelivery(
  tx: Transaction,
  { source, object, place }: Shelf,
  name: string,
  file: ListedFile | null,
  order: Pick<NameOrder, 'sequence' | 'series'> | null,
  version = 1,
): Promise<Delivery> {
  const [row] = await tx<Delivery[]>`
    insert into file_delivery (source, object, place, name, version, bytes, stamp, modified_at, sequence, series, state)
    values (${source}, ${object}, ${place}, ${name}, ${version}, ${file?.bytes ?? null}, ${file?.stamp ?? null},
      ${file ? new Date(file.modifiedAt) : null}, ${order?.sequence ?? null}, ${order?.series ?? ''},
      ${file ? 'WAITING' : 'MISSING'})
    returning ${tx.unsafe(COLUMNS)}`
  if (!row) throw new Error('an insert returned no row')
  return row
}

/** Stores that another content, or a first one, stands under the name of a file that waits. */
export async function seeAgain(tx: Transaction, id: number, file: ListedFile): Promise<Delivery> {
  const [row] = await tx<Delivery[]>`
    update file_delivery set bytes = ${file.bytes}, stamp = ${file.stamp}, modified_at = ${new Date(file.modifiedAt)},
      seen_at = clock_timestamp(), state = case when state = 'READING' then state else 'WAITING' end,
      code = null, detail = null
    where id = ${id} returning ${tx.unsafe(COLUMNS)}`
  if (!row) throw new Error(`there is no delivery ${id}`)
  return row
}

/** Stores why a file waits. */
export async function noteWaiting(
  tx: Transaction,
  notes: readonly { id: number; code: string; detail: string }[],
): Promise<void> {
  if (notes.length === 0) return
  await tx`
    update file_delivery d set code = n.code, detail = n.detail
    from unnest(${notes.map((n) => n.id)}::bigint[], ${notes.map((n) => n.code)}::text[], ${notes.map((n) => n.detail)}::text[])
      as n (id, code, detail)
    where d.id = n.id and d.state in ('WAITING', 'READING', 'MISSING')
      and (d.code, d.detail) is distinct from (n.code, n.detail)`
}

/** Returns an earlier file of the object with the same content, after which no other content was read. */
export async function findSameContent(
  tx: Transaction,
  { source, object, place }: Shelf,
  { id, name, sha256, after }: { id: number; name: string; sha256: string; after: Date | null },
): Promise<Delivery | null> {
  const [row] = await tx<Delivery[]>`
    select ${tx.unsafe(COLUMNS)} from file_delivery d
    where source = ${source} and object = ${object} and place = ${place} and sha256 = ${sha256} and id <> ${id}
      and state = 'DONE' and code is null and ended_at > coalesce(${after}, '-infinity'::timestamptz)
      and not exists (
        select from file_delivery o
        where o.source = d.source and o.object = d.object and o.place = d.place and o.ended_at > d.ended_at and o.state = 'DONE'
          and o.code is null and (d.name <> ${name} or o.name = ${name}))
    order by ended_at desc limit 1`
  return row ?? null
}
