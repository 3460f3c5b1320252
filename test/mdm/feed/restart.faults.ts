import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { openDatabase } from '../../../mdm/db/database.ts'
import { migrate } from '../../../mdm/db/migrate.ts'
import { encodeCursor } from '../../../mdm/feed/cursor.ts'
import { everything } from '../../../mdm/feed/filter.ts'
import { follow } from '../../../mdm/feed/follow.ts'
import { readHead } from '../../../mdm/feed/read.ts'
import { startTailer } from '../../../mdm/feed/tailer.ts'
import { temporaryServer } from '../../database.ts'
import { crashingServer } from './crashingServer.ts'
import { append, caughtUp, create, eventsOf, fromNow, take, version } from './world.ts'

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

test('a data directory that is put back under a running gateway: backup, five events, restore, ten events (FEED 4.3)', async (t) => {
  const server = await temporaryServer()
  const backup = mkdtempSync(join(tmpdir(), 'touchstone-backup-'))
  const sql = openDatabase(server.url('postgres'), { connectionsMax: 4, name: 'test' })
  await migrate(sql, fileURLToPath(new URL('../../../migrations', import.meta.url)))
  const tailer = await startTailer({
    sql: openDatabase(server.url('postgres'), { connectionsMax: 4, name: 'test-feed' }),
  })
  t.after(async () => {
    await tailer.stop()
    await tailer.sql.end({ timeout: 1 })
    await sql.end({ timeout: 1 })
    await server.stop()
    rmSync(backup, { recursive: true, force: true })
  })
  const cursors = async () => {
    const { epoch, position } = await retried(() => readHead(sql))
    return Array.from({ length: position + 1 }, (_, p) =>
      encodeCursor(epoch, { kind: 'TAIL', position: p }),
    )
  }
  const shared = await create(sql, 3)
  const before = await cursors()
  await server.pause()
  copy(server.dir, join(backup, 'data'))
  await server.resume()
  const since = await cursors()
  assert.notDeepEqual(since, before, 'the start of the server began an epoch')
  await retried(() => create(sql, 5))
  const lost = [...since, ...(await cursors()).slice(4)]
  assert.equal(lost.length, 9)
  while (tailer.tail.head < 8) await sleep(20)
  const live = await follow(tailer, fromNow)
  await live.next()
  const ended = assert.rejects(live.next(), hasCode('CURSOR_OTHER_FEED'))

  await server.pause()
  rmSync(server.dir, { recursive: true })
  copy(join(backup, 'data'), server.dir)
  await server.resume()
  const after = await retried(() => create(sql, 10))
  await ended
  for (const cursor of lost)
    await assert.rejects(
      follow(tailer, { ...fromNow, after: cursor }),
      hasCode('CURSOR_OTHER_FEED'),
    )
  for (const [position, cursor] of before.entries()) {
    const rest = await take(await follow(tailer, { ...fromNow, after: cursor }), caughtUp)
    assert.deepEqual(
      eventsOf(rest).map((e) => e.goldenId),
      [...shared, ...after].slice(position),
    )
  }
  const snapshot = await take(await follow(tailer, { ...fromNow, snapshot: true }), caughtUp)
  assert.equal(snapshot.filter((i) => i.kind === 'SNAPSHOT').length, 13)
})

/** With owners and modes: the server's user may be another one. */
function copy(from: string, to: string): void {
  execFileSync('cp', ['-a', from, to])
}

function hasCode(code: string) {
  return (e: unknown) => e instanceof Error && 'code' in e && e.code === code
}

async function retried<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch {
      await sleep(50)
    }
  }
}
