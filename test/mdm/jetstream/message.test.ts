import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { visibleEvent } from '../../../mdm/feed/visible.ts'
import {
  CUT_HEADER,
  eventOf,
  positionOf,
  SCOPES_HEADER,
  sinkMessage,
} from '../../../mdm/jetstream/message.ts'
import type { ChangeEvent } from '../../../schema/events.ts'
import { policy } from '../../fixtures/store.ts'

const feed = randomUUID()
const goldenId = randomUUID()
const epoch = randomUUID()
const event: ChangeEvent = {
  position: 4711,
  epoch,
  op: 'UPDATED',
  goldenId,
  type: 'Customer',
  version: 7,
  before: { name: 'Nordwind', emails: ['a@nordwind.example'] },
  after: { name: 'Nordwind GmbH', emails: ['b@nordwind.example'] },
  changedFields: ['name', 'emails'],
  redirect: null,
  members: [goldenId],
  customer: null,
  cause: {
    source: 'crm',
    object: 'Account',
    sourceId: '1',
    inboxId: 12,
    correlationId: randomUUID(),
  },
  policyVersion: 'p',
  at: '2026-11-21T06:00:00.000Z',
}
const options = {
  subject: 'touchstone.changes',
  visible: visibleEvent(policy),
  bytesMax: 1_048_576,
}
const all = new Set(['pii:read'])

test('an event that is published with all its values is read back unchanged', () => {
  const message = sinkMessage(event, feed, { ...options, scopes: all })
  assert.equal(message.subject, `touchstone.changes.customer.${goldenId}`)
  assert.equal(message.id, `${goldenId}.7.${epoch.slice(0, 8)}`)
  assert.equal(message.headers[SCOPES_HEADER], 'pii:read')
  assert.deepEqual(eventOf(JSON.parse(message.body)), event)
  assert.deepEqual(positionOf(JSON.parse(message.body)), { epoch, position: 4711 })
})

test('without configured scopes no field that needs one is published', () => {
  const message = sinkMessage(event, feed, { ...options, scopes: new Set() })
  assert.doesNotMatch(message.body, /@nordwind/)
  assert.equal(message.headers[SCOPES_HEADER], '')
})

test('an operational object is published without values, unless its scope is configured', () => {
  const invoice = { ...event, type: 'Invoice', before: null, after: { number: 'R-1' } }
  const hidden = sinkMessage(invoice, feed, { ...options, scopes: all })
  assert.doesNotMatch(hidden.body, /R-1/)
  assert.equal(hidden.headers[CUT_HEADER], 'before after')
  const shown = sinkMessage(invoice, feed, { ...options, scopes: new Set(['operational:read']) })
  assert.deepEqual(eventOf(JSON.parse(shown.body)), invoice)
})

test('an event over the size limit of the server is published without its values and marked so', () => {
  const big = { ...event, after: { name: 'x'.repeat(10_000) } }
  const message = sinkMessage(big, feed, { ...options, scopes: all, bytesMax: 10_000 })
  assert.ok(message.body.length < 2_000)
  assert.equal(message.headers[CUT_HEADER], 'before after')
  assert.deepEqual(JSON.parse(message.body).data.omitted, ['before', 'after'])
  assert.equal(positionOf(JSON.parse(message.body))?.position, 4711)
})

test('a message of another publisher has no position', () => {
  for (const body of [
    null,
    7,
    {},
    { source: 'urn:other', sequence: '1' },
    { source: `urn:touchstone:feed:${feed}` },
  ])
    assert.equal(positionOf(body), null)
})
