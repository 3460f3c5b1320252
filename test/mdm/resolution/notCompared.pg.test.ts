import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { requeue } from '../../../mdm/inbox/requeue.ts'
import type { Pipeline } from '../../../mdm/ingest/pipeline.ts'
import { createEngine } from '../../../mdm/match/engine.ts'
import { priorParameters } from '../../../mdm/match/parameters.ts'
import { checkRebuild } from '../../../mdm/policy/rebuild.ts'
import { rematchStale, staleTypes } from '../../../mdm/policy/rematch.ts'
import { recordKey } from '../../../schema/recordKey.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import type { DirectMessage } from '../../fixtures/directSource.ts'
import { directPipeline, drain, empty, policy, send } from '../../fixtures/store.ts'
import fc from '../../property.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
beforeEach(async () => {
  await empty(db.sql)
  await db.sql`delete from match_version`
})
after(async () => await db?.drop())

const customer = policy.type('Customer')
const record = (source: string, id: string, fields: Record<string, unknown>, version = 1) => ({
  source,
  message: {
    type: 'Customer',
    id,
    version: version * 1e6,
    deleted: false,
    partial: false,
    fields,
  } satisfies DirectMessage,
})
const acme = {
  name: 'Constructor Logistics GmbH',
  domains: ['constructor.example'],
  phones: ['+493012345678'],
}
const goldenIdByKey = async () =>
  Object.fromEntries(
    (
      await db.sql<{ at: string; home: string }[]>`
        select source || '/' || source_id as at, golden_id as home from source_record order by 1`
    ).map((r) => [r.at, r.home]),
  )
const stored = async () => [
  ...(await db.sql`select id, features, keys, features_version from source_record order by id`),
]
const keysOf = async () => [...(await db.sql`select key, record_id from match_key order by 1, 2`)]
const openExceptions = async () =>
  (await db.sql`select source, source_id, code, outcome from outcome order by inbox_id`).map(
    (o) => [`${o.source}/${o.source_id}`, o.code, o.outcome],
  )
/**
 * Asserts that a rebuild finds no difference and that the stored keys are those of the features.
 */
async function assertWhole(pipeline: Pipeline) {
  assert.deepEqual((await checkRebuild(db.sql, pipeline)).differences, [])
  const [wrong] = await db.sql`
    select count(*)::int as n from (
      (select key, record_id from match_key except select unnest(keys), id from source_record)
      union all (select unnest(keys), id from source_record except select key, record_id from match_key)) x`
  assert.equal(wrong?.n, 0)
}

/** Stores a word such as "constructor" as a former version did: null for the word, and no key. */
async function plantNullWord(source: string, version: string | null) {
  await db.sql`
    update source_record set features = regexp_replace(features::text, '"constructor"', 'null')::json,
      keys = '{}', features_version = coalesce(${version}, features_version)
    where source = ${source}`
  await db.sql`delete from match_key where record_id in (select id from source_record where source = ${source})`
}

