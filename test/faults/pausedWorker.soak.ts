import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { accept } from '../../mdm/inbox/accept.ts'
import { checkRebuild } from '../../mdm/policy/rebuild.ts'
import { createEngines } from '../../mdm/resolution/resolve.ts'
import { touchstone } from '../cli/process.ts'
import { testDatabase } from '../database.ts'
import { connectors, worldDeliveries } from '../e2e/deliveries.ts'
import { policy } from '../fixtures/store.ts'

/** Exceeds the idle timeout of a transaction (mdm/db/database.ts) by some time to end it. */
const pausedMsMax = 90_000
const settledMsMax = 60_000

test('a worker paused inside a transaction blocks others for a minute at most, and nothing is applied twice', async (t) => {
  const db = await testDatabase({ connectionsMax: 3 })
  t.after(() => db.drop())
  const serve = () => {
    const env = { DATABASE_URL: db.url }
    const command = touchstone(
      ['serve', '--roles', 'ingest', '--port', '0', '--batch-rows-max', '50'],
      join(tmpdir(), 'touchstone-none'),
      env,
    )
    t.after(async () => {
      command.child.kill('SIGKILL')
      await command.ended
    })
    return command
  }
  const paused = serve()
  await paused.says(/"started"/)
  const messages = worldDeliveries({ companies: 300, seed: 9 }, 3_000).flatMap((d) =>
    d.messages.map((m) => ({ ...m, source: d.source, correlationId: randomUUID() })),
  )
  await accept(db.sql, messages)
  const inTransaction = async () =>
    (
      await db.sql`select 1 from pg_stat_activity where datname = current_database() and application_name = 'touchstone-ingest'
        and state = 'idle in transaction' and backend_xid is not null`
    ).length > 0
  const waiting = async () =>
    (await db.sql<{ n: number }[]>`select count(*)::int as n from pending`)[0]?.n ?? 0

  // The worker stops between two statements of a batch only by chance, so this tries until it does.
  for (;;) {
    paused.child.kill('SIGSTOP')
    await sleep(300)
    if (await inTransaction()) break
    assert.ok((await waiting()) > 1_000, 'paused while there is work left')
    paused.child.kill('SIGCONT')
    await sleep(Math.random() * 100)
  }
  const began = performance.now()
  const left = await waiting()
  const other = serve()
  await other.says(/"started"/)
  while ((await waiting()) > 0 && performance.now() - began < pausedMsMax) await sleep(100)
  t.diagnostic(
    `${left} messages were left; all applied ${Math.round((performance.now() - began) / 1000)} s after the pause began`,
  )
  assert.equal(await waiting(), 0)

  paused.child.kill('SIGCONT')
  const more = worldDeliveries({ companies: 20, seed: 10 }, 100).flatMap((d) =>
    d.messages.map((m) => ({ ...m, source: d.source, correlationId: randomUUID() })),
  )
  await accept(db.sql, more)
  for (const end = performance.now() + settledMsMax; (await waiting()) > 0; await sleep(100))
    assert.ok(performance.now() < end)
  const systems = new Map([...connectors].map(([name, c]) => [name, c.system]))
  const check = await checkRebuild(db.sql, { policy, engines: createEngines(policy), systems })
  assert.deepEqual(check.differences, [])
  const [feed] =
    await db.sql`select count(*)::int as events, (select position from feed_head) as head,
    (select sum(version)::int from golden) as versions from change`
  assert.deepEqual(feed, { events: feed?.head, head: feed?.head, versions: feed?.head })
  const blamed = await db.sql`select code from outcome where code = 'NOT_APPLICABLE'`
  assert.equal(blamed.length, 0, 'no message is marked as faulty because of the pause')
  for (const command of [paused, other]) {
    command.child.kill('SIGTERM')
    assert.equal(await command.ended, 0)
  }
})
