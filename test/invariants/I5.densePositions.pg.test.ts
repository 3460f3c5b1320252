import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { openDatabase } from '../../mdm/db/database.ts'
import { encodeCursor } from '../../mdm/feed/cursor.ts'
import { everything } from '../../mdm/feed/filter.ts'
import { follow } from '../../mdm/feed/follow.ts'
import { startTailer, type Tailer } from '../../mdm/feed/tailer.ts'
import type { ChangeEvent } from '../../schema/events.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { append, seeded, version, writeTraffic } from '../mdm/feed/world.ts'
import { firstSeed } from '../property.ts'

/** FEED_TRANSACTIONS for a longer run, TOUCHSTONE_SEED for another (test/property.ts). */
const seed = firstSeed
const transactions = Number(process.env.FEED_TRANSACTIONS ?? 600)

let db: TestDatabase
let tailer: Tailer

before(async () => {
  db = await testDatabase({ connectionsMax: 8 })
  // A small ring makes readers alternate between ring and table.
  const sql = openDatabase(db.url, { connectionsMax: 4, name: 'test-feed' })
  tailer = await startTailer({ sql, ringEventsMax: 50 })
})
after(async () => {
  await tailer.stop()
  await tailer.sql.end()
  await db.drop()
})

test(`I5 positions are dense and in commit order; readers that resume at any cursor see every event exactly once (FEED 1.2, 3.1; seed ${seed})`, async () => {
  const random = seeded(seed)
  const goldenIds = Array.from({ length: 40 }, () => randomUUID())
  const last = randomUUID()

  // A reader stops at random and resumes with its last cursor or an older one. A cursor of any age
  // is rare, as the reader would hardly reach the end otherwise.
  const rereadMax = () => (random() < 0.1 ? Number.MAX_SAFE_INTEGER : 150)
  const reader = async (): Promise<ChangeEvent[]> => {
    const read: ChangeEvent[] = []
    for (;;) {
      const position = read.at(-1)?.position ?? 0
      const cursor = encodeCursor(tailer.tail.epoch, { kind: 'TAIL', position })
      const until = 1 + Math.floor(random() * 120)
      let n = 0
      for await (const item of await follow(tailer, {
        after: cursor,
        snapshot: false,
        filter: everything,
      })) {
        assert.notEqual(item.kind, 'LAGGED')
        if (item.kind !== 'CHANGE') continue
        read.push(item.event)
        if (item.event.goldenId === last) return read
        if (++n === until) break
      }
      if (random() < 0.3)
        read.length = Math.max(0, read.length - Math.floor(random() * rereadMax()))
    }
  }
  const readers = Array.from({ length: 6 }, reader)
  const { committed } = await writeTraffic(db.sql, {
    transactions,
    connections: 8,
    goldenIds,
    random,
  })
  const head = await append(db.sql, version(last, 1))
  assert.equal(head, committed + 1)

  const stored = await db.sql<{ position: number; golden_id: string; version: number; at: Date }[]>`
    select position, golden_id, version, at from change order by position`
  assert.deepEqual(
    stored.map((s) => s.position),
    Array.from({ length: head }, (_, i) => i + 1),
    'dense',
  )
  for (const [i, s] of stored.entries())
    assert.ok(i === 0 || s.at >= (stored[i - 1]?.at ?? s.at), 'in time order')

  for (const read of await Promise.all(readers)) {
    assert.deepEqual(
      read.map((e) => [e.position, e.goldenId, e.version]),
      stored.map((s) => [s.position, s.golden_id, s.version]),
    )
    // A consumer that maintains a table ends with the stored state; `before` is always the former
    // value of its table.
    const table = new Map<string, unknown>()
    for (const e of read) {
      assert.deepEqual(e.before, table.get(e.goldenId) ?? null)
      if (e.after) table.set(e.goldenId, e.after)
      else table.delete(e.goldenId)
    }
    const golden = await db.sql<{ id: string; values: unknown }[]>`
      select id, values from golden where state = 'ACTIVE'`
    assert.deepEqual(
      [...table].sort(([a], [b]) => (a < b ? -1 : 1)),
      golden.map((g) => [g.id, g.values]).sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
    )
  }
})
