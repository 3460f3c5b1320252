import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Webhook as Verifier } from 'standardwebhooks'
import { readSealingKeys } from '../../../cli/server/sealingKeys.ts'
import { encodeCursor } from '../../../mdm/feed/cursor.ts'
import { expireChanges } from '../../../mdm/feed/expire.ts'
import { everything } from '../../../mdm/feed/filter.ts'
import { follow } from '../../../mdm/feed/follow.ts'
import { readHead } from '../../../mdm/feed/read.ts'
import { startTailer } from '../../../mdm/feed/tailer.ts'
import { readDeliveries } from '../../../mdm/webhooks/deliveries.ts'
import { readEndpoints } from '../../../mdm/webhooks/endpoints.ts'
import {
  deleteWebhook,
  replayWebhook,
  rotateWebhookSecret,
  setWebhookState,
} from '../../../mdm/webhooks/webhooks.ts'
import { eventId } from '../../../schema/cloudEvent.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { aboveDatabase } from '../../property.ts'
import { append, caughtUp, create, eventsOf, seeded, take, version } from '../feed/world.ts'
import { type Received, type Receiver, startReceiver } from './receiver.ts'
import {
  type Deliveries,
  deliver,
  idle,
  register,
  type TestClock,
  until,
  webhooksAt,
} from './setting.ts'

let db: TestDatabase
const open: { close(): Promise<void> }[] = []
before(async () => {
  db = await testDatabase({ connectionsMax: 8 })
})
after(async () => {
  for (const one of open.reverse()) await one.close()
  await db.drop()
})

const hour = 3_600_000
const clockNow = (): TestClock => ({ now: Date.now() })

/**
 * Creates a receiver, an endpoint for the golden records of a type of this test alone, and a
 * deliverer.
 */
async function scene(
  context: TestContext,
  clock: TestClock,
  part: { type?: string; scopes?: string[] } = {},
) {
  const receiver = await startReceiver()
  const webhooks = webhooksAt(db.sql, [receiver.port])
  const type = part.type ?? `T${randomUUID().slice(0, 8)}`
  const { id, secret } = await register(webhooks, receiver.url, {
    filter: { ...everything, types: [type] },
    ...(part.scopes ? { scopes: part.scopes } : {}),
  })
  /** The final outcomes of events. */
  const settled: [string, number, boolean][] = []
  const shown: [string, string, string[]][] = []
  const deliveries = await deliver(db.url, webhooks, clock, {
    settled: (e, accepted) => settled.push([e.goldenId, e.version, accepted]),
    shows: (webhook, { goldenId }, fields) => shown.push([webhook, goldenId, fields]),
  })
  context.after(async () => {
    await deliveries.close()
    await deleteWebhook(webhooks, 'tester', id)
    webhooks.poster.close()
    await receiver.close()
  })
  const versions = async (ids: string[], number: number) =>
    await append(db.sql, ...ids.map((g) => version(g, number, { type })))
  return { receiver, webhooks, id, secret, type, deliveries, shown, versions, clock, settled }
}

const of = (received: readonly Received[], goldenId: string) =>
  received.filter((r) => r.event.subject === goldenId)
const ascending = (numbers: readonly number[]) =>
  numbers.every((n, i) => i === 0 || n >= (numbers[i - 1] ?? 0))

test('a delivery is a signed CloudEvent with Standard Webhooks headers and only the fields that its scopes allow', async (context) => {
  const t = await scene(context, clockNow(), { type: 'Contact', scopes: [] })
  const [goldenId = ''] = await create(db.sql, 1, {
    type: 'Contact',
    values: { name: 'Anna Weber', jobTitle: 'CFO' },
  })
  await until(() => t.receiver.received.length === 1)
  const [got] = t.receiver.received
  assert.ok(got)
  assert.equal(got.headers['content-type'], 'application/cloudevents+json; charset=utf-8')
  const { epoch } = await readHead(db.sql)
  assert.equal(got.headers['webhook-id'], `${goldenId}_1_${epoch.slice(0, 8)}`)
  assert.deepEqual(new Verifier(t.secret).verify(got.body, got.headers), got.event)
  assert.throws(
    () => new Verifier(t.secret).verify(got.body.replace('CFO', 'CEO'), got.headers),
    /signature/,
  )
  assert.equal(got.event.specversion, '1.0')
  assert.deepEqual(got.event.data.after, { jobTitle: 'CFO' }, 'a name of a contact needs pii:read')
  assert.deepEqual(t.shown, [[t.id, goldenId, []]])
})

