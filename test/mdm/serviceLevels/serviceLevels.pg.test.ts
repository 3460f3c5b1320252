import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { startFeedMeter } from '../../../cli/observe/feedMeter.ts'
import { IngestMeter } from '../../../cli/server/ingestMeter.ts'
import { readOnlyTransaction } from '../../../mdm/db/readOnlyTransaction.ts'
import { accept } from '../../../mdm/inbox/accept.ts'
import { multirange, readBatches } from '../../../mdm/inbox/batches.ts'
import { applyPending, type Pipeline } from '../../../mdm/ingest/pipeline.ts'
import { addMinutes } from '../../../mdm/serviceLevels/minutes.ts'
import {
  type Objective,
  readServiceLevels,
  type ServiceLevels,
} from '../../../mdm/serviceLevels/objectives.ts'
import { type Level, serviceLevels } from '../../../mdm/serviceLevels/serviceLevels.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { row, shopConnector, shopPipeline } from '../../fixtures/shop.ts'
import { empty } from '../../fixtures/store.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
beforeEach(() => empty(db.sql))
after(async () => await db?.drop())

const ingest = (name: string, more: Partial<Objective> = {}): Objective => {
  return { name, tier: 'gold', measure: 'INGEST_LAG', withinMs: 60_000, target: 0.9, ...more }
}
const types: Record<string, string> = { client: 'Customer', person: 'Contact' }
const typeOf = (_: string, object: string | null) => types[object ?? ''] ?? null
const levels = async (...objectives: Objective[]): Promise<Level[]> =>
  readOnlyTransaction(db.sql, (tx) => serviceLevels(tx, { windowDays: 28, objectives }, typeOf))
const hoursAgo = (hours: number) => Math.floor(Date.now() / 60_000 - hours * 60) * 60_000

test('an objective is met, burning or missed by the counts of its windows', async () => {
  const [none] = await levels(ingest('a'))
  assert.deepEqual(
    [none?.state, none?.budgetLeft, none?.spans.map((s) => s.ratio)],
    ['NO_DATA', null, [null, null, null]],
  )
  await addMinutes(db.sql, [
    { objective: 'a', minute: hoursAgo(0), good: 95, total: 100 },
    { objective: 'a', minute: hoursAgo(3), good: 100, total: 100 },
    { objective: 'a', minute: hoursAgo(24 * 20), good: 700, total: 800 },
    { objective: 'a', minute: hoursAgo(24 * 29), good: 0, total: 9_000 },
  ])
  await addMinutes(db.sql, [{ objective: 'a', minute: hoursAgo(3), good: 0, total: 0 }])
  const [a] = await levels(ingest('a', { target: 0.89 }))
  assert.deepEqual(
    a?.spans.map((s) => [s.hours, s.good, s.total]),
    [
      [1, 95, 100],
      [6, 195, 200],
      [672, 895, 1_000],
    ],
  )
  assert.equal(a?.state, 'MET')
  assert.ok(Math.abs((a?.spans[0]?.burnRate ?? 0) - 0.05 / 0.11) < 1e-9)
  assert.ok(Math.abs((a?.budgetLeft ?? 0) - (1 - 0.105 / 0.11)) < 1e-9)
  assert.equal((await levels(ingest('a', { target: 0.9 })))[0]?.state, 'MISSED')
  await addMinutes(db.sql, [{ objective: 'b', minute: hoursAgo(0), good: 80, total: 100 }])
  await addMinutes(db.sql, [{ objective: 'b', minute: hoursAgo(48), good: 99_900, total: 99_900 }])
  assert.equal((await levels(ingest('b', { target: 0.99 })))[0]?.state, 'BURNING')
})

