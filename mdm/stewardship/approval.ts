import type { Policy } from '../../schema/policy.ts'
import type { Transaction } from '../db/database.ts'
import type { StewardshipRules } from '../tasks/rules.ts'
import type { ActionInput } from './input.ts'
import type { ApprovalRule, ProposalRule } from './outcome.ts'

/** Thrown by an action that a second person has to approve. */
export class NeedsApproval extends Error {
  override name = 'NeedsApproval'
  readonly rules: ApprovalRule[]
  readonly type: string
  readonly subjects: string[]
  readonly stake: number

  constructor(about: { rules: ApprovalRule[]; type: string; subjects: string[]; stake: number }) {
    super(`needs approval: ${about.rules.join(', ')}`)
    this.rules = about.rules
    this.type = about.type
    this.subjects = about.subjects
    this.stake = about.stake
  }
}

/**
 * Returns true if these actions state, withdraw or restore the value of a field marked @approval.
 */
export async function touchesApproval(
  tx: Transaction,
  policy: Policy,
  actions: readonly string[],
): Promise<boolean> {
  const rows = await tx<{ type: string; field: string }[]>`
    select distinct r.type, s.field from assertion s join source_record r on r.key = s.a
    where s.kind = 'VALUE' and (s.action_id = any(${actions}::uuid[])
      or s.id in (select assertion_id from withdrawal where action_id = any(${actions}::uuid[])))`
  return rows.some(({ type, field }) =>
    policy.type(type).fields.some((f) => f.name === field && f.approval),
  )
}

/**
 * Returns why an action needs a second person, or null if it needs none. The effect counts: a
 * marked field, a merge of high value, many items; and that the caller wants one. So an undo needs approval where the same change
 * by hand would. `input` is the action, or the action that is undone. Values at risk are read only
 * where a rule needs them.
 */
export async function askApproval(
  rules: StewardshipRules,
  input: ActionInput,
  about: {
    type: string
    subjects: string[]
    marked: boolean
    merges: boolean
    proposed: ProposalRule | null
  },
  stakeOf: (what: 'MERGED' | 'SUBJECTS') => Promise<number>,
): Promise<NeedsApproval | null> {
  const found: ApprovalRule[] = about.proposed ? [about.proposed] : []
  if (about.marked) found.push('FIELD')
  const merged = about.merges ? await stakeOf('MERGED') : 0
  if (about.merges && merged >= rules.approval.mergeValueMin) found.push('MERGE_VALUE')
  if (input.kind === 'BULK' && input.items.length >= rules.approval.bulkItemsMin) found.push('BULK')
  if (found.length === 0) return null
  const { type, subjects } = about
  return new NeedsApproval({
    rules: found,
    type,
    subjects,
    stake: merged || (await stakeOf('SUBJECTS')),
  })
}