test('reports which sensitive fields an endpoint receives', async (context) => {
  const t = await scene(context, clockNow(), { type: 'Contact', scopes: ['pii:read'] })
  const [goldenId = ''] = await create(db.sql, 1, {
    type: 'Contact',
    values: { name: 'Anna Weber', jobTitle: 'CFO' },
  })
  await until(() => t.receiver.received.length === 1)
  assert.deepEqual(t.shown, [[t.id, goldenId, ['name']]])
})

test('delivers all events in order for each golden record, despite an outage, errors and slow responses', async (context) => {
  const t = await scene(context, clockNow())
  const random = seeded(5)
  const ids = Array.from({ length: 30 }, () => randomUUID())
  t.receiver.behave = (_, res) => {
    res.destroy()
    return null
  }
  let tries = 0
  for (let number = 1; number <= 6; number++) await t.versions(ids, number)
  // An hour in steps of a minute; in each, due events are attempted.
  for (let minute = 0; minute < 60; minute++) {
    t.clock.now += hour / 60
    await sleep(10)
    tries = t.receiver.received.length
  }
  assert.ok(tries >= 10, `${tries} attempts`)
  assert.ok(tries < 150, `the breaker holds back: ${tries} attempts for 180 events in an hour`)
  t.receiver.behave = async () => {
    await sleep(random() * 20)
    return random() < 0.2 ? 500 : 200
  }
  for (let number = 7; number <= 12; number++) await t.versions(ids, number)
  await until(
    () => idle(db.sql, t.id),
    () => {
      t.clock.now += 20_000
    },
  )
  for (const goldenId of ids) {
    assert.deepEqual(
      t.receiver.accepted(goldenId),
      Array.from({ length: 12 }, (_, i) => i + 1),
    )
    assert.ok(
      ascending(of(t.receiver.received, goldenId).map((r) => r.event.data.version)),
      'no attempt overtakes an earlier version',
    )
  }
  for (const { headers, event } of t.receiver.received)
    assert.equal(
      headers['webhook-id'],
      `${event.subject}_${event.data.version}_${event.epoch?.slice(0, 8)}`,
      'the same id for each attempt',
    )
})

test('a golden record that is refused blocks only its own events', async (context) => {
  const t = await scene(context, clockNow())
  const [poison, sound] = [randomUUID(), randomUUID()]
  t.receiver.behave = (e) => (e.subject === poison ? 400 : 200)
  for (let number = 1; number <= 5; number++) await t.versions([poison, sound], number)
  await until(() => t.receiver.accepted(sound).length === 5)
  assert.deepEqual(t.receiver.accepted(poison), [])
  assert.deepEqual(
    new Set(of(t.receiver.received, poison).map((r) => r.event.data.version)),
    new Set([1]),
  )
  t.receiver.behave = () => 200
  await until(
    () => idle(db.sql, t.id),
    () => {
      t.clock.now += 1_000
    },
  )
  assert.deepEqual(t.receiver.accepted(poison), [1, 2, 3, 4, 5])
})

