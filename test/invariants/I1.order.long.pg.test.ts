import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { applyPending, type Pipeline } from '../../mdm/ingest/pipeline.ts'
import { checkRebuild } from '../../mdm/policy/rebuild.ts'
import { recordKey } from '../../schema/recordKey.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import type { DirectMessage } from '../fixtures/directSource.ts'
import { directPipeline, drain, empty, send, systems } from '../fixtures/store.ts'
import fc, { isMine } from '../property.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
after(async () => await db.drop())

// Few values make records meet: several systems share names, phones and domains, and chains connect
// them.
const names = [
  'Nordwind Logistik GmbH',
  'Nordwind Logistics',
  'Nordwind Holding AG',
  'Casa Lupo S.r.l.',
  'Casa Lupo',
  'Blue Fen Ltd',
  'Blue Fenn Limited',
]
const customer = fc.record(
  {
    name: fc.constantFrom(...names),
    lifecycle: fc.constantFrom('LEAD', 'PROSPECT', 'CUSTOMER'),
    taxIds: fc.constantFrom(['DE136695976'], ['IT00743110157'], ['XX1']),
    emails: fc.subarray([
      'info@nordwind.example',
      'sales@casalupo.example',
      'office@bluefen.example',
      'not an email',
    ]),
    phones: fc.subarray(['+493012345678', '+390612345678', '+442079460018']),
    domains: fc.subarray(['nordwind.example', 'casalupo.example', 'bluefen.example']),
    billingAddress: fc.record({
      street: fc.constantFrom('Hafenstr. 1', 'Via Roma 12', '5 Mill Lane'),
      city: fc.constantFrom('Hamburg', 'Roma', 'Leeds'),
      country: fc.constantFrom('DE', 'IT', 'GB', 'Germania'),
    }),
    paymentTerms: fc.constantFrom('NET30', 'NET14'),
  },
  { requiredKeys: ['name'] },
)
const contact = fc.record(
  {
    name: fc.constantFrom('Anna Weber', 'A. Weber', 'Ana Weber', 'Luigi Conti', 'Weber, Anna'),
    emails: fc.subarray(['anna.weber@nordwind.example', 'l.conti@casalupo.example']),
    phones: fc.subarray(['+493012345678', '+390612345679']),
    jobTitle: fc.constantFrom('CFO', 'Buyer'),
  },
  { requiredKeys: ['name'] },
)
const message = fc.record({
  source: fc.constantFrom(...systems.map((s) => s.name)),
  type: fc.constantFrom('Customer', 'Customer', 'Customer', 'Contact'),
  id: fc.constantFrom('1', '2', '3', '4'),
  version: fc.integer({ min: 1, max: 6 }),
  deleted: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
  partial: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
  customer,
  contact,
  reference: fc.constantFrom('1', '2', '3'),
})
/**
 * A world is a list of messages, in the order of their arrival. Two runs differ in the order of
 * application, duplicates and batching.
 */
const world = fc.record({
  messages: fc.array(message, { minLength: 3, maxLength: 16 }),
  orders: fc.tuple(fc.infiniteStream(fc.nat()), fc.infiniteStream(fc.nat())),
  batches: fc.tuple(fc.integer({ min: 1, max: 16 }), fc.integer({ min: 1, max: 16 })),
})

const worlds = Number(process.env.TOUCHSTONE_I1_WORLDS ?? 24)

const bounds = [
  [undefined, 'blocks of any size in so small a world'],
  [2, 'blocks that pass the bound and fall under it again'],
] as const
for (const [bound, what] of bounds.filter((_, n) => isMine(n)))
  test(`I1: golden records are the same for any order of application, duplication and batching, and equal a rebuild: ${what}`, async () => {
    await sameInAnyOrder(directPipeline(db.sql, bound))
  })

test('I1: a reference to a deleted record is compared the same with or without an earlier match of that record', async () => {
  const pipeline = directPipeline(db.sql)
  const record = (
    source: string,
    type: string,
    id: string,
    fields: Record<string, unknown>,
    deleted = false,
  ) => ({
    source,
    message: {
      type,
      id,
      version: deleted ? 2e6 : 1e6,
      deleted,
      partial: false,
      fields,
    } satisfies DirectMessage,
  })
  const name = 'Nordwind Logistik GmbH'
  const contact = (source: string, id: string) =>
    record(source, 'Contact', '1', {
      name: 'Anna Weber',
      customer: recordKey(source, 'Customer', id),
    })
  const customers = [
    record('crm', 'Customer', '1', { name }),
    record('success', 'Customer', '3', { name }),
  ]
  const contacts = [contact('crm', '1'), contact('success', '3')]
  const gone = record('crm', 'Customer', '1', { name }, true)
  const results = []
  for (const arrival of [
    [...customers, ...contacts, gone],
    [...customers, gone, ...contacts],
    [gone, ...contacts, ...customers],
  ]) {
    await empty(db.sql)
    await send(db.sql, arrival)
    await drain(pipeline, 1)
    assert.deepEqual((await checkRebuild(db.sql, pipeline)).differences, [])
    results.push((await goldenByMembers()).map((g) => g.members))
  }
  assert.deepEqual(
    results,
    Array(3).fill([['crm/Contact/1'], ['success/Contact/1'], ['success/Customer/3']]),
  )
})

async function sameInAnyOrder(pipeline: Pipeline): Promise<void> {
  await fc.assert(
    fc.asyncProperty(world, async (w) => {
      const messages = w.messages.map((m) => {
        const fields: Record<string, unknown> =
          m.type === 'Contact'
            ? { ...m.contact, customer: recordKey(m.source, 'Customer', m.reference) }
            : m.customer
        return {
          source: m.source,
          message: {
            type: m.type,
            id: m.id,
            version: m.version * 1e6,
            deleted: m.deleted,
            partial: m.partial,
            fields,
          } satisfies DirectMessage,
        }
      })
      const results: string[] = []
      for (const turn of [0, 1] as const) {
        await empty(db.sql)
        const random = w.orders[turn]
        await send(db.sql, messages)
        const arrived = await db.sql<{ id: number }[]>`delete from pending returning inbox_id as id`
        const order = [...arrived, ...arrived.filter(() => next(random) % 4 === 0)]
          .map(({ id }) => ({ id, at: next(random) }))
          .sort((a, b) => a.at - b.at)
          .map(({ id }) => id)
        for (let from = 0; from < order.length; from += w.batches[turn]) {
          const batch = order.slice(from, from + w.batches[turn])
          await db.sql`insert into pending (inbox_id) select distinct unnest(${batch}::bigint[])`
          assert.equal((await applyPending(pipeline, 500)).postponed, 0)
        }
        await drain(pipeline)
        const check = await checkRebuild(db.sql, pipeline)
        assert.deepEqual(check.differences, [], 'the stored state equals a rebuild')
        results.push(JSON.stringify(await goldenByMembers(), null, 1))
      }
      assert.equal(results[0], results[1])
    }),
    { numRuns: worlds },
  )
  assert.equal((await applyPending(pipeline, 10)).claimed, 0)
}

function next(stream: fc.Stream<number>): number {
  const { value, done } = stream.next()
  assert.ok(!done)
  return value
}

/**
 * Returns golden records named by their live members. Their id is that of the first record to
 * arrive.
 */
async function goldenByMembers() {
  return await db.sql`
    select g.type, g.values, g.provenance,
      array(select s.source || '/' || s.object || '/' || s.source_id from source_record s
        where s.golden_id = g.id and s.complete and not s.deleted order by 1) as members
    from golden g where g.state = 'ACTIVE' order by members`
}
