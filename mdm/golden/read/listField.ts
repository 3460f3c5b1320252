import {
  columnOf,
  fieldsOf,
  type OperationalKind,
  type OperationalType,
  referredType,
} from '../../../schema/operational.ts'
import type { FieldPolicy, Policy, TypePolicy } from '../../../schema/policy.ts'
import type { SortColumn } from '../../db/keyset.ts'
import { byName } from '../../db/nameOrder.ts'
import type { SqlType } from '../../db/statement.ts'

export type ListFieldKind =
  | 'TEXT'
  | 'ENUM'
  | 'NUMBER'
  | 'INTEGER'
  | 'MINOR_UNITS'
  | 'BOOLEAN'
  | 'DATE'
  | 'TIMESTAMP'
  | 'ID'
  /** Refers to a source record of a golden type; filtered by golden id. */
  | 'GOLDEN_REFERENCE'
  /** Refers to a source record of an operational object; filtered by its key. */
  | 'RECORD_REFERENCE'
  | 'TEXT_LIST'
  | 'GROUP'
  | 'GROUP_LIST'

/** A field by which a list of golden records or operational objects can be filtered and sorted. */
export interface ListField {
  name: string
  description: string
  kind: ListFieldKind
  /** The name of the enum or group. */
  typeName?: string | undefined
  sql: string
  /** The type of `sql`, for comparisons. */
  type: SqlType
  nullable: boolean
  /** Path of the value in golden.values, for containment, which an index supports. */
  path?: string[] | undefined
  /** The scope that a caller needs to filter by it: a filter reveals hidden values. */
  sensitive?: string | undefined
  /** The fields of a group. */
  fields?: ListField[] | undefined
  /** The sort column; undefined if the list cannot sort by it. */
  sort?: SortColumn | undefined
}

/**
 * Returns the fields of a golden type, read from `g.values`, with the id and the times of the
 * record itself.
 */
export function goldenFields(policy: Policy, type: TypePolicy): ListField[] {
  return [
    {
      name: 'id',
      description: 'The golden id.',
      kind: 'ID',
      sql: 'g.id',
      type: 'uuid',
      nullable: false,
    },
    ...type.fields.flatMap((f) => policyField(policy, f, 'g.values', [])),
    timestamp('createdAt', 'When the golden record was created.', 'g.created_at'),
    timestamp('updatedAt', 'When the golden record last changed.', 'g.updated_at'),
  ]
}

function timestamp(name: string, description: string, sql: string): ListField {
  const type = 'timestamptz'
  const sort: SortColumn = { name, sql, type, nullable: false }
  return { name, description, kind: 'TIMESTAMP', sql, type, nullable: false, sort }
}

