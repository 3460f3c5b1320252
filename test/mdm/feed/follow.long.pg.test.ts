import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openDatabase } from '../../../mdm/db/database.ts'
import { encodeCursor } from '../../../mdm/feed/cursor.ts'
import { beginEpoch } from '../../../mdm/feed/epochs.ts'
import { expireChanges } from '../../../mdm/feed/expire.ts'
import { everything } from '../../../mdm/feed/filter.ts'
import { type FeedItem, type FollowOptions, follow } from '../../../mdm/feed/follow.ts'
import { readHead } from '../../../mdm/feed/read.ts'
import { startTailer, type Tailer, type TailerOptions } from '../../../mdm/feed/tailer.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { eventually as until } from '../../e2e/eventually.ts'
import {
  append,
  caughtUp,
  create,
  eventsOf,
  fromNow,
  seeded,
  take,
  version,
  writeTraffic,
} from './world.ts'

let db: TestDatabase
const tailers: Tailer[] = []

before(async () => {
  db = await testDatabase({ connectionsMax: 8 })
})
after(async () => {
  for (const tailer of tailers) {
    await tailer.stop()
    await tailer.sql.end()
  }
  await db.drop()
})

async function open(options: Partial<TailerOptions> = {}): Promise<Tailer> {
  const tailer = await startTailer({
    sql: openDatabase(db.url, { connectionsMax: 4, name: 'test-feed' }),
    ...options,
  })
  tailers.push(tailer)
  return tailer
}

const cursorAt = (tailer: Tailer, position: number) =>
  encodeCursor(tailer.tail.epoch, { kind: 'TAIL', position })
const after_ = (
  tailer: Tailer,
  position: number,
  part: Partial<FollowOptions['filter']> = {},
): FollowOptions => ({
  after: cursorAt(tailer, position),
  snapshot: false,
  filter: { ...everything, ...part },
})
const positions = (items: readonly FeedItem[]) => eventsOf(items).map((e) => e.position)
const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)
const code = (code: string) => (e: unknown) => e instanceof Error && 'code' in e && e.code === code

test('gives the same events from the ring, from the table, and across both (FEED 7.1)', async () => {
  const tailer = await open({ ringEventsMax: 100, ringBytesMax: 2 ** 20 })
  const start = tailer.tail.head
  await create(db.sql, 1_300)
  const head = start + 1_300
  await until(() => tailer.tail.head === head)
  assert.equal(tailer.tail.tableUpTo, head - 100, 'the ring keeps its bound')
  for (const from of [
    start,
    start + 1,
    start + 511,
    start + 512,
    start + 1_199,
    start + 1_200,
    head - 1,
    head,
  ])
    assert.deepEqual(
      positions(await take(await follow(tailer, after_(tailer, from)), caughtUp)),
      range(from + 1, head),
      `from ${from}`,
    )
})

test('the ring is bounded in bytes, and an event larger than the bound is read from the table (FEED 7.1)', async () => {
  const tailer = await open({ ringEventsMax: 1_000, ringBytesMax: 100_000 })
  const start = tailer.tail.head
  const live = await follow(tailer, fromNow)
  await live.next()
  await create(db.sql, 20, { values: { name: 'x'.repeat(6_000) } })
  await create(db.sql, 1, { values: { name: 'y'.repeat(200_000) } })
  await create(db.sql, 1)
  await until(() => tailer.tail.head === start + 22)
  assert.ok(tailer.tail.ringBytes <= 100_000)
  assert.ok(tailer.tail.tableUpTo > start)
  assert.deepEqual(
    positions(await take(live, (_, all) => all.length === 22)),
    range(start + 1, start + 22),
  )
})

test('a consumer that does not read keeps its position and loses no event (FEED 7.1)', async () => {
  const tailer = await open({ ringEventsMax: 50, pagesBytesMax: 50_000 })
  const start = tailer.tail.head
  const stalled = await Promise.all(range(1, 40).map(() => follow(tailer, after_(tailer, start))))
  await create(db.sql, 1_200)
  const head = start + 1_200
  await until(() => tailer.tail.head === head)
  for (const s of stalled) await s.next()
  // Each reader is at a different position, so they cannot share pages.
  for (const [i, s] of stalled.entries()) for (let n = 0; n < 20 * i; n++) await s.next()
  assert.ok(
    tailer.eventPages.bytes <= 50_000 + 512 * 2_000,
    'all pages together stay within the bound and one page',
  )
  for (const [i, s] of stalled.entries())
    assert.deepEqual(positions(await take(s, caughtUp)), range(start + 2 + 20 * i, head))
})

