import { createHash } from 'node:crypto'
import { isUuid } from '../../schema/uuid.ts'
import type { Sql, Transaction } from '../db/database.ts'
import { type CountedAnswers, countAnswers, type LabelledStratum } from '../match/labelEstimate.ts'
import { sampleStrata } from '../match/labelSample.ts'
import { engineOf, type ResolutionContext } from '../resolution/context.ts'
import { snapshot } from './explain.ts'

/** A person's answer about two source records. */
export type LabelAnswer = 'SAME' | 'NOT_SAME' | 'UNSURE'

/** A source record to label. */
export interface LabelledRecord {
  key: string
  source: string
  sourceId: string
  canonical: Record<string, unknown>
}

/** A pair of source records to label. */
export interface LabelPair {
  a: LabelledRecord
  b: LabelledRecord
  /** The latest answer of anybody; null if there is none. */
  answer: LabelAnswer | null
}

export interface StoredSample {
  type: string
  /** In an order that shows neither the weights nor the golden records. */
  pairs: LabelPair[]
  counted: CountedAnswers
  /** The weight from which two records alone are a match. */
  threshold: number
  /** Share of the type's golden records whose pairs were drawn from. */
  share: number
}

/**
 * Golden records whose pairs are drawn from: enough for rare kinds of pairs, and read in a second.
 */
const GOLDEN_MAX = 5_000
/** Rows of golden records of all types that are passed on the way to them. */
const ROWS_MAX = 100_000
/** Every pair of a golden record of up to so many source records counts; of larger ones the links. */
const MEMBERS_WHOLE = 64

/**
 * Draws pairs of a type's source records to label, as `sampleForLabels` does from a batch. What is
 * drawn from is bounded: the pairs of golden records that are next to each other by id, and so, as
 * ids are hashes, a random part of them. A pair of two golden records belongs to that of the record
 * that arrived first. A pair is drawn by the hash of its keys, so the sample of a seed stays nearly
 * the same while records arrive.
 */
export async function sampleStored(
  sql: Sql,
  mastering: ResolutionContext,
  typeName: string,
  count: number,
  seed: number,
): Promise<StoredSample> {
  const type = mastering.policy.type(typeName)
  const { matchWeightMin, linkWeightMin } = engineOf(mastering, type)
  return await snapshot(sql, async (tx) => {
    const { ids, share } = await pickGolden(tx, typeName, seed)
    const linked = await pairsOf(tx, ids)
    const drawn = sampleStrata(
      // A pair of one golden record without a link weighs less than any link.
      linked.map((pair) => ({ ...pair, weight: pair.weight ?? linkWeightMin - 1 })),
      matchWeightMin,
      count,
      (group, size) => ordered(group, `draw ${seed}`).slice(0, size),
    )
    const [answers, records] = await Promise.all([
      answersTo(tx, drawn.pairs),
      readLabelledRecords(
        tx,
        drawn.pairs.flatMap(({ a, b }) => [a, b]),
      ),
    ])
    const pairs = ordered(drawn.pairs, `show ${seed}`)
    const answerOf = ({ a, b }: { a: string; b: string }) => answers.get(`${a} ${b}`) ?? null
    const strata = drawn.strata.map(
      (s): Omit<LabelledStratum, 'labelled' | 'same'> => ({
        ...s,
        size: Math.round(s.size / share),
      }),
    )
    return {
      type: typeName,
      pairs: pairs.map(({ a, b }) => ({
        a: records.get(a)!,
        b: records.get(b)!,
        answer: answerOf({ a, b }),
      })),
      counted: countAnswers(strata, pairs, (pair) => {
        const answer = answerOf(pair)
        return answer === 'NOT_SAME' ? 'DIFFERENT' : (answer ?? undefined)
      }),
      threshold: matchWeightMin,
      share,
    }
  })
}

/** Returns the ids of all golden records of a type, or of a random part of them with its share. */
async function pickGolden(
  tx: Transaction,
  type: string,
  seed: number,
): Promise<{ ids: string[]; share: number }> {
  const all = await tx<{ id: string }[]>`
    select id from golden where type = ${type} and state = 'ACTIVE' limit ${GOLDEN_MAX + 1}`
  if (all.length <= GOLDEN_MAX) return { ids: all.map((g) => g.id), share: 1 }
  // The part begins in the lower half of the ids, so that the upper half is enough for it.
  const start = hash(`start ${seed}`).slice(0, PLACE_DIGITS).replace(/^./, lowerHalf)
  const [part] = await tx<{ ids: string[]; passed: number; last: string }[]>`
    with passed as materialized (
      select id, type, state from golden
      where id >= ${`${start.slice(0, 8)}-${start.slice(8)}-0000-0000-000000000000`} order by id limit ${ROWS_MAX})
    select array(select id from passed where type = ${type} and state = 'ACTIVE' order by id limit ${GOLDEN_MAX}) as ids,
      (select count(*)::int from passed) as passed, (select id from passed order by id desc limit 1) as last`
  const { ids = [], passed = 0, last } = part ?? {}
  const end =
    ids.length === GOLDEN_MAX
      ? placeOf(ids.at(-1) ?? '')
      : passed === ROWS_MAX && last !== undefined
        ? placeOf(last)
        : PLACES
  return { ids, share: Math.max(1, end - placeOf(start)) / PLACES }
}

/** Leading hexadecimal digits of an id that state its place among all ids. */
const PLACE_DIGITS = 12
const PLACES = 16 ** PLACE_DIGITS

function placeOf(id: string): number {
  return Number.parseInt(id.replaceAll('-', '').slice(0, PLACE_DIGITS), 16)
}

function lowerHalf(digit: string): string {
  return String(Number.parseInt(digit, 16) % 8)
}

