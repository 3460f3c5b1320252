import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Webhook } from 'standardwebhooks'
import { command as sloCommand } from '../../../cli/commands/slo.ts'
import { command as traceCommand } from '../../../cli/commands/trace.ts'
import { command as webhooksCommand } from '../../../cli/commands/webhooks.ts'
import { readinessChecks } from '../../../cli/observe/readiness.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { developerHeaders } from '../../developer.ts'
import { row } from '../../fixtures/shop.ts'
import { ask } from '../../gateway/gateway.ts'
import { until } from '../../gateway/until.ts'
import { dataDirectory, touchstone } from '../process.ts'
import { runCommand } from '../runCommand.ts'

const webshopSecret = 'whsec_ZGV2ZWxvcG1lbnQtd2Vic2hvcA=='

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
after(async () => await db?.drop())

test('gateway and workers report the health of each part and the state of the service levels', async (t) => {
  const { dir } = dataDirectory(t)
  const env = { DATABASE_URL: db.url }
  const ingest = touchstone(
    ['serve', '--roles', 'ingest', '--workers', '2', '--health-port', '0'],
    dir,
    env,
  )
  const gateway = touchstone(
    ['serve', '--roles', 'gateway', '--port', '0', '--gateway-ingest', 'off'],
    dir,
    env,
  )
  t.after(() => {
    for (const c of [ingest, gateway]) c.child.kill('SIGKILL')
  })
  const started = async (c: typeof ingest) => JSON.parse((await c.says(/\{.*"msg":"started"\}/))[0])
  const { healthUrl } = await started(ingest)
  const { url } = await started(gateway)
  const get = (path: string, base = healthUrl) =>
    fetch(new URL(path, base), { headers: developerHeaders(base) })
  const checks = async (base: string) => {
    const { checks } = (await (await get('/health/ready', base)).json()) as {
      checks: { name: string; code: string }[]
    }
    return checks.map((c) => [c.name, c.code])
  }
  assert.deepEqual(await checks(healthUrl), [
    ['database', 'OK'],
    ['migrations', 'OK'],
    ['workers', 'OK'],
  ])
  assert.deepEqual(await checks(url), [
    ['database', 'OK'],
    ['migrations', 'OK'],
    ['feed', 'OK'],
  ])
  assert.equal((await get('/health/live')).status, 200)
  assert.equal((await get('/graphql')).status, 404)

  // Deliveries go to the workers' own port; this gateway takes none.
  const delivery = JSON.stringify({ shop_customer_id: 'C0', company_name: 'Blue Fen 0' })
  const deliver = (base: string, body: string, signed = body) => {
    const id = 'msg_observe'
    const at = new Date()
    return fetch(new URL('/ingest/webshop/customers', base), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...developerHeaders(base),
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
        'webhook-signature': new Webhook(webshopSecret).sign(id, at, signed),
      },
      body,
    })
  }
  assert.equal((await deliver(url, delivery)).status, 404)
  assert.equal((await deliver(healthUrl, delivery, 'another body')).status, 401)
  assert.equal((await fetch(new URL('/ingest/webshop', healthUrl))).status, 405)
  assert.equal((await deliver(healthUrl, delivery)).status, 202)
  assert.equal((await deliver(healthUrl, delivery)).status, 200, 'a repetition')
  const [delivered] = await db.sql<{ id: number }[]>`select id from inbox`
  const messages: number[] = [delivered?.id ?? 0]
  for (let i = 1; i < 3; i++)
    messages.push(
      await row(
        db.sql,
        'customers',
        { shop_customer_id: `C${i}`, company_name: `Blue Fen ${i}` },
        'webshop',
      ),
    )
  const query = '{ serviceLevels { name tier state late spans { hours total good burnRate } } }'
  const levelsOf = async () => (await ask(url, query)).body.data.serviceLevels
  const level = async (name: string) =>
    (await levelsOf()).find((l: { name: string }) => l.name === name)
  await until(async () => (await level('ingest-master-data')).spans[0].total === 3)
  await until(async () => (await level('feed')).spans[0].total === 3)
  assert.deepEqual(await level('ingest-master-data'), {
    name: 'ingest-master-data',
    tier: 'gold',
    state: 'MET',
    late: 0,
    spans: [1, 6, 672].map((hours) => ({ hours, total: 3, good: 3, burnRate: 0 })),
  })
  assert.equal((await level('ingest-billing')).state, 'NO_DATA')

  const metrics = await (await get('/metrics')).text()
  assert.match(metrics, /touchstone_messages_total\{outcome="applied"\} 3/)
  assert.match(metrics, /touchstone_ingest_workers\{state="running"\} 2/)
  assert.match(
    metrics,
    /touchstone_slo_burn_rate\{objective="ingest-master-data",tier="gold",window="1h"\} 0/,
  )
  assert.match(metrics, /touchstone_database_connections\{pool="feed"/)
  assert.match(await (await get('/metrics', url)).text(), /touchstone_feed_tail_position 3/)

  // On a busy machine an event may have been late.
  await db.sql`update service_minute set good = total`
  const at = { DATABASE_URL: db.url }
  const slo = await runCommand(sloCommand, [], at)
  assert.equal(slo.code, 0)
  assert.match(
    slo.output,
    /ingest-master-data +gold +MET +99.00 % within 10000 ms; 1 h: 100.00 % of 3, burn 0.0/,
  )
  await db.sql`update service_minute set good = 0 where objective = 'feed'`
  const missed = await runCommand(sloCommand, ['--json'], at)
  assert.equal(missed.code, 1)
  assert.equal(
    JSON.parse(missed.stdout).find((l: { name: string }) => l.name === 'feed').state,
    'MISSED',
  )

  await until(
    async () =>
      (await db.sql`select 1 from batch where messages @> ${messages[0] ?? 0}::bigint`).length ===
      1,
  )
  const trace = touchstone(['trace', String(messages[0])], dir, env)
  assert.equal(await trace.ended, 0)
  assert.match(
    trace.output(),
    /message \d+ customers: APPLIED.*received from webshop as .*claimed by \S+\/1?2?, one of \d.*event 1: Customer \S+ CREATED.*record customers C0/s,
  )
  const json = await runCommand(traceCommand, [String(messages[0]), '--json'], at)
  const [traced] = JSON.parse(json.stdout).messages
  const times = [
    traced.receivedAt,
    traced.passes[0].claimedAt,
    traced.events[0].at,
    traced.passes[0].appliedAt,
  ]
  assert.deepEqual(times, times.toSorted(), 'received, claimed, in the feed, committed')
  const none = await runCommand(traceCommand, ['nothing'], at)
  assert.equal(none.code, 1)
  assert.match(none.output, /"nothing" names nothing here: give the number of a message/)

  assert.match(
    (await runCommand(webhooksCommand, ['list'], at)).output,
    /no webhooks; the mutation registerWebhook/,
  )

  for (const c of [ingest, gateway]) c.child.kill('SIGTERM')
  assert.deepEqual([await ingest.ended, await gateway.ended], [0, 0])
})

