import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { applyPending } from '../../../mdm/ingest/pipeline.ts'
import { type ReplayOptions, replay } from '../../../mdm/ingest/replay.ts'
import { checkRebuild } from '../../../mdm/policy/rebuild.ts'
import { recordKey } from '../../../schema/recordKey.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { row, SHOP_MAPPING, shopPipeline } from '../../fixtures/shop.ts'
import { drain, empty } from '../../fixtures/store.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
beforeEach(() => empty(db.sql))
after(async () => await db?.drop())

const options: ReplayOptions = {
  source: 'shop',
  from: null,
  to: null,
  after: 0,
  actor: 'op',
  reason: 'test',
}
const at = (day: number) => new Date(Date.UTC(2026, 0, day)).toISOString()
const head = async () =>
  (await db.sql<{ position: number }[]>`select position from feed_head`)[0]?.position ?? 0
const values = async (id: string, object = 'client') =>
  (await db.sql`select values from golden where id = ${recordKey('shop', object, id)}`)[0]?.values
const outcomes = async () =>
  (await db.sql`select inbox_id, outcome, code from outcome order by inbox_id`).map((o) => [
    o.inbox_id,
    o.outcome,
    o.code,
  ])

test('a replay with the same mapping changes no event and no outcome, and empties the queue', async () => {
  await row(db.sql, 'client', { id: '1', changed: at(1), label: 'One' })
  await row(db.sql, 'client', { id: '1', changed: at(3), label: 'Three' })
  const old = await row(db.sql, 'client', { id: '1', changed: at(2), label: 'Two' })
  const bad = await row(db.sql, 'client', { label: 'No id' })
  const half = await row(db.sql, 'client', { id: '2' })
  await row(db.sql, 'client', { id: '3', label: 'Plain' })
  const pipeline = shopPipeline(db.sql)
  await drain(pipeline)
  const before = [await head(), await outcomes()]
  assert.deepEqual(before[1], [
    [old, 'SKIPPED', 'NOT_NEWER'],
    [bad, 'EXCEPTION', 'MISSING_ID'],
    [half, 'EXCEPTION', 'INCOMPLETE'],
  ])
  const done = await replay(db.sql, options)
  assert.deepEqual([done.queued, done.complete, done.last], [6, true, done.upTo])
  assert.equal((await replay(db.sql, options)).queued, 0, 'those that wait are not queued twice')
  await drain(pipeline)
  assert.deepEqual([await head(), await outcomes()], before)
  const [audit] = await db.sql`select actor, event, body ->> 'source' as source from audit`
  assert.deepEqual({ ...audit }, { actor: 'op', event: 'REPLAY', source: 'shop' })
})

test('the outcome of an incomplete record is settled once it is complete, whatever else is in the batch', async () => {
  await row(db.sql, 'client', { id: '1', changed: at(1) })
  await row(db.sql, 'client', { id: '1', changed: at(2), label: 'Whole' })
  await row(db.sql, 'client', { id: '1', changed: at(3), label: 'Newer' })
  await drain(shopPipeline(db.sql))
  assert.deepEqual(await outcomes(), [])
  // In the same batch as a replayed message that changes nothing.
  await replay(db.sql, options)
  await row(db.sql, 'client', { id: '2', changed: at(1) })
  await row(db.sql, 'client', { id: '2', changed: at(2), label: 'Whole' })
  await drain(shopPipeline(db.sql))
  assert.deepEqual(await outcomes(), [])
  assert.equal((await values('2')).name, 'Whole')
})

test('rejects a version in the future, which would outrank everything until then', async () => {
  const ahead = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString()
  await row(db.sql, 'client', { id: '1', changed: at(1), label: 'One' })
  const refused = await row(db.sql, 'client', { id: '1', changed: '2126-01-01', label: 'Frozen' })
  await row(db.sql, 'client', { id: '1', changed: at(2), label: 'Two' })
  await row(db.sql, 'client', { id: '2', changed: ahead(40), label: 'A clock that is ahead' })
  await drain(shopPipeline(db.sql))
  assert.deepEqual(await outcomes(), [[refused, 'EXCEPTION', 'INVALID_VERSION']])
  assert.equal((await values('1')).name, 'Two')
  assert.equal((await values('2')).name, 'A clock that is ahead')
})

