import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import DataLoader from 'dataloader'
import { withDeadline } from '../../schema/kit/deadline.ts'
import type { apiKey } from '../../schema/tables/access.ts'
import type { Sql, Transaction } from '../db/database.ts'

/** An API key as listed. The secret is not stored. */
export type ApiKey = Omit<typeof apiKey.$inferSelect, 'hash'>

export interface NewKey {
  name: string
  roles: readonly string[]
  scopes: readonly string[]
  regions?: readonly string[] | null
  legalEntities?: readonly string[] | null
  /** Null: valid until revoked. */
  expiresAt: Date | null
  createdBy: string
}

/** A change of a key, for the audit log. */
export interface KeyStep {
  event: 'KEY_CREATED' | 'KEY_ROTATED' | 'KEY_REVOKED'
  /** The name of the key and its public part. */
  key: string
  keyId: string
  [fact: string]: unknown
}
/** Called within the transaction of the change. */
export type OnKeyStep = (tx: Transaction, step: KeyStep) => Promise<void>

const KEY = /^tsk_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/
const secretBytes = 32
const keysPerStatementMax = 1_000
/** The next keys wait no longer than this for a statement that does not return. */
const statementMsMax = 1_000
const hashOf = (secret: string) => createHash('sha256').update(secret).digest()
const noHash = Buffer.alloc(32)

/**
 * Creates a key; `text` is shown once. Throws if a valid key of this name exists: rotate that one.
 */
export async function createKey(
  sql: Sql,
  key: NewKey,
  onStep: OnKeyStep = async () => {},
): Promise<{ id: string; text: string }> {
  return (await sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(hashtext('touchstone api key'), hashtext(${key.name}))`
    const [valid] = await tx`
      select 1 from api_key
      where name = ${key.name} and revoked_at is null and (expires_at is null or expires_at > now())`
    if (valid)
      throw new Error(
        `there is a key "${key.name}" already: rotate it, revoke it, or take another name`,
      )
    const made = await insert(tx, key, null)
    const { name, roles, scopes, regions, legalEntities, expiresAt } = key
    await onStep(tx, {
      event: 'KEY_CREATED',
      key: name,
      keyId: made.id,
      roles,
      scopes,
      regions,
      legalEntities,
      expiresAt,
    })
    return made
  })) as { id: string; text: string }
}

/**
 * Creates a successor of a key, which stays valid for `overlapMs`. Throws if there is no valid key.
 */
export async function rotateKey(
  sql: Sql,
  name: string,
  overlapMs: number,
  createdBy: string,
  onStep: OnKeyStep = async () => {},
): Promise<{ id: string; text: string }> {
  return (await sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(hashtext('touchstone api key'), hashtext(${name}))`
    const [old] = await tx<
      Pick<ApiKey, 'id' | 'roles' | 'scopes' | 'regions' | 'legalEntities' | 'expiresAt'>[]
    >`
      select id, roles, scopes, regions, legal_entities as "legalEntities", expires_at as "expiresAt" from api_key
      where name = ${name} and revoked_at is null and (expires_at is null or expires_at > now())
      order by created_at desc, id limit 1`
    if (!old) throw new Error(`there is no valid key "${name}"`)
    // A predecessor that is still in its overlap was superseded already.
    await tx`
      update api_key set expires_at = least(expires_at, now() + ${overlapMs} * interval '1 ms')
      where name = ${name} and revoked_at is null`
    const made = await insert(tx, { name, createdBy, ...old }, old.id)
    await onStep(tx, {
      event: 'KEY_ROTATED',
      key: name,
      keyId: made.id,
      replaces: old.id,
      overlapMs,
    })
    return made
  })) as { id: string; text: string }
}

