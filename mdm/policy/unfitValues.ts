import { shapesOf } from '../../connectors/mapping/shape.ts'
import { ownValue } from '../../schema/kit/dictionary.ts'
import type { Policy } from '../../schema/policy.ts'
import type { Sql } from '../db/database.ts'
import { losesValue } from '../golden/fitting.ts'

/** Stored values that a field of another policy cannot hold. */
export interface UnfitValues {
  type: string
  field: string
  required: boolean
  count: number
}

const rowsPerStep = 1_000

/**
 * Counts the values of live source records that do not fit a policy, for the fields that another
 * policy (the active one) defines otherwise. Reads the source records of these types once.
 */
export async function countUnfitValues(
  sql: Sql,
  policy: Policy,
  active: Policy,
): Promise<UnfitValues[]> {
  const found: UnfitValues[] = []
  for (const type of policy.types) {
    const before = new Map(shapesOf(type.name, active)?.map((s) => [s.name, JSON.stringify(s)]))
    const now = new Map(shapesOf(type.name, policy)?.map((s) => [s.name, JSON.stringify(s)]))
    const fields = type.fields
      .filter((f) => before.get(f.name) !== now.get(f.name))
      .map((field) => ({ field, count: 0 }))
    if (fields.length === 0) continue
    const rows = sql<{ canonical: Record<string, unknown> }[]>`
      select canonical from source_record where type = ${type.name} and complete and not deleted`
    for await (const step of rows.cursor(rowsPerStep))
      for (const { canonical } of step)
        for (const f of fields)
          if (losesValue(policy, f.field, ownValue(canonical, f.field.name))) f.count++
    for (const { field, count } of fields)
      if (count > 0)
        found.push({ type: type.name, field: field.name, required: field.required, count })
  }
  return found
}
