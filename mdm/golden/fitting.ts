import { ownValue } from '../../schema/kit/dictionary.ts'
import type { FieldPolicy, Policy } from '../../schema/policy.ts'
import { isUuid } from '../../schema/uuid.ts'

/** Largest Int of GraphQL. */
export const intMax = 2 ** 31 - 1

/**
 * Returns what a field can hold of a stored value; undefined if nothing. Returns the value itself if
 * all of it fits.
 */
export type Fit = (value: unknown) => unknown

const compiled = new WeakMap<Policy, WeakMap<FieldPolicy, Fit>>()

/**
 * Returns what a field of this policy can hold of a stored value; undefined if nothing. A value that
 * was stored under another policy may be of another kind, and the graph has no such value. One value
 * of a field that has become a list is a list of one. Items and parts that do not fit are left out,
 * and a group without a required part. Returns the value itself if all of it fits.
 */
export function fitting(policy: Policy, field: FieldPolicy, value: unknown): unknown {
  return fitOf(policy, field)(value)
}

/** Returns `fitting` for one field, compiled: a query asks it for every field of every record. */
export function fitOf(policy: Policy, field: FieldPolicy): Fit {
  let ofPolicy = compiled.get(policy)
  if (!ofPolicy) {
    ofPolicy = new WeakMap()
    compiled.set(policy, ofPolicy)
  }
  let fit = ofPolicy.get(field)
  if (!fit) {
    const item = itemFit(policy, field)
    fit = field.list
      ? (value) => listFit(item, value)
      : (value) => (value === null || value === undefined ? undefined : item(value))
    ofPolicy.set(field, fit)
  }
  return fit
}

/** Returns whether something of a stored value does not fit. */
export function losesValue(policy: Policy, field: FieldPolicy, value: unknown): boolean {
  if (value === null || value === undefined) return false
  const asList = field.list && !Array.isArray(value) ? [value] : value
  return fitting(policy, field, asList) !== asList
}

function listFit(item: Fit, value: unknown): unknown {
  if (value === null || value === undefined) return undefined
  const given: unknown[] = Array.isArray(value) ? value : [value]
  if (given.every((one) => item(one) === one)) return given
  const left = given.map(item).filter((one) => one !== undefined)
  return left.length > 0 ? left : undefined
}

function itemFit(policy: Policy, field: FieldPolicy): Fit {
  switch (field.kind) {
    case 'GROUP':
      return groupFit(policy, field)
    case 'INT':
      return where((value) => Number.isInteger(value) && Math.abs(value as number) <= intMax)
    case 'MINOR_UNITS':
      return where(Number.isSafeInteger)
    case 'FLOAT':
      return where(Number.isFinite)
    case 'BOOLEAN':
      return where((value) => typeof value === 'boolean')
    case 'ENUM': {
      const names = new Set<unknown>(policy.enums.get(field.typeName)?.values.map((v) => v.name))
      return where((value) => names.has(value))
    }
    case 'REFERENCE':
      return where((value) => typeof value === 'string' && isUuid(value))
    case 'STRING':
    case 'DATE':
      return where((value) => typeof value === 'string')
  }
}

function where(fits: (value: unknown) => boolean): Fit {
  return (value) => (fits(value) ? value : undefined)
}

function groupFit(policy: Policy, field: FieldPolicy): Fit {
  const fields = policy.groups.get(field.typeName)?.fields ?? []
  const parts = fields.map((f) => ({ ...f, fit: fitOf(policy, f) }))
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    const given = value as Record<string, unknown>
    let changed: Map<string, unknown> | null = null
    for (const { name, required, fit } of parts) {
      const stored = ownValue(given, name)
      const left = fit(stored)
      if (left === undefined && required) return undefined
      if (left === stored || (stored ?? null) === null) continue
      changed ??= new Map()
      changed.set(name, left)
    }
    return changed ? withParts(given, changed) : given
  }
}

function withParts(given: Record<string, unknown>, changed: ReadonlyMap<string, unknown>): unknown {
  return Object.fromEntries(
    Object.entries(given)
      .map(([name, stored]) => [name, changed.has(name) ? changed.get(name) : stored] as const)
      .filter(([, left]) => left !== undefined),
  )
}
