import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { jetstreamManager } from '@nats-io/jetstream'
import { openDatabase } from '../../../mdm/db/database.ts'
import { encodeCursor } from '../../../mdm/feed/cursor.ts'
import { everything } from '../../../mdm/feed/filter.ts'
import { follow } from '../../../mdm/feed/follow.ts'
import { readChanges, readHead } from '../../../mdm/feed/read.ts'
import { startTailer } from '../../../mdm/feed/tailer.ts'
import { visibleEvent } from '../../../mdm/feed/visible.ts'
import { sinkFigures } from '../../../mdm/jetstream/metrics.ts'
import { JetStreamSource } from '../../../mdm/jetstream/source.ts'
import { ChangeStream } from '../../../mdm/jetstream/stream.ts'
import { cloudEvent, eventId } from '../../../schema/cloudEvent.ts'
import type { ChangeEvent } from '../../../schema/events.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { policy } from '../../fixtures/store.ts'
import { firstSeed } from '../../property.ts'
import {
  append,
  create,
  eventsOf,
  fromNow,
  seeded,
  take,
  version,
  writeTraffic,
} from '../feed/world.ts'
import { until } from '../webhooks/setting.ts'
import { type NatsServer, natsServer, withoutNats } from './natsServer.ts'
import { contents, natsAt, publish } from './setting.ts'

const program = fileURLToPath(new URL('./publisherProcess.ts', import.meta.url))
const rounds = Number(process.env.TOUCHSTONE_NATS_ROUNDS ?? 6)

if (withoutNats) console.log(withoutNats)
let nats: NatsServer
let db: TestDatabase
before(async () => {
  if (withoutNats) return
  nats = await natsServer()
})
after(async () => {
  await nats?.stop()
})

/** Creates a feed for one test: a stream belongs to one feed. */
async function freshFeed(t: { after(work: () => Promise<void>): void }): Promise<TestDatabase> {
  db = await testDatabase()
  const own = db
  t.after(() => own.drop())
  return own
}

/** Fields of the test that are not in the policy are visible to no caller. */
const visible = visibleEvent(policy)
const shown = (event: ChangeEvent): ChangeEvent => visible(event, new Set())
const headOf = async ({ sql }: TestDatabase) => (await readHead(sql)).position
const positions = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)

test(`loses and duplicates nothing, in order, when broker and publishers are killed while publishing: ${rounds} kills (seed ${firstSeed})`, {
  skip: withoutNats,
}, async (t) => {
  const db = await freshFeed(t)
  const random = seeded(firstSeed)
  const at = natsAt(nats.url)
  const start = () =>
    spawn(process.execPath, [program, db.url, nats.url], { stdio: ['ignore', 'ignore', 'inherit'] })
  const publishers = [start(), start()]
  t.after(async () => {
    for (const p of publishers) await killed(p)
  })
  const goldenIds = Array.from({ length: 30 }, () => randomUUID() as string)
  const published = async () => (await sinkFigures(db.sql))[0]?.position ?? 0
  for (let round = 0; round < rounds; round++) {
    const before = await headOf(db)
    const writing = writeTraffic(db.sql, { transactions: 150, connections: 4, goldenIds, random })
    await sleep(random() * 300)
    if (round % 3 !== 1) {
      await nats.kill()
      if (random() < 0.5) await sleep(random() * 500)
      await nats.start()
    }
    if (round % 3 !== 0) {
      const n = Math.floor(random() * 2)
      const [victim] = publishers.splice(n, 1, start())
      await killed(victim)
    }
    await writing
    // Each round publishes something before its disturbance.
    await until(async () => (await published()) > before)
  }
  const head = await headOf(db)
  await until(async () => (await published()) === head)
  const { events } = await readChanges(db.sql, { after: 0, upTo: head, ids: null, rowsMax: head })
  const { feed } = await readHead(db.sql)
  const stored = await contents(at)
  assert.deepEqual(
    stored.map((s) => Number(s.event.sequence)),
    positions(1, head),
  )
  for (const [i, { event }] of events.entries()) {
    assert.deepEqual(stored[i]?.event, JSON.parse(JSON.stringify(cloudEvent(shown(event), feed))))
    assert.equal(stored[i]?.subject, `touchstone.changes.customer.${event.goldenId}`)
    assert.equal(stored[i]?.id, eventId(event, feed))
  }
})

