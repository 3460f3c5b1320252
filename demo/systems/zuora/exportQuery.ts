import { ownValue } from '../../../schema/kit/dictionary.ts'
import { readTime, writtenDay } from './time.ts'

type Fields = Record<string, unknown>

/** A column of an export: a field of the object, or of a record that it refers to. */
export interface ExportColumn {
  /** As a file with `useQueryLabels` names it: `Account.Name`, `BillToContact.City`. */
  label: string
  field: string
  /** The reference through which the other record is found; undefined for a field of its own. */
  through: Relation | undefined
}

/** A query of an export: `select *, B.Id from Object [where C = 'x' and D >= 'y'] [order by E]`. */
export interface ExportQuery {
  object: string
  columns: ExportColumn[]
  /** `updatedAt`, in ms since 1970, takes the place of the record's own. */
  test(record: Fields, updatedAt: number): boolean
}

interface Relation {
  object: string
  field: string
}

const relation = (name: string, object: string, field: string) =>
  [name.toLowerCase(), { name, object, field }] as const
const ofAccount = relation('Account', 'Account', 'accountId')

/** Records that an export can join, by the object. What is joined is no field of the object itself. */
const RELATIONS: ReadonlyMap<string, ReadonlyMap<string, Relation & { name: string }>> = new Map([
  [
    'Account',
    new Map([
      relation('BillToContact', 'Contact', 'billToId'),
      relation('SoldToContact', 'Contact', 'soldToId'),
      relation('ParentAccount', 'Account', 'parentId'),
    ]),
  ],
  ['Subscription', new Map([ofAccount])],
  ['Order', new Map([ofAccount])],
  ['Invoice', new Map([ofAccount])],
  ['Payment', new Map([ofAccount])],
  ['CreditMemo', new Map([ofAccount, relation('Invoice', 'Invoice', 'referredInvoiceId')])],
  [
    'InvoiceItem',
    new Map([
      relation('Invoice', 'Invoice', 'invoiceId'),
      relation('Subscription', 'Subscription', 'subscriptionId'),
    ]),
  ],
  [
    'RatePlan',
    new Map([
      relation('Subscription', 'Subscription', 'subscriptionId'),
      relation('ProductRatePlan', 'ProductRatePlan', 'productRatePlanId'),
    ]),
  ],
  ['RatePlanCharge', new Map([relation('RatePlan', 'RatePlan', 'ratePlanId')])],
  ['ProductRatePlan', new Map([relation('Product', 'Product', 'productId')])],
  [
    'ProductRatePlanCharge',
    new Map([relation('ProductRatePlan', 'ProductRatePlan', 'productRatePlanId')]),
  ],
  [
    'ProductRatePlanChargeTier',
    new Map([
      relation('ProductRatePlanCharge', 'ProductRatePlanCharge', 'productRatePlanChargeId'),
    ]),
  ],
])

/** The objects of a tenant and their fields. Names are found in any case. */
export interface ExportNames {
  objectOf(name: string): string | undefined
  fieldsOf(object: string): readonly string[]
}

/** Returns undefined if the query has a syntax error, or an object or field that does not exist. */
export function parseExportQuery(
  text: string,
  { objectOf, fieldsOf }: ExportNames,
): ExportQuery | undefined {
  const parts =
    /^\s*select\s+(.+?)\s+from\s+(\w+)(?:\s+where\s+(.+?))?(?:\s+order\s+by\s+(\w+)(?:\s+(?:asc|desc))?)?\s*$/is.exec(
      text,
    )
  const [, select = '', from = '', where, order] = parts ?? []
  const object = objectOf(from)
  if (object === undefined) return undefined
  const related = RELATIONS.get(object) ?? new Map<string, Relation & { name: string }>()
  const references = new Set([...related.values()].map(({ field }) => field))
  const own = fieldsOf(object).filter((field) => !references.has(field))

  const columnsOf = (label: string): ExportColumn[] => {
    const [, prefix = object, name = ''] = /^(?:(\w+)\.)?(\w+|\*)$/.exec(label) ?? []
    const through = related.get(prefix.toLowerCase())
    if (!through && prefix.toLowerCase() !== object.toLowerCase()) return []
    const names = through ? fieldsOf(through.object) : own
    const found = name === '*' ? names : names.filter((f) => f.toLowerCase() === name.toLowerCase())
    return found.map((field) => ({
      label: `${through?.name ?? object}.${field[0]!.toUpperCase()}${field.slice(1)}`,
      ...{ field, through },
    }))
  }
  const selected = select.split(',').map((label) => columnsOf(label.trim()))
  if (selected.some((columns) => columns.length === 0)) return undefined
  if (order !== undefined && columnsOf(order).length !== 1) return undefined
  const tests: (Comparison | undefined)[] = (where?.split(/\s+and\s+/i) ?? []).map((condition) => {
    const [, label = '', operator, value = ''] =
      /^(\S+)\s*(=|!=|>=|<=|>|<)\s*'([^']*)'$/.exec(condition.trim()) ?? []
    const [column] = columnsOf(label)
    if (!column || column.through || !operator) return undefined
    return comparison(column.field, operator, value)
  })
  if (tests.some((test) => test === undefined)) return undefined
  return {
    object,
    columns: selected.flat(),
    test: (record, updatedAt) => tests.every((test) => test!(record, updatedAt)),
  }
}

type Comparison = (record: Fields, updatedAt: number) => boolean

function comparison(field: string, operator: string, value: string): Comparison {
  const compare = (left: number | string, right: number | string) => {
    if (operator === '=') return left === right
    if (operator === '!=') return left !== right
    if (operator === '>=') return left >= right
    if (operator === '<=') return left <= right
    return operator === '>' ? left > right : left < right
  }
  if (!/^(created|updated)Date$/.test(field))
    return (record) => compare(String(ownValue(record, field) ?? ''), value)
  const timeOf = (record: Fields, updatedAt: number) =>
    field === 'updatedDate'
      ? Math.floor(updatedAt / 1000) * 1000
      : Date.parse(String(record.createdDate))
  if (/^\d{4}-\d\d-\d\d$/.test(value))
    return (record, updatedAt) => compare(writtenDay(timeOf(record, updatedAt)), value)
  const bound = readTime(value)
  // A time of another form is no error: the condition is not there.
  if (bound === undefined) return () => true
  return (record, updatedAt) => compare(timeOf(record, updatedAt), bound)
}