test('after three days an event is a dead letter, later ones of its record go out, and it can be replayed', async (context) => {
  const t = await scene(context, clockNow())
  const ids = [randomUUID(), randomUUID()]
  const [poison = ''] = ids
  t.receiver.behave = (e) => (e.subject === poison && e.data.version === 2 ? 422 : 200)
  const began = t.clock.now
  for (let number = 1; number <= 4; number++) await t.versions(ids, number)
  const dead = () => readDeliveries(db.sql, { webhook: t.id, states: ['DEAD'] }, 10)
  // The breaker opens too, as the endpoint accepts nothing else, so its pauses pass as well.
  const pass = () => {
    t.clock.now += hour / 2
  }
  await until(async () => (await dead()).length > 0, pass)
  assert.ok(t.clock.now - began >= 72 * hour)
  await until(() => idle(db.sql, t.id), pass)
  assert.deepEqual(t.receiver.accepted(poison), [1, 3, 4])
  const settled = t.settled.filter(([id]) => id === poison)
  assert.deepEqual(
    settled.map(([, number, accepted]) => [number, accepted]),
    [
      [1, true],
      [2, false],
      [3, true],
      [4, true],
    ],
  )
  const [row] = await dead()
  assert.ok(row)
  assert.equal(row.goldenId, poison)
  assert.equal(row.status, 422)
  assert.equal(row.response, 'answer 422')
  assert.ok(row.attempts >= 10 && row.attempts <= 20, `${row.attempts} attempts`)
  assert.ok(
    row.lastAt.getTime() - (row.firstAt?.getTime() ?? 0) >= 72 * hour,
    'the last attempt is at the end of the window',
  )

  t.receiver.behave = () => 200
  const nothing = await replayWebhook(t.webhooks, 'tester', t.id, { goldenId: randomUUID() })
  assert.equal(nothing.code === 'REFUSED' && nothing.rule, 'NOTHING_TO_REPLAY')
  const replayed = await replayWebhook(t.webhooks, 'tester', t.id, {
    places: [[t.id, row.position]],
  })
  assert.equal(replayed.code === 'DONE' && replayed.count, 1)
  await until(() => idle(db.sql, t.id), pass)
  assert.deepEqual(t.receiver.accepted(poison), [1, 3, 4, 2])
  // Delivered events are replayed by range: in order for each record, under their original ids.
  const all = await replayWebhook(t.webhooks, 'tester', t.id, {
    fromPosition: row.position,
    states: ['DELIVERED'],
  })
  assert.ok(all.code === 'DONE' && all.count >= 5)
  await until(() => idle(db.sql, t.id), pass)
  assert.deepEqual(t.receiver.accepted(poison), [1, 3, 4, 2, 2, 3, 4])
})

test('410 disables the endpoint; once enabled again it resumes where it was', async (context) => {
  const t = await scene(context, clockNow())
  const ids = [randomUUID()]
  t.receiver.behave = () => 410
  await t.versions(ids, 1)
  const state = async () => (await readEndpoints(db.sql, [t.id]))[0]
  await until(async () => (await state())?.state === 'DISABLED')
  assert.equal((await state())?.because, 'GONE')
  await t.versions(ids, 2)
  t.receiver.behave = () => 200
  await sleep(50)
  assert.equal(t.receiver.received.length, 1, 'nothing is sent while it is disabled')
  await setWebhookState(t.webhooks, 'tester', t.id, 'ACTIVE', '')
  await until(
    () => idle(db.sql, t.id),
    () => {
      t.clock.now += 1_000
    },
  )
  assert.deepEqual(t.receiver.accepted(ids[0] ?? ''), [1, 2])
})

test('ten failures in a row open the circuit breaker; it allows one attempt at a time until it closes', async (context) => {
  const t = await scene(context, clockNow())
  t.receiver.behave = () => 503
  const ids = Array.from({ length: 40 }, () => randomUUID())
  await t.versions(ids, 1)
  const state = async () => (await readEndpoints(db.sql, [t.id]))[0]
  await until(async () => (await state())?.opened === 1)
  const before = t.receiver.received.length
  assert.ok(before >= 10 && before <= 18, `${before} attempts: ten, and those in progress`)
  await sleep(50)
  assert.equal(t.receiver.received.length, before)
  t.clock.now += 16_000
  await until(async () => (await state())?.opened === 2)
  assert.equal(t.receiver.received.length, before + 1)
  t.receiver.behave = () => 200
  t.clock.now += 31_000
  await until(() => idle(db.sql, t.id))
  assert.equal((await state())?.opened, 0)
  for (const goldenId of ids) assert.deepEqual(t.receiver.accepted(goldenId), [1])
})

