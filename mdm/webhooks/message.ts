import { randomUUID } from 'node:crypto'
import { Webhook as Signer } from 'standardwebhooks'
import { changeSchemaMajor, cloudEvent, eventId } from '../../schema/cloudEvent.ts'
import type { ChangeEvent } from '../../schema/events.ts'

/** The posted message: Standard Webhooks around a CloudEvents 1.0 event in structured mode. */
export interface Message {
  /** One id for all attempts. */
  id: string
  body: string
}

type Visible = (event: ChangeEvent, scopes: ReadonlySet<string>) => ChangeEvent

/**
 * Returns an event as an endpoint with these scopes may see it. The message's id is that of the
 * CloudEvent with `_` for `.`, because the signature separates its parts by full stops.
 */
export function eventMessage(
  event: ChangeEvent,
  feed: string,
  visible: Visible,
  scopes: ReadonlySet<string>,
): Message {
  const body = cloudEvent(visible(event, scopes), feed)
  return { id: messageId(event, feed), body: JSON.stringify(body) }
}

export function messageId(
  event: Pick<ChangeEvent, 'goldenId' | 'version' | 'epoch'>,
  feed: string,
): string {
  return eventId(event, feed).replaceAll('.', '_')
}

/**
 * Returns a test event without content, to check whether an endpoint responds and verifies. `now`
 * in ms since 1970.
 */
export function testMessage(webhook: string, feed: string, now: number): Message {
  const id = `test_${randomUUID()}`
  const body = {
    specversion: '1.0',
    id,
    source: `urn:touchstone:feed:${feed}`,
    type: 'touchstone.webhook.test',
    subject: webhook,
    time: new Date(now).toISOString(),
    datacontenttype: 'application/json',
    dataschema: `urn:touchstone:schema:webhook-test:${changeSchemaMajor}`,
    data: { message: 'This is a test. Nothing has changed.' },
  }
  return { id, body: JSON.stringify(body) }
}

/** Returns the headers of an attempt, signed with each of the secrets. `now` in ms since 1970. */
export function signedHeaders(
  message: Message,
  secrets: readonly string[],
  now: number,
): Record<string, string> {
  const at = new Date(now)
  return {
    'content-type': 'application/cloudevents+json; charset=utf-8',
    'user-agent': 'touchstone-webhooks',
    'webhook-id': message.id,
    'webhook-timestamp': String(Math.floor(now / 1_000)),
    'webhook-signature': secrets
      .map((s) => new Signer(s).sign(message.id, at, message.body))
      .join(' '),
  }
}
