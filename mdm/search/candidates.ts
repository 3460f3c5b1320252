import type { Sql } from '../db/database.ts'
import { Parameters } from '../db/statement.ts'
import { resembles, type SearchText, searchWordsMax } from './rank.ts'
import { canBeMistyped, WHOLE } from './words.ts'

/** Who searches: the sets of scopes whose values he may see, and whether row rights bind him. */
export interface Searcher {
  scopes: readonly string[]
  types: readonly string[]
  /** The database then checks each row before it counts (mdm/access/rowRightsSql.ts). */
  bound: boolean
}

/** Largest number of golden records of one step. */
const candidatesMax = 300
/** With so many good ones, words with typing errors are not looked for. */
const enough = 20
/** Largest number of words that one word of the search may be meant as. */
const similarMax = 50
/** Shorter words have too many continuations. */
const prefixCharsMin = 3

/**
 * Returns the ids of golden records that may be meant, in no order. The steps go from what agrees
 * best to what agrees least, and a later one is taken only if those before found few: a whole value,
 * the beginnings of all words, words with typing errors, all words but one, the longest word.
 */
export async function findCandidates(
  sql: Sql,
  search: SearchText,
  who: Searcher,
): Promise<Set<string>> {
  const words = [...new Set(search.words)].slice(0, searchWordsMax)
  if (words.length === 0 || who.scopes.length === 0) return new Set()
  const select = (query: string) => selectGolden(sql, query, who)
  const asTyped = words.map((w) => beginning(w, words.length))
  const whole = search.whole
  const [equal, beginnings] = await Promise.all([
    whole ? select(lexeme(whole)) : [],
    select(
      either([
        all(asTyped),
        ...(whole && whole.length > prefixCharsMin ? [`${lexeme(whole)}:*`] : []),
      ]),
    ),
  ])
  const found = new Set([...equal, ...beginnings])
  if (found.size >= enough) return found
  const meant = await Promise.all(
    words.map(async (w, i) =>
      either([asTyped[i] ?? '', ...(await similarWords(sql, w, who)).map(lexeme)]),
    ),
  )
  const add = async (query: string) => {
    for (const id of await select(query)) found.add(id)
  }
  if (String(meant) !== String(asTyped)) await add(all(meant))
  if (found.size > 0 || words.length === 1) return found
  if (words.length > 2)
    await add(either(meant.map((_, left) => all(meant.filter((_, i) => i !== left)))))
  const byLength = words.map((w, i) => ({ w, i })).sort((a, b) => b.w.length - a.w.length)
  for (const { i } of byLength) {
    if (found.size > 0) break
    await add(meant[i] ?? '')
  }
  return found
}

// Words have letters and digits only, and the mark of a whole value: nothing in them acts in a query.
const lexeme = (word: string) => `'${word}'`
const beginning = (word: string, words: number) =>
  word.length >= (words === 1 ? prefixCharsMin - 1 : prefixCharsMin)
    ? `${lexeme(word)}:*`
    : lexeme(word)
const all = (parts: readonly string[]) => parts.map((p) => `(${p})`).join(' & ')
const either = (parts: readonly string[]) => parts.map((p) => `(${p})`).join(' | ')

async function selectGolden(sql: Sql, query: string, who: Searcher): Promise<string[]> {
  const p = new Parameters()
  const from = who.bound
    ? `search_seen(${p.add(query, 'text')}, ${p.list(who.scopes, 'text')}, ${p.list(who.types, 'text')}, ${candidatesMax}) as t (golden_id)`
    : `search_text t where t.words @@ ${p.add(query, 'text')}::tsquery
      and t.scopes = any(${p.list(who.scopes, 'text')}) and t.type = any(${p.list(who.types, 'text')}) limit ${candidatesMax}`
  // Not prepared: how many records have the words decides whether the index is of use.
  const rows = (await sql.unsafe(`select t.golden_id as id from ${from}`, p.values, {
    prepare: false,
  })) as unknown as { id: string }[]
  return rows.map((r) => r.id)
}

async function similarWords(sql: Sql, word: string, who: Searcher): Promise<string[]> {
  if (!canBeMistyped(word)) return []
  const p = new Parameters()
  const rows = (await sql.unsafe(
    `select w.word from ${who.bound ? 'search_similar_seen' : 'search_similar'}(${p.list(who.scopes, 'text')}, ${p.add(word, 'text')}, ${similarMax}) w (word)`,
    p.values,
  )) as unknown as { word: string }[]
  return rows.map((r) => r.word).filter((w) => !w.startsWith(WHOLE) && resembles(word, w))
}