function policyField(
  policy: Policy,
  f: FieldPolicy,
  base: string,
  path: string[] | undefined,
): ListField[] {
  const text = `(${base} ->> '${f.name}')`
  const at = path && [...path, f.name]
  const common = {
    name: f.name,
    description: f.description,
    typeName: f.typeName,
    nullable: !f.required,
    path: at,
    sensitive: f.sensitive,
  }
  const sortable = (sql: string, type: SqlType): SortColumn | undefined =>
    // Only the record's own fields are offered, not the parts of a group.
    path?.length === 0 ? { name: f.name, sql, type, nullable: !f.required } : undefined
  if (f.kind === 'GROUP') {
    const group = policy.groups.get(f.typeName)
    if (!group) return []
    const inner = f.list ? 'e.v' : `(${base} -> '${f.name}')`
    const fields = group.fields.flatMap((g) =>
      policyField(policy, g, inner, f.list ? undefined : at),
    )
    const sql = `(${base} -> '${f.name}')`
    // Money sorts by its amount, unless the amount alone needs a scope. Callers can filter by the
    // currency.
    const isHidden = group.fields.some((g) => g.name === 'minorUnits' && g.sensitive)
    const amount =
      f.typeName === 'Money' && !f.list && !isHidden
        ? sortable(cast(sql, 'minorUnits', 'number'), 'float8')
        : undefined
    return [
      {
        ...common,
        kind: f.list ? 'GROUP_LIST' : 'GROUP',
        sql,
        type: 'jsonb',
        fields,
        sort: amount,
      },
    ]
  }
  if (f.list) {
    // References in a list would have to be resolved one by one. They can be reached from the other
    // side.
    if (f.kind !== 'STRING' && f.kind !== 'ENUM') return []
    return [{ ...common, kind: 'TEXT_LIST', sql: `(${base} -> '${f.name}')`, type: 'jsonb' }]
  }
  switch (f.kind) {
    case 'STRING':
      return [
        {
          ...common,
          kind: 'TEXT',
          sql: text,
          type: 'text',
          sort: sortable(byName(text), 'text'),
        },
      ]
    case 'ENUM':
      return [
        {
          ...common,
          kind: 'ENUM',
          sql: text,
          type: 'text',
          sort: sortable(`(${text} collate "C")`, 'text'),
        },
      ]
    case 'DATE': {
      // A date that fails its format may survive if there is no better one. As text it makes no
      // statement fail.
      const sql = `(${text} collate "C")`
      return [{ ...common, kind: 'DATE', sql, type: 'text', sort: sortable(sql, 'text') }]
    }
    case 'REFERENCE':
      return [{ ...common, kind: 'GOLDEN_REFERENCE', sql: text, type: 'text' }]
    case 'BOOLEAN':
      return [{ ...common, kind: 'BOOLEAN', sql: cast(base, f.name, 'boolean'), type: 'boolean' }]
    default: {
      const kind = f.kind === 'INT' ? 'INTEGER' : f.kind === 'FLOAT' ? 'NUMBER' : 'MINOR_UNITS'
      const sql = cast(base, f.name, 'number')
      return [{ ...common, kind, sql, type: 'float8', sort: sortable(sql, 'float8') }]
    }
  }
}

/** Returns null for a value of another kind, which versions of an earlier policy may have. */
function cast(base: string, name: string, kind: 'number' | 'boolean'): string {
  const type = kind === 'number' ? 'float8' : kind
  return `(case when jsonb_typeof(${base} -> '${name}') = '${kind}' then (${base} ->> '${name}')::${type} end)`
}

/** Items are read with their subscription and are no field of a list. */
const OPERATIONAL_KINDS: Record<Exclude<OperationalKind, 'ITEMS'>, [ListFieldKind, SqlType]> = {
  TEXT: ['TEXT', 'text'],
  DATE: ['DATE', 'date'],
  NUMBER: ['NUMBER', 'float8'],
  INTEGER: ['INTEGER', 'float8'],
  BOOLEAN: ['BOOLEAN', 'boolean'],
  MINOR_UNITS: ['MINOR_UNITS', 'bigint'],
  EXACT_MINOR_UNITS: ['MINOR_UNITS', 'float8'],
  REFERENCE: ['GOLDEN_REFERENCE', 'uuid'],
}

/** Returns the fields of an operational object, read from its table as `t`. */
export function operationalFields(
  type: OperationalType,
  goldenTypes: ReadonlySet<string>,
): ListField[] {
  return fieldsOf(type).flatMap(([name, operationalKind]) => {
    if (operationalKind === 'ITEMS') return []
    const [kind, sqlType] = OPERATIONAL_KINDS[operationalKind]
    const sql = `t.${columnOf(name, operationalKind)}`
    const isReference = operationalKind === 'REFERENCE'
    const sort = { name, sql: kind === 'TEXT' ? byName(sql) : sql, type: sqlType, nullable: true }
    return {
      name,
      description: `The ${words(name)}.`,
      kind: isReference && !goldenTypes.has(referredType(name)) ? 'RECORD_REFERENCE' : kind,
      sql,
      type: sqlType,
      nullable: true,
      sort: isReference ? undefined : sort,
    }
  })
}

/** Returns a name as words: closeDate gives "close date". */
export function words(name: string): string {
  return name.replace(/[A-Z]/g, (c) => ` ${c.toLowerCase()}`)
}