test('a changed mapping takes effect though no version is newer: values, new objects and former exceptions', async () => {
  await row(db.sql, 'client', {
    id: '1',
    changed: at(1),
    label: 'One',
    terms: '30',
    since: '2020-01-01',
  })
  await row(db.sql, 'client', { id: '1', changed: at(2), label: 'Uno', terms: '14' })
  const ship = await row(db.sql, 'ship', { id: '9', label: 'Blue Fen' })
  await drain(shopPipeline(db.sql))
  assert.deepEqual(await values('1'), { name: 'Uno' })
  const changed = SHOP_MAPPING.replace('"30": NET30', '"30": NET30, "14": NET14').replace(
    '  person:',
    '  ship: { as: Customer, fields: { name: label } }\n  tradename: { as: Product, of: client, id: label, fields: { name: label } }\n  person:',
  )
  const before = await head()
  const pipeline = shopPipeline(db.sql, changed)
  await replay(db.sql, options)
  await drain(pipeline)
  assert.deepEqual(await values('1'), { name: 'Uno', paymentTerms: 'NET14' })
  assert.deepEqual(
    [(await values('Uno', 'tradename')).name, (await values('One', 'tradename')).name],
    ['Uno', 'One'],
  )
  assert.equal((await values('9', 'ship')).name, 'Blue Fen')
  assert.ok(!(await outcomes()).some(([id]) => id === ship), 'an applied message is no exception')
  assert.equal(await head(), before + 4)
  const [cause] =
    await db.sql`select cause from change where golden_id = ${recordKey('shop', 'client', '1')} order by version desc limit 1`
  const [message] =
    await db.sql`select correlation_id from inbox where id = ${cause?.cause.inboxId}`
  assert.equal(
    cause?.cause.correlationId,
    message?.correlation_id,
    'the event names the message and its correlation id',
  )
  assert.deepEqual((await checkRebuild(db.sql, pipeline)).differences, [])
  await replay(db.sql, options)
  await drain(pipeline)
  assert.equal(await head(), before + 4, 'again: nothing to do')
})

test('a record that the mapping no longer fills is an exception, and is restored by the former mapping', async () => {
  const id = await row(db.sql, 'client', { id: '1', changed: at(1), label: 'One' })
  await drain(shopPipeline(db.sql))
  await replay(db.sql, options)
  await drain(shopPipeline(db.sql, SHOP_MAPPING.replace('name: label', 'name: title')))
  assert.deepEqual(await outcomes(), [[id, 'EXCEPTION', 'INCOMPLETE']])
  await replay(db.sql, options)
  await drain(shopPipeline(db.sql))
  assert.deepEqual(await outcomes(), [])
  assert.equal((await values('1')).name, 'One')
})

test('replays only the selected system, object, time and unsettled exceptions', async () => {
  const a = await row(db.sql, 'client', { id: '1', label: 'One' })
  const b = await row(db.sql, 'CLI_ENT', { id: '2', label: 'Two' })
  const c = await row(db.sql, 'person', { id: '3', name: 'Three' })
  const d = await row(db.sql, 'client', { id: '4', label: 'Four' }, 'elsewhere')
  const e = await row(db.sql, 'client', { label: 'No id' })
  await drain(shopPipeline(db.sql))
  await db.sql`update outcome set outcome = 'DISCARDED' where inbox_id = ${e}`
  await db.sql`update inbox set received_at = ${at(5)} where id = ${a}`
  const queued = async (more: Partial<ReplayOptions>) => {
    await replay(db.sql, { ...options, ...more })
    return (await db.sql`delete from pending returning inbox_id`)
      .map((p) => p.inbox_id)
      .sort((x, y) => x - y)
  }
  assert.deepEqual(await queued({}), [a, b, c])
  assert.deepEqual(await queued({ source: 'elsewhere' }), [d])
  const connector = shopPipeline(db.sql).connectors.get('shop') as unknown as {
    objectName(n: string): string | null
  }
  assert.deepEqual(
    await queued({ isMeant: (o) => o !== null && connector.objectName(o) === 'client' }),
    [a, b],
  )
  assert.deepEqual(await queued({ to: new Date(at(6)) }), [a])
  assert.deepEqual(await queued({ from: new Date(at(6)) }), [b, c])
  assert.deepEqual(await queued({ after: b }), [c])
})

test('never fills the queue, stops on request and resumes where it was', async () => {
  await db.sql`insert into inbox (source, message_id, object, format, body, correlation_id)
    select 'shop', n::text, 'client', 'row', json_build_object('id', n, 'label', 'L' || n)::text, gen_random_uuid()
    from generate_series(1, 2500) n`
  const stop = new AbortController()
  const stopped = await replay(db.sql, {
    ...options,
    waitingMax: 1_000,
    pollMs: 1,
    signal: stop.signal,
    onProgress: (s) => {
      if (s.stuckMs > 0) stop.abort()
    },
  })
  assert.deepEqual(
    [stopped.queued, stopped.complete],
    [1_000, false],
    'the second thousand waits for room',
  )
  const pipeline = shopPipeline(db.sql)
  let most = 0
  const rest = replay(db.sql, { ...options, after: stopped.last, waitingMax: 1_000, pollMs: 1 })
  let over = false
  void rest.then(() => {
    over = true
  })
  while (!over) {
    const [row] = await db.sql`select count(*)::int as n from pending`
    most = Math.max(most, row?.n)
    await applyPending(pipeline, 500)
  }
  await drain(pipeline)
  assert.deepEqual([(await rest).queued, (await rest).complete, most <= 1_000], [1_500, true, true])
  assert.equal((await db.sql`select 1 from source_record`).length, 2_500)
})