test('of two publishers one publishes; when it stops the other takes over, and the returning one is rejected', {
  skip: withoutNats,
}, async (t) => {
  const db = await freshFeed(t)
  const at = natsAt(nats.url, 'ELECTED')
  const [one, other] = [publish(db.url, at), publish(db.url, at)]
  t.after(async () => {
    await other.close()
  })
  await create(db.sql, 5)
  const states = () => [one, other].map((p) => p.publisher.state.state).sort()
  await until(() => states().join() === 'PUBLISHING,STANDBY')
  await until(async () => (await contents(at)).length === 5)
  const [first, second] = one.publisher.state.state === 'PUBLISHING' ? [one, other] : [other, one]
  await first.close()
  await create(db.sql, 5)
  await until(() => second.publisher.state.state === 'PUBLISHING')
  await until(async () => (await contents(at)).length === 10)
  // The server rejects a publisher that has lost its role: its messages name a sequence that is
  // taken.
  const stream = await ChangeStream.open(at, 'test')
  await assert.rejects(
    stream.js.publish('elected.changes.customer.x', 'late', { expect: { lastSequence: 7 } }),
    /wrong last sequence/,
  )
  await stream.close()
  if (first === other) await one.close()
})

test('leaves a stream of another feed alone, and continues an emptied one where it was', {
  skip: withoutNats,
}, async (t) => {
  const db = await freshFeed(t)
  const at = natsAt(nats.url, 'EMPTIED')
  await create(db.sql, 3)
  const publishing = publish(db.url, at)
  await until(async () => (await sinkFigures(db.sql))[0]?.position === 3)
  const stream = await ChangeStream.open(at, 'test')
  t.after(() => stream.close())
  const jsm = await jetstreamManager(stream.nc)
  await publishing.close()
  await jsm.streams.purge(at.stream)
  const again = publish(db.url, at)
  await create(db.sql, 2)
  await until(async () => (await sinkFigures(db.sql))[0]?.position === 5)
  await again.close()
  assert.deepEqual(
    (await contents(at)).map((s) => Number(s.event.sequence)),
    [4, 5],
  )
  await create(db.sql, 3)
  await db.sql`update feed_head set oldest = 8`
  const late = publish(db.url, at)
  await until(async () => (await sinkFigures(db.sql))[0]?.position === 8)
  await late.close()
  assert.equal(
    (await sinkFigures(db.sql))[0]?.missed,
    2,
    'events that expired before publication are counted',
  )
  await db.sql`update feed_head set feed = ${randomUUID()}`
  const refused = publish(db.url, at)
  await until(() => refused.publisher.state.state === 'REFUSED')
  assert.match(refused.publisher.state.why ?? '', /EMPTIED holds another feed/)
  await refused.close()
  assert.equal((await contents(at)).length, 3)
})