test('Retry-After of a 429 pauses the endpoint for its duration, within bounds', async (context) => {
  const t = await scene(context, clockNow())
  const ids = [randomUUID()]
  t.receiver.behave = (_, res) => {
    res.writeHead(429, { 'retry-after': '120' }).end()
    return null
  }
  await t.versions(ids, 1)
  const state = async () => (await readEndpoints(db.sql, [t.id]))[0]
  await until(async () => (await state())?.pausedUntil !== null)
  assert.equal((await state())?.pausedUntil?.getTime(), t.clock.now + 120_000)
  t.receiver.behave = () => 200
  t.clock.now += 119_000
  await sleep(50)
  assert.equal(t.receiver.received.length, 1)
  t.clock.now += 1_001
  await until(() => idle(db.sql, t.id))
  assert.deepEqual(t.receiver.accepted(ids[0] ?? ''), [1])
})

test('both secrets sign during the overlap, and only the new one afterwards', async (context) => {
  const t = await scene(context, clockNow())
  const ids = [randomUUID()]
  const rotated = await rotateWebhookSecret(t.webhooks, 'tester', t.id, null, 2)
  assert.ok(rotated.code === 'DONE' && rotated.secret)
  const [former, next] = [new Verifier(t.secret), new Verifier(rotated.secret)]
  // Until the deliverer has loaded the rotation, only the former secret signs.
  const first = () => t.receiver.received.find((r) => r.headers['webhook-signature']?.includes(' '))
  let number = 0
  while (!first()) {
    await t.versions(ids, ++number)
    await until(() => t.receiver.received.length === number)
  }
  const both = first()
  assert.ok(both)
  former.verify(both.body, both.headers)
  next.verify(both.body, both.headers)
  t.clock.now += 3 * hour
  await t.versions(ids, ++number)
  await until(() => t.receiver.received.length === number)
  const second = t.receiver.received.at(-1)
  assert.ok(second)
  const at = new Date(Number(second.headers['webhook-timestamp']) * 1_000)
  assert.equal(
    second.headers['webhook-signature'],
    next.sign(second.headers['webhook-id'] ?? '', at, second.body),
  )
})

test('of two processes one delivers an endpoint, and the other takes over when it stops', async (context) => {
  const t = await scene(context, clockNow())
  const other: Deliveries = await deliver(db.url, t.webhooks, t.clock)
  context.after(() => other.close())
  const ids = Array.from({ length: 10 }, () => randomUUID())
  for (let number = 1; number <= 10; number++) await t.versions(ids, number)
  await until(() => idle(db.sql, t.id))
  assert.equal(t.receiver.received.length, 100, 'nothing twice')
  await t.deliveries.deliverer.stop(1_000)
  for (let number = 11; number <= 20; number++) await t.versions(ids, number)
  other.deliverer.wake()
  await until(() => idle(db.sql, t.id))
  assert.equal(t.receiver.received.length, 200)
  for (const goldenId of ids) assert.ok(ascending(t.receiver.accepted(goldenId)))
})

test('an endless, a slow or a missing response blocks nothing for longer than the timeout', async () => {
  const receiver: Receiver = await startReceiver()
  const webhooks = webhooksAt(db.sql, [receiver.port], 300)
  open.push(receiver)
  receiver.behave = (_, res) => {
    res.writeHead(200)
    const more = () => {
      while (!res.destroyed && res.write('x'.repeat(65_536)));
      if (!res.destroyed) res.once('drain', more)
    }
    more()
    return null
  }
  const endless = await webhooks.poster.post(receiver.url, {}, '{}')
  assert.equal(endless.status, 200)
  assert.equal(endless.response?.length, 1_024)
  receiver.behave = () => null
  const silent = await webhooks.poster.post(receiver.url, {}, '{}')
  assert.deepEqual([silent.status, silent.error], [null, 'no answer within 300 ms'])
  webhooks.poster.close()
})

