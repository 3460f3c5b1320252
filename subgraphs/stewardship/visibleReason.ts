import type { Through } from '../../mdm/access/sensitiveAccess.ts'
import { planComparisons } from '../../mdm/match/plan.ts'
import type { TypePolicy } from '../../schema/policy.ts'
import { sensitiveOf } from '../golden/mask.ts'
import type { RequestContext } from '../shared/context.ts'

/**
 * Returns the visible part of a reason, and records the sensitive fields that it quotes; `ids` are
 * the two records.
 */
export function shownReason(
  type: TypePolicy,
  reason: string,
  context: RequestContext,
  through: Through,
  ids: readonly string[],
): string {
  const shown = visibleReason(type, reason, context.scopes)
  const name = /^([^\s:]+): /.exec(shown)?.[1]
  if (shown !== reason || name === undefined) return shown
  const unit = planComparisons(type).find((u) => u.name === name)
  const fields = sensitiveOf(type).filter((f) => !unit || unit.fields.some((u) => u.name === f))
  for (const id of ids) context.shows(through, type.name, fields, id)
  return shown
}

/**
 * Returns why two records do not match, without the values that the caller may not see. A reason
 * that forbids a match begins with the name of the comparison and quotes the two values.
 */
export function visibleReason(
  type: TypePolicy,
  reason: string,
  scopes: ReadonlySet<string>,
): string {
  const units = planComparisons(type)
  for (const unit of units) {
    if (!reason.startsWith(`${unit.name}: `)) continue
    const scope = type.fields.find(
      (f) => f.sensitive && !scopes.has(f.sensitive) && unit.fields.some((u) => u.name === f.name),
    )?.sensitive
    if (scope) return `${unit.name}: what differs is not shown without the scope ${scope}`
  }
  // A reason stored under another policy may name an unknown comparison, so the fields of its
  // values are unknown too.
  const name = /^([^\s:]+): /.exec(reason)?.[1]
  const scope = type.fields.find((f) => f.sensitive && !scopes.has(f.sensitive))?.sensitive
  if (scope && name !== undefined && !units.some((u) => u.name === name))
    return `${name}: what differs is not shown without the scope ${scope}`
  return reason
}
