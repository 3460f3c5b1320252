import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { countingPoster } from '../../../cli/observe/countingPoster.ts'
import { openMetrics } from '../../../cli/observe/metrics.ts'
import { throttle } from '../../../cli/observe/throttle.ts'
import { encodeCursor } from '../../../mdm/feed/cursor.ts'
import { follow } from '../../../mdm/feed/follow.ts'
import { startTailer, type Tailer } from '../../../mdm/feed/tailer.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { row, shopConnector, shopPipeline } from '../../fixtures/shop.ts'
import { drain, policy } from '../../fixtures/store.ts'
import { testGateway } from '../../gateway/gateway.ts'
import { until } from '../../gateway/until.ts'

let db: TestDatabase
let tailer: Tailer
before(async () => {
  db = await testDatabase()
  tailer = await startTailer({ sql: db.sql })
})
after(async () => {
  await tailer?.stop()
  await db?.drop()
})

const open = () =>
  openMetrics({
    sql: db.sql,
    connectors: new Map([['shop', shopConnector()]]),
    types: [policy.type('Customer')],
    failed: (e) => assert.fail(String(e)),
    tailer,
  })

/** Parses the text format into values by name and labels. */
function parse(text: string): Map<string, number> {
  const lines = text.split('\n').filter((l) => l !== '' && !l.startsWith('#'))
  return new Map(
    lines.map((l) => [l.slice(0, l.lastIndexOf(' ')), Number(l.slice(l.lastIndexOf(' ') + 1))]),
  )
}

test('reports ingest, exceptions, feed, pools and tasks, with labels from the configuration only', async (t) => {
  await row(db.sql, 'client', { id: '1', label: 'One' })
  await row(db.sql, 'client', { label: 'No id' })
  await row(db.sql, 'anna@example.org', { id: '1' })
  await drain(shopPipeline(db.sql))
  for (let i = 0; i < 30; i++)
    await row(db.sql, `Anna Weber ${i}`, { id: '1' }, `stranger-${i % 3}`)
  const late = await row(db.sql, 'CLIENT', { id: '2', label: 'Two' })
  await row(db.sql, 'client', { id: '3', label: 'Three' })
  await db.sql`update inbox set received_at = now() - interval '1 hour' where id = ${late}`
  await until(() => tailer.tail.head === 1)
  const now = { after: null, snapshot: false, filter: {} as never }
  const items = await follow(tailer, now)
  await items.next()
  const behind = encodeCursor(tailer.tail.epoch, { kind: 'TAIL', position: 0 })
  const others = [
    await follow(tailer, { ...now, consumer: 'key:orders' }),
    await follow(tailer, { ...now, after: behind, consumer: 'key:billing' }),
    await follow(tailer, { ...now, after: behind, consumer: 'anna@example.org' }),
  ]
  for (const other of others) await other.next()
  t.after(() => Promise.all([items, ...others].map((o) => o.return?.())))

  const metrics = open()
  const text = await metrics.text()
  assert.doesNotMatch(text, /Anna|anna@|stranger/)
  const all = parse(text)
  const is = (name: string) => all.get(`touchstone_${name}`)
  assert.equal(is('database_up'), 1)
  assert.equal(is('ingest_waiting_messages{system="shop",object="client"}'), 2)
  assert.equal(is('ingest_waiting_messages{system="other",object="other"}'), 30)
  assert.ok(Math.abs((is('ingest_lag_seconds{system="shop",object="client"}') ?? 0) - 3_600) < 60)
  assert.equal(is('ingest_queue_messages{kind="all"}'), 32)
  assert.equal(is('exceptions_open{system="shop",code="MISSING_ID"}'), 1)
  assert.equal(is('exceptions_open{system="shop",code="UNKNOWN_OBJECT"}'), 1)
  assert.deepEqual([is('feed_head_position'), is('feed_tail_position')], [1, 1])
  // The last followers received an event and have not asked for the next.
  assert.equal(is('feed_followers{behind="<=0"}'), 2)
  assert.equal(is('feed_followers{behind="<=100"}'), 2)
  assert.deepEqual(
    ['orders', 'billing', 'other'].map((name) =>
      is(`feed_consumer_lag_positions{consumer="${name}"}`),
    ),
    [0, 1, 1],
  )
  for (const other of others) await other.return?.()
  assert.ok((is('database_connections{pool="test",state="active"}') ?? 0) >= 1)
  assert.ok(all.has('process_resident_memory_bytes') && all.has('nodejs_eventloop_lag_seconds'))
  assert.equal([...all.keys()].filter((k) => k.startsWith('touchstone_ingest_waiting')).length, 2)

  // Database metrics are cached for some seconds; metrics of this process are not.
  await row(db.sql, 'client', { id: '4', label: 'Four' })
  await items.return?.()
  await until(() => tailer.followers.size === 0)
  const again = parse(await metrics.text())
  assert.equal(again.get('touchstone_ingest_queue_messages{kind="all"}'), 32)
  assert.equal(again.get('touchstone_feed_followers{behind="<=0"}'), 0)

  // Quality metrics are computed in the background after the scrape that requested them.
  await until(
    async () => parse(await metrics.text()).get('touchstone_golden_records{type="Customer"}') === 1,
  )
  const quality = parse(await metrics.text())
  assert.equal(quality.get('touchstone_completeness{type="Customer",field="name"}'), 1)
  assert.equal(
    quality.get('touchstone_completeness{type="Customer",field="legalName"}'),
    0,
    'a field without any value is reported too',
  )
  metrics.close()
  const later = open()
  assert.equal(parse(await later.text()).get('touchstone_ingest_queue_messages{kind="all"}'), 33)
  later.close()
})

