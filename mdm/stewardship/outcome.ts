/** Reasons to reject an action. A rejected action changes nothing. */
export type Rule =
  | 'UNKNOWN_ID'
  | 'UNKNOWN_ACTION'
  | 'UNKNOWN_TASK'
  | 'TASK_CLOSED'
  | 'RETIRED_ID'
  | 'DELETED_RECORD'
  | 'NOT_RETIRED'
  | 'SAME_ID'
  | 'TOO_FEW_IDS'
  | 'TOO_MANY_IDS'
  | 'ACROSS_TYPES'
  | 'NOT_A_MEMBER'
  | 'EMPTIES_RECORD'
  | 'OVERLAPPING_GROUPS'
  | 'UNKNOWN_FIELD'
  | 'BAD_VALUE'
  | 'BAD_CHOICE'
  | 'BAD_EXPIRY'
  | 'NOTHING_TO_LIFT'
  | 'ALREADY_THERE'
  | 'NO_HIERARCHY'
  | 'CYCLE'
  | 'MISSING_ROLE'
  | 'MISSING_SCOPE'
  | 'MISSING_REASON'
  | 'MISSING_VERSION'
  | 'BAD_IDEMPOTENCY_KEY'
  | 'IDEMPOTENCY_KEY_REUSED'
  | 'UNDO_OF_AN_UNDO'
  | 'NOT_UNDOABLE'
  | 'ALREADY_UNDONE'
  | 'LATER_ACTION_IN_THE_WAY'
  | 'OWN_PROPOSAL'
  | 'NOT_THE_AUTHOR'
  | 'NOT_PROPOSED'
  | 'NOT_PREVIEWED'
  | 'EXPIRED'
  | 'OVERLAPPING_ITEMS'
  | 'DECLINED'
  | 'WITHDRAWN'
  | 'UNKNOWN_POLICY'
  | 'POLICY_CHANGED'
  | 'ALREADY_IN_FORCE'
  | 'BUSY'

/** The present state of a golden record that differs from the expected one. */
export interface Current {
  id: string
  version: number
  state: 'ACTIVE' | 'MERGED' | 'DELETED'
  /** The survivor. */
  redirect: string | null
}

/** Reasons why an action needs a second person. */
export type ApprovalRule = 'FIELD' | 'MERGE_VALUE' | 'BULK' | 'PUBLISH' | ProposalRule

/** Rules of a request that wants a second person, whatever the action is. */
export type ProposalRule = 'REQUESTED' | 'AGENT'

export interface Effect {
  goldenId: string
  op: string
  version: number
}

/** The result of an action. */
export type Outcome =
  | { code: 'DONE'; actionId: string; effect: Effect[] }
  | { code: 'CONFLICT'; current: Current[] }
  | { code: 'NEEDS_APPROVAL'; actionId: string; rules: ApprovalRule[] }
  | { code: 'REFUSED'; rule: Rule; detail: string; inTheWay: string | null }

/**
 * Ends an action and rolls its transaction back. The function that runs the transaction returns the
 * outcome.
 */
export class ActionAborted extends Error {
  override name = 'Stop'
  readonly outcome: Outcome

  constructor(outcome: Outcome) {
    super(outcome.code)
    this.outcome = outcome
  }
}

export function refuse(rule: Rule, detail: string, inTheWay: string | null = null): never {
  throw new ActionAborted({ code: 'REFUSED', rule, detail, inTheWay })
}