test('readiness reports each problem with a code', async () => {
  const codes = async (parts: object) =>
    (await readinessChecks({ sql: db.sql, ...parts } as never)()).map((c) => [c.name, c.ok, c.code])
  const fine = [
    ['database', true, 'OK'],
    ['migrations', true, 'OK'],
  ]
  const role = (wanted: number, running: number) => ({
    ingest: () => ({ workers: () => ({ wanted, running }) }),
  })
  assert.deepEqual(await codes(role(2, 1)), [...fine, ['workers', true, 'WORKERS_FEW']])
  assert.deepEqual(await codes(role(2, 0)), [...fine, ['workers', false, 'WORKERS_DOWN']])
  const rowRights = async () => await db.sql`select 1 from no_such_table`
  assert.deepEqual(await codes({ rowRights }), [
    ...fine,
    ['row rights', true, 'ROW_RIGHTS_UNKNOWN'],
  ])
  assert.deepEqual(await codes({ tailer: { tail: { failed: true }, readMsAgo: 0 } }), [
    ...fine,
    ['feed', false, 'FEED_BROKEN'],
  ])
  assert.deepEqual(await codes({ tailer: { tail: { failed: false }, readMsAgo: 11_000 } }), [
    ...fine,
    ['feed', false, 'FEED_BEHIND'],
  ])
  const fineHeads = {
    broken: null,
    guards: [],
    unchecked: null,
    sinks: [{ name: 'file', why: null }],
  }
  const deliver = (
    claimedMsAgo: number,
    state: string,
    sinceMs = 0,
    heads: object = fineHeads,
    unstarted = { count: 0, sealed: 0 },
  ) => ({
    deliver: () => ({
      deliverer: { claimedMsAgo, unstarted },
      heads: { state: heads },
      publisher: { state: { state, why: 'no server', sinceMs } },
    }),
  })
  const sinks: [ReturnType<typeof deliver>, boolean, string, boolean, string][] = [
    [deliver(0, 'PUBLISHING'), true, 'OK', true, 'OK'],
    [deliver(0, 'STANDBY'), true, 'OK', true, 'STANDBY'],
    [deliver(0, 'AWAY', 1_000), true, 'OK', true, 'OK'],
    [deliver(21_000, 'AWAY', 11_000), false, 'DELIVERY_STALLED', false, 'SINK_AWAY'],
    [deliver(0, 'REFUSED'), true, 'OK', false, 'SINK_REFUSED'],
    [
      deliver(0, 'STANDBY', 0, fineHeads, { count: 2, sealed: 1 }),
      ...([true, 'WEBHOOK_SEALED', true, 'STANDBY'] as const),
    ],
    [
      deliver(0, 'STANDBY', 0, fineHeads, { count: 1, sealed: 0 }),
      ...([true, 'WEBHOOK_UNSTARTED', true, 'STANDBY'] as const),
    ],
  ]
  for (const [parts, ok, code, sinkOk, sinkCode] of sinks)
    assert.deepEqual(await codes(parts), [
      ...fine,
      ['webhooks', ok, code],
      ['audit', true, 'OK'],
      ['jetstream', sinkOk, sinkCode],
    ])
  for (const [heads, code] of [
    [{ broken: { id: 3, detail: 'it is missing' } }, 'AUDIT_BROKEN'],
    [{ guards: [{ guard: 'x', detail: 'gone', isNote: false }] }, 'AUDIT_UNGUARDED'],
    [{ guards: [{ guard: 'x', detail: 'other', isNote: true }] }, 'OK'],
    [{ unchecked: 'no key' }, 'AUDIT_UNCHECKED'],
    [{ sinks: [{ name: 'file', why: 'ENOSPC' }] }, 'AUDIT_HEAD_UNSENT'],
  ] as const)
    assert.deepEqual(
      (await codes(deliver(0, 'PUBLISHING', 0, { ...fineHeads, ...heads }))).at(-2),
      ['audit', true, code],
      'actions go on, so the process stays ready',
    )
  const served = { ...deliver(0, 'REFUSED'), tailer: { tail: { failed: false }, readMsAgo: 0 } }
  assert.deepEqual(
    (await codes(served)).at(-1),
    ['jetstream', true, 'SINK_REFUSED'],
    'a gateway stays ready',
  )
  const away = () => Promise.reject(Object.assign(new Error('no'), { code: 'ECONNREFUSED' }))
  assert.deepEqual(await codes({ sql: away }), [['database', false, 'DATABASE_AWAY']])
  await db.sql`insert into migration (name, hash) values ('9999_newer.sql', '')`
  assert.deepEqual((await codes({}))[1], ['migrations', false, 'MIGRATION_UNKNOWN'])
  await db.sql`delete from migration where name in ('9999_newer.sql', '0012_operations.sql')`
  assert.deepEqual((await codes({}))[1], ['migrations', false, 'MIGRATION_MISSING'])
})
