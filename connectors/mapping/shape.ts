import {
  fieldsOf,
  isOperational,
  type OperationalKind,
  referredType,
} from '../../schema/operational.ts'
import type { FieldKind, FieldPolicy, Format, Policy } from '../../schema/policy.ts'
import type { Form } from './convert.ts'
import type { PlaceholderUse } from './placeholders.ts'

/** The shape of a field in canonical form, of a golden type, a group or an operational object. */
export interface Shape {
  name: string
  kind: FieldKind
  typeName: string
  list: boolean
  required: boolean
  /** Whether it takes part in matching. */
  compared: boolean
  /** The form of its values where the mapping names none. */
  form: Form
  /** Which texts stand for a missing value, as a whole value and as a part of a `join:`. */
  placeholders: { whole: PlaceholderUse; part: PlaceholderUse }
  /** Values of an enum. */
  values?: string[]
  /** Fields of a group. */
  fields?: Shape[]
}

/** The type name of an amount that is not rounded. */
export const EXACT_MONEY = 'ExactMoney'

const FORMAT_FORMS: Partial<Record<Format, Form>> = {
  EMAIL: 'email',
  PHONE: 'phone',
  DOMAIN: 'domain',
  COUNTRY: 'country',
  CURRENCY: 'currency',
  DATE: 'date',
  TAX_ID: 'identifier',
  IBAN: 'identifier',
  LEI: 'identifier',
}

const KIND_FORMS: Partial<Record<FieldKind, Form>> = {
  INT: 'integer',
  FLOAT: 'number',
  BOOLEAN: 'boolean',
  DATE: 'date',
}

const OPERATIONAL_KINDS: Record<Exclude<OperationalKind, 'ITEMS'>, FieldKind> = {
  TEXT: 'STRING',
  DATE: 'DATE',
  NUMBER: 'FLOAT',
  INTEGER: 'INT',
  BOOLEAN: 'BOOLEAN',
  MINOR_UNITS: 'MINOR_UNITS',
  EXACT_MINOR_UNITS: 'MINOR_UNITS',
  REFERENCE: 'REFERENCE',
}

/** Returns the fields of a golden type or an operational object; null for any other type. */
export function shapesOf(type: string, policy: Policy): Shape[] | null {
  const golden = policy.types.find((t) => t.name === type)
  if (golden) return golden.fields.map((f) => shapeOf(f, policy))
  if (!isOperational(type)) return null
  const shapes = fieldsOf(type).map(([name, kind]) =>
    kind === 'ITEMS' ? groupsOf(name, ITEM) : operationalShape(name, kind),
  )
  return type === 'Subscription'
    ? [...shapes, groupsOf('discounts', DISCOUNT), DISCOUNT_ALONE, MORE_ITEMS]
    : shapes
}

function operationalShape(name: string, kind: Exclude<OperationalKind, 'ITEMS'>): Shape {
  return {
    name,
    kind: OPERATIONAL_KINDS[kind],
    typeName: kind === 'REFERENCE' ? referredType(name) : kind,
    list: false,
    required: false,
    compared: false,
    form: name === 'currency' ? 'currency' : (KIND_FORMS[OPERATIONAL_KINDS[kind]] ?? 'text'),
    placeholders: { whole: 'VALUE', part: 'VALUE' },
  }
}

function groupsOf(name: string, fields: Shape[]): Shape {
  return { ...operationalShape(name, 'TEXT'), kind: 'GROUP', typeName: name, list: true, fields }
}

/** An amount of which no part is rounded: prices may be finer than the smallest unit. */
const exactMoney = (name: string): Shape => ({
  ...operationalShape(name, 'TEXT'),
  kind: 'GROUP',
  typeName: EXACT_MONEY,
})

/** Discounts are not stored: connectors/mapping/subscription.ts subtracts them. */
const DISCOUNT: Shape[] = [
  operationalShape('stated', 'BOOLEAN'),
  operationalShape('percent', 'NUMBER'),
  exactMoney('amount'),
  operationalShape('once', 'BOOLEAN'),
  operationalShape('partly', 'BOOLEAN'),
]
const DISCOUNT_ALONE: Shape = { ...groupsOf('discount', DISCOUNT), list: false }
/** Whether the record lists only some of its items; not stored either. */
const MORE_ITEMS: Shape = operationalShape('moreItems', 'BOOLEAN')

const ITEM: Shape[] = [
  operationalShape('product', 'REFERENCE'),
  operationalShape('quantity', 'NUMBER'),
  exactMoney('amount'),
  operationalShape('interval', 'TEXT'),
  operationalShape('intervalCount', 'INTEGER'),
  operationalShape('metered', 'BOOLEAN'),
  groupsOf('discounts', DISCOUNT),
]

function shapeOf(field: FieldPolicy, policy: Policy): Shape {
  const { name, kind, typeName, list, required } = field
  const base: Shape = {
    name,
    kind,
    typeName,
    list,
    required,
    compared: field.compare !== undefined || name === 'name',
    form: KIND_FORMS[kind] ?? (field.format ? (FORMAT_FORMS[field.format] ?? 'text') : 'text'),
    placeholders: placeholdersOf(field),
  }
  if (kind === 'ENUM')
    return { ...base, values: (policy.enums.get(typeName)?.values ?? []).map((v) => v.name) }
  if (kind === 'GROUP')
    return {
      ...base,
      fields: (policy.groups.get(typeName)?.fields ?? []).map((f) => shapeOf(f, policy)),
    }
  return base
}

/** Fields that hold one part of a person's name, by their names in the model. */
const NAME_PARTS = ['givenName', 'surname']

/**
 * There are people called Null, so a part of a name may be one; a whole name is not. NA is Namibia
 * as a country, and Naples as a region.
 */
function placeholdersOf(field: FieldPolicy): Shape['placeholders'] {
  if (NAME_PARTS.includes(field.name)) return { whole: 'NAME', part: 'NAME' }
  if (field.format === 'COUNTRY' || field.name === 'region')
    return { whole: 'PLACE', part: 'PLACE' }
  const named = ['PERSON_NAME', 'ORGANISATION_NAME'].includes(field.compare?.as ?? '')
  return { whole: 'VALUE', part: named ? 'NAME' : 'VALUE' }
}
