import type { ListField, ListFieldKind } from '../../mdm/golden/read/listField.ts'
import { requiresScopes } from './rights.ts'

/** A list type as it is written in SDL. */
export interface ListSdl {
  /** Customer, Invoice … */
  type: string
  /** How many of them are called in descriptions: customers, invoices. */
  plural: string
  fields: ListField[]
  /** Yes-or-no questions: name -> description. */
  flags: Record<string, string>
  /** That a caller needs for the list, wherever it hangs. */
  scope: string
}

/** CUSTOMER_SINCE for customerSince. */
export function enumName(field: string): string {
  return field.replace(/[A-Z]/g, (c) => `_${c}`).toUpperCase()
}

/** What the SDL of a connection depends on. */
export interface ConnectionSdl {
  /** Type of its nodes. */
  type: string
  /** How descriptions call several of them. */
  plural: string
  /** Directives of connection and edge. */
  directives?: string
  /** Whether it has `totalCount`; left out: it has. Only a list whose count is not affordable has none. */
  counted?: boolean
}

/** Connection and edge types. */
export function connectionSdl({ type, plural, directives = '', counted = true }: ConnectionSdl): string {
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

/** Connection, edge, filter and order types of a list. */
export function listSdl({ type, plural, fields, flags, scope }: ListSdl): string {
  const sortable = fields.filter((f) => f.sort)
  const filters = fields.map((f) => `  ${quoted(f.description)}\n  ${f.name}: ${filterType(f)}`)
  const questions = Object.entries(flags).map(([name, description]) => `  ${quoted(description)}\n  ${name}: Boolean`)
  return `${connectionSdl({ type, plural, directives: requiresScopes(scope) })}
"Which ${plural}: all tests that are given must hold; a missing one, or null, asks for nothing."
input ${type}Filter {
  "All of these hold."
  and: [${type}Filter!]
  "At least one of these holds."
  or: [${type}Filter!]
  "This does not hold."
  not: ${type}Filter
  "By the source records behind it."
  source: SourceFilter
${[...questions, ...filters].join('\n')}
}

"How ${plural} are sorted. What has no value comes last."
input ${type}Order {
  "By what."
  field: ${type}OrderField!
  "Which way."
  direction: OrderDirection! = ASC
}

"What ${plural} can be sorted by."
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

/** Filter inputs of the enums and groups among the fields, each once. */
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
"Tests of a ${type}. All that are given must hold."
input ${type}Filter {
  "Is this."
  eq: ${type}
  "Is not this, or is missing."
  ne: ${type}
  "Is one of these."
  in: [${type}!]
  "Is missing (true) or is there (false)."
  isNull: Boolean
}
`
}

function groupFilter(type: string, fields: ListField[]): string {
  return `
"Tests of the parts of a ${type}, in a list of one of its items. All that are given must hold."
input ${type}Filter {
${fields.map((f) => `  ${quoted(f.description)}\n  ${f.name}: ${filterType(f)}`).join('\n')}
}
`
}

/** A description in SDL. */
export function quoted(description: string): string {
  return JSON.stringify(description)
}