test('publishes fields that need a scope only if it is configured; otherwise a gateway reads the table', {
  skip: withoutNats,
}, async (t) => {
  const db = await freshFeed(t)
  const [closed, open] = [natsAt(nats.url, 'CLOSED'), natsAt(nats.url, 'OPEN')]
  const scopes = new Set(['pii:read'])
  const id = randomUUID()
  const values = { name: 'Nordwind', emails: ['anna@nordwind.example'] }
  await append(db.sql, version(id, 1, { values }))
  for (const [at, part] of [
    [closed, {}],
    [open, { scopes }],
  ] as const) {
    const shown: string[] = []
    const publishing = publish(db.url, at, { ...part, shows: (_, fields) => shown.push(...fields) })
    await until(async () => (await contents(at)).length === 1)
    await publishing.close()
    assert.deepEqual(
      shown,
      at === open ? ['emails'] : [],
      'access is recorded for those who may read the stream',
    )
  }
  assert.deepEqual((await contents(closed))[0]?.event.data.after, { name: 'Nordwind' })
  assert.deepEqual((await contents(open))[0]?.event.data.after, values)

  const lines: string[] = []
  const source = new JetStreamSource({
    nats: closed,
    scopes: () => scopes,
    log: (_, line) => lines.push(line),
  })
  const sql = openDatabase(db.url, { connectionsMax: 4, name: 'test-feed' })
  const tailer = await startTailer({ sql, live: source })
  const publishing = publish(db.url, closed)
  t.after(async () => {
    await publishing.close()
    await tailer.stop()
    await sql.end({ timeout: 1 })
  })
  const items = await follow(tailer, fromNow)
  await items.next()
  await append(db.sql, version(id, 2, { values: { ...values, emails: ['anna@other.example'] } }))
  const [event] = eventsOf(await take(items, (i) => i.kind === 'CHANGE'))
  assert.deepEqual(event?.after?.emails, ['anna@other.example'])
  await until(() => lines.some((l) => l.includes('TOUCHSTONE_NATS_SCOPES')))
})

test('a gateway that tails JetStream gives the same events and cursors, also during and after an outage of the broker', {
  skip: withoutNats,
}, async (t) => {
  const db = await freshFeed(t)
  const at = natsAt(nats.url, 'TAILED')
  const ids = await create(db.sql, 3)
  const publishing = publish(db.url, at)
  await until(async () => (await sinkFigures(db.sql))[0]?.position === 3)
  // A tail that never reads the table: all its events came by NATS.
  const pools = [1, 2].map((n) =>
    openDatabase(db.url, { connectionsMax: 4, name: `test-feed-${n}` }),
  )
  const sources = pools.map(
    () => new JetStreamSource({ nats: at, scopes: () => new Set(), log: () => {} }),
  )
  const tailers = await Promise.all(
    pools.map((sql, i) =>
      startTailer({ sql, live: sources[i], ...(i === 0 ? { pollMs: 1e9 } : {}) }),
    ),
  )
  const [blind, usual] = tailers
  if (!blind || !usual) throw new Error('two tailers')
  t.after(async () => {
    await publishing.close()
    await Promise.all(tailers.map((tailer) => tailer.stop()))
    await Promise.all(pools.map((sql) => sql.end({ timeout: 1 })))
  })
  const after = encodeCursor(blind.tail.epoch, { kind: 'TAIL', position: 1 })
  const options = { after, snapshot: false, filter: everything }
  const upTo = (last: number) => (i: { at: { place: { position: number } } }) =>
    i.at.place.position === last
  const seen = (await Promise.all([follow(blind, options), follow(usual, options)])).map((i) =>
    take(i, upTo(203)),
  )
  for (let n = 0; n < 200; n++)
    await append(db.sql, version(ids[n % 2] ?? '', 2 + Math.floor(n / 2)))
  const { events } = await readChanges(db.sql, { after: 1, upTo: 203, ids: null, rowsMax: 1_000 })
  const expected = events.map(({ event }) => shown(event))
  for (const items of await Promise.all(seen))
    assert.deepEqual(eventsOf(items).map(shown), expected)

  const more = await follow(usual, {
    ...options,
    after: encodeCursor(usual.tail.epoch, { kind: 'TAIL', position: 203 }),
  })
  await nats.kill()
  const [added = ''] = await create(db.sql, 1)
  assert.equal(
    eventsOf(await take(more, upTo(204)))[0]?.goldenId,
    added,
    'read from the table without a broker',
  )
  await nats.start()
  await until(async () => (await sinkFigures(db.sql))[0]?.position === 204)
  const rest = await follow(blind, {
    ...options,
    after: encodeCursor(blind.tail.epoch, { kind: 'TAIL', position: 203 }),
  })
  const both = take(rest, upTo(206))
  await create(db.sql, 2)
  assert.deepEqual(
    eventsOf(await both).map((e) => e.position),
    [204, 205, 206],
    'NATS again',
  )
})

async function killed(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}
