import type { Caller } from '../access/caller.ts'
import { faultOfIdempotencyKey, faultOfReason, normalReason } from '../access/requestTexts.ts'
import { appendAudit } from '../audit/audit.ts'
import type { Sql, Transaction } from '../db/database.ts'
import { transaction } from '../db/transaction.ts'
import { missingRole, type StewardshipRules } from '../tasks/rules.ts'
import { answeredBefore, saveAnswer } from './requests.ts'
import { conflictsMax } from './stop.ts'

/**
 * APPROVE: sends what waits for approval or is held. HOLD: holds what is planned. RELEASE: sends what
 * is held, and plans again what was refused.
 */
export type WriteRequest = 'APPROVE' | 'HOLD' | 'RELEASE'

/** Which writes of a source system; null are all that the request can be about. */
export interface WriteSelection {
  source: string
  ids: readonly number[] | null
}

export type WriteRule =
  | 'MISSING_ROLE'
  | 'MISSING_REASON'
  | 'BAD_IDEMPOTENCY_KEY'
  | 'IDEMPOTENCY_KEY_REUSED'
  | 'UNKNOWN_SOURCE'
  | 'TOO_MANY_IDS'

/**
 * `writes` were approved, held or released. `unchanged` are the named ones that were not: they do not
 * exist, are of another source system, or are in a state that the request is not about.
 */
export type WriteOutcome =
  | { code: 'DONE'; writes: number; unchanged: number[] }
  | { code: 'REFUSED'; rule: WriteRule; detail: string }

/** Largest number of writes that one request names. */
export const idsPerRequestMax = 1_000

/** States in which each request finds its writes. */
const FROM: ReadonlyMap<WriteRequest, readonly string[]> = new Map([
  ['APPROVE', ['WAITING_APPROVAL', 'HELD']],
  ['HOLD', ['PLANNED']],
  ['RELEASE', ['HELD', 'REFUSED', 'CONFLICT']],
])

/**
 * Carries out a request of a person about the writes to a source system, with its entry in the audit
 * log. A request that is repeated with its key changes nothing and returns the same.
 */
export async function controlWrites(
  { sql, rules }: { sql: Sql; rules: StewardshipRules },
  caller: Caller,
  kind: WriteRequest,
  selection: WriteSelection,
  given: { reason: string; idempotencyKey: string },
): Promise<WriteOutcome> {
  const request = { ...given, reason: normalReason(given.reason) }
  const fault = faultOf(rules, caller, selection, request)
  if (fault) return fault
  const ids = selection.ids && [...new Set(selection.ids)]
  const asked = { kind, source: selection.source, ids }
  return await transaction(sql, async (tx) => {
    const before = await answeredBefore<WriteOutcome>(tx, caller, request.idempotencyKey, asked)
    if (before === 'REUSED')
      return refused(
        'IDEMPOTENCY_KEY_REUSED',
        `you used the key ${request.idempotencyKey} for another request before`,
      )
    if (before) return before.answer
    const unknown = await faultOfSource(tx, selection.source)
    if (unknown) return unknown
    const rows = await apply(tx, caller, kind, { source: selection.source, ids }, request.reason)
    const changed = new Set(rows.map((r) => r.id))
    const answer: WriteOutcome = {
      code: 'DONE',
      writes: rows.length,
      unchanged: ids?.filter((id) => !changed.has(id)) ?? [],
    }
    await saveAnswer(tx, caller, request.idempotencyKey, asked, answer)
    if (rows.length === 0) return answer
    await tx`
      insert into write_due (golden_id) select distinct g.id from unnest(${rows.map((r) => r.goldenId)}::uuid[]) as g (id)`
    await appendAudit(tx, {
      event: `${kind}_WRITES`,
      actor: caller.actor,
      reason: request.reason,
      correlationId: caller.correlationId,
      source: selection.source,
      writes: rows.length,
      ...(ids === null ? {} : { ids: [...changed].sort((a, b) => a - b) }),
    })
    return answer
  })
}

async function apply(
  tx: Transaction,
  caller: Caller,
  kind: WriteRequest,
  { source, ids }: WriteSelection,
  reason: string,
): Promise<{ id: number; goldenId: string }[]> {
  return await tx<{ id: number; goldenId: string }[]>`
    update write_intent set actor = ${caller.actor},
      released_at = case when state in ('REFUSED', 'CONFLICT') then clock_timestamp() else released_at end,
      code = case when ${kind === 'HOLD'}::boolean then 'HELD_BY_PERSON' when state in ('REFUSED', 'CONFLICT') then code end,
      detail = case when ${kind === 'HOLD'}::boolean then ${reason}::text when state in ('REFUSED', 'CONFLICT') then detail end,
      state = case when ${kind === 'HOLD'}::boolean then 'HELD' when state in ('REFUSED', 'CONFLICT') then state else 'PLANNED' end
    where source = ${source} and state = any(${[...(FROM.get(kind) ?? [])]}::text[])
      and (state not in ('REFUSED', 'CONFLICT') or released_at is null)
      and (state <> 'CONFLICT' or conflicts >= ${conflictsMax})
      and (${ids === null}::boolean or id = any(${[...(ids ?? [])]}::bigint[]))
    returning id, golden_id as "goldenId"`
}

function faultOf(
  rules: StewardshipRules,
  caller: Caller,
  { ids }: WriteSelection,
  request: { reason: string; idempotencyKey: string },
): WriteOutcome | null {
  const missing = missingRole(rules, caller.roles, 'EXCEPTIONS')
  if (missing) return refused('MISSING_ROLE', missing)
  const wrongReason = faultOfReason(request.reason)
  if (wrongReason) return refused('MISSING_REASON', wrongReason)
  const wrongKey = faultOfIdempotencyKey(request.idempotencyKey)
  if (wrongKey) return refused('BAD_IDEMPOTENCY_KEY', wrongKey)
  return ids && ids.length > idsPerRequestMax
    ? refused('TOO_MANY_IDS', `a request names at most ${idsPerRequestMax} writes`)
    : null
}

async function faultOfSource(tx: Transaction, source: string): Promise<WriteOutcome | null> {
  const rows = await tx<{ source: string }[]>`select source from write_target order by source`
  if (rows.some((r) => r.source === source)) return null
  const listed = rows.map((r) => r.source).join(', ') || 'none'
  return refused(
    'UNKNOWN_SOURCE',
    `nothing is written to a source system "${source}"; those that are written to: ${listed}`,
  )
}

function refused(rule: WriteRule, detail: string): WriteOutcome {
  return { code: 'REFUSED', rule, detail }
}
