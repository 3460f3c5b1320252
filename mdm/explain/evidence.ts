import { missingScopeOfType, withoutHidden } from '../../schema/hiddenFields.ts'
import type { Policy, TypePolicy } from '../../schema/policy.ts'
import type { Transaction } from '../db/database.ts'
import type { Comparison } from '../match/plan.ts'
import type { SourceRecord } from '../records/records.ts'
import {
  engineOf,
  loadKnown,
  newResolutionState,
  type ResolutionContext,
  refresh,
} from '../resolution/context.ts'

/** The scopes of the caller who reads an explanation; null for all of them. */
export type Scopes = ReadonlySet<string> | null

/**
 * Returns the scope that a caller lacks to see every compared field of a type, or null. Without it
 * levels, weights and sums of all fields would reveal whether a hidden value equals a known one.
 */
export function missingEvidence(
  policy: Pick<Policy, 'groups'>,
  type: TypePolicy,
  scopes: Scopes,
): string | null {
  return scopes && missingScopeOfType(policy, type, scopes, (f) => f.compare !== undefined)
}

/** Returns whether a caller may see none of the fields of a comparison. */
export function isHiddenComparison(
  { fields }: Pick<Comparison, 'fields'>,
  type: TypePolicy,
  scopes: Scopes,
): boolean {
  return (
    scopes !== null &&
    fields.every(({ name }) => {
      const scope = type.fields.find((f) => f.name === name)?.sensitive
      return scope !== undefined && !scopes.has(scope)
    })
  )
}

/**
 * Loads records with the features and keys of those values only that a caller may see. They are
 * computed again from these values: features of one field depend on others, such as a phone number
 * on the country of an address, so leaving some out would not do.
 */
export async function loadEvidence(
  tx: Transaction,
  context: ResolutionContext,
  type: TypePolicy,
  records: Map<number, SourceRecord>,
  ids: Iterable<number>,
  scopes: Scopes,
): Promise<void> {
  const wanted = [...ids].filter((id) => !records.has(id))
  const state = newResolutionState()
  await loadKnown(tx, context, type, records, wanted, state)
  if (!scopes || missingEvidence(context.policy, type, scopes) === null) return
  const cut = wanted.flatMap((id) => {
    const r = records.get(id)
    if (!r) return []
    const canonical = withoutHidden(context.policy, type, r.canonical, scopes)
    return [{ ...r, canonical, features: null, featuresVersion: null }]
  })
  await refresh(tx, engineOf(context, type), type, cut, newResolutionState())
  for (const r of cut) records.set(r.id, r)
}