test('a filtered subscription gives the matching events of an unfiltered one (FEED 6.1)', async () => {
  const tailer = await open({ ringEventsMax: 40 })
  const start = tailer.tail.head
  const goldenIds = range(1, 30).map((): string => randomUUID())
  const ids = goldenIds.slice(0, 4)
  const filter = { types: ['Customer'], ids, ops: ['UPDATED' as const] }
  const live = await follow(tailer, after_(tailer, start, filter))
  const seen = take(
    live,
    (i) => i.kind === 'CHANGE' && i.event.goldenId === ids[0] && i.event.version === 1_000_000,
  )
  await writeTraffic(db.sql, { transactions: 200, connections: 4, goldenIds, random: seeded(7) })
  await db.sql`update golden set version = 999999, state = 'ACTIVE' where id = ${ids[0] ?? ''}`
  await append(db.sql, version(ids[0] ?? '', 1_000_000))
  const full = eventsOf(await take(await follow(tailer, after_(tailer, start)), caughtUp))
  const expected = full
    .filter((e) => ids.includes(e.goldenId) && e.op === 'UPDATED')
    .map((e) => e.position)
  assert.ok(expected.length > 10)
  assert.deepEqual(positions(await seen), expected, 'live')
  const again = await take(await follow(tailer, after_(tailer, start, filter)), caughtUp)
  assert.deepEqual(positions(again), expected, 'from the table')
  const none = await take(await follow(tailer, after_(tailer, start, { ids: [] })), caughtUp)
  assert.deepEqual(
    none.map((i) => i.kind),
    ['CAUGHT_UP'],
    'an empty list matches nothing',
  )
  const systems = await take(
    await follow(tailer, after_(tailer, start, { systems: ['erp'] })),
    caughtUp,
  )
  assert.deepEqual(positions(systems), [])
})

test('an id is followed to the golden record that it resolves to at that position (FEED 6.2)', async () => {
  const tailer = await open({ ringEventsMax: 10 })
  const [a = '', b = '', c = ''] = await create(db.sql, 3)
  const start = (await readHead(db.sql)).position
  const merge = (loser: string, n: number, survivor: string, m: number) =>
    append(
      db.sql,
      version(survivor, m, { op: 'MERGED' }),
      version(loser, n, { op: 'MERGED', values: null, redirect: survivor }),
    )
  await append(db.sql, version(b, 2)) // before the merge: not followed
  await merge(a, 2, b, 3) // tombstone of a, then b
  await append(db.sql, version(b, 4))
  await merge(b, 5, c, 2) // tombstone of b, then c
  await append(db.sql, version(c, 3))
  await append(db.sql, version(c, 4, { op: 'SPLIT' }), version(a, 3, { op: 'SPLIT' })) // a is back: c, then a
  const last = await append(db.sql, version(c, 5), version(b, 6), version(a, 4)) // only a
  await until(() => tailer.tail.head >= last)

  const seen = async (from: number) =>
    eventsOf(
      await take(await follow(tailer, after_(tailer, from, { ids: [a.toUpperCase()] })), caughtUp),
    ).map((e) => [e.goldenId, e.version])
  const expected = [
    [a, 2],
    [b, 3],
    [b, 4],
    [b, 5],
    [c, 2],
    [c, 3],
    [c, 4],
    [a, 3],
    [a, 4],
  ]
  assert.deepEqual(await seen(start), expected)
  const at = last - 12
  assert.equal(at, start)
  // After resuming at any position the rest is the same: the survivor of `a` is known as of that
  // position.
  const all = eventsOf(await take(await follow(tailer, after_(tailer, start)), caughtUp))
  for (const e of all) {
    const left = expected.filter(([id, v]) =>
      all.some((x) => x.goldenId === id && x.version === v && x.position > e.position),
    )
    assert.deepEqual(await seen(e.position), left, `resumed after ${e.position}`)
  }
})

test('CaughtUp comes once, and again as a cursor after many events that the filter skipped (FEED 5.4)', async () => {
  const tailer = await open()
  const start = tailer.tail.head
  const live = await follow(tailer, after_(tailer, start, { types: ['Nothing'] }))
  const first = await live.next()
  assert.equal(first.value?.kind, 'CAUGHT_UP')
  await create(db.sql, 999)
  await until(() => tailer.tail.head === start + 999)
  const next = live.next()
  await create(db.sql, 1)
  const { value } = await next
  assert.equal(value?.kind, 'CAUGHT_UP')
  assert.equal(value?.at.place.position, start + 1_000)
  await live.return?.()
})

test('a subscription ends at once when its reader leaves, also while it waits', async () => {
  const tailer = await open()
  const live = await follow(tailer, fromNow)
  await live.next()
  const waiting = live.next()
  await until(() => tailer.tail.subscribersWaiting === 1)
  await live.return?.()
  assert.equal((await waiting).done, true)
  assert.equal(tailer.tail.subscribersWaiting, 0)
})

