import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openConnectors } from '../../../connectors/openConnectors.ts'
import { accept } from '../../../mdm/inbox/accept.ts'
import { applyPending, type Pipeline } from '../../../mdm/ingest/pipeline.ts'
import { createEngines } from '../../../mdm/resolution/resolve.ts'
import { readPolicy } from '../../../schema/readPolicy.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'

let db: TestDatabase
let pipeline: Pipeline
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
