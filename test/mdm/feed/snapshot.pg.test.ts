import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { openDatabase } from '../../../mdm/db/database.ts'
import { encodeCursor } from '../../../mdm/feed/cursor.ts'
import { expireChanges } from '../../../mdm/feed/expire.ts'
import { everything } from '../../../mdm/feed/filter.ts'
import { type FeedItem, follow } from '../../../mdm/feed/follow.ts'
import { startTailer, type Tailer } from '../../../mdm/feed/tailer.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { firstSeed } from '../../property.ts'
import { append, caughtUp, create, eventsOf, seeded, take, version, writeTraffic } from './world.ts'

const seed = firstSeed

let db: TestDatabase
let tailer: Tailer

before(async () => {
  db = await testDatabase({ connectionsMax: 8 })
  tailer = await startTailer({
    sql: openDatabase(db.url, { connectionsMax: 4, name: 'test-feed' }),
    ringEventsMax: 20,
    pagesBytesMax: 1,
  })
})
after(async () => {
  await tailer.stop()
  await tailer.sql.end()
  await db.drop()
})

interface Held {
  version: number
  values: unknown
}

/** Returns the golden records after all events up to `position`, computed from the history. */
async function stateAt(position: number): Promise<Map<string, Held>> {
  const rows = await db.sql<{ id: string; version: number; values: unknown }[]>`
    select distinct on (golden_id) golden_id as id, version, values from change
    where position <= ${position} order by golden_id, version desc`
  return new Map(
    rows
      .filter((r) => r.values !== null)
      .map((r) => [r.id, { version: r.version, values: r.values }]),
  )
}

const sorted = (table: Map<string, Held>) => [...table].sort(([a], [b]) => (a < b ? -1 : 1))

test(`under concurrent writes a snapshot has exactly one position, and its tail has no gap or overlap (FEED 5.2; seed ${seed})`, async () => {
  const random = seeded(seed)
  const goldenIds = Array.from({ length: 900 }, () => randomUUID())
  for (let i = 0; i < 900; i += 300)
    await append(db.sql, ...goldenIds.slice(i, i + 300).map((id) => version(id, 1)))
  let writing = true
  const writers = writeTraffic(db.sql, {
    transactions: 500,
    connections: 6,
    goldenIds,
    random,
  }).then(() => {
    writing = false
  })

  const consumer = async (): Promise<void> => {
    const table = new Map<string, Held>()
    let at: number | null = null
    let cursor: string | null = null
    let items = await follow(tailer, { after: null, snapshot: true, filter: everything })
    let scanned = 0
    for (;;) {
      const { value } = (await items.next()) as { value: FeedItem }
      cursor = encodeCursor(value.at.epoch, value.at.place)
      if (value.kind === 'SNAPSHOT') {
        assert.ok(!table.has(value.item.goldenId), 'each once')
        assert.ok(value.item.position <= value.at.place.position)
        at ??= value.at.place.position
        assert.equal(value.at.place.position, at, 'all of one position')
        table.set(value.item.goldenId, { version: value.item.version, values: value.item.values })
        // Interrupting the scan and resuming it changes nothing.
        if (++scanned % 150 === 0) {
          await items.return?.()
          items = await follow(tailer, {
            after: cursor,
            snapshot: random() < 0.5,
            filter: everything,
          })
        }
        continue
      }
      if (at !== null) {
        assert.deepEqual(
          sorted(table),
          sorted(await stateAt(at)),
          'the snapshot is the state at its position',
        )
        at = null
      }
      if (value.kind === 'CHANGE') {
        const { goldenId, version, after: values } = value.event
        assert.equal(
          version,
          (table.get(goldenId)?.version ?? deleted.get(goldenId) ?? version - 1) + 1,
          'no seam',
        )
        if (values) table.set(goldenId, { version, values })
        else {
          table.delete(goldenId)
          deleted.set(goldenId, version)
        }
      }
      if (value.kind === 'CAUGHT_UP') {
        await writers
        const rest = eventsOf(
          await take(
            await follow(tailer, { after: cursor, snapshot: false, filter: everything }),
            caughtUp,
          ),
        )
        for (const e of rest)
          if (e.after) table.set(e.goldenId, { version: e.version, values: e.after })
          else table.delete(e.goldenId)
        assert.deepEqual(sorted(table), sorted(await stateAt(Number.MAX_SAFE_INTEGER)))
        await items.return?.()
        return
      }
    }
  }
  const deleted = new Map<string, number>()
  let rounds = 0
  do {
    deleted.clear()
    await consumer()
    rounds++
  } while (writing)
  assert.ok(rounds > 0)
})

test('a snapshot of some types and ids has only these, and the survivor of a retired id (FEED 6)', async () => {
  const [loser = '', survivor = '', other = ''] = await create(db.sql, 3)
  const [product = ''] = await create(db.sql, 1, { type: 'Product' })
  await append(
    db.sql,
    version(survivor, 2, { op: 'MERGED' }),
    version(loser, 2, { op: 'MERGED', values: null, redirect: survivor }),
  )
  const ids = async (filter: object) =>
    (
      await take(
        await follow(tailer, { after: null, snapshot: true, filter: { ...everything, ...filter } }),
        caughtUp,
      )
    ).flatMap((i) => (i.kind === 'SNAPSHOT' ? [i.item.goldenId] : []))
  assert.deepEqual(await ids({ types: ['Product'] }), [product])
  assert.deepEqual(await ids({ ids: [loser] }), [survivor])
  assert.deepEqual(await ids({ ids: [other, product] }), [other, product].sort())
  assert.deepEqual(await ids({ ids: [other, product], types: ['Product'] }), [product])
  assert.deepEqual(await ids({ ids: [randomUUID()] }), [])
})

test('a snapshot whose position expires ends with CURSOR_EXPIRED (FEED 7.4)', async () => {
  await create(db.sql, 600)
  const items = await follow(tailer, { after: null, snapshot: true, filter: everything })
  await items.next()
  await append(db.sql, ...(await create(db.sql, 5)).map((id) => version(id, 2)))
  await expireChanges(db.sql, new Date(Date.now() + 60_000))
  await assert.rejects(
    take(items, caughtUp),
    (e) => e instanceof Error && 'code' in e && e.code === 'CURSOR_EXPIRED',
  )
})
