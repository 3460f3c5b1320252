import type { Policy, TypePolicy } from '../../schema/policy.ts'
import type { Transaction } from '../db/database.ts'
import { scopesName, searchFields, searchValues, valuesMax } from './searchFields.ts'
import { canBeMistyped, UNSURE, wholeOf, wordsOf } from './words.ts'

/** A golden record as it will be: its values, or null if it has ended or was absorbed. */
export interface Searched {
  goldenId: string
  type: string
  values: Record<string, unknown> | null
}

/** Words of one golden record that a caller with these scopes finds it by. */
interface Row {
  goldenId: string
  type: string
  scopes: string
  words: string
}

/**
 * Writes the words of golden records, in the transaction that changes them and before its events.
 * Rows whose words stay the same are not written. Events of operational objects are ignored.
 */
export async function saveSearchText(
  tx: Transaction,
  policy: Policy,
  records: readonly Searched[],
): Promise<void> {
  const types = new Map(policy.types.map((t) => [t.name, t]))
  const golden = records.filter((r) => types.has(r.type))
  if (golden.length === 0) return
  const rows: Row[] = []
  const words = new Map<string, Set<string>>()
  for (const record of golden)
    for (const [scopes, found] of wordsByScopes(policy, types.get(record.type), record.values)) {
      rows.push({
        goldenId: record.goldenId,
        type: record.type,
        scopes,
        words: [...found].join(' '),
      })
      const all = words.get(scopes) ?? new Set()
      words.set(scopes, all)
      for (const word of found) if (canBeMistyped(word)) all.add(word)
    }
  await tx`
    with wanted as (
      select r.golden_id, r.type, r.scopes, array_to_tsvector(string_to_array(r.words, ' ')) as words
      from unnest(${rows.map((r) => r.goldenId)}::uuid[], ${rows.map((r) => r.type)}::text[],
        ${rows.map((r) => r.scopes)}::text[], ${rows.map((r) => r.words)}::text[]) as r (golden_id, type, scopes, words)
    ), gone as (
      delete from search_text t where t.golden_id = any(${golden.map((r) => r.goldenId)}::uuid[])
        and not exists (select from wanted w where w.golden_id = t.golden_id and w.scopes = t.scopes)
    )
    insert into search_text as t (golden_id, scopes, type, words)
    select golden_id, scopes, type, words from wanted
    on conflict (golden_id, scopes) do update set type = excluded.type, words = excluded.words
      where t.words <> excluded.words or t.type <> excluded.type`
  const flat = [...words].flatMap(([scopes, all]) => [...all].map((word) => ({ scopes, word })))
  if (flat.length === 0) return
  // In order, so that two transactions that add the same words wait for each other in one order.
  await tx`
    insert into search_word (scopes, word)
    select n.scopes, n.word from unnest(${flat.map((w) => w.scopes)}::text[], ${flat.map((w) => w.word)}::text[]) as n (scopes, word)
    where not exists (select from search_word w where w.word = n.word and w.scopes = n.scopes)
    order by n.word collate "C", n.scopes collate "C"
    on conflict do nothing`
}

/** Returns the words of a record for each set of scopes, a whole value as one of them. */
function wordsByScopes(
  policy: Policy,
  type: TypePolicy | undefined,
  values: Record<string, unknown> | null,
): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>()
  if (!type || values === null) return found
  const texts = searchValues(searchFields(policy, type), values)
  // Filters by a whole value must find this record too (narrow.ts).
  if (texts.length === valuesMax) found.set('', new Set([UNSURE]))
  for (const { field, text } of texts) {
    const words = wordsOf(text)
    const whole = wholeOf(words)
    if (words.length === 0) continue
    const scopes = scopesName(field.scopes)
    const all = found.get(scopes) ?? new Set()
    found.set(scopes, all)
    for (const word of words) all.add(word)
    all.add(whole ?? UNSURE)
  }
  return found
}