test('messages that wait too long count as late before they are applied; replays do not', async () => {
  const late = [
    await row(db.sql, 'client', { id: '1', label: 'One' }),
    await row(db.sql, 'person', { id: '2', name: 'Two' }),
  ]
  await row(db.sql, 'client', { id: '3', label: 'Three' })
  await db.sql`update inbox set received_at = now() - interval '2 minutes' where id = any(${late}::bigint[])`
  const found = await levels(
    ingest('all'),
    ingest('customers', { types: ['Customer'] }),
    ingest('other', { systems: ['x'] }),
  )
  assert.deepEqual(
    found.map((l) => [l.late, l.spans[0]?.total, l.state]),
    [
      [2, 2, 'MISSED'],
      [1, 1, 'MISSED'],
      [0, 0, 'NO_DATA'],
    ],
  )
  await db.sql`update pending set replay = true`
  assert.equal((await levels(ingest('all')))[0]?.late, 0)
})

test('a worker counts how late messages were, by objective, and notes its batches', async () => {
  const objectives = [
    ingest('all', { withinMs: 30_000 }),
    ingest('contacts', { types: ['Contact'] }),
  ]
  const meter = new IngestMeter({
    sql: db.sql,
    worker: 'w',
    levels: { windowDays: 28, objectives },
    typeOf,
    onError: (e) => assert.fail(String(e)),
  })
  const onCommitted: Pipeline['onCommitted'] = (_, messages, claimedAt) =>
    meter.committed(messages, claimedAt)
  const pipeline: Pipeline = { ...shopPipeline(db.sql), onCommitted }
  const slow = await row(db.sql, 'client', { id: '1', label: 'One' })
  await db.sql`update inbox set received_at = now() - interval '1 minute' where id = ${slow}`
  const b = await row(db.sql, 'person', { id: '2', name: 'Two' })
  await applyPending(pipeline, 10)
  // A failed message returns to the queue and counts once it is an exception.
  const failing = await row(db.sql, 'person', { id: '3', name: 'Three' })
  const broken = { ...shopConnector(), map: () => assert.fail('broken') }
  const withBroken = { ...pipeline, connectors: new Map([['shop', broken]]) }
  assert.equal((await applyPending(withBroken, 10)).postponed, 1)
  await meter.flush()
  const found = await levels(...objectives)
  assert.deepEqual(
    found.map((l) => [l.spans[0]?.good, l.spans[0]?.total]),
    [
      [1, 2],
      [1, 1],
    ],
  )
  const batches = await readBatches(db.sql, b)
  assert.deepEqual(
    batches.map((x) => [x.worker, x.messages]),
    [['w', 2]],
  )
  assert.ok((batches[0]?.claimedAt ?? 0) <= (batches[0]?.appliedAt ?? 0))
  assert.equal(multirange([7, 3, 1, 2, 3]), '{[1,4),[7,8)}')
  // A replay is always late, so it is not counted.
  await db.sql`insert into pending (inbox_id, replay) values (${slow}, true)`
  await applyPending(pipeline, 10)
  await meter.flush()
  assert.equal((await levels(...objectives))[0]?.spans[0]?.total, 2)
  assert.equal((await readBatches(db.sql, slow)).length, 2)
  assert.equal((await readBatches(db.sql, failing)).length, 0)
  await db.sql`update pending set not_before = '-infinity'`
  assert.equal((await applyPending(withBroken, 10)).exceptions, 1)
  await meter.flush()
  assert.equal((await levels(...objectives))[1]?.spans[0]?.total, 2)
  assert.equal((await readBatches(db.sql, failing)).length, 1)
})

test('the demo load is neither late while it waits nor counted when it is applied', async () => {
  const objectives = [ingest('all', { withinMs: 1_000 })]
  const meter = new IngestMeter({
    sql: db.sql,
    worker: 'w',
    levels: { windowDays: 28, objectives },
    typeOf,
    onError: (e) => assert.fail(String(e)),
  })
  const message = (messageId: string) => ({
    source: 'shop',
    messageId,
    object: 'client',
    format: 'row' as const,
    body: JSON.stringify({ id: messageId, label: `Label ${messageId}` }),
    correlationId: crypto.randomUUID(),
  })
  await accept(db.sql, [message('D1'), message('D2')], { measured: false })
  await accept(db.sql, [message('R1')])
  await db.sql`update inbox set received_at = now() - interval '1 hour'`
  assert.equal((await levels(...objectives))[0]?.late, 1, 'only the one of a source system')
  await applyPending(
    {
      ...shopPipeline(db.sql),
      onCommitted: (_, messages, claimedAt) => meter.committed(messages, claimedAt),
    },
    10,
  )
  await meter.flush()
  assert.deepEqual((await levels(...objectives))[0]?.spans[0]?.total, 1)
})

