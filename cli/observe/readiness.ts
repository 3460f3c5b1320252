import type { Check } from '../../gateway/http/health.ts'
import type { HeadsState } from '../../mdm/audit/headSender.ts'
import type { Sql } from '../../mdm/db/database.ts'
import type { Tailer } from '../../mdm/feed/tailer.ts'
import { activePublication, refusedPublication } from '../../mdm/policy/policies.ts'
import { counted } from '../../schema/kit/numberText.ts'
import { knownMigrations, readMigrationState } from '../migrationState.ts'
import type { DeliverRole, IngestRole } from './roles.ts'

/**
 * A tailer that has not read to the end of the feed for this long no longer serves subscriptions.
 */
const tailMsMax = 10_000
/** Twice the polling interval of a deliverer without endpoints. */
const claimMsMax = 20_000
const sinkUnavailableMsMax = 10_000

export interface Components {
  sql: Sql
  tailer?: Tailer | undefined
  /** Returns true if the latest graph could not be loaded. */
  graphRefused?: (() => boolean) | undefined
  /** Further checks of the gateway. */
  more?: (() => Check[]) | undefined
  ingest?: (() => IngestRole | undefined) | undefined
  deliver?: (() => DeliverRole | undefined) | undefined
  /** Returns what is missing for the row rights of the active policy. */
  rowRights?: (() => Promise<string | null>) | undefined
  /** Returns the source systems that wait for a right mapping. */
  held?: (() => { source: string; mistake: string }[]) | undefined
}

/**
 * Returns the checks of the parts that this process needs to serve. Parts that it does not run are
 * left out.
 */
export function readinessChecks({
  sql,
  tailer,
  graphRefused,
  more,
  ingest,
  deliver,
  rowRights,
  held,
}: Components): () => Promise<Check[]> {
  const known = knownMigrations()
  return async () => {
    const checks = await storeChecks(sql, known)
    // A database that does not respond is the finding of storeChecks.
    if (checks.every((c) => c.ok))
      checks.push(
        ...(await tried('policy', 'POLICY_UNKNOWN', () => policyChecks(sql))),
        ...(await tried('row rights', 'ROW_RIGHTS_UNKNOWN', () => rowRightsChecks(rowRights))),
      )
    if (tailer) checks.push(tailerCheck(tailer))
    if (graphRefused?.())
      checks.push(bad('graph', 'GRAPH_REFUSED', 'another graph could not be loaded; see the log'))
    checks.push(...(more?.() ?? []))
    const role = ingest?.()
    if (role) checks.push(workersCheck(role))
    const delivering = deliver?.()
    // A gateway without deliveries still responds, so it stays ready and reports the problem.
    if (delivering)
      checks.push(...deliverChecks(delivering).map((c) => (tailer ? { ...c, ok: true } : c)))
    const waiting = held?.() ?? []
    // The other systems go on, so the process stays ready and reports the problem.
    if (waiting.length > 0)
      checks.push({
        name: 'sources',
        ok: true,
        code: 'SOURCE_HELD',
        detail: waiting.map((w) => `${w.source}: ${w.mistake}`).join('; '),
      })
    return checks
  }
}