test('a cursor from the future is CURSOR_FUTURE, of another feed CURSOR_OTHER_FEED (FEED 4.2)', async () => {
  const tailer = await open()
  await assert.rejects(follow(tailer, after_(tailer, tailer.tail.head + 1)), code('CURSOR_FUTURE'))
  await assert.rejects(
    follow(tailer, after_(tailer, Number.MAX_SAFE_INTEGER)),
    code('CURSOR_FUTURE'),
  )
  const other = encodeCursor(randomUUID(), { kind: 'TAIL', position: 0 })
  await assert.rejects(follow(tailer, { ...fromNow, after: other }), code('CURSOR_OTHER_FEED'))
})

test('expired events give CURSOR_EXPIRED at the start and Lagged in the middle; no others are lost (FEED 7.2, 7.3)', async () => {
  const tailer = await open({ ringEventsMax: 10, pagesBytesMax: 1 })
  const start = tailer.tail.head
  const ids = await create(db.sql, 30)
  for (let v = 2; v <= 4; v++) await append(db.sql, ...ids.map((id) => version(id, v)))
  const head = start + 120
  const slow = await follow(tailer, after_(tailer, start))
  assert.deepEqual(positions(await takeSome(slow, 5)), range(start + 1, start + 5))
  await sleep(2)
  const limit = new Date()
  await sleep(2)
  await append(db.sql, ...ids.slice(0, 10).map((id) => version(id, 5)))
  assert.equal(await expireChanges(db.sql, limit), head + 1)
  assert.equal(await expireChanges(db.sql, limit), head + 1, 'twice is once')

  const remaining = await db.sql<{ golden_id: string; version: number }[]>`
    select golden_id, version from change where golden_id = any(${ids}::uuid[]) order by golden_id, version`
  const expected = ids.flatMap((id, i) =>
    i < 10
      ? [
          [id, 4],
          [id, 5],
        ]
      : [[id, 4]],
  )
  assert.deepEqual(
    remaining.map((k) => [k.golden_id, k.version]),
    expected.sort(([a, v], [b, w]) =>
      a === b ? Number(v) - Number(w) : String(a) < String(b) ? -1 : 1,
    ),
    'the newest version before the limit and all after it remain',
  )
  for (const from of [start, head - 1])
    await assert.rejects(follow(tailer, after_(tailer, from)), code('CURSOR_EXPIRED'))
  const scan = encodeCursor(tailer.tail.epoch, { kind: 'SCAN', position: start + 3, scanned: null })
  await assert.rejects(follow(tailer, { ...fromNow, after: scan }), code('CURSOR_EXPIRED'))

  // Another read evicts the page that the slow subscriber had begun.
  const fresh = await take(await follow(tailer, after_(tailer, head)), caughtUp)
  assert.deepEqual(positions(fresh), range(head + 1, head + 10))
  assert.ok(
    eventsOf(fresh).every((e) => e.version === 5 && (e.before as { number: number }).number === 4),
    'before is still complete',
  )
  await create(db.sql, 20)
  await until(() => tailer.tail.head === head + 30)
  await takeSome(await follow(tailer, after_(tailer, head, { types: ['Customer'], ids })), 1)
  const [lagged, ...rest] = await take(slow, caughtUp)
  assert.equal(lagged?.kind === 'LAGGED' && lagged.missed, head - start - 5)
  assert.deepEqual(lagged?.at.place, { kind: 'TAIL', position: head })
  assert.deepEqual(positions(rest), range(head + 1, head + 30))
})

async function takeSome(
  items: AsyncIterableIterator<FeedItem>,
  count: number,
): Promise<FeedItem[]> {
  const all: FeedItem[] = []
  while (all.length < count) {
    const { value, done } = await items.next()
    if (done) break
    all.push(value)
  }
  return all
}

