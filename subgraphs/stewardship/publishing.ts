import type { Caller } from '../../mdm/access/caller.ts'
import { transaction } from '../../mdm/db/transaction.ts'
import { storePolicy } from '../../mdm/policy/policies.ts'
import type { Outcome } from '../../mdm/stewardship/outcome.ts'
import { act, type Stewardship } from '../../mdm/stewardship/steward.ts'
import { DEFAULT_RULES, missingRole } from '../../mdm/tasks/rules.ts'
import {
  notAvailable,
  type Policies,
  type PolicySelection,
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
    const kept = await selectedPolicy(policies, request)
    if ('rule' in kept) return kept
    await transaction(steward.sql, (tx) => storePolicy(tx, kept))
    const { reason, idempotencyKey, instead } = request
    const input = { kind: 'PUBLISH', policy: kept.version, instead: instead ?? null } as const
    return await act(steward, caller, { input, reason, idempotencyKey, expected: {} })
  }
}