test('events of the demo load do not count for the feed', async () => {
  const feed: ServiceLevels = {
    windowDays: 28,
    objectives: [{ ...ingest('feed'), measure: 'FEED_LAG', withinMs: 1_000 }],
  }
  let isLoading = true
  const meter = startFeedMeter(
    db.sql,
    feed,
    (e) => assert.fail(String(e)),
    () => isLoading,
  )
  const late = { bytes: 1, event: { at: new Date(Date.now() - 60_000).toISOString() } }
  meter.seen([late, late] as never)
  isLoading = false
  meter.seen([late] as never)
  await meter.stop()
  assert.equal((await levels(...feed.objectives))[0]?.spans[0]?.total, 1)
})

test('the feed counts how late its events arrive', async () => {
  const feed: ServiceLevels = {
    windowDays: 28,
    objectives: [{ ...ingest('feed'), measure: 'FEED_LAG', withinMs: 1_000 }],
  }
  const meter = startFeedMeter(db.sql, feed, (e) => assert.fail(String(e)))
  const at = (ms: number) => ({ bytes: 1, event: { at: new Date(Date.now() - ms).toISOString() } })
  meter.seen([at(0), at(5_000)] as never)
  await meter.stop()
  const [level] = await levels(...feed.objectives)
  assert.deepEqual([level?.spans[0]?.good, level?.spans[0]?.total], [1, 2])
})

test('webhooks count how late events are accepted, and count dead letters as late', async () => {
  const webhooks: ServiceLevels = {
    windowDays: 28,
    objectives: [{ ...ingest('webhooks'), measure: 'DELIVERY_LAG', withinMs: 1_000 }],
  }
  const meter = startFeedMeter(db.sql, webhooks, (e) => assert.fail(String(e)))
  const at = (ms: number) => ({ at: new Date(Date.now() - ms).toISOString() })
  meter.settled(at(0), true)
  meter.settled(at(5_000), true)
  meter.settled(at(0), false)
  meter.seen([{ bytes: 1, event: at(0) }] as never)
  await meter.stop()
  const [level] = await levels(...webhooks.objectives)
  assert.deepEqual([level?.spans[0]?.good, level?.spans[0]?.total], [1, 3])
})

test('reports a mistake in the file with its location', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'touchstone-slo-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const read = (text: string) => {
    const file = join(dir, 'levels.yaml')
    writeFileSync(file, text)
    return readServiceLevels(file)
  }
  const one = (more: string) =>
    `windowDays: 28\nobjectives: [{ name: a, tier: gold, measure: FEED_LAG, withinMs: 10, target: 0.9${more} }]`
  assert.equal(read(one('')).objectives.length, 1)
  assert.throws(() => read(one(', types: [Customer]')), /a: systems and types belong to INGEST_LAG/)
  assert.throws(() => read(one(', extra: 1')), /objectives\.0: .*extra/)
  assert.throws(
    () => read(one('').replace('0.9', '1')),
    /objectives\.0\.target: must be less than 1/,
  )
  assert.throws(() => read(one('').replace('FEED_LAG', 'LAG')), /objectives\.0\.measure/)
  assert.throws(() => read(one('').replace('28', '0')), /windowDays/)
  assert.throws(
    () =>
      read(
        `${one('').slice(0, -1)}, { name: a, tier: gold, measure: FEED_LAG, withinMs: 1, target: 0.5 }]`,
      ),
    /two objectives named "a"/,
  )
  assert.ok(readServiceLevels('config/service-levels.yaml').objectives.length > 0)
})
