import { createHash } from 'node:crypto'
import { storableJson } from '../../schema/storable.ts'
import type { policy as policyTable, publication } from '../../schema/tables/stewardship.ts'
import { appendAudit } from '../audit/audit.ts'
import type { Sql, Transaction } from '../db/database.ts'
import type { SortTerm } from '../db/keyset.ts'
import { type Listing, listPage } from '../db/page.ts'

/** A stored policy: the texts of its model by file, and trained parameters by golden type. */
export type StoredPolicy = Omit<typeof policyTable.$inferSelect, 'addedAt'>

export interface Publication
  extends Omit<typeof publication.$inferSelect, 'positionBefore' | 'positionAfter'> {
  /** Whether it is the latest that was not refused, and so the policy that is active. */
  inForce: boolean
}

/** Names the policy that is active before the first publication. */
export const SHIPPED = 'shipped'

/** Notification channel: another policy became active. */
export const policyChannel = 'touchstone_policy'

/** Returns the version of a policy: a hash of its content, 16 hex digits. */
export function policyVersionOf(
  model: Record<string, string>,
  parameters: Record<string, unknown>,
): string {
  const sorted = (of: Record<string, unknown>) =>
    Object.entries(of).sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256')
    .update(JSON.stringify([sorted(model), sorted(parameters)]))
    .digest('hex')
    .slice(0, 16)
}

/**
 * Returns the policy with other parameters for some golden types; null selects the shipped ones.
 */
export function withParameters(
  policy: StoredPolicy,
  given: ReadonlyMap<string, unknown>,
): StoredPolicy {
  const others = Object.entries(policy.parameters).filter(([type]) => !given.has(type))
  const parameters = Object.fromEntries([...others, ...[...given].filter(([, p]) => p !== null)])
  return { version: policyVersionOf(policy.model, parameters), model: policy.model, parameters }
}

/**
 * Returns the active policy: that of the latest publication that was not refused. Null while there
 * is none.
 */
export async function activePolicy(sql: Sql | Transaction): Promise<StoredPolicy | null> {
  const row = await activePublication(sql)
  return row && { version: row.version, model: row.model, parameters: row.parameters }
}

/** The active policy with its publication, and the programs that found that they can serve it. */
export interface ActivePublication extends StoredPolicy {
  id: number
  checkedBy: string[]
}

/** `before`: the latest one before this publication. */
export async function activePublication(
  sql: Sql | Transaction,
  before: number | null = null,
): Promise<ActivePublication | null> {
  const [row] = await sql<ActivePublication[]>`
    select x.id, p.version, p.model, p.parameters, 
      array(select c.program from policy_check c where c.version = p.version) as "checkedBy"
    from publication x join policy p on p.version = x.version
    where x.state <> 'REFUSED' and (${before}::bigint is null or x.id < ${before}) order by x.id desc limit 1`
  return row ?? null
}

/** Notes that a program can serve a stored policy. */
export async function policyChecked(
  sql: Sql | Transaction,
  version: string,
  program: string,
): Promise<void> {
  await sql`insert into policy_check (version, program) values (${version}, ${program})
    on conflict do nothing`
}

/**
 * Refuses a publication whose policy cannot be served: the policy before it is active again, in
 * every process. Returns false if another process has done so.
 */
export async function refusePublication(
  tx: Transaction,
  publication: Pick<ActivePublication, 'id' | 'version'>,
  problem: string,
  checkedBy: string,
): Promise<boolean> {
  const { id, version } = publication
  const { count } = await tx`
    update publication set state = 'REFUSED', problem = ${problem.slice(0, problemCharsMax)},
      finished_at = coalesce(finished_at, clock_timestamp())
    where id = ${id} and state <> 'REFUSED'`
  if (count === 0) return false
  await appendAudit(tx, {
    event: 'PUBLICATION_REFUSED',
    actor: 'touchstone',
    policy: version,
    reason: problem.slice(0, problemCharsMax),
    checkedBy,
  })
  await tx`select pg_notify(${policyChannel}, ${version})`
  return true
}

/** The latest publication, if it was refused: another policy than the newest one is active. */
export interface RefusedPublication {
  version: string
  problem: string
  startedAt: Date
}

export async function refusedPublication(
  sql: Sql | Transaction,
): Promise<RefusedPublication | null> {
  const [row] = await sql<(RefusedPublication & { state: string })[]>`
    select version, coalesce(problem, '') as problem, started_at as "startedAt", state
    from publication order by id desc limit 1`
  return row?.state === 'REFUSED' ? row : null
}