describe('a store that was restored to an earlier state (FEED 4.3)', () => {
  const tables = ['feed_head', 'feed_epoch', 'change', 'golden']

  /** Copies the feed's tables and returns a function that puts the rows back, as a dump does. */
  async function backup(): Promise<() => Promise<void>> {
    const copy = `copy_${randomUUID().replaceAll('-', '')}`
    await db.sql.unsafe(`create schema ${copy}`)
    for (const t of tables)
      await db.sql.unsafe(`create table ${copy}.${t} as select * from public.${t}`)
    return async () => {
      await db.sql.begin(async (tx) => {
        for (const t of tables)
          await tx.unsafe(
            `delete from public.${t}; insert into public.${t} overriding system value select * from ${copy}.${t}`,
          )
      })
    }
  }

  const names = (items: readonly FeedItem[]) => eventsOf(items).map((e) => e.goldenId)

  test('rejects what was given out since, goes on from before, and is right for new consumers', async () => {
    const tailer = await open()
    const start = tailer.tail.head
    const shared = await create(db.sql, 3)
    await until(() => tailer.tail.head === start + 3)
    const before = cursorAt(tailer, start + 1)
    const restore = await backup()
    const backedUp = start + 3
    await create(db.sql, 5)
    await until(() => tailer.tail.head === backedUp + 5)
    const since = range(backedUp + 1, backedUp + 5).map((p) => cursorAt(tailer, p))
    const scan = encodeCursor(tailer.tail.epoch, {
      kind: 'SCAN',
      position: backedUp + 2,
      scanned: null,
    })
    const live = await follow(tailer, fromNow)
    await live.next()
    const ended = assert.rejects(live.next(), code('CURSOR_OTHER_FEED'))

    await restore()
    const after = await create(db.sql, 10)
    const fresh = await open()
    for (const reader of [tailer, fresh]) {
      for (const cursor of [...since, scan])
        await assert.rejects(
          follow(reader, { ...fromNow, after: cursor }),
          code('CURSOR_OTHER_FEED'),
        )
      const rest = await take(await follow(reader, { ...fromNow, after: before }), caughtUp)
      assert.deepEqual(names(rest), [...shared.slice(1), ...after])
      const snapshot = await take(await follow(reader, { ...fromNow, snapshot: true }), caughtUp)
      const [all] = await db.sql`select count(*)::int as n from golden where state = 'ACTIVE'`
      assert.equal(snapshot.filter((i) => i.kind === 'SNAPSHOT').length, all?.n)
    }
    await ended
  })

  test('a subscriber behind the ring gets nothing of the new history by its old position', async () => {
    const tailer = await open({ ringEventsMax: 5, pollMs: 60_000 })
    const start = tailer.tail.head
    await create(db.sql, 600)
    await until(() => tailer.tail.head === start + 600)
    const restore = await backup()
    await create(db.sql, 600)
    await until(() => tailer.tail.head === start + 1_200)
    const slow = await follow(tailer, after_(tailer, start))
    await takeSome(slow, 700)
    await restore()
    await create(db.sql, 900)
    const got: FeedItem[] = []
    await assert.rejects(async () => {
      for await (const item of slow) got.push(item)
    }, code('CURSOR_OTHER_FEED'))
    assert.ok(got.length < 600, `${got.length} items of pages that were read before`)
  })

  test('two restores of one backup, and a store whose epoch does not show it', async () => {
    const tailer = await open()
    const restore = await backup()
    const { position: backedUp, epoch } = await readHead(db.sql)
    const cursors: string[] = []
    for (let n = 0; n < 2; n++) {
      await restore()
      await create(db.sql, 3 + n)
      const head = await readHead(db.sql)
      for (const p of range(backedUp + 1, head.position))
        cursors.push(encodeCursor(head.epoch, { kind: 'TAIL', position: p }))
    }
    await restore()
    await create(db.sql, 9)
    for (const cursor of cursors)
      await assert.rejects(follow(tailer, { ...fromNow, after: cursor }), code('CURSOR_OTHER_FEED'))
    const rest = await take(
      await follow(tailer, {
        ...fromNow,
        after: encodeCursor(epoch, { kind: 'TAIL', position: backedUp }),
      }),
      caughtUp,
    )
    assert.equal(eventsOf(rest).length, 9)

    // As a memory image of the server that is put back: nothing in the database shows it.
    const head = await readHead(db.sql)
    await until(() => tailer.tail.head === head.position)
    const lost = encodeCursor(head.epoch, { kind: 'TAIL', position: head.position })
    await db.sql.begin(async (tx) => {
      await tx`update feed_head set position = position - 2`
      await tx`delete from golden where position > ${head.position - 2}`
      await tx`delete from change where position > ${head.position - 2}`
    })
    await until(() => tailer.tail.head === head.position - 2)
    await create(db.sql, 5)
    await assert.rejects(follow(tailer, { ...fromNow, after: lost }), code('CURSOR_OTHER_FEED'))

    // No process has seen it: the operator says it.
    const seen = await readHead(db.sql)
    const good = encodeCursor(seen.epoch, { kind: 'TAIL', position: seen.position - 4 })
    const bad = encodeCursor(seen.epoch, { kind: 'TAIL', position: seen.position - 3 })
    assert.equal(
      (await beginEpoch(db.sql, 'COMMAND', seen.position - 4)).beganAfter,
      seen.position - 4,
    )
    await assert.rejects(follow(tailer, { ...fromNow, after: bad }), code('CURSOR_OTHER_FEED'))
    assert.equal(
      eventsOf(await take(await follow(tailer, { ...fromNow, after: good }), caughtUp)).length,
      4,
    )
  })
})
