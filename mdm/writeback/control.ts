import type { Caller } from '../access/caller.ts'
import { faultOfReason, normalReason } from '../access/requestTexts.ts'
import { appendAudit } from '../audit/audit.ts'
import type { Sql } from '../db/database.ts'
import { transaction } from '../db/transaction.ts'
import { missingRole, type StewardshipRules } from '../tasks/rules.ts'
import { conflictsMax } from './stop.ts'

/**
 * APPROVE: sends what waits for approval or is held. HOLD: holds what is planned. RELEASE: sends what
 * is held, and plans again what was refused.
 */
export type WriteRequest = 'APPROVE' | 'HOLD' | 'RELEASE'

export type WriteOutcome =
  | { code: 'DONE'; writes: number }
  | { code: 'REFUSED'; rule: 'MISSING_ROLE' | 'MISSING_REASON'; detail: string }

/** States in which each request finds its writes. */
const FROM: ReadonlyMap<WriteRequest, readonly string[]> = new Map([
  ['APPROVE', ['WAITING_APPROVAL', 'HELD']],
  ['HOLD', ['PLANNED']],
  ['RELEASE', ['HELD', 'REFUSED', 'CONFLICT']],
])

/**
 * Carries out a request of a person about the writes to a source system, with its entry in the audit
 * log. `ids` names some; null are all of them.
 */
export async function controlWrites(
  { sql, rules }: { sql: Sql; rules: StewardshipRules },
  caller: Caller,
  request: WriteRequest,
  source: string,
  ids: readonly number[] | null,
  given: string,
): Promise<WriteOutcome> {
  const missing = missingRole(rules, caller.roles, 'EXCEPTIONS')
  if (missing) return { code: 'REFUSED', rule: 'MISSING_ROLE', detail: missing }
  const reason = normalReason(given)
  const fault = faultOfReason(reason)
  if (fault) return { code: 'REFUSED', rule: 'MISSING_REASON', detail: fault }
  return await transaction(sql, async (tx) => {
    const rows = await tx<{ id: number; goldenId: string }[]>`
      update write_intent set actor = ${caller.actor},
        released_at = case when state in ('REFUSED', 'CONFLICT') then clock_timestamp() else released_at end,
        code = case when ${request === 'HOLD'}::boolean then 'HELD_BY_PERSON' when state in ('REFUSED', 'CONFLICT') then code end,
        detail = case when ${request === 'HOLD'}::boolean then ${reason}::text when state in ('REFUSED', 'CONFLICT') then detail end,
        state = case when ${request === 'HOLD'}::boolean then 'HELD' when state in ('REFUSED', 'CONFLICT') then state else 'PLANNED' end
      where source = ${source} and state = any(${[...(FROM.get(request) ?? [])]}::text[])
        and (state not in ('REFUSED', 'CONFLICT') or released_at is null)
        and (state <> 'CONFLICT' or conflicts >= ${conflictsMax})
        and (${ids === null}::boolean or id = any(${[...(ids ?? [])]}::bigint[]))
      returning id, golden_id as "goldenId"`
    if (rows.length === 0) return { code: 'DONE', writes: 0 }
    await tx`
      insert into write_due (golden_id) select distinct g.id from unnest(${rows.map((r) => r.goldenId)}::uuid[]) as g (id)`
    await appendAudit(tx, {
      event: `${request}_WRITES`,
      actor: caller.actor,
      reason,
      correlationId: caller.correlationId,
      source,
      writes: rows.length,
    })
    return { code: 'DONE', writes: rows.length }
  })
}