async function storeChecks(sql: Sql, known: readonly string[]): Promise<Check[]> {
  try {
    const { missing, unknown } = (await readMigrationState(sql, known)) ?? {
      missing: known,
      unknown: [],
    }
    const database = { name: 'database', ok: true, code: 'OK' }
    if (missing.length > 0)
      return [
        database,
        bad(
          'migrations',
          'MIGRATION_MISSING',
          `${missing.join(', ')}: run "npx touchstone migrate"`,
        ),
      ]
    if (unknown.length > 0)
      return [
        database,
        bad('migrations', 'MIGRATION_UNKNOWN', `${unknown.join(', ')}: run a newer Touchstone`),
      ]
    return [database, { name: 'migrations', ok: true, code: 'OK' }]
  } catch (e) {
    return [bad('database', 'DATABASE_AWAY', codeOf(e))]
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'failed'
}

/** The process stays ready without the result of such a check, and reports that it has none. */
async function tried(name: string, code: string, check: () => Promise<Check[]>): Promise<Check[]> {
  try {
    return await check()
  } catch (e) {
    return [{ name, ok: true, code, detail: `could not be checked: ${codeOf(e)}` }]
  }
}

async function rowRightsChecks(rowRights: Components['rowRights']): Promise<Check[]> {
  const missing = await rowRights?.()
  return missing
    ? [{ name: 'row rights', ok: true, code: 'ROW_RIGHTS_OUTDATED', detail: missing }]
    : []
}

/**
 * Every process uses the policy before one that was refused, so it stays ready and reports the
 * problem. The reason is not here, because health is open to everybody.
 */
async function policyChecks(sql: Sql): Promise<Check[]> {
  const refused = await refusedPublication(sql)
  if (!refused) return []
  const active = await activePublication(sql)
  return [
    {
      name: 'policy',
      ok: true,
      code: 'POLICY_REFUSED',
      detail: `policy ${refused.version} cannot be served, ${active ? `${active.version}` : 'the shipped policy'} is: see "npx touchstone publish --list"`,
    },
  ]
}

function tailerCheck(tailer: Tailer): Check {
  if (tailer.tail.failed)
    return bad('feed', 'FEED_BROKEN', 'the feed was replaced or is not dense; see the log')
  if (tailer.readMsAgo > tailMsMax)
    return bad(
      'feed',
      'FEED_BEHIND',
      `not read to its end for ${Math.round(tailer.readMsAgo / 1_000)} s`,
    )
  return { name: 'feed', ok: true, code: 'OK' }
}

/** One running worker is enough; the others are restarted. */
function workersCheck(role: IngestRole): Check {
  const { wanted, running } = role.workers()
  if (running === 0) return bad('workers', 'WORKERS_DOWN', `none of ${wanted} runs`)
  if (running < wanted)
    return { name: 'workers', ok: true, code: 'WORKERS_FEW', detail: `${running} of ${wanted} run` }
  return { name: 'workers', ok: true, code: 'OK' }
}

function deliverChecks({ deliverer, publisher, heads }: DeliverRole): Check[] {
  const checks: Check[] = [webhooksCheck(deliverer), auditCheck(heads.state)]
  if (!publisher) return checks
  const { state, why, sinceMs } = publisher.state
  if (state === 'REFUSED') checks.push(bad('jetstream', 'SINK_REFUSED', why ?? ''))
  else if (state === 'AWAY' && sinceMs > sinkUnavailableMsMax)
    checks.push(bad('jetstream', 'SINK_AWAY', why ?? ''))
  else checks.push({ name: 'jetstream', ok: true, code: state === 'STANDBY' ? 'STANDBY' : 'OK' })
  return checks
}

function webhooksCheck({ claimedMsAgo, unstarted }: DeliverRole['deliverer']): Check {
  const name = 'webhooks'
  if (claimedMsAgo > claimMsMax)
    return bad(
      name,
      'DELIVERY_STALLED',
      `no work was started for ${Math.round(claimedMsAgo / 1_000)} s: the database does not respond`,
    )
  const { count, sealed } = unstarted
  // Other endpoints go on, so the process stays ready and reports the problem.
  if (sealed > 0)
    return {
      name,
      ok: true,
      code: 'WEBHOOK_SEALED',
      detail: `the secrets of ${counted(sealed, 'endpoint')} were sealed under a key that this process does not have: set TOUCHSTONE_WEBHOOK_KEY as it was, or rotate the secrets with overlapHours: 0`,
    }
  if (count > 0)
    return {
      name,
      ok: true,
      code: 'WEBHOOK_UNSTARTED',
      detail: `${counted(count, 'endpoint')} cannot start; see the log`,
    }
  return { name, ok: true, code: 'OK' }
}

/**
 * Actions go on, whatever becomes of the heads: the process stays ready and reports the problem.
 */
function auditCheck({ broken, unchecked, guards, sinks }: HeadsState): Check {
  const weak = guards.filter((g) => !g.isNote)
  const failing = sinks.filter((s) => s.why !== null)
  if (broken)
    return {
      name: 'audit',
      ok: true,
      code: 'AUDIT_BROKEN',
      detail: `entry ${broken.id}: ${broken.detail}`,
    }
  if (weak.length > 0)
    return {
      name: 'audit',
      ok: true,
      code: 'AUDIT_UNGUARDED',
      detail: weak.map((g) => `${g.guard}: ${g.detail}`).join('; '),
    }
  if (unchecked !== null)
    return { name: 'audit', ok: true, code: 'AUDIT_UNCHECKED', detail: unchecked }
  if (failing.length > 0)
    return {
      name: 'audit',
      ok: true,
      code: 'AUDIT_HEAD_UNSENT',
      detail: failing.map((s) => `${s.name}: ${s.why}`).join('; '),
    }
  return { name: 'audit', ok: true, code: 'OK' }
}

function bad(name: string, code: string, detail: string): Check {
  return { name, ok: false, code, detail }
}
