import { normalId } from '../../schema/kit/normalText.ts'
import type { Policy, TypePolicy } from '../../schema/policy.ts'
import { isUuid } from '../../schema/uuid.ts'
import type { Sql } from '../db/database.ts'
import { Parameters, read } from '../db/statement.ts'
import { readGoldenIds } from '../golden/read/read.ts'
import { findCandidates, type Searcher } from './candidates.ts'
import { rank, type SearchMatch, searchText } from './rank.ts'
import { type SearchField, searchFields, searchValues, visibleScopes } from './searchFields.ts'

/** A golden record that was found, and by what. */
export interface Hit {
  goldenId: string
  type: string
  match: SearchMatch
  /** 0 to 1; hits with higher scores come first. */
  score: number
  /** The value that agrees best; null if an id was found. */
  value: { field: SearchField; text: string } | null
  /** The source record whose id was found. */
  source: { key: string; system: string; object: string; sourceId: string } | null
}

/** Largest number of hits of one search. */
export const hitsMax = 200
/** Shorter texts are compared with whole ids only. */
const idPrefixCharsMin = 3
/** Largest number of source records that are found by the beginning of their id. */
const sourceRecordsMax = 50

const ID_SCORE = 1
const SOURCE_ID_PREFIX_SCORE = 0.89

/**
 * Finds active golden records of some types by a text, the best first, at most `hitsMax`: by a
 * golden id or a retired one, by the id of a source record, and by their values. Only values that the
 * caller may see find and rank a record; masked ones do not.
 */
export async function find(
  sql: Sql,
  policy: Policy,
  types: readonly TypePolicy[],
  text: string,
  { scopes, bound }: { scopes: ReadonlySet<string>; bound: boolean },
): Promise<Hit[]> {
  const who: Searcher = {
    scopes: visibleScopes(policy, types, scopes),
    types: types.map((t) => t.name),
    bound,
  }
  const search = searchText(text)
  const [byId, bySource, candidates] = await Promise.all([
    findById(sql, text, who),
    findBySourceId(sql, text, who),
    isUuid(text.trim()) ? new Set<string>() : findCandidates(sql, search, who),
  ])
  const hits = new Map<string, Hit>()
  const add = (hit: Hit) => {
    const other = hits.get(hit.goldenId)
    if (!other || other.score < hit.score) hits.set(hit.goldenId, hit)
  }
  for (const hit of [...byId, ...bySource]) add(hit)
  for (const { id, type, values } of await readValues(sql, [...candidates], who.types)) {
    const found = types.find((t) => t.name === type)
    if (!found) continue
    const visible = searchFields(policy, found).filter((f) => f.scopes.every((s) => scopes.has(s)))
    const ranked = rank(search, searchValues(visible, values))
    if (!ranked) continue
    const { match, score, field, value } = ranked
    add({ goldenId: id, type, match, score, value: { field, text: value }, source: null })
  }
  return [...hits.values()]
    .sort((a, b) => b.score - a.score || (a.goldenId < b.goldenId ? -1 : 1))
    .slice(0, hitsMax)
}

/** Returns golden types whose records from before there was a search are not all written yet. */
export async function typesNotReady(sql: Sql, types: readonly string[]): Promise<string[]> {
  const rows = await sql<{ type: string }[]>`
    select type from search_fill where layout = '' and not complete and type = any(${types as string[]}::text[]) order by type`
  return rows.map((r) => r.type)
}

async function readValues(sql: Sql, ids: readonly string[], types: readonly string[]) {
  if (ids.length === 0) return []
  const p = new Parameters()
  const text = `select g.id, g.type, g.values from golden g
    where g.id = any(${p.keys(ids)}) and g.state = 'ACTIVE' and g.type = any(${p.list(types, 'text')})`
  return await read<{ id: string; type: string; values: Record<string, unknown> }>(sql, text, p)
}

async function findById(sql: Sql, given: string, who: Searcher): Promise<Hit[]> {
  const id = given.trim().toLowerCase()
  if (!isUuid(id)) return []
  const found = (await readGoldenIds(sql, [id], { ended: false })).get(id)
  const rows = found ? await readValues(sql, [found], who.types) : []
  return rows.map(({ id, type }) => ({
    goldenId: id,
    type,
    match: 'ID',
    score: ID_SCORE,
    value: null,
    source: null,
  }))
}

/** ASCII only, as `lower(… collate "C")` of the index does. */
const lowerAscii = (text: string) => text.replace(/[A-Z]/g, (c) => c.toLowerCase())
const last = '\u{10ffff}'

async function findBySourceId(sql: Sql, given: string, who: Searcher): Promise<Hit[]> {
  const id = lowerAscii(normalId(given))
  if (id === '') return []
  const p = new Parameters()
  const isPrefix = [...id].length >= idPrefixCharsMin
  const from = p.add(id, 'text')
  const to = p.add(isPrefix ? id + last : id, 'text')
  const key = 'lower(r.source_id collate "C")'
  const rows = await read<{
    goldenId: string
    type: string
    key: string
    system: string
    object: string
    sourceId: string
  }>(
    sql,
    who.bound
      ? `select r.golden_id as "goldenId", r.type, r.key, r.source as system, r.object, r.source_id as "sourceId"
        from source_record r where r.key = any(array(select k from search_source_ids_seen(${from}, ${to}, ${p.list(who.types, 'text')}, ${sourceRecordsMax}) k))
          and r.golden_id is not null order by r.source_id, r.key`
      : `select g.id as "goldenId", g.type, r.key, r.source as system, r.object, r.source_id as "sourceId"
        from source_record r join golden g on g.id = r.golden_id and g.state = 'ACTIVE'
        where r.golden_id is not null and ${key} >= ${from} and ${key} <= ${to} and r.type = any(${p.list(who.types, 'text')})
        order by ${key}, r.key limit ${sourceRecordsMax}`,
    p,
  )
  return rows.map(({ goldenId, type, ...source }) => ({
    goldenId,
    type,
    match: 'SOURCE_ID',
    score: lowerAscii(source.sourceId) === id ? ID_SCORE : SOURCE_ID_PREFIX_SCORE,
    value: null,
    source,
  }))
}