test('follows ids through merge and split, also for blocked events, and gives the events of a subscription', async (context) => {
  const receiver = await startReceiver(() => 500)
  const webhooks = webhooksAt(db.sql, [receiver.port])
  const [a, b] = [randomUUID(), randomUUID()]
  const clock = clockNow()
  const filter = { ...everything, ids: [a] }
  const { id } = await register(webhooks, receiver.url, { filter })
  const from = await readHead(db.sql)
  const deliveries = await deliver(db.url, webhooks, clock)
  const tailer = await startTailer({ sql: db.sql })
  context.after(async () => {
    await deliveries.close()
    await tailer.stop()
    await deleteWebhook(webhooks, 'tester', id)
    await receiver.close()
  })
  await append(db.sql, version(a, 1))
  await append(db.sql, version(b, 1))
  await append(
    db.sql,
    version(a, 2, { op: 'MERGED', values: null, redirect: b }),
    version(b, 2, { op: 'MERGED' }),
  )
  await append(db.sql, version(b, 3))
  await append(db.sql, version(b, 4, { op: 'SPLIT' }), version(a, 3, { op: 'SPLIT' }))
  await append(db.sql, version(b, 5))
  await append(db.sql, version(a, 4))
  await until(() => receiver.received.some((r) => r.event.subject === b))
  receiver.behave = () => 200
  await until(
    () => idle(db.sql, id),
    () => {
      clock.now += 1_000
    },
  )
  assert.deepEqual(receiver.accepted(a), [1, 2, 3, 4])
  assert.deepEqual(receiver.accepted(b), [2, 3, 4])
  const after = encodeCursor(from.epoch, { kind: 'TAIL', position: from.position })
  await until(() => tailer.tail.head >= from.position + 9)
  const items = eventsOf(
    await take(await follow(tailer, { after, snapshot: false, filter }), caughtUp),
  )
  const accepted = receiver.received
    .filter((r) => r.status === 200)
    .map((r) => r.headers['webhook-id'])
  assert.deepEqual(
    accepted.sort(),
    items.map((e) => eventId(e, from.feed).replaceAll('.', '_')).sort(),
  )
})

test('events that expire while an endpoint is disabled are missed, and counted', async (context) => {
  const t = await scene(context, clockNow())
  await setWebhookState(t.webhooks, 'tester', t.id, 'DISABLED', 'away')
  // The deliverer sees the change a moment later and sends until then.
  const held = async () =>
    await db.sql`select 1 from webhook where id = ${t.id} and leased_by is not null`
  await until(async () => (await held()).length === 0)
  const ids = [randomUUID()]
  for (let number = 1; number <= 5; number++) await t.versions(ids, number)
  await expireChanges(db.sql, new Date(Date.now() + hour))
  await setWebhookState(t.webhooks, 'tester', t.id, 'ACTIVE', '')
  await t.versions(ids, 6)
  await until(() => idle(db.sql, t.id))
  assert.deepEqual(t.receiver.accepted(ids[0] ?? ''), [6])
  const [endpoint] = await readEndpoints(db.sql, [t.id])
  assert.equal(endpoint?.missed, 5)
})

test('a replay of more events than are loaded at once delivers all of them', {
  skip: aboveDatabase,
}, async (context) => {
  const t = await scene(context, clockNow())
  const ids = Array.from({ length: 1_100 }, () => randomUUID())
  for (let i = 0; i < ids.length; i += 500) await t.versions(ids.slice(i, i + 500), 1)
  await until(() => idle(db.sql, t.id))
  const replayed = await replayWebhook(t.webhooks, 'tester', t.id, { states: ['DELIVERED'] })
  assert.equal(replayed.code === 'DONE' && replayed.count, 1_100)
  await until(() => idle(db.sql, t.id))
  for (const goldenId of ids) assert.ok(t.receiver.accepted(goldenId).length >= 2, goldenId)
})

