import { storableJson } from '../../schema/storable.ts'
import type { Sql, Transaction } from '../db/database.ts'
import type { NewAssertion, StandingPair } from './partition.ts'

/** Appends the assertions of an action and adds them to the standing ones. */
export async function appendAssertions(
  tx: Transaction,
  action: { id: string; actor: string; reason: string },
  assertions: readonly NewAssertion[],
): Promise<void> {
  if (assertions.length === 0) return
  const values = assertions.map((a) => (a.kind === 'VALUE' ? storableJson(a.value) : null))
  await tx`
    with made as (
      insert into assertion (kind, a, b, field, value, actor, reason, action_id, expires_at)
      select kind, a, b, field, value::jsonb, ${action.actor}, ${action.reason}, ${action.id}, expires_at
      from unnest(${assertions.map((a) => a.kind)}::text[], ${assertions.map((a) => a.a)}::uuid[],
        ${assertions.map((a) => ('b' in a ? a.b : null))}::uuid[],
        ${assertions.map((a) => (a.kind === 'VALUE' ? a.field : null))}::text[], ${values}::text[],
        ${assertions.map((a) => (a.kind === 'VALUE' ? a.expiresAt : null))}::timestamptz[])
        with ordinality as x (kind, a, b, field, value, expires_at, n) order by n
      returning id, kind, a, b, field, value, expires_at)
    insert into standing (assertion_id, kind, a, b, field, value, expires_at)
    select id, kind, a, b, field, value, expires_at from made`
}

/** Records that an action withdraws assertions, and removes them from the standing ones. */
export async function withdrawAssertions(
  tx: Transaction,
  actionId: string,
  ids: readonly number[],
): Promise<void> {
  if (ids.length === 0) return
  await tx`
    with gone as (delete from standing where assertion_id = any(${ids}::bigint[]) returning assertion_id)
    insert into withdrawal (assertion_id, action_id) select assertion_id, ${actionId} from gone`
}

/**
 * Recomputes which assertions of an action stand after the state of the action changed: an
 * assertion stands if its action is done and no done action has withdrawn it.
 */
export async function restand(tx: Transaction, actionId: string): Promise<void> {
  await tx`
    with concerned as (
      select id from assertion where action_id = ${actionId}
      union select assertion_id from withdrawal where action_id = ${actionId}
    ), gone as (delete from standing where assertion_id in (select id from concerned))
    select 1`
  await tx`
    insert into standing (assertion_id, kind, a, b, field, value, expires_at)
    select v.* from standing_now v where v.assertion_id in (
      select id from assertion where action_id = ${actionId}
      union select assertion_id from withdrawal where action_id = ${actionId})`
}

/** Returns the standing assertions between any of these records and others. */
export async function standingPairs(
  tx: Transaction,
  keys: readonly string[],
): Promise<StandingPair[]> {
  return await tx<StandingPair[]>`
    select assertion_id as "assertionId", kind, a, b from standing where kind in ('SAME', 'NOT_SAME') and a = any(${keys}::uuid[])
    union select assertion_id, kind, a, b from standing where kind in ('SAME', 'NOT_SAME') and b = any(${keys}::uuid[])`
}

/**
 * Returns standing assertions of one kind about any of these records: values of one field, or
 * retirements.
 */
export async function standingOn(
  tx: Transaction,
  kind: 'VALUE' | 'RETIRED',
  keys: readonly string[],
  field: string | null = null,
): Promise<number[]> {
  const rows = await tx<{ id: number }[]>`
    select assertion_id as id from standing
    where a = any(${keys}::uuid[]) and kind = ${kind} and (${field}::text is null or field = ${field})`
  return rows.map((r) => r.id)
}

/** Returns expired values of these records. */
export async function expiredOn(tx: Transaction, keys: readonly string[]): Promise<number[]> {
  const rows = await tx<{ id: number }[]>`
    select assertion_id as id from standing where a = any(${keys}::uuid[]) and expires_at <= now()`
  return rows.map((r) => r.id)
}

/** Returns golden records with expired values, with their versions. */
export async function goldenWithExpired(
  sql: Sql,
  limit: number,
): Promise<{ id: string; version: number }[]> {
  return await sql<{ id: string; version: number }[]>`
    select distinct g.id, g.version from standing s join source_record r on r.key = s.a join golden g on g.id = r.golden_id
    where s.expires_at <= now() limit ${limit}`
}
