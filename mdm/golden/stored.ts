import type { sourceRecord } from '../../schema/tables/sourceRecord.ts'
import type { standing } from '../../schema/tables/stewardship.ts'
import type { Transaction } from '../db/database.ts'
import type { StoredGolden } from './derive.ts'
import type { ValueAssertion } from './survive.ts'

/** Returns golden rows by id; an index scan on the primary key. */
export async function loadGolden(
  tx: Transaction,
  ids: string[],
): Promise<Map<string, StoredGolden>> {
  if (ids.length === 0) return new Map()
  const rows = await tx<StoredGolden[]>`
    select id, version, state, values, provenance from golden where id = any(${ids}::uuid[])`
  return new Map(rows.map((r) => [r.id, r]))
}

export interface PairAssertion {
  kind: 'SAME' | 'NOT_SAME'
  a: string
  b: string
}

export interface Stated {
  pairs: PairAssertion[]
  /** Values by record key. */
  values: Map<string, ValueAssertion[]>
  /** Golden ids. */
  retired: Set<string>
}

/** Returns the standing assertions about any of these source records. */
export async function loadAssertions(tx: Transaction, keys: string[]): Promise<Stated> {
  const rows = await tx<
    (Pick<typeof standing.$inferSelect, 'kind' | 'a' | 'b' | 'field' | 'value'> & { id: number })[]
  >`
    select assertion_id as id, kind, a, b, field, value from standing where a = any(${keys}::uuid[])
    union select assertion_id, kind, a, b, field, value from standing where b = any(${keys}::uuid[]) order by id`
  const pairs: PairAssertion[] = []
  const values = new Map<string, ValueAssertion[]>()
  const retired = new Set<string>()
  for (const r of rows) {
    if (r.b && (r.kind === 'SAME' || r.kind === 'NOT_SAME'))
      pairs.push({ kind: r.kind, a: r.a, b: r.b })
    if (r.kind === 'RETIRED') retired.add(r.a)
    if (r.kind === 'VALUE' && r.field)
      values.set(r.a, [...(values.get(r.a) ?? []), { id: r.id, field: r.field, value: r.value }])
  }
  return { pairs, values, retired }
}

export type Place = Pick<
  typeof sourceRecord.$inferSelect,
  'key' | 'goldenId' | 'complete' | 'deleted'
>

/** Returns golden id and state of source records. Records that never arrived are left out. */
export async function loadPlaces(tx: Transaction, keys: string[]): Promise<Place[]> {
  if (keys.length === 0) return []
  return await tx<Place[]>`
    select key, golden_id as "goldenId", complete, deleted from source_record where key = any(${keys}::uuid[])`
}

/**
 * Returns the golden ids of source records. Unknown records and those without a golden record are
 * left out.
 */
export async function loadCrosswalk(tx: Transaction, keys: string[]): Promise<Map<string, string>> {
  if (keys.length === 0) return new Map()
  const rows = await tx<{ key: string; goldenId: string }[]>`
    select key, golden_id as "goldenId" from source_record where key = any(${keys}::uuid[]) and golden_id is not null`
  return new Map(rows.map((r) => [r.key, r.goldenId]))
}

/**
 * Returns the keys of the source records of golden records, by golden id; an index scan on the
 * golden id.
 */
export async function loadMemberKeys(
  tx: Transaction,
  ids: string[],
): Promise<Map<string, string[]>> {
  if (ids.length === 0) return new Map()
  const rows = await tx<{ id: string; keys: string[] }[]>`
    select golden_id as id, array_agg(key) as keys from source_record where golden_id = any(${ids}::uuid[]) group by 1`
  return new Map(rows.map((r) => [r.id, r.keys]))
}
