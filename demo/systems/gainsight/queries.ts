import { ownValue } from '../../../schema/kit/dictionary.ts'
import type { Store } from '../kit/store.ts'
import type { VisibleRow } from '../kit/table.ts'
import { compare, compileWhere, noOthers, objectOf, type Read, type Rules } from './conditions.ts'

type Fields = Record<string, unknown>
type Refuse = (why: string) => Error

/** Objects that a field refers to; `Csm__gr.Email` reads a field of the record there. */
export const LOOKUPS: ReadonlyMap<string, string> = new Map([
  ['Csm', 'GsUser'],
  ['OwnerId', 'GsUser'],
  ['AuthorId', 'GsUser'],
  ['ParentCompany', 'Company'],
  ['Company_ID', 'Company'],
  ['CompanyId', 'Company'],
  ['GsCompanyId', 'Company'],
  ['Person_ID', 'Person'],
  ['GsRelationshipId', 'Relationship'],
])

export const TIMES: ReadonlySet<string> = new Set([
  ...['CreatedDate', 'ModifiedDate', 'RenewalDate', 'OriginalContractDate', 'CustomerSince'],
  ...['ActivityDate', 'DueDate', 'DeletedOn'],
])

/** The rows of one object, and how a query reads them. */
export interface Source {
  fields: ReadonlySet<string>
  rows: readonly VisibleRow[]
}

/** Returns a reader of fields that follows lookups. */
export const reader =
  (store: Store): Read =>
  (record, field) => {
    const [, lookup, of] = /^(\w+)__gr\.(\w+)$/.exec(field) ?? []
    if (lookup === undefined || of === undefined) return ownValue(record, field)
    const object = LOOKUPS.get(lookup)
    const id = ownValue(record, lookup)
    const row = object && typeof id === 'string' ? store.table(object).find(id) : undefined
    return row && !row.deleted ? ownValue(row.record, of) : null
  }

export function isField(field: string, fields: ReadonlySet<string>): boolean {
  if (fields.has(field)) return true
  const [, lookup = ''] = /^(\w+)__gr\.\w+$/.exec(field) ?? []
  return LOOKUPS.has(lookup) && fields.has(lookup)
}

const limitMax = 5000

/** Executes a query of the body `{select, where, orderBy, limit, offset}`. */
export function query(
  body: unknown,
  source: Source,
  rules: Omit<Rules, 'nameKey' | 'isField' | 'isTime'>,
  refuse: Refuse,
  isEven: boolean,
): Fields[] {
  const { select, where, orderBy, limit = 1000, offset = 0, ...rest } = objectOf(body, refuse)
  noOthers(rest, refuse)
  const known = (field: unknown): field is string =>
    typeof field === 'string' && isField(field, source.fields)
  const fields = readSelect(select, known, refuse)
  const test = compileWhere(
    where,
    { ...rules, nameKey: 'name', isField: known, isTime: (field) => TIMES.has(last(field)) },
    refuse,
  )
  const order = orderBy === undefined ? [] : Object.entries(objectOf(orderBy, refuse))
  for (const [field, direction] of order)
    if (!known(field) || (direction !== 'asc' && direction !== 'desc'))
      throw refuse(`orderBy ${field}`)
  if (!isWhole(limit, 1, limitMax)) throw refuse('limit')
  if (!isWhole(offset, 0, Number.MAX_SAFE_INTEGER)) throw refuse('offset')

  const rows = source.rows.filter(({ record }) => test(record))
  rows.sort((a, b) => {
    for (const [field, direction] of order) {
      const by = compare(rules.read(a.record, field), rules.read(b.record, field))
      if (by !== 0) return direction === 'asc' ? by : -by
    }
    // The vendor promises no order of equal rows: it differs from one request to the next.
    return isEven ? a.number - b.number : b.number - a.number
  })
  return rows
    .slice(offset, offset + limit)
    .map(({ record }) => Object.fromEntries(fields.map((f) => [f, rules.read(record, f) ?? null])))
}

export function readSelect(
  select: unknown,
  known: (field: unknown) => field is string,
  refuse: Refuse,
): string[] {
  if (!Array.isArray(select) || select.length === 0) throw refuse('select')
  for (const field of select) if (!known(field)) throw refuse(`Invalid field ${field}`)
  return select
}

export const isWhole = (value: unknown, min: number, max: number): value is number =>
  Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max

const last = (field: string) => field.slice(field.lastIndexOf('.') + 1)

/** Reads `yyyy-MM-dd HH:mm:ss` or `yyyy-MM-dd` in the zone with this offset of UTC in ms. */
export function readFilterTime(text: string, offsetMs: number): number | undefined {
  const [, day, time] = /^(\d{4}-\d\d-\d\d)(?: (\d\d:\d\d:\d\d))?$/.exec(text) ?? []
  if (day === undefined) return undefined
  const ms = Date.parse(`${day}T${time ?? '00:00:00'}Z`)
  return Number.isNaN(ms) ? undefined : ms - offsetMs
}
