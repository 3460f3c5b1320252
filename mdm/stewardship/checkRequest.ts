import { allStorable, isStorable } from '../../schema/storable.ts'
import { isUuid } from '../../schema/uuid.ts'
import type { Caller } from '../access/caller.ts'
import { type Duty, missingRole, type StewardshipRules } from '../tasks/rules.ts'
import type { ActionKind, ActionRequest } from './input.ts'
import { refuse } from './outcome.ts'

const reasonCharsMax = 2_000
const keyCharsMax = 200

/** Checks a request without reading any record. Throws ActionAborted. */
export function checkRequest(
  rules: StewardshipRules,
  caller: Caller,
  { input, reason, idempotencyKey }: ActionRequest,
): void {
  checkRole(rules, caller, input.kind)
  checkReason(reason)
  if (
    idempotencyKey.trim() === '' ||
    idempotencyKey.length > keyCharsMax ||
    !isStorable(idempotencyKey)
  )
    refuse(
      'BAD_IDEMPOTENCY_KEY',
      `an idempotency key has 1 to ${keyCharsMax} characters without NUL`,
    )
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

export function checkReason(reason: string): void {
  if (reason.trim() === '' || reason.length > reasonCharsMax || !isStorable(reason))
    refuse('MISSING_REASON', `say why, in 1 to ${reasonCharsMax} characters without NUL`)
}

export function checkRole(rules: StewardshipRules, caller: Caller, duty: Duty | ActionKind): void {
  const missing = missingRole(rules, caller.roles, duty)
  if (missing) refuse('MISSING_ROLE', missing)
}
