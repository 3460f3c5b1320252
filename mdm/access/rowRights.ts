import type { Policy } from '../../schema/policy.ts'
import { databaseRole, identifier } from '../db/applicationRole.ts'
import type { Sql, Transaction } from '../db/database.ts'
import { hashOf, rowRightsSql } from './rowRightsSql.ts'

/** The database role for reads under row rights. The database checks each row for it. */
export const READING_ROLE = 'touchstone_reader'

export class RowRightsError extends Error {
  override name = 'RowRightsError'
}

/**
 * Sets up row rights in the database from the model: a role without ownership or bypass, policies
 * for it on every table it may read, and triggers that store the values by which each golden record
 * is judged. Existing parts stay. On first use, and when @rows changes, each golden record and each
 * version is written once, which blocks ingest for about 20 s a million. Throws RowRightsError if
 * the database user lacks the privileges, with the statements that an administrator has to run.
 * `sql` belongs to the owner of the tables; `application` is the user of the running program if
 * that is another one, and sees every row.
 */
export async function setUpRowRights(
  sql: Sql,
  policy: Policy,
  application: string | null = null,
): Promise<void> {
  const text = rowRightsSql(policy, READING_ROLE, application)
  const wanted = hashes(text)
  await sql.begin(async (tx) => {
    await tx`set local statement_timeout = 0`
    await tx`select pg_advisory_xact_lock(hashtext('touchstone row rights'))`
    await ensureOwner(tx)
    await ensureRole(tx, application)
    const there = await storedHashes(tx)
    if (there?.policies === wanted.policies && there.tags === wanted.tags) return
    await tx.unsafe(text.policies)
    if (there?.tags !== wanted.tags) {
      await tx.unsafe(text.tags)
      await tx`update golden set row_place = null`
      await tx`update change set row_place = null`
    }
    await tx`
      insert into row_rights (role, policies, tags) values (${READING_ROLE}, ${wanted.policies}, ${wanted.tags})
      on conflict (one) do update set role = excluded.role, policies = excluded.policies, tags = excluded.tags`
  })
}

/**
 * Throws RowRightsError unless row rights are set up for this model, and for the user of this
 * connection. For programs whose user does not own the tables.
 */
export async function requireRowRights(sql: Sql, policy: Policy): Promise<void> {
  const { isFor, user } = await readSetUp(sql, policy)
  if (!isFor)
    throw new RowRightsError(
      `row rights are configured, and the database is not set up for them or for the active policy: ` +
        `start again with DATABASE_OWNER_URL, or run "npx touchstone migrate" with it, because the user ${user} does not own the tables`,
    )
}

/**
 * Returns what has to be done for the row rights of a policy that is not active yet, or was
 * published since the set-up; null if they are set up, or the database has none.
 */
export async function missingRowRights(sql: Sql, policy: Policy): Promise<string | null> {
  const { isFor, isSetUp, owns } = await readSetUp(sql, policy)
  if (isFor || !isSetUp) return null
  return (
    'the database is set up for the row rights of another policy, with other @rows or references: while this policy is active, ' +
    `start a gateway${owns ? '' : ' with DATABASE_OWNER_URL'}, or run "npx touchstone migrate"${owns ? '' : ' with it'}. ` +
    'Until then records have the rights of the earlier @rows' +
    (owns ? '' : ', and a gateway without that URL does not start')
  )
}

async function readSetUp(sql: Sql, policy: Policy) {
  const { name, owns } = await databaseRole(sql)
  const wanted = hashes(rowRightsSql(policy, READING_ROLE, owns ? null : name))
  const there = await storedHashes(sql)
  const isFor = there?.policies === wanted.policies && there.tags === wanted.tags
  return { isFor, isSetUp: there !== undefined, owns, user: name }
}

interface Hashes {
  policies: string
  tags: string
}

function hashes(text: Hashes): Hashes {
  return { policies: hashOf(text.policies), tags: hashOf(text.tags) }
}

async function storedHashes(sql: Sql | Transaction): Promise<Hashes | undefined> {
  const [row] = await sql<Hashes[]>`
    select policies, tags from row_rights where role = ${READING_ROLE}`
  return row
}

/**
 * Owners are exempt from row security. A user that is neither owner nor exempt would see nothing
 * once row rights are set up.
 */
async function ensureOwner(tx: Transaction): Promise<void> {
  const [row] = await tx<{ user: string; owner: string; owns: boolean }[]>`
    select current_user as user, pg_get_userbyid(relowner) as owner,
      pg_has_role(relowner, 'USAGE') as owns
    from pg_class where oid = 'golden'::regclass`
  if (!row?.owns)
    throw new RowRightsError(
      `row rights are configured, and the database's user ${row?.user} does not own its tables: connect as ${row?.owner}`,
    )
}

async function ensureRole(tx: Transaction, application: string | null): Promise<void> {
  const found = async () =>
    (
      await tx<{ mighty: boolean; owns: boolean; usable: boolean }[]>`
        select rolsuper or rolbypassrls as mighty, exists (
            select 1 from pg_class where relnamespace = 'public'::regnamespace and pg_has_role(r.oid, relowner, 'MEMBER')) as owns,
          pg_has_role(coalesce(${application}::name, current_user), r.oid, ${await setPrivilege(tx)}) as usable
        from pg_roles r where rolname = ${READING_ROLE}`
    )[0]
  let role = await found()
  if (!role?.usable) {
    try {
      await tx.savepoint(async (s) => {
        if (!role)
          await s.unsafe(`create role ${READING_ROLE} nologin nosuperuser nobypassrls noinherit`)
        const user = application === null ? 'current_user' : identifier(application)
        await s.unsafe(`grant ${READING_ROLE} to ${user}`)
      })
    } catch (e) {
      // Another database of the same server was set up at the same moment.
      const code = e instanceof Error && 'code' in e ? e.code : ''
      if (code !== '42710' && code !== '23505' && code !== 'XX000') throw needsRole(e)
    }
    role = await found()
  }
  if (!role?.usable) throw needsRole(null)
  if (role.mighty || role.owns)
    throw new RowRightsError(
      `row rights are configured, and the role ${READING_ROLE} would not be held to them: it ${role.owns ? 'owns tables' : 'is superuser or has BYPASSRLS'}. Take that from it`,
    )
}

/** From Postgres 16 on, membership alone does not allow SET ROLE. */
async function setPrivilege(tx: Transaction): Promise<string> {
  const [row] = await tx<
    { version: number }[]
  >`select current_setting('server_version_num')::int as version`
  return (row?.version ?? 0) >= 160_000 ? 'SET' : 'MEMBER'
}

function needsRole(cause: unknown): RowRightsError {
  return new RowRightsError(
    `row rights are configured, and the database's user may not make the role that they hold for. An administrator runs once: ` +
      `create role ${READING_ROLE} nologin; grant ${READING_ROLE} to <the user of DATABASE_URL>`,
    { cause },
  )
}