interface StoredPair {
  a: string
  b: string
  weight: number | null
  isOne: boolean
}

/** Returns the linked pairs of golden records, and the pairs within one that have no link. */
async function pairsOf(tx: Transaction, goldenIds: readonly string[]): Promise<StoredPair[]> {
  return await tx<StoredPair[]>`
    select least(r.key, o.key) as a, greatest(r.key, o.key) as b, l.weight, r.golden_id = o.golden_id as "isOne"
    from unnest(${goldenIds}::uuid[]) as g (id) join source_record r on r.golden_id = g.id
      join link l on l.a = r.id join source_record o on o.id = l.b
    where r.complete and not r.deleted and o.complete and not o.deleted and o.golden_id is not null
    union all
    select least(r.key, o.key), greatest(r.key, o.key), null, true
    from unnest(${goldenIds}::uuid[]) as g (id) join source_record r on r.golden_id = g.id
      join source_record o on o.golden_id = g.id and o.id > r.id
    where r.complete and not r.deleted and o.complete and not o.deleted
      and not exists (select 1 from link l where l.a = r.id and l.b = o.id)
      and (select count(*) from (select 1 from source_record m where m.golden_id = g.id limit ${MEMBERS_WHOLE + 1}) x)
        <= ${MEMBERS_WHOLE}`
}

/** Returns the latest answer to each pair that has one. */
async function answersTo(
  tx: Transaction,
  pairs: readonly { a: string; b: string }[],
): Promise<Map<string, LabelAnswer>> {
  const rows = await tx<{ a: string; b: string; answer: LabelAnswer }[]>`
    select p.a, p.b, l.answer
    from unnest(${pairs.map((p) => p.a)}::uuid[], ${pairs.map((p) => p.b)}::uuid[]) as p (a, b)
    cross join lateral (
      select answer from match_label m where m.a = p.a and m.b = p.b order by m.id desc limit 1) l`
  return new Map(rows.map((r) => [`${r.a} ${r.b}`, r.answer]))
}

/** Returns source records as people label them, by key. */
export async function readLabelledRecords(
  tx: Sql | Transaction,
  keys: readonly string[],
): Promise<Map<string, LabelledRecord>> {
  const rows = await tx<LabelledRecord[]>`
    select key, source, source_id as "sourceId", canonical from source_record
    where key = any(${keys as string[]}::uuid[])`
  return new Map(rows.map((r) => [r.key, r]))
}

/** Returns pairs in a random order that depends on their keys and the salt alone. */
function ordered<P extends { a: string; b: string }>(pairs: readonly P[], salt: string): P[] {
  const byHash = pairs.map((pair) => ({ pair, at: hash(`${salt} ${pair.a} ${pair.b}`) }))
  return byHash.sort((x, y) => (x.at < y.at ? -1 : 1)).map(({ pair }) => pair)
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** An answer to a pair of source records, by their keys. */
export interface GivenLabel {
  a: string
  b: string
  answer: LabelAnswer
}

/** Why answers are not stored. */
export interface LabelFault {
  code: 'UNKNOWN_ID' | 'SAME_RECORD' | 'DIFFERENT_TYPES' | 'NOT_MATCHED'
  detail: string
}

/** Returns the golden types of the pairs, in their order, or what is wrong with one of them. */
export async function typesOfLabels(
  sql: Sql,
  mastering: ResolutionContext,
  labels: readonly GivenLabel[],
): Promise<string[] | LabelFault> {
  const keys = [...new Set(labels.flatMap(({ a, b }) => [a, b]))]
  const rows = await sql<{ key: string; type: string }[]>`
    select key, type from source_record where key = any(${keys.filter(isUuid)}::uuid[])`
  const typeOf = new Map(rows.map((r) => [r.key, r.type]))
  const types: string[] = []
  for (const { a, b } of labels) {
    const [one, other] = [typeOf.get(a), typeOf.get(b)]
    if (one === undefined || other === undefined)
      return {
        code: 'UNKNOWN_ID',
        detail: `no source record has the key ${one === undefined ? a : b}`,
      }
    if (a === b) return { code: 'SAME_RECORD', detail: `a and b are both ${a}: give two records` }
    if (one !== other)
      return { code: 'DIFFERENT_TYPES', detail: `${a} is a ${one} and ${b} is a ${other}` }
    if (!mastering.engines.has(one))
      return { code: 'NOT_MATCHED', detail: `records of ${one} are not matched` }
    types.push(one)
  }
  return types
}

/**
 * Stores answers and returns how many are new: an answer that this person has already given, and
 * nobody has changed, is not stored again. They change no golden record.
 */
export async function storeLabels(
  sql: Sql,
  actor: string,
  labels: readonly (GivenLabel & { type: string })[],
): Promise<number> {
  const latest = new Map(
    labels.map(({ a, b, ...rest }) => {
      const [x, y] = a < b ? [a, b] : [b, a]
      return [`${x} ${y}`, { a: x, b: y, ...rest }]
    }),
  )
  const rows = [...latest.values()]
  const stored = await sql`
    insert into match_label (a, b, type, answer, actor)
    select x.a, x.b, x.type, x.answer, ${actor}
    from unnest(${rows.map((r) => r.a)}::uuid[], ${rows.map((r) => r.b)}::uuid[],
      ${rows.map((r) => r.type)}::text[], ${rows.map((r) => r.answer)}::text[]) as x (a, b, type, answer)
    where not exists (
      select 1 from (select answer, actor from match_label m where m.a = x.a and m.b = x.b order by m.id desc limit 1) l
      where l.answer = x.answer and l.actor = ${actor})
    returning id`
  return stored.length
}
