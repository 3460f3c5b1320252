import { storableJson } from '../../schema/storable.ts'
import type { webhook } from '../../schema/tables/webhook.ts'
import type { Sql, Transaction } from '../db/database.ts'
import type { FeedFilter } from '../feed/filter.ts'
import type { Vault } from './secrets.ts'

/** Channel notified of every change of an endpoint and of every replay. */
export const webhookChannel = 'touchstone_webhook'

/** Settings of an endpoint. */
export interface EndpointSettings {
  url: string
  description: string
  filter: FeedFilter
  /** Major version of the event schema. */
  schemaVersion: number
  /** Scopes that decide which fields its payloads show. */
  scopes: string[]
}

/** Rows that its payloads may contain; `*`: all. Taken from the caller who registered it. */
export interface EndpointRows {
  regions: string[] | null
  legalEntities: string[] | null
}

export const everyRow: EndpointRows = { regions: ['*'], legalEntities: ['*'] }

export interface Endpoint
  extends Omit<typeof webhook.$inferSelect, 'filter' | 'leasedBy' | 'leasedUntil'>,
    EndpointSettings,
    EndpointRows {
  /** Positions between its own and the head of the feed. */
  lag: number
  /** Golden records that wait for a retry. */
  parked: number
  dead: number
  /** When each rotated secret stops signing. */
  formerSecretsUntil: Date[]
}

export const endpointsMax = 500

/**
 * Returns all endpoints, or those with these ids; oldest first. The counts read partial indexes of
 * unsettled rows.
 */
export async function readEndpoints(
  sql: Sql | Transaction,
  ids: readonly string[] | null = null,
): Promise<Endpoint[]> {
  return await sql<Endpoint[]>`
    select w.id, w.url, w.description, w.filter, w.schema_version as "schemaVersion", w.scopes, w.regions,
      w.legal_entities as "legalEntities", w.state, w.because, w.revision, w.actor, w.created_at as "createdAt", w.updated_at as "updatedAt", w.position,
      greatest(h.position - w.position, 0) as lag, w.missed, w.failures, w.opened, w.paused_until as "pausedUntil",
      (select count(*)::int from webhook_parked p where p.webhook = w.id) as parked,
      (select count(*)::int from webhook_delivery d where d.webhook = w.id and d.state = 'DEAD') as dead,
      array(select s.until from webhook_secret s where s.webhook = w.id and s.until > clock_timestamp()
            order by s.until) as "formerSecretsUntil"
    from webhook w, feed_head h
    ${ids ? sql`where w.id = any(${ids as string[]}::uuid[])` : sql``}
    order by w.created_at, w.id`
}

/** Locks all endpoints against additions and returns their number. */
export async function countEndpoints(tx: Transaction): Promise<number> {
  await tx`select pg_advisory_xact_lock(hashtext('touchstone webhooks'))`
  const [row] = await tx<{ n: number }[]>`select count(*)::int as n from webhook`
  return row?.n ?? 0
}

/** Adds an endpoint that starts after `position`, or at the head of the feed. Returns its id. */
export async function addEndpoint(
  tx: Transaction,
  settings: EndpointSettings,
  actor: string,
  position: number | null,
  rows: EndpointRows,
): Promise<string> {
  const [row] = await tx<{ id: string }[]>`
    insert into webhook (url, description, filter, schema_version, scopes, regions, legal_entities, state, actor, position)
    select ${settings.url}, ${settings.description}, ${storableJson(settings.filter)}::text::jsonb,
      ${settings.schemaVersion}, ${settings.scopes}::text[], ${rows.regions}::text[],
      ${rows.legalEntities}::text[], 'ACTIVE', ${actor}, coalesce(${position}::bigint, h.position)
    from feed_head h
    returning id`
  if (!row) throw new Error('feed_head has no row: the migrations have not run')
  return row.id
}

/** Locks an endpoint and returns it; null if there is none. */
export async function lockEndpoint(tx: Transaction, id: string): Promise<Endpoint | null> {
  await tx`select 1 from webhook where id = ${id} for update`
  return (await readEndpoints(tx, [id]))[0] ?? null
}

export async function changeEndpoint(
  tx: Transaction,
  id: string,
  settings: EndpointSettings,
): Promise<void> {
  await tx`
    update webhook set url = ${settings.url}, description = ${settings.description},
      filter = ${storableJson(settings.filter)}::text::jsonb, schema_version = ${settings.schemaVersion},
      scopes = ${settings.scopes}::text[], revision = revision + 1, updated_at = clock_timestamp()
    where id = ${id}`
}

/**
 * Enables or disables an endpoint. Enabling closes its breaker, continues at its position, and
 * makes parked events due at once.
 */
export async function setEndpointState(
  tx: Transaction,
  id: string,
  state: Endpoint['state'],
  because: string | null,
): Promise<void> {
  await tx`
    update webhook set state = ${state}, because = ${because}, revision = revision + 1, updated_at = clock_timestamp()
      ${state === 'ACTIVE' ? tx`, failures = 0, opened = 0, paused_until = null` : tx``}
    where id = ${id}`
  if (state === 'ACTIVE')
    await tx`update webhook_parked set next_at = clock_timestamp() where webhook = ${id}`
}

/** Removes an endpoint with its secrets, its log and its parked events. */
export async function removeEndpoint(tx: Transaction, id: string): Promise<void> {
  await tx`delete from webhook where id = ${id}`
}

/**
 * Adds a secret that is active from now on. Earlier ones also sign for `overlapSeconds`, unless
 * they end before.
 */
export async function addSecret(
  tx: Transaction,
  vault: Vault,
  id: string,
  secret: string,
  overlapSeconds: number,
): Promise<void> {
  await tx`
    update webhook_secret set until = clock_timestamp() + make_interval(secs => ${overlapSeconds})
    where webhook = ${id} and until is null`
  await tx`delete from webhook_secret where webhook = ${id} and until <= clock_timestamp()`
  await tx`insert into webhook_secret (webhook, sealed) values (${id}, ${Buffer.from(vault.seal(id, secret))})`
  await tx`update webhook set revision = revision + 1, updated_at = clock_timestamp() where id = ${id}`
}

/** Returns whether any endpoint has a secret. */
export async function hasSecrets(sql: Sql): Promise<boolean> {
  const [row] = await sql<{ found: boolean }[]>`
    select exists (select from webhook_secret) as found`
  return row?.found === true
}

export interface Secret {
  secret: string
  /** Milliseconds since 1970; null for the active secret. */
  until: number | null
}

/** Returns the secrets, newest first. */
export async function readSecrets(
  sql: Sql | Transaction,
  vault: Vault,
  id: string,
): Promise<Secret[]> {
  const rows = await sql<{ sealed: Uint8Array; until: Date | null }[]>`
    select sealed, until from webhook_secret where webhook = ${id} order by id desc`
  return rows.map((r) => ({ secret: vault.open(id, r.sealed), until: r.until?.getTime() ?? null }))
}

/** Returns the secrets that sign at a time. */
export function signing(secrets: readonly Secret[], now: number): string[] {
  return secrets.filter((s) => s.until === null || s.until > now).map((s) => s.secret)
}

export async function notifyDeliverers(tx: Transaction, id: string): Promise<void> {
  await tx`select pg_notify(${webhookChannel}, ${id})`
}
