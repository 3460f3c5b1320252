import type { GoldenRow } from '../../mdm/golden/read/list.ts'
import type { FoundGolden } from '../../mdm/golden/read/read.ts'
import type { GoldenAsOf } from '../../mdm/golden/read/versions.ts'
import { ownValue } from '../../schema/kit/dictionary.ts'
import type { TypePolicy } from '../../schema/policy.ts'

/** A golden record as resolvers pass it on. */
export type GoldenNode = GoldenRow &
  Partial<GoldenAsOf> &
  Partial<Pick<FoundGolden, 'state'>> & {
    redirectedFrom?: string
    /** The moment as of which it was read; none for the present record. */
    asOf?: string
  }

/**
 * Returns a golden record as the graph shows it. One that has ended shows only its required fields,
 * because the graph promises them: a caller that selects no tombstone must not use old values as if
 * they were present.
 */
export function shownNode(type: TypePolicy, node: GoldenNode | null): GoldenNode | null {
  if (!node || !(node.state === 'DELETED' || node.tombstone)) return node
  const required = type.fields.filter((f) => f.required && Object.hasOwn(node.values, f.name))
  const values = Object.fromEntries(required.map((f) => [f.name, ownValue(node.values, f.name)]))
  return { ...node, values, provenance: {}, policyVersion: '' }
}
