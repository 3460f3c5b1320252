import type { FlattenNodePathSegment, RequiresSelection } from '@graphql-hive/router-query-planner'
import { type GraphQLSchema, isAbstractType, isObjectType } from 'graphql'
import { createDictionary, ownValue } from '../../schema/kit/dictionary.ts'

export type Entity = Record<string, unknown> & { __typename: string }
export type Path = readonly (string | number)[]

/**
 * Entities at one path of the response, with their representations for a subgraph. Equal entities
 * share one representation.
 */
export interface Entities {
  entities: Entity[]
  representations: object[]
  /** The index of each entity's representation. */
  order: number[]
}

/** Finds the representations in `data` that a fetch of entities sends. */
export type Collect = (data: unknown, into: Entities, known: Map<string, number>) => void

type Step = { field: string } | { list: true } | { types: ReadonlySet<string> }

/** Returns null if the plan needs a rare feature; see `compilePlan`. */
export function compileEntities(
  schema: GraphQLSchema,
  path: readonly FlattenNodePathSegment[],
  requires: readonly RequiresSelection[],
): {
  collect: Collect
  pathsOf: (data: unknown) => { entity: unknown; path: Path }[]
  errorPath: Path
} | null {
  if (!requires.every((r) => isPlain(r))) return null
  const steps = path.map(
    (s): Step =>
      s === '@'
        ? { list: true }
        : 'Field' in s
          ? { field: s.Field }
          : { types: typesOf(schema, s.TypeCondition) },
  )
  const represent = compileRequires(schema, requires)
  const walk = (
    at: unknown,
    n: number,
    found: (entity: Entity, path: Path) => void,
    trail: Path | null,
  ): void => {
    if (at === null || typeof at !== 'object') return
    const step = steps[n]
    if (Array.isArray(at) && (!step || 'list' in step)) {
      for (let i = 0; i < at.length; i++)
        walk(at[i], step ? n + 1 : n, found, trail && [...trail, i])
      return
    }
    if (!step) {
      if (typeof (at as Entity).__typename === 'string') found(at as Entity, trail ?? [])
      return
    }
    if ('list' in step) return
    if (Array.isArray(at)) {
      for (const item of at) walk(item, n, found, trail)
      return
    }
    if ('field' in step)
      walk(
        ownValue(at as Record<string, unknown>, step.field),
        n + 1,
        found,
        trail && [...trail, step.field],
      )
    else {
      const name = (at as Entity).__typename
      if (typeof name !== 'string' || step.types.has(name)) walk(at, n + 1, found, trail)
    }
  }
  return {
    collect(data, into, known) {
      const found = (entity: Entity) => {
        const made = represent(entity)
        if (!made) return
        let index = known.get(made.key)
        if (index === undefined) {
          index = into.representations.push(made.representation) - 1
          known.set(made.key, index)
        }
        into.entities.push(entity)
        into.order.push(index)
      }
      walk(data, 0, found, null)
    },
    pathsOf(data) {
      const all: { entity: unknown; path: Path }[] = []
      walk(data, 0, (entity, at) => all.push({ entity, path: at }), [])
      return all
    },
    errorPath: path.flatMap((s) => (s !== '@' && 'Field' in s ? [s.Field] : [])),
  }
}

function isPlain(r: RequiresSelection): boolean {
  if (r.kind === 'Field') return (r.selections ?? []).every(isPlain)
  return r.kind === 'InlineFragment' && !r.skipIf && !r.includeIf && r.selections.every(isPlain)
}

/**
 * Returns the names of the object types that are among these names or belong to an abstract type
 * among them.
 */
function typesOf(schema: GraphQLSchema, names: string | readonly string[]): Set<string> {
  const all = new Set<string>()
  for (const name of [names].flat()) {
    const type = schema.getType(name)
    if (isAbstractType(type)) for (const t of schema.getPossibleTypes(type)) all.add(t.name)
    all.add(name)
  }
  return all
}

function compileRequires(schema: GraphQLSchema, requires: readonly RequiresSelection[]) {
  const byType = new Map<string, readonly RequiresSelection[]>()
  /** Returns the required fields of one type, with fragments expanded. */
  const fieldsOf = (type: string, of: readonly RequiresSelection[]): readonly RequiresSelection[] =>
    of.flatMap((r) => {
      if (r.kind !== 'InlineFragment') return [r]
      return isObjectType(schema.getType(type)) && typesOf(schema, r.typeCondition).has(type)
        ? fieldsOf(type, r.selections)
        : []
    })
  return (entity: Entity): { key: string; representation: object } | null => {
    const type = entity.__typename
    let fields = byType.get(type)
    if (!fields) {
      fields = fieldsOf(type, requires)
      byType.set(type, fields)
    }
    const representation = createDictionary<unknown>()
    let key = type
    let more = false
    for (const f of fields) {
      if (f.kind !== 'Field') continue
      const value = required(schema, f, entity)
      if (value === null || value === undefined) continue
      representation[f.alias ?? f.name] = value
      if (f.name !== '__typename') {
        more = true
        key +=
          typeof value === 'string'
            ? `\n${f.alias ?? f.name}"${value}`
            : `\n${f.alias ?? f.name} ${JSON.stringify(value)}`
      }
    }
    if (!more) return null
    representation.__typename ??= type
    return { key, representation }
  }
}

function required(
  schema: GraphQLSchema,
  f: RequiresSelection & { kind: 'Field' },
  entity: Record<string, unknown>,
): unknown {
  const named = ownValue(entity, f.name)
  const value = named === undefined ? ownValue(entity, f.alias ?? f.name) : named
  return f.selections ? nested(schema, f.selections, value) : value
}

function nested(
  schema: GraphQLSchema,
  selections: readonly RequiresSelection[],
  value: unknown,
): unknown {
  if (value === null || value === undefined) return value
  if (Array.isArray(value)) return value.map((v) => nested(schema, selections, v))
  const from = value as Record<string, unknown>
  const result = new Map<string, unknown>()
  for (const s of selections) {
    if (s.kind === 'Field') {
      const made = required(schema, s, from)
      if (made !== null && made !== undefined) result.set(s.alias ?? s.name, made)
    } else if (
      s.kind === 'InlineFragment' &&
      typesOf(schema, s.typeCondition).has(String(from.__typename))
    )
      for (const [name, made] of Object.entries(nested(schema, s.selections, from) ?? {}))
        result.set(name, made)
  }
  return result.size === 0 || (result.size === 1 && result.get('__typename'))
    ? null
    : Object.fromEntries(result)
}
