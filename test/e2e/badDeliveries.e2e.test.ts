import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dataDirectory } from '../cli/process.ts'
import { testDatabase } from '../database.ts'
import { type DeliveryAnswer, post, signature } from './deliveries.ts'
import { eventually } from './eventually.ts'
import { running } from './running.ts'

const minutes = 60_000
const shop = (fields: object) => ({
  company_name: 'Blue Fen Ltd',
  modified_at: '2026-01-01T00:00:00Z',
  ...fields,
})
const account = (entityName: string) => ({
  payload: {
    ChangeEventHeader: {
      entityName,
      changeType: 'CREATE',
      recordIds: ['001000000000001AAA'],
      commitTimestamp: 1767340800000,
      changedFields: [],
    },
    Name: 'Blue Fen Ltd',
  },
})
const stripe = (id: string, object: object, created: unknown = 1767340800) => ({
  id,
  object: 'event',
  type: 'customer.updated',
  created,
  data: { object: { object: 'customer', name: 'Blue Fen Ltd', ...object } },
})

/**
 * A delivery, signed correctly unless `headers` or `signedAt` (ms from now) override it.
 */
interface Sent {
  path: string
  body: unknown
  headers?: (good: Record<string, string>) => Record<string, string>
  signedAt?: number
}

const REFUSED: Record<string, Sent & { answer: [number, string] }> = {
  'broken JSON': { path: 'stripe', body: '{"id": "evt_1", ', answer: [400, 'BROKEN_JSON'] },
  'an empty body': { path: 'stripe', body: '', answer: [400, 'BROKEN_JSON'] },
  'a wrong signature': {
    path: 'stripe',
    body: stripe('evt_w', { id: 'cus_w' }),
    headers: (good) => ({ 'stripe-signature': `${good['stripe-signature']?.slice(0, -4)}0000` }),
    answer: [401, 'WRONG_SIGNATURE'],
  },
  'the signature of other bytes': {
    path: 'netsuite',
    body: { a: 1 },
    headers: (good) => ({ 'webhook-id': `${good['webhook-id']}x` }),
    answer: [401, 'WRONG_SIGNATURE'],
  },
  'a recorded delivery, replayed later': {
    path: 'stripe',
    body: stripe('evt_r', { id: 'cus_r' }),
    signedAt: -6 * minutes,
    answer: [401, 'STALE_TIMESTAMP'],
  },
  'a timestamp of the future': {
    path: 'webshop/customers',
    body: shop({ shop_customer_id: 'F' }),
    signedAt: 6 * minutes,
    answer: [401, 'FUTURE_TIMESTAMP'],
  },
  'a body over the limit': {
    path: 'webshop/customers',
    body: shop({ shop_customer_id: 'L', note: 'x'.repeat(1_100_000) }),
    answer: [413, 'BODY_TOO_LARGE'],
  },
  'an array of 10,000 records': {
    path: 'webshop/customers',
    body: Array.from({ length: 10_000 }, (_, i) => ({ shop_customer_id: `A${i}` })),
    answer: [413, 'TOO_MANY_ELEMENTS'],
  },
  'a record with 10,000 elements, behind a good one': {
    path: 'webshop/customers',
    body: [
      shop({ shop_customer_id: 'GOOD' }),
      shop({ shop_customer_id: 'M', list: Array(10_000).fill(1) }),
    ],
    answer: [413, 'TOO_MANY_ELEMENTS'],
  },
  'deeply nested objects': {
    path: 'stripe',
    body: `${'{"a":'.repeat(40)}1${'}'.repeat(40)}`,
    answer: [413, 'TOO_DEEP'],
  },
  'an unknown source system': { path: 'hubspot', body: { a: 1 }, answer: [404, 'UNKNOWN_SOURCE'] },
  'a content type other than JSON': {
    path: 'stripe',
    body: stripe('evt_t', { id: 'cus_t' }),
    headers: () => ({ 'content-type': 'text/plain' }),
    answer: [415, 'UNSUPPORTED_TYPE'],
  },
}

/**
 * Acknowledged, because the sender cannot fix them; each becomes an exception with its reason.
 */
const EXCEPTIONS: Record<string, Sent & { code: string; detail: RegExp }> = {
  'an unknown object': {
    path: 'salesforce',
    body: account('Spaceship'),
    code: 'UNKNOWN_OBJECT',
    detail: /Spaceship/,
  },
  'an object of the path that no mapping knows': {
    path: 'webshop/custmers',
    body: shop({ shop_customer_id: 'U' }),
    code: 'UNKNOWN_OBJECT',
    detail: /custmers/,
  },
  'no id': {
    path: 'webshop/customers',
    body: shop({}),
    code: 'MISSING_ID',
    detail: /record of customers has no id/,
  },
  'no name': {
    path: 'webshop/customers',
    body: { shop_customer_id: 'N', modified_at: '2026-01-01T00:00:00Z' },
    code: 'INCOMPLETE',
    detail: /name/,
  },
  'a version that is not a time': {
    path: 'stripe',
    body: stripe('evt_v', { id: 'cus_v' }, 'yesterday'),
    code: 'INVALID_VERSION',
    detail: /yesterday/,
  },
  'a version with an impossible date': {
    path: 'webshop/customers',
    body: shop({ shop_customer_id: 'D', modified_at: '2026-02-30T00:00:00Z' }),
    code: 'INVALID_VERSION',
    detail: /2026-02-30/,
  },
  'a list where a record belongs': {
    path: 'webshop/customers',
    body: [[1]],
    code: 'NOT_AN_OBJECT',
    detail: /object/,
  },
  'a number where a record belongs': {
    path: 'webshop/customers',
    body: 7,
    code: 'NOT_AN_OBJECT',
    detail: /object/,
  },
}

