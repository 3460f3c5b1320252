import { isVisibleName, VISIBLE_NAMES } from '../../schema/kit/actorName.ts'
import { allStorable } from '../../schema/storable.ts'
import { isUuid } from '../../schema/uuid.ts'
import type { Caller } from '../access/caller.ts'
import { faultOfIdempotencyKey, faultOfReason } from '../access/requestTexts.ts'
import { type Duty, mayDo, missingRole, type StewardshipRules } from '../tasks/rules.ts'
import type { ActionKind, ActionRequest } from './input.ts'
import { refuse } from './outcome.ts'

/** Checks a request without reading any record. Throws ActionAborted. */
export function checkRequest(
  rules: StewardshipRules,
  caller: Caller,
  { input, reason, idempotencyKey, proposal }: ActionRequest,
): void {
  if (!proposal || !mayDo(rules, caller.roles, 'PROPOSE')) checkRole(rules, caller, input.kind)
  if (proposal?.agent !== undefined && !isVisibleName(proposal.agent))
    refuse('BAD_VALUE', `the name of an agent has ${VISIBLE_NAMES}`)
  checkReason(reason)
  const wrong = faultOfIdempotencyKey(idempotencyKey)
  if (wrong) refuse('BAD_IDEMPOTENCY_KEY', wrong)
  if (JSON.stringify(input) !== JSON.stringify(allStorable(input)))
    refuse(
      'BAD_VALUE',
      'a text holds a character that cannot be stored: NUL, or half of a pair of surrogates',
    )
  if (input.kind === 'UNDO' && !isUuid(input.action))
    refuse('UNKNOWN_ACTION', `there is no action ${input.action}`)
  if (input.kind === 'BULK' && input.items.length === 0)
    refuse('TOO_FEW_IDS', 'a bulk action has at least one item')
}

/** Checks a reason in normal form. Throws ActionAborted. */
export function checkReason(reason: string): void {
  const wrong = faultOfReason(reason)
  if (wrong) refuse('MISSING_REASON', wrong)
}

export function checkRole(rules: StewardshipRules, caller: Caller, duty: Duty | ActionKind): void {
  const missing = missingRole(rules, caller.roles, duty)
  if (missing) refuse('MISSING_ROLE', missing)
}
