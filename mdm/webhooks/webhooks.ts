import { changeSchemaMajor } from '../../schema/cloudEvent.ts'
import { isStorable } from '../../schema/storable.ts'
import { appendAudit } from '../audit/audit.ts'
import type { Sql, Transaction } from '../db/database.ts'
import { transaction } from '../db/transaction.ts'
import { checkFilter } from '../feed/filter.ts'
import { readHead } from '../feed/read.ts'
import { type DeliveryFilter, forgetResponses, markReplays } from './deliveries.ts'
import {
  addEndpoint,
  addSecret,
  changeEndpoint,
  countEndpoints,
  type Endpoint,
  type EndpointRows,
  type EndpointSettings,
  endpointsMax,
  everyRow,
  lockEndpoint,
  notifyDeliverers,
  readEndpoints,
  readSecrets,
  removeEndpoint,
  setEndpointState,
  signing,
} from './endpoints.ts'
import { signedHeaders, testMessage } from './message.ts'
import { type Answer, createPoster, type Poster } from './post.ts'
import { isSecret, makeSecret, secretBytesMax, secretBytesMin, Vault } from './secrets.ts'
import { checkedUrl, type Reach, UrlError } from './url.ts'

/** Actions of an operator on webhooks; every change is in the audit log. */
export interface Webhooks {
  sql: Sql
  vault: Vault
  reach: Reach
  poster: Poster
}

/** Timeout of an attempt. */
export const timeoutMsDefault = 15_000

/** Allows public addresses at the usual ports, by https; secrets are stored in plain text. */
export function publicWebhooks(sql: Sql): Webhooks {
  const reach: Reach = { networks: [], http: false, ports: [443, 8443] }
  return {
    sql,
    vault: new Vault([]),
    reach,
    poster: createPoster({ reach, timeoutMs: timeoutMsDefault }),
  }
}

export type WebhookRule =
  | 'BAD_URL'
  | 'BAD_SECRET'
  | 'BAD_TEXT'
  | 'BAD_OVERLAP'
  | 'UNKNOWN_SCHEMA_VERSION'
  | 'UNKNOWN_WEBHOOK'
  | 'TOO_MANY_WEBHOOKS'
  | 'TOO_MANY_SECRETS'
  | 'NOTHING_TO_REPLAY'

export type WebhookOutcome =
  | { code: 'DONE'; id: string; secret: string | null; count: number }
  | { code: 'REFUSED'; rule: WebhookRule; detail: string }

const textCharsMax = 500
/** Secrets that sign at one time, the active one included. */
const secretsMax = 4
export const overlapHoursMax = 7 * 24
export const overlapHoursDefault = 24

/** Rolls the transaction of a webhook action back; carries the outcome for the caller. */
class WebhookActionAborted extends Error {
  readonly outcome: WebhookOutcome
  constructor(rule: WebhookRule, detail: string) {
    super(detail)
    this.outcome = { code: 'REFUSED', rule, detail }
  }
}

/**
 * `position`: start after it; null: start at the head. The secret is in the outcome, and never
 * again.
 */
export async function registerWebhook(
  webhooks: Webhooks,
  actor: string,
  settings: EndpointSettings,
  secret: string | null,
  position: number | null,
  rows: EndpointRows = everyRow,
): Promise<WebhookOutcome> {
  return await changing(webhooks, async (tx) => {
    const checked = checkedSettings(webhooks, settings)
    const made = checkedSecret(secret)
    if ((await countEndpoints(tx)) >= endpointsMax)
      throw new WebhookActionAborted(
        'TOO_MANY_WEBHOOKS',
        `there are ${endpointsMax} webhooks already`,
      )
    const id = await addEndpoint(tx, checked, actor, position, rows)
    await addSecret(tx, webhooks.vault, id, made, 0)
    await recordAction(tx, 'WEBHOOK_REGISTERED', actor, id, {
      host: new URL(checked.url).host,
      scopes: checked.scopes,
    })
    return { id, secret: made, count: 1 }
  })
}

/** `settings` receives the current settings; fields that it does not change stay. */
export async function changeWebhook(
  webhooks: Webhooks,
  actor: string,
  id: string,
  settings: (now: Endpoint) => EndpointSettings,
): Promise<WebhookOutcome> {
  return await changing(webhooks, async (tx) => {
    const before = await known(tx, id)
    const checked = checkedSettings(webhooks, settings(before))
    await changeEndpoint(tx, id, checked)
    // Responses from the time of wider scopes may repeat the values that it was sent.
    if (before.scopes.some((s) => !checked.scopes.includes(s))) await forgetResponses(tx, id)
    await recordAction(tx, 'WEBHOOK_CHANGED', actor, id, {
      host: new URL(checked.url).host,
      scopes: checked.scopes,
    })
    return { id, secret: null, count: 1 }
  })
}

/**
 * Enables or disables an endpoint. It keeps its position: enabled again it continues from there, as
 * far as the events still exist.
 */
export async function setWebhookState(
  webhooks: Webhooks,
  actor: string,
  id: string,
  state: Endpoint['state'],
  reason: string,
): Promise<WebhookOutcome> {
  return await changing(webhooks, async (tx) => {
    await known(tx, id)
    const because = state === 'DISABLED' ? text('a reason', reason) : null
    await setEndpointState(tx, id, state, because)
    await recordAction(
      tx,
      state === 'DISABLED' ? 'WEBHOOK_DISABLED' : 'WEBHOOK_ENABLED',
      actor,
      id,
      {
        reason,
      },
    )
    return { id, secret: null, count: 1 }
  })
}