describe('stored features that are broken', () => {
  test('of another version are recomputed when they are compared, and repaired by a pass over the type', async () => {
    const pipeline = directPipeline(db.sql)
    await send(db.sql, [record('crm', '1', acme), record('erp', '9', { name: 'Blue Fen Ltd' })])
    await drain(pipeline)
    const right = [await stored(), await keysOf()]
    await plantNullWord('crm', 'an older one')
    assert.notDeepEqual([await stored(), await keysOf()], right)

    await send(db.sql, [record('erp', '9', { name: 'Blue Fen Limited' }, 2)])
    assert.deepEqual(await drain(pipeline), { applied: 1, skipped: 0, exceptions: 0 })

    assert.deepEqual(
      (await staleTypes(db.sql, pipeline)).map((t) => t.name),
      ['Customer'],
    )
    assert.deepEqual((await rematchStale(db.sql, pipeline))?.done, 1)
    const [now] = await stored()
    assert.deepEqual(now, (right[0] as unknown[])[0])
    await assertWhole(pipeline)
    assert.deepEqual(await staleTypes(db.sql, pipeline), [])
    assert.equal((await rematchStale(db.sql, pipeline))?.done, 0, 'a second pass has nothing to do')
  })

  test('are repaired also in a record that was compared before its turn: features and keys are written together', async () => {
    const pipeline = directPipeline(db.sql)
    await send(db.sql, [
      record('crm', '1', acme),
      record('billing', '2', { ...acme, name: 'Constructor Logistics' }),
    ])
    await drain(pipeline)
    await db.sql`update source_record set features_version = 'an older one'`
    await db.sql`delete from match_key where record_id in (select id from source_record where source = 'crm')`
    // The other record follows it into another golden record, which rewrites the other record's
    // row.
    await send(db.sql, [record('billing', '2', { name: 'Casa Lupo' }, 2)])
    await drain(pipeline)
    await send(db.sql, [record('billing', '2', { ...acme, name: 'Constructor Logistics' }, 3)])
    await drain(pipeline)
    await rematchStale(db.sql, pipeline)
    await assertWhole(pipeline)
    assert.equal(new Set(Object.values(await goldenIdByKey())).size, 1)
  })

  for (const [what, features] of [
    ['null', null],
    ['an empty object', {}],
    ['too few comparisons', { s: 'crm', u: [null] }],
    ['null in place of every value', 'nulls'],
  ] as const)
    test(`of this version (${what}) block no other record: it is compared with the fields of the broken one`, async () => {
      const pipeline = directPipeline(db.sql)
      await send(db.sql, [record('crm', '1', acme)])
      await drain(pipeline)
      await staleTypes(db.sql, pipeline)
      await rematchStale(db.sql, pipeline)
      const right = await stored()
      const comparisons = pipeline.engines.get('Customer')?.comparisons.length ?? 0
      const planted =
        features === 'nulls' ? { s: 'crm', u: Array(comparisons).fill([null]) } : features
      await db.sql`update source_record set features = ${planted === null ? null : db.sql.json(planted)}`

      await send(db.sql, [record('billing', '2', { ...acme, name: 'Constructor Logistics' })])
      assert.deepEqual(await drain(pipeline), { applied: 1, skipped: 0, exceptions: 0 })
      const { 'crm/1': one, 'billing/2': other } = await goldenIdByKey()
      assert.equal(one, other)
      assert.deepEqual(
        await openExceptions(),
        [],
        'a repair that the program makes itself opens no exception',
      )

      assert.deepEqual(
        (await staleTypes(db.sql, pipeline)).map((t) => t.name),
        ['Customer'],
      )
      assert.equal((await rematchStale(db.sql, pipeline))?.done, 1)
      assert.deepEqual((await stored())[0], right[0])
      await assertWhole(pipeline)
    })
})

/** A street that is a number: no mapping passes it on, and the standardiser cannot read it. */
const unreadable = { ...acme, billingAddress: { street: 12, city: 'Berlin' } }

