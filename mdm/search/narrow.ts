import type { Policy, TypePolicy } from '../../schema/policy.ts'
import type { Condition } from '../db/statement.ts'
import type { Narrow } from '../golden/read/filter.ts'
import { searchFields, searchLayout } from './searchFields.ts'
import { UNSURE, wholeOf, wordsOf } from './words.ts'

/**
 * Comparators and formats of values that few records share. A city or a currency is shared by so
 * many that a list in its own order finds a page of them sooner.
 */
const SELECTIVE = new Set([
  ...['EMAIL', 'PHONE', 'DOMAIN', 'IDENTIFIER', 'TAX_ID', 'GTIN', 'IBAN', 'LEI'],
  ...['PERSON_NAME', 'ORGANISATION_NAME', 'NAME', 'PRODUCT_NAME'],
])
/** A filter that lists more values reads all records: one pass is cheaper than so many look-ups. */
const valuesMax = 100

/**
 * Returns what narrows filters of a golden type: a condition that every record meets which has one of
 * some values in a field, and that the index of search finds. For fields of any model.
 */
export function narrowing(policy: Policy, type: TypePolicy): Narrow {
  const searched = new Set(searchFields(policy, type).map((f) => f.path.join('.')))
  const selective = new Set(
    type.fields
      .filter((f) => SELECTIVE.has(f.compare?.as ?? '') || SELECTIVE.has(f.format ?? ''))
      .map((f) => f.name)
      .filter((name) => searched.has(name)),
  )
  const layout = searchLayout(policy, type)
  return (path, values): Condition | null => {
    if (!selective.has(path.join('.')) || values.length > valuesMax) return null
    const wholes = values.map((v) => wholeOf(wordsOf(v)))
    if (wholes.length === 0 || wholes.includes(null)) return null
    const query = [...wholes, UNSURE].map((w) => `'${w}'`).join(' | ')
    return (p) =>
      `g.id in (select w from golden_with_words('${type.name}', '${layout}', ${p.add(query, 'text')}) w)`
  }
}
