import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { openDatabase } from '../../../mdm/db/database.ts'
import { migrate } from '../../../mdm/db/migrate.ts'
import { encodeCursor } from '../../../mdm/feed/cursor.ts'
import { everything } from '../../../mdm/feed/filter.ts'
import { follow } from '../../../mdm/feed/follow.ts'
import { startTailer } from '../../../mdm/feed/tailer.ts'
import { crashingServer } from './crashingServer.ts'
import { append, create, eventsOf, fromNow, take, version } from './world.ts'

test('live and lagging subscriptions continue after a database outage; a replaced store ends them (FEED 8.1, 8.3)', async () => {
  const server = await crashingServer()
  const url = server.url('postgres')
  const sql = openDatabase(url, { connectionsMax: 4, name: 'test' })
  await migrate(sql, fileURLToPath(new URL('../../../migrations', import.meta.url)))
  const warnings: string[] = []
  const tailer = await startTailer({
    sql: openDatabase(url, { connectionsMax: 4, name: 'test-feed' }),
    ringEventsMax: 10,
    log: (_, message) => warnings.push(message),
  })
  try {
    const [id = ''] = await create(sql, 600)
    const behind = await follow(tailer, {
      after: encodeCursor(tailer.tail.epoch, { kind: 'TAIL', position: 0 }),
      snapshot: false,
      filter: everything,
    })
    for (let n = 0; n < 100; n++) await behind.next()
    const live = await follow(tailer, { ...fromNow, filter: { ...everything, ids: [id] } })
    await live.next()
    const behindRest = take(behind, (i) => i.kind === 'CHANGE' && i.event.position === 602)
    const liveNext = take(live, (i) => i.kind === 'CHANGE' && i.event.version === 3)

    await server.crash()
    while (warnings.length === 0) await sleep(20)
    await server.start()
    await retried(() => append(sql, version(id, 2)))
    await append(sql, version(id, 3))
    assert.deepEqual(
      eventsOf(await liveNext).map((e) => e.version),
      [2, 3],
    )
    assert.deepEqual(
      eventsOf(await behindRest).map((e) => e.position),
      Array.from({ length: 502 }, (_, i) => 101 + i),
    )

    const orphan = await follow(tailer, fromNow)
    await orphan.next()
    await sql`update feed_head set feed = ${randomUUID()}`
    await assert.rejects(
      orphan.next(),
      (e) => e instanceof Error && 'code' in e && e.code === 'CURSOR_OTHER_FEED',
    )
    while (tailer.tail.failed) await sleep(20)
    const following = await follow(tailer, fromNow)
    await following.next()
    await append(sql, version(id, 4))
    assert.equal(eventsOf(await take(following, (i) => i.kind === 'CHANGE'))[0]?.version, 4)
  } finally {
    await tailer.stop()
    await tailer.sql.end({ timeout: 1 })
    await sql.end({ timeout: 1 })
    await server.stop()
  }
})

async function retried<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch {
      await sleep(50)
    }
  }
}
