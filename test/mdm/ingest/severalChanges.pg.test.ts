import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Connector } from '../../../connectors/contract.ts'
import { openConnectors } from '../../../connectors/openConnectors.ts'
import { accept } from '../../../mdm/inbox/accept.ts'
import { applyPending, type Pipeline } from '../../../mdm/ingest/pipeline.ts'
import { remap } from '../../../mdm/ingest/remap.ts'
import { replay } from '../../../mdm/ingest/replay.ts'
import { checkRebuild } from '../../../mdm/policy/rebuild.ts'
import { createEngines } from '../../../mdm/resolution/resolve.ts'
import { readPolicy } from '../../../schema/readPolicy.ts'
import { recordKey } from '../../../schema/recordKey.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { shop, shopConnector } from '../../fixtures/shop.ts'
import { drain, empty } from '../../fixtures/store.ts'

let db: TestDatabase
let pipeline: Pipeline
let stripe: Connector
const root = fileURLToPath(new URL('../../../', import.meta.url))

before(async () => {
  db = await testDatabase({ connectionsMax: 4 })
  const policy = readPolicy(`${root}schema/model`)
  const connectors = openConnectors(`${root}config/sources.yaml`, policy, {})
  pipeline = {
    sql: db.sql,
    policy,
    connectors,
    engines: createEngines(policy),
    systems: new Map([...connectors].map(([name, c]) => [name, c.system])),
    attemptsMax: 1,
    onError: (error) => console.error(error),
  }
  const found = connectors.get('stripe')
  assert.ok(found)
  stripe = found
  pipeline.connectors = new Map([...connectors, ['shop', shopConnector()]])
  pipeline.systems = new Map([...pipeline.systems, ['shop', shop]])
})
after(() => db.drop())

function subscription(eventId: string, created: number, status: string) {
  return {
    source: 'stripe',
    messageId: eventId,
    object: 'subscription',
    format: 'event' as const,
    correlationId: randomUUID(),
    body: JSON.stringify({
      id: eventId,
      object: 'event',
      created,
      type: 'customer.subscription.updated',
      data: {
        object: {
          id: 'sub_1',
          object: 'subscription',
          customer: 'cus_1',
          currency: 'eur',
          status,
          items: {
            data: [
              {
                quantity: 3,
                price: { unit_amount: 1000, currency: 'eur', recurring: { interval: 'month' } },
              },
            ],
          },
          metadata: { contract_number: 'C-1' },
        },
      },
    }),
  }
}

test('a message with two changes is applied or skipped as one', async () => {
  await accept(db.sql, [subscription('evt_2', 1_700_000_100, 'active')])
  assert.deepEqual(await applyPending(pipeline, 10), {
    claimed: 1,
    applied: 1,
    skipped: 0,
    exceptions: 0,
    postponed: 0,
  })
  const rows = await db.sql<
    { object: string; type: string }[]
  >`select object, type from source_record order by object`
  assert.deepEqual(
    rows.map((r) => ({ ...r })),
    [
      { object: 'contract', type: 'Contract' },
      { object: 'subscription', type: 'Subscription' },
    ],
  )

  // An older event with another id: neither of its changes applies.
  await accept(db.sql, [subscription('evt_1', 1_700_000_000, 'trialing')])
  assert.deepEqual(await applyPending(pipeline, 10), {
    claimed: 1,
    applied: 0,
    skipped: 1,
    exceptions: 0,
    postponed: 0,
  })
  const [row] = await db.sql<
    { status: string; amount: number }[]
  >`select status, amount_minor as amount from subscription`
  assert.deepEqual({ ...row }, { status: 'active', amount: 3000 })
})

