import type { DocumentNode } from 'graphql'

export const ROLES = ['CRM', 'BILLING', 'ERP', 'SUCCESS', 'USAGE'] as const
export type Role = (typeof ROLES)[number]

export const COMPARATORS = [
  'PERSON_NAME',
  'GIVEN_NAME',
  'SURNAME',
  'ORGANISATION_NAME',
  'NAME',
  'EMAIL',
  'PHONE',
  'DOMAIN',
  'ADDRESS',
  'STREET',
  'CITY',
  'REGION',
  'POSTCODE',
  'COUNTRY',
  'DATE',
  'DATE_OF_BIRTH',
  'IDENTIFIER',
  'PRODUCT_NAME',
  'TEXT',
  'CATEGORY',
  'PRICE',
  'NUMBER',
  'REFERENCE',
] as const
export type Comparator = (typeof COMPARATORS)[number]

export const SURVIVORSHIP = [
  'MOST_RECENT',
  'MOST_COMPLETE',
  'LONGEST',
  'MOST_FREQUENT',
  'HIGHEST_TRUST',
  'UNION',
] as const
export type Survivorship = (typeof SURVIVORSHIP)[number]

export const FORMATS = [
  'EMAIL',
  'PHONE',
  'DOMAIN',
  'COUNTRY',
  'CURRENCY',
  'DATE',
  'TAX_ID',
  'GTIN',
  'IBAN',
  'LEI',
] as const
export type Format = (typeof FORMATS)[number]

export const MASKS = ['STARS', 'LAST_FOUR', 'EMAIL_DOMAIN'] as const
export type Mask = (typeof MASKS)[number]

export const ROW_RIGHTS = ['REGION', 'LEGAL_ENTITY', 'REFERENCE', 'EVERYONE'] as const

/**
 * Row rights of a type, where they are configured: by fields with a region and legal entities, by
 * the record that a field refers to, or open to everyone. A type without them is only visible to
 * callers without row bounds.
 */
export type RowPolicy =
  | { by: 'EVERYONE' }
  | { by: 'REFERENCE'; field: string }
  /** Paths of field names; `entities` of one field. */
  | { by: 'VALUES'; region?: string[]; legalEntities?: string }

/**
 * The kind of a value in canonical form: a scalar, a value of an enum, a group (object) or a
 * reference.
 */
export type FieldKind =
  | 'STRING'
  | 'INT'
  | 'FLOAT'
  | 'BOOLEAN'
  | 'DATE'
  | 'MINOR_UNITS'
  | 'ENUM'
  | 'GROUP'
  | 'REFERENCE'

export interface SystemOfRecord {
  /** Roles or names of source systems, best first. */
  order: string[]
  /** The order applies only while this other field of the golden record has one of these values. */
  when?: { field: string; in: string[] }
}

export interface FieldPolicy {
  name: string
  description: string
  kind: FieldKind
  /** The GraphQL type's name without list and non-null marks: String, Address, Customer … */
  typeName: string
  list: boolean
  required: boolean
  compare?: { as: Comparator; group?: string }
  systemOfRecord: SystemOfRecord[]
  survive: Survivorship
  format?: Format
  approval: boolean
  /** The scope that a caller needs to see the value. */
  sensitive?: string
  /** The mask that other callers see; without it they see null. */
  mask?: Mask
}

export interface TypePolicy {
  name: string
  description: string
  /** Source systems that hold each thing at most once; `*` is all of them. */
  uniqueIn: string[]
  /** How many times as much a false merge costs as a missed one. */
  falseMergeCost?: number
  fields: FieldPolicy[]
  /** Golden types this one compares by reference: they are resolved before it. */
  resolvesAfter: string[]
  rows?: RowPolicy
}

export interface GroupPolicy {
  name: string
  description: string
  fields: FieldPolicy[]
}

export interface Policy {
  /**
   * Content hash (first 16 hex digits of SHA-256) of the model, independent of layout and comments.
   */
  version: string
  /**
   * Golden types in the order in which they resolve: a type comes after those it compares by
   * reference.
   */
  types: TypePolicy[]
  groups: Map<string, GroupPolicy>
  enums: Map<string, { description: string; values: { name: string; description: string }[] }>
  type(name: string): TypePolicy
  /** The model itself, to print it. */
  document: DocumentNode
}
