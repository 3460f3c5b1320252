import type { GoldenIds } from '../../connectors/contract.ts'
import { count } from '../../schema/kit/numberText.ts'
import { type Repeated, repeat } from '../../schema/kit/repeated.ts'
import { recordKey } from '../../schema/recordKey.ts'
import type { Sql, Transaction } from '../db/database.ts'
import { transaction } from '../db/transaction.ts'
import { ownerOf, type StewardshipRules } from './rules.ts'
import { closeTasks, openTasks, type TaskReason, taskId } from './tasks.ts'

/** A record that this transaction has written, and how it was before; null for a new one. */
export interface WrittenContent {
  record: Content & { key: string; source: string; sourceId: string }
  stored: Content | null
}

interface Content {
  object: string
  raw: Record<string, unknown>
  deleted: boolean
}

type ForeignIds = ReadonlyMap<
  string,
  { foreignGoldenIds?: Pick<GoldenIds, 'foreignOf' | 'places'> }
>

/** Stores which of these records hold a text in the place of the golden id that is none. */
export async function saveForeignGoldenIds(
  tx: Transaction,
  connectors: ForeignIds,
  records: readonly WrittenContent[],
): Promise<void> {
  const read = records.flatMap(({ record, stored }) => {
    const ids = connectors.get(record.source)?.foreignGoldenIds
    const path = ids?.places.get(record.object)
    if (!ids || path === undefined) return []
    const of = (r: Content | null) => (r && !r.deleted ? ids.foreignOf(r.object, r.raw) : null)
    return [{ record, path, value: of(record), before: of(stored) }]
  })
  const now = read.flatMap(({ value, ...r }) => (value === null ? [] : [{ ...r, value }]))
  const gone = read.filter((r) => r.value === null && r.before !== null).map((r) => r.record.key)
  if (gone.length > 0)
    await tx`delete from foreign_golden_id where record_key = any(${gone}::uuid[])`
  if (now.length > 0)
    await tx`
      insert into foreign_golden_id as f (record_key, source, object, source_id, path, value)
      select * from unnest(${now.map((r) => r.record.key)}::uuid[], ${now.map((r) => r.record.source)}::text[],
        ${now.map((r) => r.record.object)}::text[], ${now.map((r) => r.record.sourceId)}::text[],
        ${now.map((r) => r.path)}::text[], ${now.map((r) => r.value)}::text[])
      on conflict (record_key) do update set path = excluded.path, value = excluded.value
      where (f.path, f.value) is distinct from (excluded.path, excluded.value)`
}

/** A place of golden ids in a source system. */
export interface GoldenIdPlace {
  source: string
  object: string
  type: string
  path: string
}

/** Returns the places of golden ids in source systems. */
export function goldenIdPlaces(
  connectors: ReadonlyMap<
    string,
    {
      objects: readonly { name: string; as: string }[]
      foreignGoldenIds?: Pick<GoldenIds, 'places'>
    }
  >,
): GoldenIdPlace[] {
  return [...connectors].flatMap(([source, { objects, foreignGoldenIds }]) =>
    [...(foreignGoldenIds?.places ?? [])].flatMap(([object, path]) => {
      const type = objects.find((o) => o.name === object)?.as
      return type === undefined ? [] : [{ source, object, type, path }]
    }),
  )
}

/** Records of one object that are counted. */
export const foreignCountMax = 10_000
const examplesMax = 5
/** The part of a task's id that makes it that of an object, and not of a record. */
const SUBJECT = 'texts in the place of golden ids'

/**
 * Brings UNKNOWN_GOLDEN_ID tasks in line with the records that hold another text in the place of
 * their golden id: one for each source system and object, because one decision is about all of them.
 */
export async function syncForeignGoldenIds(
  sql: Sql,
  rules: StewardshipRules,
  places: readonly GoldenIdPlace[],
): Promise<void> {
  await transaction(sql, async (tx) => {
    const rows = await tx<(GoldenIdPlace & { count: number; examples: string[] })[]>`
      select p.source, p.object, p.type, p.path, f.count, f.examples
      from unnest(${places.map((p) => p.source)}::text[], ${places.map((p) => p.object)}::text[],
          ${places.map((p) => p.type)}::text[], ${places.map((p) => p.path)}::text[]) as p (source, object, type, path),
        lateral (
          select count(*)::int as count, (array_agg(source_id order by source_id))[1:${examplesMax}::int] as examples
          from (select source_id from foreign_golden_id f
            where (f.source, f.object, f.path) = (p.source, p.object, p.path)
            order by source_id limit ${foreignCountMax}) x) f
      where f.count > 0`
    const wanted = rows.map((r): TaskReason => {
      const { source, object, type } = r
      return {
        ...{ kind: 'UNKNOWN_GOLDEN_ID', type, weight: null, stake: 0 },
        // It is no record, so callers with row rights see none of these tasks.
        subject: [recordKey(source, object, SUBJECT)],
        reason: reasonOf(r),
        owner: ownerOf(rules, { system: source, object, type }),
      }
    })
    const ids = new Set(wanted.map((t) => taskId(t.kind, t.subject)))
    const open = await tx<{ id: string }[]>`
      select id from task t where kind = 'UNKNOWN_GOLDEN_ID' and state = 'OPEN'
        and not exists (select from source_record r where r.key = any(t.subject))`
    const gone = open.filter((t) => !ids.has(t.id)).map((t) => t.id)
    await closeTasks(tx, gone, 'its reason is gone')
    await openTasks(tx, rules, wanted)
  })
}

/** Every reader of tasks sees the reason, so it names records and no values. */
function reasonOf(r: GoldenIdPlace & { count: number; examples: string[] }): string {
  const more = r.count > r.examples.length ? ', …' : ''
  const many = r.count < foreignCountMax ? count(r.count) : `at least ${count(r.count)}`
  const [records, hold] = r.count === 1 ? ['record', 'holds'] : ['records', 'hold']
  return `${many} ${records} of ${r.object} in ${r.source} ${hold} a text in ${r.path} that is no golden id (${r.examples.join(', ')}${more}): they are matched by their values alone, and nothing is written there. Empty the field, or give golden ids a field of their own`
}

export interface ForeignKeeperOptions {
  sql: Sql
  rules: StewardshipRules
  places: readonly GoldenIdPlace[]
  onError(error: unknown): void
}

const everyMs = 60_000

/**
 * Keeps these tasks at an interval until stopped. Several processes may do so at once. What was
 * stored of places that are not configured any more is removed first.
 */
export function keepForeignGoldenIds(options: ForeignKeeperOptions): Repeated {
  const { sql, rules, places, onError } = options
  let isFirst = true
  const turn = async () => {
    if (isFirst) await forgetOtherPlaces(sql, places)
    isFirst = false
    await syncForeignGoldenIds(sql, rules, places)
  }
  return repeat(everyMs, turn, onError)
}

/** Removes what was stored of places that are none any more. */
export async function forgetOtherPlaces(sql: Sql, places: readonly GoldenIdPlace[]): Promise<void> {
  await sql`
    delete from foreign_golden_id where (source, object, path) not in (
      select * from unnest(${places.map((p) => p.source)}::text[], ${places.map((p) => p.object)}::text[],
        ${places.map((p) => p.path)}::text[]))`
}
