import { GraphQLError } from 'graphql'
import type { FeedFilter, ValueTest } from '../../mdm/feed/filter.ts'
import type { Op } from '../../schema/events.ts'
import { missingScopeOf } from '../../schema/hiddenFields.ts'
import {
  fieldsOf,
  isOperational,
  OPERATIONAL_SCOPE,
  OPERATIONAL_TYPES,
} from '../../schema/operational.ts'
import type { FieldPolicy, Policy } from '../../schema/policy.ts'

/** The arguments that select events. */
export interface FilterArgs {
  types?: string[] | null
  ids?: string[] | null
  ops?: Op[] | null
  systems?: string[] | null
  changedFields?: string[] | null
  where?: { field: string; in: unknown[] }[] | null
}

/**
 * Converts arguments to a filter of the feed. Throws FILTER_INVALID for a field that no requested
 * type has. Throws MISSING_SCOPE for a condition on values that the caller may not see, or on their
 * changes: whether an event arrives would reveal them.
 */
export function filterOf(
  policy: Policy,
  args: FilterArgs,
  scopes: ReadonlySet<string>,
): FeedFilter {
  const operational = scopes.has(OPERATIONAL_SCOPE)
  if (!operational && args.types?.some(isOperational))
    throw new GraphQLError(`events of operational objects need the scope ${OPERATIONAL_SCOPE}`, {
      extensions: { code: 'MISSING_SCOPE' },
    })
  const wanted = (type: string) => !args.types || args.types.includes(type)
  const fields: FilterField[] = [
    ...policy.types.filter((t) => wanted(t.name)).flatMap((t) => t.fields),
    ...OPERATIONAL_TYPES.filter((t) => operational && wanted(t)).flatMap((t) =>
      fieldsOf(t).map(([name]) => ({ name, typeName: '' })),
    ),
  ]
  const names = [...new Set(fields.map((f) => f.name))].sort()
  for (const name of args.changedFields ?? []) {
    if (!names.includes(name)) throw unknownField(name, names)
    for (const field of fields.filter((f) => f.name === name))
      requireScope(missingScopeOf(policy, field, scopes), `a change of ${name}`)
  }
  return {
    types: args.types ?? null,
    operational,
    ids: args.ids ?? null,
    ops: args.ops ?? null,
    systems: args.systems ?? null,
    changedFields: args.changedFields ?? null,
    values: args.where?.map((test) => valueTest(policy, fields, names, test, scopes)) ?? null,
  }
}

/** A field of a golden type or of an operational object. */
type FilterField = Pick<FieldPolicy, 'name' | 'typeName' | 'sensitive'>

function valueTest(
  policy: Policy,
  fields: FilterField[],
  names: string[],
  test: { field: string; in: unknown[] },
  scopes: ReadonlySet<string>,
): ValueTest {
  const path = test.field.split('.')
  const [name, inner] = path
  const found = fields.filter((f) => f.name === name)
  if (found.length === 0) throw unknownField(test.field, names)
  const groups = found.flatMap((f) => policy.groups.get(f.typeName) ?? [])
  const leaves =
    inner === undefined ? found : groups.flatMap((g) => g.fields.filter((f) => f.name === inner))
  if (leaves.length === 0 || path.length > 2)
    throw unknownField(
      test.field,
      groups.flatMap((g) => g.fields.map((f) => `${name}.${f.name}`)),
    )
  for (const { sensitive } of [
    ...found,
    ...leaves,
    ...(inner === undefined ? groups.flatMap((g) => g.fields) : []),
  ])
    if (sensitive && !scopes.has(sensitive)) requireScope(sensitive, test.field)
  return { path, in: test.in }
}

function requireScope(missing: string | null, what: string): void {
  if (missing !== null)
    throw new GraphQLError(`${what} needs the scope ${missing}`, {
      extensions: { code: 'MISSING_SCOPE' },
    })
}

function unknownField(name: string, allowed: string[]): GraphQLError {
  const message = `unknown field "${name.slice(0, 64)}"; there are ${allowed.join(', ') || 'none'}`
  return new GraphQLError(message, { extensions: { code: 'FILTER_INVALID' } })
}