/** Revokes all valid keys of a name, or the key of an id. Returns how many. */
export async function revokeKey(
  sql: Sql,
  nameOrId: string,
  onStep: OnKeyStep = async () => {},
): Promise<number> {
  return (await sql.begin(async (tx) => {
    const rows = await tx<{ id: string; name: string }[]>`
      update api_key set revoked_at = now()
      where (name = ${nameOrId} or id = ${nameOrId}) and revoked_at is null returning id, name`
    for (const { id, name } of rows)
      await onStep(tx, { event: 'KEY_REVOKED', key: name, keyId: id })
    return rows.length
  })) as number
}

export async function listKeys(sql: Sql): Promise<ApiKey[]> {
  return await sql<ApiKey[]>`
    select id, name, roles, scopes, regions, legal_entities as "legalEntities", created_by as "createdBy", created_at as "createdAt", expires_at as "expiresAt",
      revoked_at as "revokedAt", last_used_at as "lastUsedAt", replaces
    from api_key order by name, created_at, id`
}

/** Returns how many keys are valid now. */
export async function countValidKeys(sql: Sql): Promise<number> {
  const [row] = await sql<{ n: number }[]>`
    select count(*)::int as n from api_key where revoked_at is null and (expires_at is null or expires_at > now())`
  return row?.n ?? 0
}

export type VerifiedKey = Pick<
  ApiKey,
  'name' | 'roles' | 'scopes' | 'regions' | 'legalEntities' | 'expiresAt'
>
type StoredKey = VerifiedKey & { id: string; hash: Buffer; stale: boolean }

/** Returns the valid key of this text, or null. Records the time of use, to the minute. */
export function verifyKey(sql: Sql, text: string): Promise<VerifiedKey | null> {
  return keyVerification(sql)(text)
}

/**
 * Returns verifyKey for many callers. Keys that arrive while a statement runs are looked up
 * together by the next one: a flood of unknown keys must not fill the queue of the connections.
 */
export function keyVerification(sql: Sql): (text: string) => Promise<VerifiedKey | null> {
  let running: Promise<unknown> = Promise.resolve()
  const stored = new DataLoader<string, StoredKey | null>(
    async (ids) => {
      const rows = await sql<StoredKey[]>`
        select id, name, roles, scopes, regions, legal_entities as "legalEntities", hash, expires_at as "expiresAt",
          last_used_at is null or last_used_at < now() - interval '1 minute' as stale
        from api_key where id = any(${[...ids]}) and revoked_at is null and (expires_at is null or expires_at > now())`
      const byId = new Map(rows.map((row) => [row.id, row]))
      return ids.map((id) => byId.get(id) ?? null)
    },
    {
      cache: false,
      maxBatchSize: keysPerStatementMax,
      batchScheduleFn: (look) =>
        void withDeadline(running, statementMsMax, () => undefined).then(look),
    },
  )
  return async (text) => {
    const [, id, secret] = KEY.exec(text) ?? []
    if (id === undefined || secret === undefined) return null
    const found = stored.load(id)
    running = found.catch(() => {})
    const row = await found
    // An unknown id takes as long as a wrong secret.
    const isSame = timingSafeEqual(row?.hash ?? noHash, hashOf(secret))
    if (!row || !isSame) return null
    if (row.stale) await sql`update api_key set last_used_at = now() where id = ${id}`
    const { name, roles, scopes, regions, legalEntities, expiresAt } = row
    return { name, roles, scopes, regions, legalEntities, expiresAt }
  }
}

async function insert(
  sql: Transaction,
  key: NewKey,
  replaces: string | null,
): Promise<{ id: string; text: string }> {
  const id = randomBytes(8).toString('hex')
  const secret = randomBytes(secretBytes).toString('base64url')
  await sql`
    insert into api_key (id, name, hash, roles, scopes, regions, legal_entities, created_by, expires_at, replaces)
    values (${id}, ${key.name}, ${hashOf(secret)}, ${[...key.roles]}::text[], ${[...key.scopes]}::text[],
      ${key.regions ? [...key.regions] : null}::text[], ${key.legalEntities ? [...key.legalEntities] : null}::text[],
      ${key.createdBy}, ${key.expiresAt}, ${replaces})`
  return { id, text: `tsk_${id}_${secret}` }
}
