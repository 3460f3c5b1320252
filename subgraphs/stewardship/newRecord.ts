import { fitting } from '../../mdm/golden/fitting.ts'
import { missingScopeOf } from '../../schema/hiddenFields.ts'
import { normalText } from '../../schema/kit/normalText.ts'
import type { Policy, TypePolicy } from '../../schema/policy.ts'
import { inputError } from '../shared/errors.ts'

/** Largest size of the values of one record, as JSON. */
const valuesCharsMax = 20_000

/** Returns the golden type of a name. Throws GraphQLError with BAD_FILTER. */
export function typeNamed(policy: Policy, name: string): TypePolicy {
  const type = policy.types.find((t) => t.name === name)
  if (type) return type
  throw inputError(
    'BAD_FILTER',
    `there is no golden type ${name}; there are ${policy.types.map((t) => t.name).join(', ')}`,
  )
}

/**
 * Returns the values of a record that is not stored, in canonical form. Throws GraphQLError with
 * BAD_FILTER for a field or a value that the type does not have, and with MISSING_SCOPE for a field
 * that the caller may not see: matches would reveal who has the value.
 */
export function checkedValues(
  policy: Policy,
  type: TypePolicy,
  given: unknown,
  scopes: ReadonlySet<string>,
): Record<string, unknown> {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw inputError('BAD_FILTER', 'values is an object with a value for each field')
  const size = JSON.stringify(given).length
  if (size > valuesCharsMax)
    throw inputError('BAD_FILTER', `values has ${size} characters; at most ${valuesCharsMax}`)
  const values: [string, unknown][] = []
  for (const [name, value] of Object.entries(given)) {
    const field = type.fields.find((f) => f.name === name)
    if (!field)
      throw inputError(
        'BAD_FILTER',
        `${type.name} has no field ${name}; it has ${type.fields.map((f) => f.name).join(', ')}`,
      )
    const scope = missingScopeOf(policy, field, scopes)
    if (scope !== null)
      throw inputError('MISSING_SCOPE', `a value of ${name} needs the scope ${scope}`)
    if (value === null || value === undefined) continue
    const stored = normal(field.list && !Array.isArray(value) ? [value] : value)
    if (fitting(policy, field, stored) !== stored)
      throw inputError('BAD_FILTER', `the value of ${type.name}.${name} does not fit its type`)
    values.push([name, stored])
  }
  return Object.fromEntries(values)
}

/** The form in which the mapping stores texts. */
function normal(value: unknown): unknown {
  if (typeof value === 'string') return normalText(value)
  if (Array.isArray(value)) return value.map(normal)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, normal(v)]))
}
