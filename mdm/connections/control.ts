import type { Caller } from '../access/caller.ts'
import { faultOfIdempotencyKey, faultOfReason, normalReason } from '../access/requestTexts.ts'
import { appendAudit } from '../audit/audit.ts'
import type { Sql, Transaction } from '../db/database.ts'
import { transaction } from '../db/transaction.ts'
import { missingRole, type StewardshipRules } from '../tasks/rules.ts'

/** Wakes the schedulers. They also poll, so a lost notification costs a second. */
export const SYNC_CHANNEL = 'touchstone_sync'

export interface ControlDesk {
  sql: Sql
  rules: StewardshipRules
  /** The objects of each source system that is asked. */
  objects: ReadonlyMap<string, readonly string[]>
}

/** Which objects; all of the source system where none is named. */
export interface SyncTarget {
  source: string
  object?: string | null | undefined
}

export interface ControlRequest {
  reason: string
  idempotencyKey: string
}

export type ControlKind = 'PAUSE' | 'RESUME' | 'RESCAN' | 'RUN' | 'CENSUS'

export type ControlRule =
  | 'MISSING_ROLE'
  | 'MISSING_REASON'
  | 'BAD_IDEMPOTENCY_KEY'
  | 'UNKNOWN_SOURCE'
  | 'UNKNOWN_OBJECT'

export type ControlOutcome =
  | { code: 'DONE'; objects: string[] }
  | { code: 'REFUSED'; rule: ControlRule; detail: string }

/**
 * Carries out a request of a person about the pulls of a source system, with its entry in the audit
 * log. A pause or a rescan ends the run under way: the page that is read then is not stored. The
 * last key of an object is stored, so a request that is repeated changes nothing. `allowed`: records
 * that a CENSUS may delete. `isHeld`: the caller holds the objects and runs them itself.
 */
export async function controlSync(
  desk: ControlDesk,
  caller: Caller,
  kind: ControlKind,
  target: SyncTarget,
  given: ControlRequest,
  { allowed = null, isHeld = false }: { allowed?: number | null; isHeld?: boolean } = {},
): Promise<ControlOutcome> {
  const request = { ...given, reason: normalReason(given.reason) }
  const objects = desk.objects.get(target.source)
  const fault = faultOf(desk, caller, request) ?? faultOfTarget(target, objects, desk)
  if (fault || !objects) return fault ?? { code: 'DONE', objects: [] }
  const wanted = target.object ? [target.object] : [...objects]
  return await transaction(desk.sql, async (tx) => {
    await tx`
      insert into sync_state (source, object) select ${target.source}, o from unnest(${wanted}::text[]) o on conflict do nothing`
    const key = `${caller.actor}\u001f${kind}\u001f${request.idempotencyKey}`
    const locked = await tx<{ object: string }[]>`
      select object from sync_state where source = ${target.source} and object = any(${wanted}::text[])
        and request_key is distinct from ${key}
      order by object for update`
    const changed = locked.map((r) => r.object)
    if (changed.length > 0) {
      if (!isHeld) await apply(tx, kind, target.source, changed, request.reason, allowed)
      await tx`
        update sync_state set request_key = ${key}, actor = ${caller.actor}
        where source = ${target.source} and object = any(${changed}::text[])`
      await appendAudit(tx, {
        event: `${kind}_SYNC`,
        actor: caller.actor,
        reason: request.reason,
        correlationId: caller.correlationId,
        source: target.source,
        objects: changed,
        ...(allowed === null ? {} : { allowed }),
      })
      await tx`select pg_notify(${SYNC_CHANNEL}, '')`
    }
    return { code: 'DONE', objects: wanted }
  })
}

async function apply(
  tx: Transaction,
  kind: ControlKind,
  source: string,
  objects: string[],
  reason: string,
  allowed: number | null,
): Promise<void> {
  const which = tx`source = ${source} and object = any(${objects}::text[])`
  if (kind === 'RUN' || kind === 'CENSUS') {
    await tx`
      update sync_state set requested = ${kind}, census_allowed = coalesce(${allowed}::bigint, census_allowed) where ${which}`
    return
  }
  if (kind === 'RESUME') {
    await tx`
      update sync_state set since = case when state in ('PAUSED', 'FAILED') then clock_timestamp() else since end,
        code = case when state in ('PAUSED', 'FAILED') then null else code end,
        detail = case when state in ('PAUSED', 'FAILED') then null else detail end,
        verdict = case when state in ('PAUSED', 'FAILED') then null else verdict end,
        state = case when state not in ('PAUSED', 'FAILED') then state when rescan_since is null then 'IDLE' else 'RESCAN' end,
        attempts = 0, failed_since = null, due_at = clock_timestamp()
      where ${which}`
    return
  }
  // The fence of the present holder ends here, so the page under way is not stored.
  await tx`
    update sync_run set state = 'STOPPED', ended_at = clock_timestamp(), code = ${kind}, detail = ${reason}
    where ${which} and ended_at is null`
  if (kind === 'PAUSE')
    await tx`
      update sync_state set state = 'PAUSED', since = clock_timestamp(), code = 'PAUSED', detail = ${reason}, verdict = null,
        requested = null, fence = fence + 1, leased_by = null, leased_until = null
      where ${which}`
  else
    await tx`
      update sync_state set state = case when state = 'PAUSED' then state else 'RESCAN' end,
        since = case when state = 'PAUSED' then since else clock_timestamp() end, rescan_since = clock_timestamp(),
        code = case when state = 'PAUSED' then code else 'RESCAN_REQUESTED' end,
        detail = case when state = 'PAUSED' then detail else ${reason} end,
        verdict = null, attempts = 0, failed_since = null, position = null, position_at = null, expires_at = null,
        within_run = false, rows = 0, fence = fence + 1, leased_by = null, leased_until = null, due_at = clock_timestamp()
      where ${which}`
}

function faultOf(
  { rules }: ControlDesk,
  caller: Caller,
  request: ControlRequest,
): ControlOutcome | null {
  const missing = missingRole(rules, caller.roles, 'EXCEPTIONS')
  if (missing) return refused('MISSING_ROLE', missing)
  const wrongReason = faultOfReason(request.reason)
  if (wrongReason) return refused('MISSING_REASON', wrongReason)
  const wrongKey = faultOfIdempotencyKey(request.idempotencyKey)
  return wrongKey ? refused('BAD_IDEMPOTENCY_KEY', wrongKey) : null
}

function faultOfTarget(
  { source, object }: SyncTarget,
  objects: readonly string[] | undefined,
  desk: ControlDesk,
): ControlOutcome | null {
  const listed = (names: Iterable<string>) => [...names].join(', ') || 'none'
  if (!objects)
    return refused(
      'UNKNOWN_SOURCE',
      `no source system "${source}" has connection: or files: in config/sources.yaml; there are: ${listed(desk.objects.keys())}`,
    )
  if (object && !objects.includes(object))
    return refused(
      'UNKNOWN_OBJECT',
      `${source} has no object "${object}" that is pulled; there are: ${listed(objects)}`,
    )
  return null
}

function refused(rule: ControlRule, detail: string): ControlOutcome {
  return { code: 'REFUSED', rule, detail }
}
