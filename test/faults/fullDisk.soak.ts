import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openDatabase } from '../../mdm/db/database.ts'
import { checkRebuild } from '../../mdm/policy/rebuild.ts'
import { createEngines } from '../../mdm/resolution/resolve.ts'
import { touchstone } from '../cli/process.ts'
import { connectors, worldDeliveries } from '../e2e/deliveries.ts'
import { eventually } from '../e2e/eventually.ts'
import { attach } from '../e2e/running.ts'
import { policy } from '../fixtures/store.ts'
import { databaseUrl } from './installation.ts'
import { startSender } from './sender.ts'

const megabyte = 1024 * 1024
const diskMegabytes = 400
/** The free space when deliveries begin: enough for some, not for all. */
const leftMegabytes = 6
const fullMs = 8_000
const waitMsMax = 120_000

test('a full disk during deliveries loses nothing that was acknowledged, and all continues when there is space', async (t) => {
  const disk = mkdtempSync(join(tmpdir(), 'touchstone-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskMegabytes}m`, 'tmpfs', disk], {
      stdio: 'pipe',
    })
  } catch (e) {
    rmdirSync(disk)
    return t.skip(`a small disk cannot be mounted here: ${e instanceof Error ? e.message : e}`)
  }
  t.after(() => {
    execFileSync('umount', ['--lazy', disk])
    rmdirSync(disk)
  })
  const dir = join(disk, 'data')
  mkdirSync(dir)
  const command = touchstone(['start', '--no-demo', '--port', '0'], dir)
  t.after(async () => {
    command.child.kill('SIGKILL')
    await command.ended
  })
  const [, url = ''] = await command.says(/GraphQL {6}(\S+)/)
  const it = attach(command, url)
  const ready = async () => (await fetch(new URL('/health/ready', url))).status

  const ballast = join(disk, 'ballast')
  const { bavail, bsize } = statfsSync(disk)
  writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - leftMegabytes * megabyte)))
  const deliveries = worldDeliveries({ companies: 250, seed: 3 }, 3_000)
  const sender = startSender(url, deliveries)
  sender.allow(deliveries.length)
  await eventually(() => sender.failures.size > 0)
  await sleep(fullMs)
  const whenFull = sender.acknowledged.length
  t.diagnostic(
    `full after ${whenFull} of ${deliveries.length} deliveries; ${JSON.stringify(Object.fromEntries(sender.failures))}`,
  )
  assert.ok(whenFull < deliveries.length)
  assert.equal((await fetch(new URL('/health/live', url))).status, 200, 'the process lives')

  rmSync(ballast)
  await eventually(async () => (await ready()) === 200)
  await Promise.race([sender.done, sleep(waitMsMax)])
  assert.equal(sender.acknowledged.length, deliveries.length)
  const sql = openDatabase(databaseUrl(dir), { connectionsMax: 2, name: 'test' })
  await eventually(async () => (await sql`select 1 from pending limit 1`).length === 0)
  const inbox = new Set(
    (await sql`select source || ' ' || message_id as id from inbox`).map((r) => r.id),
  )
  const lost = sender.acknowledged.flatMap((d) =>
    d.messages.filter((m) => !inbox.has(`${d.source} ${m.messageId}`)),
  )
  assert.deepEqual(lost, [])
  const spoiled = await sql`select code, detail from outcome where code = 'NOT_APPLICABLE' limit 3`
  assert.deepEqual([...spoiled], [], 'no message is marked as faulty because of the disk')
  const systems = new Map([...connectors].map(([name, c]) => [name, c.system]))
  const check = await checkRebuild(sql, { policy, engines: createEngines(policy), systems })
  assert.deepEqual(check.differences, [])
  await sql.end({ timeout: 1 })
  assert.ok((await it.query('{ customers(first: 1) { totalCount } }')).customers.totalCount > 50)
  assert.equal(await it.stop(), 0)
})
