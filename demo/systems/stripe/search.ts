import { ownValue } from '../../../schema/kit/dictionary.ts'
import type { Clock } from '../kit/clock.ts'
import type { Store, Written } from '../kit/store.ts'
import { invalid } from './errors.ts'

type Fields = Record<string, unknown>

/** A record is found as it was this long ago: the index of the search follows late. */
export const searchDelayMs = 60_000

/** The fields that a search of each object knows, besides metadata. */
const FIELDS = { customer: 'email|name|phone', product: 'active|description|name|url' } as const
export type Searched = keyof typeof FIELDS

/** How records of one object were before their newest writes, for a search that follows late. */
export class SearchIndex {
  readonly #object: Searched
  readonly #clock: Clock
  readonly #former = new Map<string, { at: number; record: Fields | undefined }[]>()

  constructor(clock: Clock, object: Searched) {
    this.#clock = clock
    this.#object = object
  }

  follow({ object, id, before }: Written): void {
    const now = this.#clock.now()
    if (object !== this.#object) return
    const list = this.#former.get(id)?.filter(({ at }) => at > now - searchDelayMs) ?? []
    this.#former.set(id, [...list, { at: now, record: before }])
  }

  /** Returns the records that a query finds, newest first. */
  find(store: Store, query: string): Fields[] {
    const matches = parseQuery(query, FIELDS[this.#object])
    const rows = store.table(this.#object).sorted('newest', (a, b) => b.number - a.number)
    return rows.flatMap((row) => {
      const since = this.#clock.now() - searchDelayMs
      const former = this.#former.get(row.id)?.find(({ at }) => at > since)
      const seen = former ? former.record : row.record
      if (!seen || seen.deleted === true || row.deleted || !matches(seen)) return []
      return [row.record]
    })
  }
}

/** Reads clauses that are joined by AND or by OR, but not by both. */
function parseQuery(query: string, fields: string): (record: Fields) => boolean {
  const clause = new RegExp(
    `^\\s*(-?)(${fields}|metadata\\[(["'])(.+?)\\3\\])\\s*([:~])\\s*(["'])(.*?)\\6\\s*`,
  )
  const tests: ((record: Fields) => boolean)[] = []
  let joined: string | undefined
  for (let rest = query; ; ) {
    const match = clause.exec(rest)
    if (!match) throw invalid('We were unable to parse your search query.', 'query')
    const [all, not, field, , key, operator, , value] = match
    if (operator === '~' && (key !== undefined || value!.length < 3))
      throw invalid('We were unable to parse your search query.', 'query')
    tests.push((record) => {
      const found = String(
        (key === undefined
          ? ownValue(record, field!)
          : ownValue((record.metadata ?? {}) as Fields, key)) ?? '',
      )
      const wanted = value!.toLowerCase()
      const lower = found.toLowerCase()
      return (operator === ':' ? lower === wanted : lower.includes(wanted)) !== (not === '-')
    })
    rest = rest.slice(all.length)
    if (rest === '') break
    const [word = ''] = /^(AND|OR)\s+/i.exec(rest) ?? []
    const join = word.trim().toUpperCase()
    if (join === '' || (joined !== undefined && joined !== join))
      throw invalid('We were unable to parse your search query.', 'query')
    joined = join
    rest = rest.slice(word.length)
  }
  return (record) =>
    joined === 'OR' ? tests.some((test) => test(record)) : tests.every((test) => test(record))
}
