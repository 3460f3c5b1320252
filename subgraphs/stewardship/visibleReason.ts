import { planUnits } from '../../mdm/match/plan.ts'
import type { TypePolicy } from '../../schema/policy.ts'

/**
 * Why two records are not one, without the values that the caller may not see: what forbids a match begins with the name
 * of the comparison and quotes the two values.
 */
export function visibleReason(type: TypePolicy, reason: string, scopes: ReadonlySet<string>): string {
  for (const unit of planUnits(type)) {
    if (!reason.startsWith(`${unit.name}: `)) continue
    const scope = type.fields.find(
      (f) => f.sensitive && !scopes.has(f.sensitive) && unit.fields.some((u) => u.name === f.name),
    )?.sensitive
    if (scope) return `${unit.name}: what differs is not shown without the scope ${scope}`
  }
  return reason
}
