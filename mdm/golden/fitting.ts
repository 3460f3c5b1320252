import { ownValue } from '../../schema/kit/dictionary.ts'
import type { FieldPolicy, Policy } from '../../schema/policy.ts'
import { isUuid } from '../../schema/uuid.ts'

/** Largest Int of GraphQL. */
export const intMax = 2 ** 31 - 1

/**
 * Returns what a field of this policy can hold of a stored value; undefined if nothing. A value that
 * was stored under another policy may be of another kind, and the graph has no such value. One value
 * of a field that has become a list is a list of one. Items and parts that do not fit are left out,
 * and a group without a required part. Returns the value itself if all of it fits.
 */
export function fitting(policy: Policy, field: FieldPolicy, value: unknown): unknown {
  if (value === null || value === undefined) return undefined
  if (!field.list) return fittingItem(policy, field, value)
  const given: unknown[] = Array.isArray(value) ? value : [value]
  const items = given.map((item) => fittingItem(policy, field, item))
  if (items.every((item, i) => item === given[i])) return given
  const left = items.filter((item) => item !== undefined)
  return left.length > 0 ? left : undefined
}

/** Returns whether something of a stored value does not fit. */
export function losesValue(policy: Policy, field: FieldPolicy, value: unknown): boolean {
  if (value === null || value === undefined) return false
  const asList = field.list && !Array.isArray(value) ? [value] : value
  const fit = fitting(policy, field, asList)
  return fit !== asList
}

function fittingItem(policy: Policy, field: FieldPolicy, value: unknown): unknown {
  switch (field.kind) {
    case 'GROUP':
      return fittingGroup(policy, field, value)
    case 'INT':
      return Number.isInteger(value) && Math.abs(value as number) <= intMax ? value : undefined
    case 'MINOR_UNITS':
      return Number.isSafeInteger(value) ? value : undefined
    case 'FLOAT':
      return Number.isFinite(value) ? value : undefined
    case 'BOOLEAN':
      return typeof value === 'boolean' ? value : undefined
    case 'ENUM':
      return policy.enums.get(field.typeName)?.values.some((v) => v.name === value)
        ? value
        : undefined
    case 'REFERENCE':
      return typeof value === 'string' && isUuid(value) ? value : undefined
    case 'STRING':
    case 'DATE':
      return typeof value === 'string' ? value : undefined
  }
}

function fittingGroup(policy: Policy, field: FieldPolicy, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const given = value as Record<string, unknown>
  const changed = new Map<string, unknown>()
  for (const part of policy.groups.get(field.typeName)?.fields ?? []) {
    const stored = ownValue(given, part.name)
    const left = fitting(policy, part, stored)
    if (left === undefined && part.required) return undefined
    if (left !== stored && (stored ?? null) !== null) changed.set(part.name, left)
  }
  if (changed.size === 0) return given
  return Object.fromEntries(
    Object.entries(given)
      .map(([name, stored]) => [name, changed.has(name) ? changed.get(name) : stored] as const)
      .filter(([, left]) => left !== undefined),
  )
}
