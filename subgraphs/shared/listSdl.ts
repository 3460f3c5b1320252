import type { ListField, ListFieldKind } from '../../mdm/golden/read/listField.ts'
import { requiresScopes } from './rights.ts'

/** The parts of a list's SDL. */
export interface ListSdl {
  /** Name of the type, for example Customer or Invoice. */
  type: string
  /** Plural of the type in descriptions, for example customers. */
  plural: string
  fields: ListField[]
  /** Boolean filters: name to description. */
  flags: Record<string, string>
  /** The scope that a caller needs for the list, wherever it occurs. */
  scope: string
}

/** Returns the enum value of a field: CUSTOMER_SINCE for customerSince. */
export function enumName(field: string): string {
  return field.replace(/[A-Z]/g, (c) => `_${c}`).toUpperCase()
}

/** The parts of a connection's SDL. */
export interface ConnectionSdl {
  /** Type of its nodes. */
  type: string
  /** Plural of the type in descriptions. */
  plural: string
  /** Directives of connection and edge. */
  directives?: string
  /**
   * True if it has `totalCount`, which is the default. Only lists that are too long to count have
   * none.
   */
  counted?: boolean
}

/** Returns the connection and edge types. */
export function connectionSdl({
  type,
  plural,
  directives = '',
  counted = true,
}: ConnectionSdl): string {
  return `
"A page of ${plural}."
type ${type}Connection ${directives} {
  "The ${plural} of this page, each with its cursor."
  edges: [${type}Edge!]!
  "The ${plural} of this page, without cursors."
  nodes: [${type}!]!
  "The position of this page in the list."
  pageInfo: PageInfo!${
    counted
      ? `
  "Number of ${plural} on all pages. Counted only when selected."
  totalCount: Int!`
      : ''
  }
}

"One item of a page of ${plural}."
type ${type}Edge ${directives} {
  "Position of the item in the list: an opaque text for \`after\` and \`before\`."
  cursor: String!
  "The item itself."
  node: ${type}!
}
`
}

/** Returns the connection, edge, filter and order types of a list. */
export function listSdl({ type, plural, fields, flags, scope }: ListSdl): string {
  const sortable = fields.filter((f) => f.sort)
  const filters = fields.map((f) => `  ${quoted(f.description)}\n  ${f.name}: ${filterType(f)}`)
  const questions = Object.entries(flags).map(
    ([name, description]) => `  ${quoted(description)}\n  ${name}: Boolean`,
  )
  return `${connectionSdl({ type, plural, directives: requiresScopes(scope) })}
"A filter of ${plural}. All given conditions must hold; a condition that is left out or null is ignored."
input ${type}Filter {
  "All of these filters hold."
  and: [${type}Filter!]
  "At least one of these filters holds."
  or: [${type}Filter!]
  "This filter does not hold."
  not: ${type}Filter
  "At least one source record of the item fulfils this filter."
  source: SourceFilter
${[...questions, ...filters].join('\n')}
}

"One term of the sort order of ${plural}. Items without a value come last."
input ${type}Order {
  "The value by which to sort."
  field: ${type}OrderField!
  "The direction; ascending if left out."
  direction: OrderDirection! = ASC
}

"A value by which ${plural} can be sorted."
enum ${type}OrderField {
${sortable.map((f) => `  ${quoted(f.description)}\n  ${enumName(f.name)}`).join('\n')}
}
`
}

const FILTERS: Partial<Record<ListFieldKind, string>> = {
  TEXT: 'StringFilter',
  NUMBER: 'FloatFilter',
  INTEGER: 'IntFilter',
  MINOR_UNITS: 'MinorUnitsFilter',
  BOOLEAN: 'BooleanFilter',
  DATE: 'DateFilter',
  TIMESTAMP: 'DateTimeFilter',
  ID: 'IdFilter',
  GOLDEN_REFERENCE: 'IdFilter',
  RECORD_REFERENCE: 'IdFilter',
  TEXT_LIST: 'StringListFilter',
}

export function filterType(f: ListField): string {
  return FILTERS[f.kind] ?? `${f.typeName}Filter`
}

/** Returns the filter inputs of the enums and groups among the fields, each once. */
export function partFilterSdl(fields: ListField[]): string {
  const parts = new Map<string, string>()
  const visit = (all: ListField[]): void => {
    for (const f of all) {
      if (f.kind === 'ENUM' && f.typeName) parts.set(f.typeName, enumFilter(f.typeName))
      if (f.fields && f.typeName) {
        parts.set(f.typeName, groupFilter(f.typeName, f.fields))
        visit(f.fields)
      }
    }
  }
  visit(fields)
  return [...parts.values()].join('\n')
}

function enumFilter(type: string): string {
  return `
"Conditions on a ${type}. All given conditions must hold."
input ${type}Filter {
  "The value equals this one."
  eq: ${type}
  "The value differs from this one, or is missing."
  ne: ${type}
  "The value is one of these."
  in: [${type}!]
  "True: the value is missing. False: it is present."
  isNull: Boolean
}
`
}

function groupFilter(type: string, fields: ListField[]): string {
  return `
"Conditions on the parts of a ${type}; in a list, of one of its items. All given conditions must hold."
input ${type}Filter {
${fields.map((f) => `  ${quoted(f.description)}\n  ${f.name}: ${filterType(f)}`).join('\n')}
}
`
}

/** Returns a description as SDL. */
export function quoted(description: string): string {
  return JSON.stringify(description)
}