test('each bad delivery gets a clear response and leaves nothing half-applied, and good ones still work', async (t) => {
  const { dir } = dataDirectory(t)
  const { sql, url, drop } = await testDatabase({ connectionsMax: 1 })
  const it = await running(dir, { DATABASE_URL: url })
  t.after(async () => {
    it.command.child.kill('SIGKILL')
    await drop()
  })
  const stored = async () => {
    const [row] =
      await sql`select (select count(*)::int from inbox) as inbox, (select count(*)::int from pending) as pending,
      (select count(*)::int from source_record where complete) as records, (select position from feed_head) as head`
    return row
  }
  let count = 0
  const send = ({ path, body, headers, signedAt = 0 }: Sent): Promise<DeliveryAnswer> => {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const d = {
      source: path.split('/')[0] ?? '',
      path: `/ingest/${path}`,
      body: text,
      id: `msg_${++count}`,
    }
    const now = Date.now() + signedAt
    return post(it.url, d, { now, headers: headers?.(signature(d, now)) ?? {} })
  }

  const empty = { inbox: 0, pending: 0, records: 0, head: 0 }
  for (const [what, { answer, ...sent }] of Object.entries(REFUSED)) {
    const { status, body } = await send(sent)
    assert.deepEqual([status, body.code], answer, what)
    assert.ok(body.message && body.correlationId, what)
  }
  assert.deepEqual(await stored(), empty)

  for (const [what, { code, detail, ...sent }] of Object.entries(EXCEPTIONS)) {
    const { status, body } = await send(sent)
    assert.deepEqual([status, body.accepted], [202, 1], what)
    await eventually(async () => (await stored())?.pending === 0)
    const [outcome] =
      await sql`select o.outcome, o.code, o.detail from inbox i left join outcome o on o.inbox_id = i.id
      where i.correlation_id = ${body.correlationId ?? ''}`
    assert.deepEqual([outcome?.outcome, outcome?.code], ['EXCEPTION', code], what)
    assert.match(outcome?.detail, detail, what)
  }
  assert.deepEqual(await stored(), { ...empty, inbox: Object.keys(EXCEPTIONS).length })

  const odd = String.raw`{"shop_customer_id":"ODD","company_name":"Blue\u0000 Fen \ud800Ltd","website":"\udc00",
    "modified_at":"2026-01-01T00:00:00Z","__proto__":{"stage":"customer"}}`
  assert.equal((await send({ path: 'webshop/customers', body: odd })).status, 202)
  assert.equal((await it.customer('webshop', 'ODD', 'name')).name, 'Blue\ufffd Fen \ufffdLtd')

  const dates = {
    recordType: 'invoice',
    type: 'create',
    id: '9',
    lastModified: '2026-01-02T08:00:00Z',
    record: {
      id: '9',
      tranId: 'INV-9',
      tranDate: '2026-02-30',
      dueDate: 'soon',
      total: 5,
      currency: { refName: 'EUR' },
    },
  }
  assert.equal((await send({ path: 'netsuite', body: dates })).status, 202)
  await eventually(async () => (await stored())?.pending === 0)
  const [invoice] = await sql`select v.number, v.issue_date, v.due_date, s.issues
    from invoice v join source_record s on s.id = v.record_id`
  assert.deepEqual([invoice?.number, invoice?.issue_date, invoice?.due_date], ['INV-9', null, null])
  assert.deepEqual(
    invoice?.issues.map((i: { field: string }) => i.field).sort(),
    ['dueDate', 'issueDate'],
    'unusable values are reported on the record',
  )

  const good = {
    path: 'webshop/customers',
    body: shop({ shop_customer_id: 'GOOD', company_name: 'Casa Lupo S.r.l.' }),
  }
  assert.equal((await send(good)).status, 202)
  count--
  const again = await send(good)
  assert.deepEqual(
    [again.status, again.body.accepted, again.body.duplicates],
    [200, 0, 1],
    'a delivery sent again at once is a duplicate',
  )
  assert.equal((await it.customer('webshop', 'GOOD', 'name')).name, 'Casa Lupo S.r.l.')
  assert.equal(await it.stop(), 0)
})
