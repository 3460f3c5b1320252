import type { SourceSystem } from '../../connectors/contract.ts'
import type { Sql, Transaction } from '../db/database.ts'
import { withExclusiveLock } from '../db/withExclusiveLock.ts'
import { CHECKS } from './checks.ts'
import { CHECK_NAMES, type CheckName, type ReconcileSettings } from './settings.ts'

export interface Reconciling {
  sql: Sql
  settings: ReconcileSettings
  systems: readonly Pick<SourceSystem, 'name' | 'role'>[]
}

/** The result of one check. */
export interface CheckResult {
  check: CheckName
  /** Why it was not run; null if it was. */
  skipped: string | null
  open: number
  /** Differences that the run before did not find. */
  found: number
  /** Differences of the run before that are gone. */
  cleared: number
  ms: number
}

/** A check of a large installation reads all invoices; it must end before the next one is due. */
const checkMsMax = 15 * 60_000
/** How long differences that are gone, and the results of runs, are kept. */
const clearedDaysMax = 90
const runDaysMax = 800

/** Returns why a check is not run, or null. */
export function skippedBecause(settings: ReconcileSettings, check: CheckName): string | null {
  if (settings.checks[check]?.off) return 'it is switched off in config/reconcile.yaml'
  return CHECKS[check].unusable?.(settings) ?? null
}

/**
 * Runs checks one after the other, each in a transaction of its own, and stores what they find. A
 * difference keeps the time when it was first found; one that a later run does not find is cleared.
 * Returns null if another process is running them. `onDone` is called after each check.
 */
export async function reconcile(
  { sql, settings, systems }: Reconciling,
  checks: readonly CheckName[] = CHECK_NAMES,
  onDone: (result: CheckResult) => void = () => {},
): Promise<CheckResult[] | null> {
  const named = (role: SourceSystem['role']) =>
    systems.filter((s) => s.role === role).map((s) => s.name)
  return await withExclusiveLock(sql, 'touchstone reconcile', async () => {
    const results: CheckResult[] = []
    for (const check of checks) {
      const skipped = skippedBecause(settings, check)
      const days = settings.checks[check]?.days ?? settings.days
      const given = [
        ...[named('ERP'), named('BILLING'), days],
        settings.compare.map((c) => c.billing),
        settings.compare.map((c) => c.ledger),
      ]
      const result = (await sql.begin((tx) => run(tx, check, skipped, given))) as CheckResult
      results.push(result)
      onDone(result)
    }
    return results
  })
}

async function run(
  tx: Transaction,
  check: CheckName,
  skipped: string | null,
  given: (number | string[])[],
): Promise<CheckResult> {
  const began = performance.now()
  await tx.unsafe(`set local statement_timeout = ${checkMsMax}`)
  // A check that is not run any more leaves no differences behind.
  const differences = skipped === null ? CHECKS[check].differences : NOTHING
  const [counts] = await tx.unsafe<{ open: number; found: number; cleared: number }[]>(
    `with found as (${differences}),
    stored as (
      insert into reconcile_difference as d (check_name, key, record, source, customer, amount_minor, currency, day, entity, detail)
      select distinct on (key) $6, key, record, source, customer, amount_minor, currency, day, entity, detail from found order by key
      on conflict (check_name, key) do update set record = excluded.record, source = excluded.source, customer = excluded.customer,
        amount_minor = excluded.amount_minor, currency = excluded.currency, day = excluded.day, entity = excluded.entity,
        detail = excluded.detail, last_seen = clock_timestamp(), cleared_at = null,
        first_seen = case when d.cleared_at is null then d.first_seen else clock_timestamp() end
      returning first_seen >= statement_timestamp() as fresh),
    cleared as (
      update reconcile_difference d set cleared_at = clock_timestamp()
      where d.check_name = $6 and d.cleared_at is null and not exists (select from found f where f.key = d.key)
      returning 1)
    select (select count(*) from stored)::int as open, (select count(*) from stored where fresh)::int as found,
      (select count(*) from cleared)::int as cleared`,
    [...given, check] as never[],
  )
  await tx`delete from reconcile_difference where check_name = ${check}
    and cleared_at < now() - make_interval(days => ${clearedDaysMax})`
  const result = {
    ...{ check, skipped, open: 0, found: 0, cleared: 0 },
    ...counts,
    ms: Math.round(performance.now() - began),
  }
  await tx`
    insert into reconcile_run (check_name, skipped, open, found, cleared, ms, amounts)
    select ${check}, ${skipped}, ${result.open}, ${result.found}, ${result.cleared}, ${result.ms},
      coalesce((select jsonb_object_agg(currency, amount) from (
        select currency, sum(abs(amount_minor)) as amount from reconcile_difference
        where check_name = ${check} and cleared_at is null and currency is not null and amount_minor is not null group by 1) a), '{}')`
  await tx`delete from reconcile_run where check_name = ${check} and at < now() - make_interval(days => ${runDaysMax})`
  return result
}

/** The columns of differences, without rows, and with all parameters. */
const NOTHING = `select null::text as key, null::uuid as record, null::text as source, null::uuid as customer,
  null::float8 as amount_minor, null::text as currency, null::date as day, null::text as entity, null::text as detail
  where $1::text[] is null and $2::text[] is null and $3::int is null and $4::text[] is null and $5::text[] is null`
