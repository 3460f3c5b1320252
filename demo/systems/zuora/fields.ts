import { ownValue, setOwn } from '../../../schema/kit/dictionary.ts'
import type { Store } from '../kit/store.ts'

type Fields = Record<string, unknown>

/** A value or field that Zuora refuses; `unknown` if the model has no such field. */
export class Invalid extends Error {
  readonly field: string
  readonly missing: boolean
  readonly unknown: boolean
  constructor(field: string, message: string, options: { missing?: true; unknown?: true } = {}) {
    super(message)
    this.field = field
    this.missing = options.missing ?? false
    this.unknown = options.unknown ?? false
  }
}

/** Checks a value, and returns it as it is stored; undefined clears the field. */
export type Check = (value: unknown, field: string, store: Store) => unknown
export type Checks = ReadonlyMap<string, Check>

const text =
  (max: number): Check =>
  (value, field) => {
    if (typeof value !== 'string') throw new Invalid(field, `'${field}' must be a string`)
    if (value.length > max)
      throw new Invalid(field, `'${field}' must have at most ${max} characters`)
    return value
  }
const flag: Check = (value, field) => {
  if (typeof value !== 'boolean') throw new Invalid(field, `'${field}' must be a boolean`)
  return value
}
const dayOfMonth: Check = (value, field) => {
  const day = Number(value)
  if (!Number.isInteger(day) || day < 0 || day > 31)
    throw new Invalid(field, `'${field}' must be a day of a month`)
  return day
}
const form =
  (pattern: RegExp, name: string): Check =>
  (value, field) => {
    if (typeof value !== 'string' || !pattern.test(value))
      throw new Invalid(field, `'${field}' is not a valid ${name}: '${String(value)}'`)
    return value
  }
const date = form(/^\d{4}-\d\d-\d\d$/, 'date')
const email = form(/^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/, 'email address')
const oneOf =
  (...values: readonly string[]): Check =>
  (value, field) => {
    if (!values.includes(String(value)))
      throw new Invalid(field, `'${field}' must be one of ${values.join(', ')}`)
    return value
  }
const reference =
  (object: string): Check =>
  (value, field, store) => {
    const row = store.table(object).get(String(value))
    if (!row || row.deleted)
      throw new Invalid(field, `Cannot find entity by key: '${String(value)}'.`, { missing: true })
    return value
  }

const countryNames = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' })
const NAMES = new Map<string, string>()
for (let first = 65; first <= 90; first++)
  for (let second = 65; second <= 90; second++) {
    const code = String.fromCharCode(first, second)
    const name = countryNames.of(code)
    if (name === undefined) continue
    NAMES.set(code, name)
    NAMES.set(name.toLowerCase(), name)
  }

/** A country by its name or its code; the record has the name. */
const country: Check = (value, field) => {
  const given = String(value)
  const name = NAMES.get(given) ?? NAMES.get(given.toLowerCase())
  if (name === undefined) throw new Invalid(field, `'${field}' is not a valid country: '${given}'`)
  return name
}

export const CONTACT: Checks = new Map<string, Check>([
  ['firstName', text(100)],
  ['lastName', text(100)],
  ['workEmail', email],
  ['workPhone', text(40)],
  ['mobilePhone', text(100)],
  ['address1', text(255)],
  ['address2', text(255)],
  ['city', text(40)],
  ['state', text(100)],
  ['postalCode', text(20)],
  ['country', country],
  ['nickname', text(100)],
])
export const ACCOUNT: Checks = new Map<string, Check>([
  ['name', text(255)],
  ['crmId', text(100)],
  ['parentId', reference('Account')],
  ['paymentTerm', text(100)],
  ['batch', form(/^Batch([1-9]|1\d|20|50)$/, 'batch')],
  ['notes', text(65_535)],
  ['touchstoneId__c', text(255)],
])
export const NEW_ACCOUNT: Checks = new Map<string, Check>([
  ...ACCOUNT,
  ['accountNumber', text(50)],
  ['currency', form(/^[A-Z]{3}$/, 'currency')],
  ['billCycleDay', dayOfMonth],
  ['autoPay', flag],
])
export const PRODUCT: Checks = new Map<string, Check>([
  ['name', text(100)],
  ['description', text(500)],
  ['sku', text(50)],
  ['category', text(100)],
  ['effectiveStartDate', date],
  ['effectiveEndDate', date],
  ['touchstoneId__c', text(255)],
])
export const STATUS = oneOf('Draft', 'Active', 'Canceled')
export const ofAccount: readonly [string, Check] = ['accountId', reference('Account')]

/** Reads the fields of a body. An empty text or null clears a field. */
export function readFields(store: Store, given: Fields, checks: Checks): Fields {
  const fields: Fields = {}
  for (const [name, value] of Object.entries(given)) {
    // Custom fields are named as the tenant has them; queries begin them with a small letter.
    const field = name === 'TouchstoneId__c' ? 'touchstoneId__c' : name
    const check = checks.get(field)
    if (!check) throw new Invalid(name, `Invalid field: '${name}'`, { unknown: true })
    const isEmpty = value === null || value === ''
    setOwn(fields, field, isEmpty ? null : check(value, name, store))
  }
  return fields
}

/** Throws if a field has no value after a write. */
export function need(fields: Fields, names: readonly string[], before?: Fields): void {
  for (const name of names) {
    const value = Object.hasOwn(fields, name)
      ? ownValue(fields, name)
      : before && ownValue(before, name)
    if ((value ?? null) === null) throw new Invalid(name, `'${name}' may not be null`)
  }
}
