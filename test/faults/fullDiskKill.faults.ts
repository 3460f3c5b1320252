import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmdirSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type EmbeddedDatabase, openEmbedded } from '../../cli/embeddedPostgres/openEmbedded.ts'
import { openConnection } from '../../mdm/db/database.ts'
import { run } from '../cli/process.ts'
import { eventually } from '../e2e/eventually.ts'
import { childrenOf, pidOf } from './installation.ts'

const diskMegabytes = 300
const fullMs = 3_000

/** Mounts a small disk; null where that is not allowed. It is left after `close`. */
function smallDisk(t: TestContext, close: () => Promise<void>): string | null {
  const disk = mkdtempSync(join(tmpdir(), 'touchstone-disk-'))
  try {
    const size = `size=${diskMegabytes}m`
    execFileSync('mount', ['-t', 'tmpfs', '-o', size, 'tmpfs', disk], { stdio: 'pipe' })
  } catch (e) {
    rmdirSync(disk)
    t.skip(`a small disk cannot be mounted here: ${e instanceof Error ? e.message : e}`)
    return null
  }
  t.after(async () => {
    await close()
    execFileSync('umount', ['--lazy', disk])
    rmdirSync(disk)
  })
  return disk
}

test('a server that dies on a full disk comes back when there is space', async (t) => {
  let database: EmbeddedDatabase | undefined
  const disk = smallDisk(t, async () => await database?.release())
  if (disk === null) return
  const dir = join(disk, 'data')
  mkdirSync(dir)
  const lines: string[] = []
  database = await openEmbedded(dir, { create: true, notify: (line) => lines.push(line) })
  const { url } = database
  const answers = async () => {
    const sql = openConnection(url, { connectSecondsMax: 5 })
    return await sql`select 1`
      .then(() => true)
      .catch(() => false)
      .finally(() => sql.end({ timeout: 1 }))
  }
  assert.ok(await answers())
  const ballast = join(disk, 'ballast')
  const { bavail, bsize } = statfsSync(disk)
  writeFileSync(ballast, Buffer.alloc(bavail * bsize))
  const server = pidOf(dir)
  for (const pid of [server, ...childrenOf(server)]) process.kill(pid, 'SIGKILL')
  await eventually(() => lines.some((line) => /has ended: .*ENOSPC|did not start/.test(line)))
  await sleep(fullMs)
  rmSync(ballast)
  await eventually(answers)
  await eventually(() => lines.some((line) => /was started again/.test(line)))
})

test('a program whose log cannot be written runs on, also when a server dies', {
  skip: existsSync('/dev/full') ? false : 'no /dev/full',
}, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'touchstone-full-log-'))
  const { DATABASE_URL: _, ...env } = process.env
  const script = `exec "$0" cli/main.ts start --no-demo --port 0 2> /dev/full`
  const it = run('/bin/sh', ['-c', script, process.execPath], { ...env, TOUCHSTONE_DATA_DIR: dir })
  t.after(async () => {
    it.child.kill('SIGTERM')
    await it.ended
    rmSync(dir, { recursive: true, force: true })
  })
  const [, url = ''] = await it.says(/GraphQL {6}(\S+)/)
  process.kill(pidOf(dir), 'SIGKILL')
  const ready = async () => (await fetch(new URL('/health/ready', url))).status === 200
  await eventually(async () => !(await ready()))
  await eventually(ready)
})
