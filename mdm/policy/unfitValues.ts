import { ownValue } from '../../schema/kit/dictionary.ts'
import type { FieldPolicy, Policy } from '../../schema/policy.ts'
import type { Sql } from '../db/database.ts'
import { losesValue } from '../golden/fitting.ts'

/** A field of a golden type, by name: threads exchange it. */
export interface NamedField {
  type: string
  field: string
}

/** Stored values that a field of another policy cannot hold. */
export interface UnfitValues extends NamedField {
  required: boolean
  count: number
}

/** Which fields count. */
export type FieldChoice = 'ALL' | 'REQUIRED'

const rowsPerStep = 1_000

/**
 * Returns the fields that may not hold what the same field of another policy (the
 * active one) holds, and those that become required: values of a kind before the last may still be
 * stored. No other change of a policy makes values unfit.
 */
export function narrowedFields(policy: Policy, active: Policy, choice: FieldChoice): NamedField[] {
  return policy.types.flatMap((type) => {
    const before = active.types.find((t) => t.name === type.name)
    return type.fields
      .filter((field) => {
        const was = before?.fields.find((f) => f.name === field.name)
        if (!was || (choice === 'REQUIRED' && !field.required)) return false
        return (field.required && !was.required) || isNarrower(policy, field, active, was)
      })
      .map((field) => ({ type: type.name, field: field.name }))
  })
}

/** Returns whether a field may not hold all values of an earlier one. */
function isNarrower(policy: Policy, field: FieldPolicy, active: Policy, was: FieldPolicy): boolean {
  if (field.kind !== was.kind || (was.list && !field.list)) return true
  if (field.kind === 'ENUM') {
    const names = (of: Policy, name: string) => of.enums.get(name)?.values.map((v) => v.name) ?? []
    const left = new Set(names(policy, field.typeName))
    return names(active, was.typeName).some((name) => !left.has(name))
  }
  if (field.kind !== 'GROUP') return false
  const parts = active.groups.get(was.typeName)?.fields ?? []
  return (policy.groups.get(field.typeName)?.fields ?? []).some((part) => {
    const before = parts.find((p) => p.name === part.name)
    // A group without a required part is left out as a whole.
    if (part.required && !before?.required) return true
    return before !== undefined && isNarrower(policy, part, active, before)
  })
}

/**
 * Counts the values of live source records that do not fit their fields. Reads the source records
 * of these types once.
 */
export async function countUnfitValues(
  sql: Sql,
  policy: Policy,
  fields: readonly NamedField[],
): Promise<UnfitValues[]> {
  const found: UnfitValues[] = []
  for (const type of policy.types) {
    const names = fields.filter((f) => f.type === type.name).map((f) => f.field)
    const counts = type.fields
      .filter((f) => names.includes(f.name))
      .map((field) => ({ field, count: 0 }))
    if (counts.length === 0) continue
    // Only these fields cross the wire: a record has some 2 kB.
    const rows = sql<{ values: Record<string, unknown> }[]>`
      select (select jsonb_object_agg(n, canonical -> n) from unnest(${names}::text[]) n) as values
      from source_record
      where type = ${type.name} and complete and not deleted and canonical ?| ${names}::text[]`
    for await (const step of rows.cursor(rowsPerStep))
      for (const { values } of step)
        for (const of of counts)
          if (losesValue(policy, of.field, ownValue(values, of.field.name))) of.count++
    for (const { field, count } of counts)
      if (count > 0)
        found.push({ type: type.name, field: field.name, required: field.required, count })
  }
  return found
}
