import { planUnits } from '../../mdm/match/plan.ts'
import type { TypePolicy } from '../../schema/policy.ts'

/**
 * Why two records are not one, without the values that the caller may not see: what forbids a match begins with the name
 * of the comparison and quotes the two values.
 */
export function visibleReason(type: TypePolicy, reason: string, scopes: ReadonlySet<string>): string {
  const units = planUnits(type)
  for (const unit of units) {
    if (!reason.startsWith(`${unit.name}: `)) continue
    const scope = type.fields.find(
      (f) => f.sensitive && !scopes.has(f.sensitive) && unit.fields.some((u) => u.name === f.name),
    )?.sensitive
    if (scope) return `${unit.name}: what differs is not shown without the scope ${scope}`
  }
  // A reason stored under another policy may name a comparison that is no longer known, and so is whose values it quotes.
  const name = /^([^\s:]+): /.exec(reason)?.[1]
  const scope = type.fields.find((f) => f.sensitive && !scopes.has(f.sensitive))?.sensitive
  if (scope && name !== undefined && !units.some((u) => u.name === name))
    return `${name}: what differs is not shown without the scope ${scope}`
  return reason
}
