import type { sourceRecord } from '../../../schema/tables/sourceRecord.ts'
import { isUuid } from '../../../schema/uuid.ts'
import type { Sql } from '../../db/database.ts'
import type { SortTerm } from '../../db/keyset.ts'
import type { Listing, Relation } from '../../db/page.ts'
import { Parameters, read } from '../../db/statement.ts'
import type { ValueAssertion } from '../survive.ts'

/** A source record with its golden id. Canonical and raw form are read on demand. */
export interface MemberRow
  extends Pick<
    typeof sourceRecord.$inferSelect,
    | 'key'
    | 'object'
    | 'sourceId'
    | 'type'
    | 'version'
    | 'deleted'
    | 'complete'
    | 'goldenId'
    | 'createdAt'
    | 'updatedAt'
  > {
  system: string
  issues: { field: string; code: string; detail: string }[] | null
}

const columns = `m.key, m.source as system, m.object, m.source_id as "sourceId", m.type, m.version, m.deleted, m.complete,
  m.issues, m.golden_id as "goldenId", m.created_at as "createdAt", m.updated_at as "updatedAt"`

/** Lists source records of golden records. */
export const memberListing: Listing = {
  from: 'source_record m',
  where: 'true',
  columns: () => columns,
  unique: { name: 'arrival', sql: 'm.id', type: 'bigint', nullable: false },
}

/** The source records of the parent golden record. */
export const membersOfGolden: Relation = { from: 'source_record m', where: 'm.golden_id = p.id' }

export const oldestMembers: SortTerm[] = [{ column: memberListing.unique, descending: false }]

export async function countMembers(sql: Sql, ids: readonly string[]): Promise<Map<string, number>> {
  const p = new Parameters()
  const text = `select m.golden_id as id, count(*)::float8 as n from source_record m
    where m.golden_id = any(${p.keys(ids)}) group by m.golden_id`
  return new Map((await read<{ id: string; n: number }>(sql, text, p)).map((r) => [r.id, r.n]))
}

/** Returns source records by key. */
export async function readRecords(
  sql: Sql,
  keys: readonly string[],
): Promise<Map<string, MemberRow>> {
  const p = new Parameters()
  const text = `select ${columns} from source_record m where m.key = any(${p.keys(keys.filter(isUuid))})`
  return new Map((await read<MemberRow>(sql, text, p)).map((r) => [r.key, r]))
}

export async function readCanonical(
  sql: Sql,
  keys: readonly string[],
): Promise<Map<string, Record<string, unknown>>> {
  const p = new Parameters()
  const text = `select m.key, m.canonical from source_record m where m.key = any(${p.keys(keys)})`
  const rows = await read<{ key: string; canonical: Record<string, unknown> }>(sql, text, p)
  return new Map(rows.map((r) => [r.key, r.canonical]))
}

export async function readRaw(sql: Sql, keys: readonly string[]): Promise<Map<string, unknown>> {
  const p = new Parameters()
  const text = `select m.key, m.raw from source_record m where m.key = any(${p.keys(keys)})`
  return new Map(
    (await read<{ key: string; raw: unknown }>(sql, text, p)).map((r) => [r.key, r.raw]),
  )
}

/**
 * The input of survivorship: members that count, with their canonical form, and values stated by
 * stewards.
 */
export interface Choice {
  members: (Pick<MemberRow, 'key' | 'system' | 'version'> & {
    canonical: Record<string, unknown>
  })[]
  assertions: ValueAssertion[]
}

/** Largest number of members whose values are shown as candidates for a field, oldest first. */
const competitorsMax = 1_000

export async function readChoice(sql: Sql, ids: readonly string[]): Promise<Map<string, Choice>> {
  const p = new Parameters()
  const text = `select p.id as parent, m.key, m.source as system, m.version, m.canonical
    from unnest(${p.keys(ids)}) p (id) cross join lateral (
      select * from source_record m where m.golden_id = p.id and m.complete and not m.deleted
      order by m.id limit ${competitorsMax}) m`
  const stated = new Parameters()
  const assertions = `select m.golden_id as parent, a.assertion_id as id, a.field, a.value from source_record m
    join standing a on a.a = m.key and a.kind = 'VALUE'
    where m.golden_id = any(${stated.keys(ids)})`
  const [members, values] = await Promise.all([
    read<Choice['members'][number] & { parent: string }>(sql, text, p),
    read<ValueAssertion & { parent: string }>(sql, assertions, stated),
  ])
  const choices = new Map<string, Choice>(ids.map((id) => [id, { members: [], assertions: [] }]))
  for (const m of members) choices.get(m.parent)?.members.push(m)
  for (const v of values) choices.get(v.parent)?.assertions.push(v)
  return choices
}