describe('statements of one version', () => {
  let next = 0
  interface Stated {
    source: string
    object: string
    body: Record<string, unknown>
    /** The load or delivery; one of its own if left out. */
    delivery?: string
  }
  /** Accepts messages one after the other and returns their inbox ids; the queue stays empty. */
  async function receive(messages: Stated[]): Promise<number[]> {
    const ids: number[] = []
    for (const { source, object, body, delivery = randomUUID() } of messages) {
      const format = body.object === 'event' || 'payload' in body ? 'event' : 'row'
      const { firstId } = await accept(db.sql, [
        {
          source,
          messageId: `m${next++}`,
          object,
          format,
          correlationId: delivery,
          body: JSON.stringify(body),
        },
      ])
      assert.ok(firstId)
      ids.push(firstId)
    }
    await db.sql`delete from pending`
    return ids
  }
  /** Applies messages one by one in this order. */
  async function applyInOrder(ids: readonly number[]): Promise<void> {
    for (const id of ids) {
      await db.sql`insert into pending (inbox_id) values (${id})`
      await drain(pipeline)
    }
  }
  const name = async (source: string, object: string, id: string) =>
    (
      await db.sql<
        { name: string | null }[]
      >`select canonical ->> 'name' as name from source_record where key = ${recordKey(source, object, id)} and not deleted`
    )[0]?.name
  const tasks = async () =>
    (
      await db.sql<
        { subject: string[]; reason: string }[]
      >`select subject, reason from task where state = 'OPEN' and kind = 'VALIDATION' order by created_at`
    ).map((t) => [t.subject[0], /later than the statement that counts/.test(t.reason)])
  const customerEvent = (
    id: string,
    fields: Record<string, unknown>,
    previous: Record<string, unknown> | null,
    type = 'customer.updated',
  ) => ({
    id: `evt_${next++}`,
    object: 'event',
    created: 1_755_000_005,
    type,
    data: {
      object: { id, object: 'customer', ...fields },
      ...(previous ? { previous_attributes: previous } : {}),
    },
  })
  const change = (id: string, Name: string, commitNumber: string, sequenceNumber: number) => ({
    payload: {
      Name,
      ChangeEventHeader: {
        entityName: 'Account',
        recordIds: [id],
        changeType: 'UPDATE',
        changedFields: ['Name'],
        commitTimestamp: 1_755_000_000_000,
        commitNumber,
        sequenceNumber,
        transactionKey: randomUUID(),
      },
    },
  })
  const client = (id: string, label: string, delivery?: string) => ({
    source: 'shop',
    object: 'client',
    body: { id, label, changed: '2025-08-12' },
    ...(delivery ? { delivery } : {}),
  })
  const replayed = async (source: string) => {
    await replay(db.sql, {
      source,
      from: null,
      to: null,
      after: 0,
      actor: 'op',
      reason: 'test',
    })
    await drain(pipeline, 1)
  }

  /** The messages of one record, the latest last, and the orders in which they may arrive. */
  const account = '001xx000003DGb1AAG'
  const worlds: [
    what: string,
    source: string,
    object: string,
    id: string,
    stated: () => Stated[],
    arrivals: number[][],
  ][] = [
    [
      'a day as version: the later delivery',
      'shop',
      'client',
      'c1',
      () => [client('c1', 'old'), client('c1', 'newer'), client('c1', 'last')],
      [
        [0, 1, 2],
        [0, 1, 2],
      ],
    ],
    [
      'Stripe: former values, in any order of arrival',
      'stripe',
      'customer',
      'cus_1',
      () =>
        [
          customerEvent('cus_1', { name: 'old' }, null),
          customerEvent('cus_1', { name: 'newer' }, { name: 'old' }),
          customerEvent('cus_1', { name: 'last' }, { name: 'newer' }),
        ].map((body) => ({ source: 'stripe', object: 'customer', body })),
      [
        [0, 1, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
      ],
    ],
    [
      'Salesforce: transaction and sequence, in any order of arrival',
      'salesforce',
      'Account',
      account,
      () =>
        [
          change(account, 'old', '10836', 2999),
          change(account, 'newer', '10836', 3000),
          change(account, 'last', '10837', 1),
        ].map((body) => ({ source: 'salesforce', object: 'Account', body })),
      [
        [0, 1, 2],
        [1, 2, 0],
        [2, 1, 0],
      ],
    ],
  ]
  /** Orders of application, for one order of arrival after the other. */
  const orders = [
    [2, 1, 0],
    [1, 2, 0],
    [2, 0, 1],
    [0, 1, 2],
  ]
  for (const [what, source, object, id, stated, arrivals] of worlds)
    test(`${what} counts, in any order of application, twice, after a replay and a remap`, async () => {
      for (const [i, arrival] of arrivals.entries()) {
        await empty(db.sql)
        const messages = stated()
        const ids = await receive(arrival.flatMap((n) => messages[n] ?? []))
        const order = orders[i] ?? []
        await applyInOrder(order.map((n) => ids[n] ?? 0))
        assert.equal(await name(source, object, id), 'last', `${arrival} applied as ${order}`)
        assert.deepEqual(await tasks(), [])
      }
      await replayed(source)
      await remap(pipeline, source)
      assert.equal(await name(source, object, id), 'last')
      assert.deepEqual((await checkRebuild(db.sql, pipeline)).differences, [])
    })

  test('two workers at once leave the later of two deliveries, for records with and without versions', async () => {
    await empty(db.sql)
    const records = Array.from({ length: 20 }, (_, i) => `w${i}`)
    const unversioned = (id: string, label: string): Stated => ({
      source: 'shop',
      object: 'client',
      body: { id: `u${id}`, label },
    })
    for (const label of ['one', 'two', 'one'])
      await receive(records.flatMap((id) => [client(id, label), unversioned(id, label)]))
    const customers = records.map((id) => `cus_${id}`)
    for (const older of [false, true])
      await receive(
        customers.map((id) => ({
          source: 'stripe',
          object: 'customer',
          body: older
            ? customerEvent(id, { name: 'older' }, null)
            : customerEvent(id, { name: 'newer' }, { name: 'older' }),
        })),
      )
    await db.sql`insert into pending (inbox_id) select id from inbox`
    const worker = async (number: number) => {
      const own = { ...pipeline, share: { worker: number, workers: 2 } }
      while ((await applyPending(own, 1 + number)).claimed > 0);
    }
    await Promise.all([worker(0), worker(1)])
    for (const id of records)
      assert.deepEqual(
        [
          await name('shop', 'client', id),
          await name('shop', 'client', `u${id}`),
          await name('stripe', 'customer', `cus_${id}`),
        ],
        ['one', 'one', 'newer'],
      )
  })

  test('rows of one file that contradict each other: the last counts, with a task until a later file of that day', async () => {
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      await empty(db.sql)
      const file = randomUUID()
      const ids = await receive([client('d1', 'first row', file), client('d1', 'last row', file)])
      await applyInOrder(order.map((i) => ids[i] ?? 0))
      assert.equal(await name('shop', 'client', 'd1'), 'last row')
      assert.deepEqual(await tasks(), [[recordKey('shop', 'client', 'd1'), true]])
      await replayed('shop')
      await remap(pipeline, 'shop')
      assert.equal((await tasks()).length, 1)
      await applyInOrder(await receive([client('d1', 'corrected')]))
      assert.equal(await name('shop', 'client', 'd1'), 'corrected')
      assert.deepEqual(await tasks(), [])
    }
    const file = randomUUID()
    const same = (note: string) => ({
      ...client('d2', 'same', file),
      body: { id: 'd2', label: 'same', changed: '2025-08-12', note },
    })
    await applyInOrder(await receive([same('a'), same('b')]))
    assert.deepEqual(await tasks(), [], 'columns that are not mapped contradict nothing')
  })

  test('Stripe events of one second that nothing orders: the last to arrive counts, with a task until a newer event', async () => {
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      await empty(db.sql)
      const events = ['one', 'two'].map((n) => customerEvent('cus_9', { name: n }, null))
      const ids = await receive(
        events.map((body) => ({ source: 'stripe', object: 'customer', body })),
      )
      await applyInOrder(order.map((i) => ids[i] ?? 0))
      assert.equal(await name('stripe', 'customer', 'cus_9'), 'two')
      assert.deepEqual(await tasks(), [[recordKey('stripe', 'customer', 'cus_9'), true]])
      const newer = { ...customerEvent('cus_9', { name: 'three' }, null), created: 1_755_000_006 }
      await applyInOrder(await receive([{ source: 'stripe', object: 'customer', body: newer }]))
      assert.equal(await name('stripe', 'customer', 'cus_9'), 'three')
      assert.deepEqual(await tasks(), [])
    }
  })

  test('an operational object whose latest statement cannot be known has a task too', async () => {
    await empty(db.sql)
    const invoice = (number: string) => ({
      id: `evt_${next++}`,
      object: 'event',
      created: 1_755_000_005,
      type: 'invoice.updated',
      data: {
        object: { id: 'in_9', object: 'invoice', customer: 'cus_9', number, currency: 'eur' },
      },
    })
    const bodies = [invoice('A-1'), invoice('A-2')]
    await applyInOrder(
      await receive(bodies.map((body) => ({ source: 'stripe', object: 'invoice', body }))),
    )
    assert.deepEqual(await tasks(), [[recordKey('stripe', 'invoice', 'in_9'), true]])
    const newer = { ...invoice('A-3'), created: 1_755_000_006 }
    await applyInOrder(await receive([{ source: 'stripe', object: 'invoice', body: newer }]))
    assert.deepEqual(await tasks(), [])
  })

  test('a redelivery of the older event after the newer one changes nothing', async () => {
    await empty(db.sql)
    const older = customerEvent('cus_3', { name: 'older' }, null)
    const newer = customerEvent('cus_3', { name: 'newer' }, { name: 'older' })
    const deliver = async (body: unknown) => {
      const [message] = stripe.split(JSON.stringify(body), null, null)
      assert.ok(message)
      await accept(db.sql, [{ ...message, source: 'stripe', correlationId: randomUUID() }])
      await drain(pipeline)
    }
    for (const body of [newer, older, newer, older]) await deliver(body)
    assert.equal(await name('stripe', 'customer', 'cus_3'), 'newer')
    assert.equal((await db.sql`select 1 from inbox`).length, 2)
  })
})