/** Returns a stored policy, published or proposed. */
export async function readStoredPolicy(sql: Sql, version: string): Promise<StoredPolicy | null> {
  const [row] = await sql<
    StoredPolicy[]
  >`select version, model, parameters from policy where version = ${version}`
  return row ?? null
}

/** Returns the published policy with this version, or null. */
export async function readPolicyVersion(sql: Sql, version: string): Promise<StoredPolicy | null> {
  const [row] = await sql<StoredPolicy[]>`
    select version, model, parameters from policy p where version = ${version}
      and exists (select from publication x where x.version = p.version)`
  return row ?? null
}

const publicationColumns = `x.id, x.version,
  x.id = (select max(id) from publication where state <> 'REFUSED') as "inForce", x.state, x.actor,
  x.reason, x.done, x.total, x.events, x.problem, x.action_id as "actionId", x.started_at as "startedAt",
  x.finished_at as "finishedAt"`

/** Publications as a list. */
export const publicationListing: Listing = {
  from: 'publication x',
  where: 'true',
  columns: () => publicationColumns,
  unique: { name: 'id', sql: 'x.id', type: 'bigint', nullable: false },
}

export const latestPublications: SortTerm[] = [
  { column: publicationListing.unique, descending: true },
]

/** Returns publications, the latest first. */
export async function readPublications(sql: Sql, limit: number): Promise<Publication[]> {
  return (
    await listPage<Publication>(sql, publicationListing, {
      order: latestPublications,
      backward: false,
      limit,
    })
  ).rows
}

/** Stores a policy. `checkedBy`: the program that found that it can be served. */
export async function storePolicy(
  tx: Transaction,
  policy: StoredPolicy,
  checkedBy: string | null = null,
): Promise<void> {
  await tx`insert into policy (version, model, parameters)
    values (${policy.version}, ${storableJson(policy.model)}::text::jsonb, ${storableJson(policy.parameters)}::text::jsonb)
    on conflict do nothing`
  if (checkedBy !== null) await policyChecked(tx, policy.version, checkedBy)
}

/** Only one publication begins at a time: commands and actions of stewards may come together. */
export async function lockActivePolicy(tx: Transaction): Promise<void> {
  await tx`select pg_advisory_xact_lock(hashtextextended('touchstone policy in force', 0))`
}

/**
 * Begins a publication, or resumes an unfinished one of the same policy. Returns null while another
 * one runs.
 */
export async function beginPublication(
  tx: Transaction,
  version: string,
  actor: string,
  reason: string,
  actionId: string | null = null,
): Promise<{ id: number; resumed: boolean } | null> {
  await lockActivePolicy(tx)
  const [running] = await tx<{ id: number; version: string }[]>`
    select id, version from publication where state = 'RUNNING' for update`
  if (running) return running.version === version ? { id: running.id, resumed: true } : null
  const [row] = await tx<{ id: number }[]>`
    insert into publication (version, state, actor, reason, action_id, position_before)
    select ${version}, 'RUNNING', ${actor}, ${reason}, ${actionId}, position from feed_head returning id`
  if (!row) throw new Error('feed_head has no row: the migrations have not run')
  await tx`select pg_notify(${policyChannel}, ${version})`
  return { id: row.id, resumed: false }
}

export async function advancePublication(
  sql: Sql,
  id: number,
  done: number,
  events: number,
): Promise<void> {
  await sql`update publication set done = done + ${done}, events = events + ${events} where id = ${id}`
}

/** Raises the expected number of records of a publication. */
export async function expectOfPublication(sql: Sql, id: number, more: number): Promise<void> {
  await sql`update publication set total = done + ${more} where id = ${id}`
}

const problemCharsMax = 2_000

export async function publicationFailed(sql: Sql, id: number, problem: string): Promise<void> {
  await sql`update publication set problem = ${problem.slice(0, problemCharsMax)} where id = ${id}`
}

/** Returns the unfinished publication, if there is one. */
export async function runningPublication(
  sql: Sql,
): Promise<{ id: number; actor: string; policy: StoredPolicy } | null> {
  const [row] = await sql<{ id: number; actor: string; policy: StoredPolicy }[]>`
    select x.id, x.actor, json_build_object('version', p.version, 'model', p.model, 'parameters', p.parameters) as policy
    from publication x join policy p on p.version = x.version where x.state = 'RUNNING'`
  return row ?? null
}

export async function endPublication(tx: Transaction, id: number): Promise<void> {
  // One that was refused meanwhile stays so.
  await tx`update publication set state = 'DONE', finished_at = clock_timestamp(), problem = null,
      position_after = (select position from feed_head) where id = ${id} and state = 'RUNNING'`
}