export async function deleteWebhook(
  webhooks: Webhooks,
  actor: string,
  id: string,
): Promise<WebhookOutcome> {
  return await changing(webhooks, async (tx) => {
    await known(tx, id)
    await removeEndpoint(tx, id)
    await recordAction(tx, 'WEBHOOK_DELETED', actor, id, {})
    return { id, secret: null, count: 1 }
  })
}

/**
 * Rotates the secret: from now on deliveries are signed with the new one, and for `overlapHours`
 * with earlier ones too.
 */
export async function rotateWebhookSecret(
  webhooks: Webhooks,
  actor: string,
  id: string,
  secret: string | null,
  overlapHours: number,
): Promise<WebhookOutcome> {
  return await changing(webhooks, async (tx) => {
    const made = checkedSecret(secret)
    if (!(overlapHours >= 0 && overlapHours <= overlapHoursMax))
      throw new WebhookActionAborted(
        'BAD_OVERLAP',
        `secrets can overlap for 0 to ${overlapHoursMax} hours, not ${overlapHours}`,
      )
    const { formerSecretsUntil } = await known(tx, id)
    if (formerSecretsUntil.length + 2 > secretsMax && overlapHours > 0)
      throw new WebhookActionAborted(
        'TOO_MANY_SECRETS',
        `${secretsMax} secrets would sign at once; the oldest ends at ${formerSecretsUntil[0]?.toISOString()}`,
      )
    await addSecret(tx, webhooks.vault, id, made, overlapHours * 3_600)
    await recordAction(tx, 'WEBHOOK_SECRET_ROTATED', actor, id, { overlapHours })
    return { id, secret: made, count: 1 }
  })
}

/** Sends events again: dead letters, or with `filter.states` also delivered ones. */
export async function replayWebhook(
  webhooks: Pick<Webhooks, 'sql'>,
  actor: string,
  id: string,
  filter: DeliveryFilter,
): Promise<WebhookOutcome> {
  return await changing(webhooks, async (tx) => {
    await known(tx, id)
    const count = await markReplays(tx, id, { ...filter, states: filter.states ?? ['DEAD'] })
    if (count === 0)
      throw new WebhookActionAborted(
        'NOTHING_TO_REPLAY',
        'no delivery of this webhook matches the filter',
      )
    await recordAction(tx, 'WEBHOOK_REPLAYED', actor, id, { count })
    return { id, secret: null, count }
  })
}

/**
 * Sends a test event now, whatever state the endpoint is in, and returns its response. One attempt,
 * not logged.
 */
export async function testWebhook(
  { sql, vault, poster }: Webhooks,
  id: string,
): Promise<WebhookOutcome | { code: 'ANSWERED'; id: string; answer: Answer }> {
  const [endpoint] = await readEndpoints(sql, [id])
  if (!endpoint) return unknown(id).outcome
  const now = Date.now()
  const message = testMessage(id, (await readHead(sql)).feed, now)
  const headers = signedHeaders(message, signing(await readSecrets(sql, vault, id), now), now)
  return { code: 'ANSWERED', id, answer: await poster.post(endpoint.url, headers, message.body) }
}

async function changing(
  { sql }: Pick<Webhooks, 'sql'>,
  work: (tx: Transaction) => Promise<{ id: string; secret: string | null; count: number }>,
): Promise<WebhookOutcome> {
  try {
    return { code: 'DONE', ...(await transaction(sql, work)) }
  } catch (e) {
    if (e instanceof WebhookActionAborted) return e.outcome
    throw e
  }
}

async function recordAction(
  tx: Transaction,
  event: string,
  actor: string,
  id: string,
  facts: object,
): Promise<void> {
  await appendAudit(tx, { event, actor, webhook: id, ...facts })
  await notifyDeliverers(tx, id)
}

async function known(tx: Transaction, id: string): Promise<Endpoint> {
  const endpoint = await lockEndpoint(tx, id)
  if (!endpoint) throw unknown(id)
  return endpoint
}

function unknown(id: string): WebhookActionAborted {
  return new WebhookActionAborted('UNKNOWN_WEBHOOK', `there is no webhook ${id}`)
}

/** Throws WebhookActionAborted, and FeedError for the filter. */
function checkedSettings({ reach }: Webhooks, settings: EndpointSettings): EndpointSettings {
  const { url, schemaVersion, description, scopes } = settings
  if (schemaVersion !== changeSchemaMajor)
    throw new WebhookActionAborted(
      'UNKNOWN_SCHEMA_VERSION',
      `there is no version ${schemaVersion} of change events, only ${changeSchemaMajor}`,
    )
  const filter = checkFilter(settings.filter)
  try {
    const { href } = checkedUrl(url, reach)
    return {
      url: href,
      schemaVersion,
      filter,
      scopes,
      description: text('a description', description),
    }
  } catch (e) {
    if (e instanceof UrlError) throw new WebhookActionAborted('BAD_URL', e.message)
    throw e
  }
}

function checkedSecret(given: string | null): string {
  if (given === null) return makeSecret()
  if (isSecret(given)) return given
  // The given value is not repeated: it may be a secret.
  throw new WebhookActionAborted(
    'BAD_SECRET',
    `a secret must be whsec_ and base64 of ${secretBytesMin} to ${secretBytesMax} bytes`,
  )
}

function text(what: string, given: string): string {
  if (given.length > textCharsMax || !isStorable(given))
    throw new WebhookActionAborted(
      'BAD_TEXT',
      `${what} must have at most ${textCharsMax} characters and no NUL`,
    )
  return given
}