test('a stop waits for deliveries in progress, so nothing is delivered twice', async (context) => {
  const t = await scene(context, clockNow())
  const ids = Array.from({ length: 8 }, () => randomUUID())
  t.receiver.behave = async () => {
    await sleep(200)
    return 200
  }
  await t.versions(ids, 1)
  await until(() => t.receiver.received.length === 8)
  await t.deliveries.deliverer.stop(5_000)
  assert.ok(await idle(db.sql, t.id), 'finished deliveries are saved')
  const next = await deliver(db.url, t.webhooks, t.clock)
  context.after(() => next.close())
  await t.versions(ids, 2)
  await until(() => idle(db.sql, t.id))
  assert.equal(t.receiver.received.length, 16)
})

test('a deliverer that has lost its lease writes nothing more and stops', async (context) => {
  const t = await scene(context, clockNow())
  const ids = [randomUUID()]
  await t.versions(ids, 1)
  await until(() => idle(db.sql, t.id))
  await db.sql`update webhook set leased_by = ${randomUUID()}, leased_until = clock_timestamp() + interval '1 hour'
    where id = ${t.id}`
  const [before] = await readEndpoints(db.sql, [t.id])
  await t.versions(ids, 2)
  await until(() => t.deliveries.lines.some((line) => line.includes('another process')))
  const [after] = await readEndpoints(db.sql, [t.id])
  assert.equal(after?.position, before?.position)
  await t.versions(ids, 3)
  await sleep(100)
  assert.ok(t.receiver.received.length <= 2)
})

test('an endpoint with unreadable secrets blocks no other; a rotation without overlap repairs it', async (context) => {
  const t = await scene(context, clockNow())
  const type = `T${randomUUID().slice(0, 8)}`
  const { id: broken } = await register(t.webhooks, t.receiver.url, {
    filter: { ...everything, types: [type] },
  })
  context.after(async () => void (await deleteWebhook(t.webhooks, 'tester', broken)))
  const unreadable = Buffer.concat([Buffer.of(1), Buffer.alloc(60)])
  await db.sql`update webhook_secret set sealed = ${unreadable} where webhook = ${broken}`
  await setWebhookState(t.webhooks, 'tester', broken, 'ACTIVE', '')
  const isReported = (line: string) => /cannot start.*TOUCHSTONE_WEBHOOK_KEY/.test(line)
  await until(() => t.deliveries.lines.some(isReported))
  await until(() => t.deliveries.deliverer.unstarted.sealed === 1)
  const [mine, theirs] = [randomUUID(), randomUUID()]
  await append(db.sql, version(theirs, 1, { type }))
  await t.versions([mine], 1)
  await until(() => t.receiver.accepted(mine).length === 1)
  assert.deepEqual(t.receiver.accepted(theirs), [])
  await rotateWebhookSecret(t.webhooks, 'tester', broken, null, 0)
  await until(() => t.receiver.accepted(theirs).length === 1)
  await until(() => t.deliveries.deliverer.unstarted.count === 0)
})

test('a lost key is not made again while endpoints have secrets', async (context) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'touchstone-key-'))
  context.after(() => rmSync(dataDir, { recursive: true }))
  const file = join(dataDir, 'webhook-key')
  const keys = (webhookKey?: string[]) => readSealingKeys(db.sql, { dataDir, webhookKey })
  const made = await keys()
  const { id } = await register(webhooksAt(db.sql, [1]), 'http://127.0.0.1:1/')
  context.after(async () => void (await deleteWebhook(webhooksAt(db.sql, []), 'tester', id)))
  assert.deepEqual(await keys(), made)
  rmSync(file)
  await assert.rejects(keys(), (e: Error) => e.message.startsWith(`${file} is missing`))
  assert.ok(!existsSync(file))
  assert.deepEqual(await keys(['another key of 32 characters, or more']), [
    'another key of 32 characters, or more',
  ])
})