test('reports webhook endpoint states, backlog and attempt results', async () => {
  const hook = async (position: number, state: string, paused: string | null) =>
    (
      await db.sql`insert into webhook (url, description, filter, schema_version, scopes, state, actor, position, paused_until)
        values ('https://hooks.example', '', '{}', 1, '{}', ${state}, 'ida', ${position}, ${paused}) returning id`
    )[0]?.id
  await db.sql`update feed_head set position = 10`
  const [active, paused, disabled] = [
    await hook(7, 'ACTIVE', null),
    await hook(0, 'ACTIVE', '2999-01-01'),
    await hook(0, 'DISABLED', null),
  ]
  await db.sql`insert into webhook_parked (webhook, golden_id, position, attempts, next_at)
    values (${paused}, gen_random_uuid(), 1, 1, now()), (${paused}, gen_random_uuid(), 2, 1, now())`
  await db.sql`insert into webhook_delivery (webhook, position, golden_id, version, state, attempts, last_at)
    select ${paused}, n, gen_random_uuid(), 1, case when n < 3 then 'DEAD' else 'DELIVERED' end, 1, now() from generate_series(1, 5) n`
  const statuses: (number | null)[] = [200, 204, 500, 410, null]
  const post = () =>
    Promise.resolve({
      status: statuses.shift() ?? null,
      error: null,
      response: null,
      retryAfter: undefined,
      durationMs: 1,
    })
  const counting = countingPoster({ post, close: () => {} })
  for (let i = 0; i < 5; i++) await counting.poster.post('', {}, '')
  await counting.poster.post('', {}, '', AbortSignal.abort())
  const metrics = openMetrics({
    sql: db.sql,
    connectors: new Map(),
    types: [],
    failed: (e) => assert.fail(String(e)),
    deliver: () =>
      ({
        results: counting.results,
        publisher: { count: 7 },
        heads: { state: { broken: null, guards: [], unchecked: null, sinks: [] } },
      }) as never,
  })
  await db.sql`insert into sink (name, feed, position, missed) values ('jetstream', gen_random_uuid(), 8, 1)`
  const all = parse(await metrics.text())
  const is = (name: string) => all.get(`touchstone_${name}`)
  assert.deepEqual(
    ['active', 'paused', 'disabled'].map((s) => is(`webhook_endpoints{state="${s}"}`)),
    [1, 1, 1],
  )
  assert.deepEqual(
    [active, paused, disabled].map((id) => is(`webhook_lag_positions{endpoint="${id}"}`)),
    [3, 10, undefined],
  )
  assert.equal(is(`webhook_parked_records{endpoint="${paused}"}`), 2)
  assert.equal(is('webhook_unsettled_events{state="dead"}'), 2)
  assert.deepEqual(
    ['delivered', 'refused', 'unreachable', 'broken_off'].map((r) =>
      is(`deliveries_total{sink="webhook",result="${r}"}`),
    ),
    [2, 2, 1, 1],
  )
  assert.equal(is('deliveries_total{sink="jetstream",result="delivered"}'), 7)
  assert.deepEqual(
    ['position', 'lag_positions', 'missed_positions'].map((n) => is(`sink_${n}{sink="jetstream"}`)),
    [8, 2, 1],
  )
  metrics.close()
})

test('reports database_up 0 and the remaining metrics while the database is away', async () => {
  let error = Object.assign(new Error('away'), { code: 'ECONNREFUSED' })
  const away = Object.assign(() => assert.fail(), { begin: () => Promise.reject(error) })
  const failures: unknown[] = []
  const open = () =>
    openMetrics({
      sql: away as never,
      connectors: new Map(),
      types: [],
      failed: (e) => failures.push(e),
    })
  const metrics = open()
  const all = parse(await metrics.text())
  assert.equal(all.get('touchstone_database_up'), 0)
  assert.ok(all.has('process_cpu_seconds_total'))
  metrics.close()
  assert.deepEqual(failures, [])
  // An error in a statement is reported as a failure.
  error = Object.assign(new Error('no such column'), { code: '42703' })
  const other = open()
  await other.text()
  other.close()
  assert.deepEqual(failures, [error])
})

test('concurrent scrapes share one read', async () => {
  let runs = 0
  const read = throttle(60_000, async () => {
    runs++
    await new Promise((resolve) => setImmediate(resolve))
  })
  await Promise.all([read(), read(), read()])
  await read()
  assert.equal(runs, 1)
  const failing = throttle(0, () => Promise.reject(new Error('no')))
  await assert.rejects(failing())
  await assert.rejects(failing(), 'a failure is not cached')
})

test('serves /metrics to local GET requests only, and returns 404 without metrics', async (t) => {
  const { gateway, url } = await testGateway({
    metrics: async () => ({ type: 'text/plain', text: 'a 1\n' }),
  })
  t.after(() => gateway.close(0))
  const ask = (init?: RequestInit) => fetch(new URL('/metrics', url), init)
  assert.equal(await (await ask()).text(), 'a 1\n')
  assert.equal((await ask({ method: 'POST' })).status, 405)
  assert.equal((await ask({ headers: { origin: 'https://example.org' } })).status, 403)
  const without = await testGateway()
  t.after(() => without.gateway.close(0))
  assert.equal((await fetch(new URL('/metrics', without.url))).status, 404)
  const nobody = {
    isLocal: false,
    origins: new Set<string>(),
    refuse: () => null,
    identify: () => Promise.reject(new Error('who are you')),
  }
  const guarded = await testGateway({
    metrics: async () => ({ type: 'text/plain', text: 'a 1\n' }),
    callers: nobody,
  })
  t.after(() => guarded.gateway.close(0))
  assert.notEqual((await fetch(new URL('/metrics', guarded.url))).status, 200)
})
