import type { Caller } from '../../mdm/access/caller.ts'
import { policyChecked, storePolicy } from '../../mdm/policy/policies.ts'
import { proposedPolicy } from '../../mdm/stewardship/activatePolicy.ts'
import type { Outcome } from '../../mdm/stewardship/outcome.ts'
import { act, type Stewardship } from '../../mdm/stewardship/steward.ts'
import { DEFAULT_RULES, missingRole } from '../../mdm/tasks/rules.ts'
import {
  notAvailable,
  type Policies,
  type PolicySelection,
  refusalOf,
  refused,
  selectedPolicy,
} from './whatIf.ts'

type PublishRequest = PolicySelection & {
  instead?: string | null
  reason: string
  idempotencyKey: string
}

/**
 * Creates the mutation publishPolicy. It is an action like any other, so that it can wait for a
 * second person.
 */
export function createPublishPolicy(
  steward: Stewardship,
  policies: Policies | undefined,
  rules = steward.rules ?? DEFAULT_RULES,
) {
  return async (
    caller: Caller,
    request: PublishRequest,
  ): Promise<Outcome | ReturnType<typeof refused>> => {
    const missing = missingRole(rules, caller.roles, 'PUBLISH')
    if (missing) return refused('MISSING_ROLE', missing)
    if (!policies) return notAvailable
    const kept = await selectedPolicy(steward.sql, policies, request)
    if ('rule' in kept) return kept
    const { reason, idempotencyKey, instead } = request
    const input = { kind: 'PUBLISH', policy: kept.version, instead: instead ?? null } as const
    // In the transaction of the action: one that is rejected leaves no policy behind.
    return await act(steward, caller, { input, reason, idempotencyKey, expected: {} }, (tx) =>
      storePolicy(tx, kept, policies.program),
    )
  }
}

/**
 * Creates the check before a proposal is approved: another version of the program may have stored
 * its policy. Returns null if the action may go on.
 */
export function createCheckProposal(
  steward: Stewardship,
  policies: Policies | undefined,
  rules = steward.rules ?? DEFAULT_RULES,
) {
  return async (caller: Caller, action: string): Promise<ReturnType<typeof refused> | null> => {
    if (!policies || missingRole(rules, caller.roles, 'APPROVE_PUBLISH')) return null
    const proposed = await proposedPolicy(steward.sql, action)
    if (!proposed || proposed.checkedBy.includes(policies.program)) return null
    try {
      await policies.checkProposed(proposed.version)
    } catch (e) {
      return refusalOf(e)
    }
    await policyChecked(steward.sql, proposed.version, policies.program)
    return null
  }
}