describe('a record that cannot be standardised', () => {
  test('is applied alone with an exception; the others of its batch are applied as if it were absent', async () => {
    const pipeline = directPipeline(db.sql)
    await send(db.sql, [
      record('crm', '1', unreadable),
      record('billing', '2', acme),
      record('erp', '3', acme),
    ])
    await drain(pipeline)
    const at = await goldenIdByKey()
    assert.equal(at['billing/2'], at['erp/3'])
    assert.notEqual(at['crm/1'], at['billing/2'])
    assert.equal(at['crm/1'], recordKey('crm', 'Customer', '1'))
    assert.deepEqual(await openExceptions(), [['crm/1', 'NOT_COMPARED', 'EXCEPTION']])
    await assertWhole(pipeline)

    await send(db.sql, [record('success', '4', acme)])
    await drain(pipeline)
    assert.deepEqual(
      await openExceptions(),
      [['crm/1', 'NOT_COMPARED', 'EXCEPTION']],
      'it is reported once',
    )

    await db.sql`update outcome set outcome = 'DISCARDED'`
    await send(db.sql, [record('success', '4', { ...acme, name: 'Constructor Logistik' }, 2)])
    await drain(pipeline)
    assert.deepEqual(
      await openExceptions(),
      [['crm/1', 'NOT_COMPARED', 'DISCARDED']],
      'a discarded exception stays discarded',
    )

    await db.sql`update outcome set outcome = 'EXCEPTION'`
    await requeue(db.sql as never, [
      (await db.sql<{ id: number }[]>`select inbox_id as id from outcome`)[0]?.id ?? 0,
    ])
    await drain(pipeline)
    assert.deepEqual(
      await openExceptions(),
      [['crm/1', 'NOT_COMPARED', 'EXCEPTION']],
      'a retry fails as before',
    )

    await send(db.sql, [record('crm', '1', acme, 2)])
    await drain(pipeline)
    assert.deepEqual(await openExceptions(), [], 'a version that can be compared settles it')
    assert.equal(new Set(Object.values(await goldenIdByKey())).size, 1)
    await assertWhole(pipeline)
  })

  test('I1: in any order and batching the golden records are the same and equal a rebuild', async () => {
    const pipeline = directPipeline(db.sql, 3)
    const fields = fc.constantFrom<Record<string, unknown>>(
      acme,
      unreadable,
      { name: 'Constructor' },
      { name: 'Casa Lupo' },
    )
    const message = fc.record({
      source: fc.constantFrom('crm', 'billing', 'erp'),
      id: fc.constantFrom('1', '2'),
      version: fc.integer({ min: 1, max: 3 }),
      fields,
    })
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(message, {
          minLength: 3,
          maxLength: 8,
          selector: (m) => `${m.source}/${m.id}/${m.version}`,
        }),
        fc.integer({ min: 1, max: 5 }),
        async (messages, batch) => {
          const results = []
          for (const [order, rows] of [
            [messages, batch],
            [messages.toReversed(), 6 - batch],
          ] as const) {
            await empty(db.sql)
            await send(
              db.sql,
              order.map((m) => record(m.source, m.id, m.fields, m.version)),
            )
            await drain(pipeline, rows)
            await assertWhole(pipeline)
            const members = Map.groupBy(
              Object.entries(await goldenIdByKey()),
              ([, goldenId]) => goldenId,
            )
            results.push([...members.values()].map((m) => m.map(([at]) => at).join()).sort())
          }
          assert.deepEqual(results[0], results[1])
        },
      ),
      { numRuns: 12 },
    )
  })
})

test('two records that cannot be compared stay apart; each is compared with all others', async () => {
  const parameters = priorParameters(customer)
  // Shares that no training produces: the weight of names with a typing error becomes NaN.
  const sound = createEngine(customer).scorer.columns.find((d) => d.name === 'name')
  assert.ok(sound)
  const shares = { m: [...sound.m], r: sound.levels.map((l) => l.r), u: [...sound.u] }
  shares.m[1] = Number.NaN
  parameters.levels[sound.comparison.name] = { [sound.name]: shares }
  const pipeline = directPipeline(db.sql)
  const engines = new Map(pipeline.engines).set('Customer', createEngine(customer, parameters))
  const failing = { ...pipeline, engines }

  await send(db.sql, [
    record('crm', '1', { ...acme, name: 'Constructor Logistics' }),
    record('billing', '2', { ...acme, name: 'Constructr Logistics' }),
    record('erp', '3', { ...acme, name: 'Constructr Logistics' }),
  ])
  assert.deepEqual(await drain(failing, 1), { applied: 3, skipped: 0, exceptions: 0 })
  assert.deepEqual(
    await openExceptions(),
    [
      ['billing/2', 'NOT_COMPARED', 'EXCEPTION'],
      ['erp/3', 'NOT_COMPARED', 'EXCEPTION'],
    ],
    'the newer record of the pair, as neither is at fault alone',
  )
  const at = await goldenIdByKey()
  assert.equal(at['billing/2'], at['erp/3'])
  await assertWhole(failing)
})
