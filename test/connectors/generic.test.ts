import assert from 'node:assert/strict'
import { test } from 'node:test'
import { worldMessages } from '../../demo/world.ts'
import { codeOf, connector, connectors, readOne } from './fixture.ts'

const webshop = connector('webshop')

test('reads a row and an event with the same content as one record', () => {
  const row = {
    shop_customer_id: 'S1',
    account_type: 'B2C',
    company_name: '',
    contact_name: 'Ada Lovelace',
    modified_at: '2026-03-01T09:30:00Z',
  }
  const fromRow = readOne(webshop, 'row', row, 'customers')
  const fromEvent = readOne(webshop, 'event', { object: 'customers', type: 'upsert', record: row })
  assert.deepEqual(fromEvent, fromRow)
  assert.deepEqual(fromRow.canonical.fields, { kind: 'PERSON', name: 'Ada Lovelace' })
})

test('takes id and version from an event, and needs no record for a delete', () => {
  const deleted = readOne(webshop, 'event', {
    object: 'customers',
    type: 'delete',
    id: 'S1',
    version: '2026-03-01T09:30:00Z',
  }).change
  assert.deepEqual(
    [deleted.sourceId, deleted.version, deleted.deleted, deleted.partial],
    ['S1', 1_772_357_400_000_000n, true, true],
  )
  const code = (e: unknown) => codeOf(() => webshop.read('event', JSON.stringify(e), null))
  assert.equal(code({ object: 'customers', type: 'upsert' }), 'NO_DATA')
  assert.equal(code({ object: 'customers', type: 'delete' }), 'MISSING_ID')
  assert.equal(
    code({ object: 'customers', type: 'delete', id: 'S1', version: 'x' }),
    'INVALID_VERSION',
  )
})

test('splits a body of several messages, each with its own key', () => {
  const rows = [{ shop_customer_id: 'S1' }, { shop_customer_id: 'S2' }]
  const delivered = webshop.split(JSON.stringify(rows), 'customers', 'msg_1')
  assert.deepEqual(
    delivered.map((m) => [m.messageId, m.object, m.format, JSON.parse(m.body)]),
    [
      ['msg_1/0', 'customers', 'row', rows[0]],
      ['msg_1/1', 'customers', 'row', rows[1]],
    ],
  )
  assert.equal(webshop.split(JSON.stringify(rows[0]), 'customers', 'msg_1')[0]?.messageId, 'msg_1')
  assert.equal(
    codeOf(() => webshop.split(JSON.stringify(Array(1001).fill({})), 'customers', 'm')),
    'TOO_MANY_MESSAGES',
  )
})

test('makes the key from object and content where there is no delivery id, whatever the order of fields', () => {
  const key = (text: string, object: string) => webshop.split(text, object, null)[0]?.messageId
  assert.equal(
    key('{"a":1,"b":{"c":2,"d":3}}', 'customers'),
    key('{ "b":{"d":3,"c":2}, "a":1 }', 'customers'),
  )
  assert.notEqual(key('{"a":1}', 'customers'), key('{"a":1}', 'contacts'))
  assert.notEqual(key('{"a":1}', 'customers'), key('{"a":2}', 'customers'))
  // Stored keys must stay as they are: with others a file that is loaded again would count as new.
  assert.equal(
    key('{"b":[1.50,-0,{"z":null,"é":"\\u2028\\"","10":true,"9":1e21}],"a":{}}', 'customers'),
    'row:b15ac3MWltjol4EbPMKaJK1OX6mOlVthK0oBA73wa9U',
  )
})

test('replaces a long delivery id by its hash, and NUL in names', () => {
  const [message] = webshop.split('{}', 'a\u0000b', 'x'.repeat(300))
  assert.match(message?.messageId ?? '', /^sha256:/)
  assert.equal(message?.object, 'a\ufffdb')
})

test('maps every message of the demo world completely and without issues', () => {
  const types = new Map<string, number>()
  for (const m of worldMessages({ companies: 120, seed: 3 })) {
    const from = connectors.get(m.source)
    assert.ok(from)
    for (const message of from.split(m.body, m.object, null)) {
      assert.equal(message.format, m.format === 'events' ? 'event' : 'row')
      for (const change of from.read(message.format, message.body, message.object)) {
        assert.notEqual(change.version, null, `${m.source} ${change.object}`)
        if (change.partial) continue
        const canonical = from.map(change.object, change.raw)
        assert.ok(canonical.complete, m.body)
        assert.deepEqual(canonical.issues, [], m.body)
        types.set(canonical.type, (types.get(canonical.type) ?? 0) + 1)
      }
    }
  }
  assert.deepEqual([...types.keys()].sort(), [
    'Contact',
    'Contract',
    'Customer',
    'Invoice',
    'Opportunity',
    'Payment',
    'Posting',
    'Price',
    'Product',
    'SalesOrder',
    'Subscription',
  ])
})
