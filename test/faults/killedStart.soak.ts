import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { worldMessages } from '../../demo/world.ts'
import { openDatabase } from '../../mdm/db/database.ts'
import { dataDirectory, runs, touchstone } from '../cli/process.ts'
import { connectors } from '../e2e/deliveries.ts'
import { childrenOf, databaseUrl } from './installation.ts'

const rounds = 8
const killedAfterMsMax = 12_000
const world = { companies: 150, seed: 1 }
const START = ['start', '--port', '0', '--companies', String(world.companies)]

test(`a start succeeds after ${rounds} first starts were killed at any moment between initdb and the demo world`, async (t) => {
  const { dir, postmaster } = dataDirectory(t)
  const kills: string[] = []
  for (let round = 0; round < rounds; round++) {
    const start = touchstone(START, dir)
    // Spreads the kills evenly over the phases of a start: initdb, migrations, composition,
    // loading.
    const ms = (killedAfterMsMax * (round + Math.random())) / rounds
    await sleep(ms)
    const server = postmaster()
    const doomed = [start.child.pid ?? 0, ...childrenOf(start.child.pid ?? 0)]
    // In every other round the database is killed too.
    if (server && round % 2 === 0) doomed.push(server, ...childrenOf(server))
    for (const pid of doomed) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch (e) {
        if (!(e instanceof Error && 'code' in e && e.code === 'ESRCH')) throw e
      }
    }
    await start.ended
    kills.push(`${Math.round(ms)} ms${/GraphQL/.test(start.output()) ? ', running' : ''}`)
    while (doomed.some(runs)) await sleep(10)
  }
  t.diagnostic(`killed after ${kills.join('; ')}`)
  const start = touchstone(START, dir)
  t.after(() => void start.child.kill('SIGKILL'))
  await start.says(/Stop with Ctrl-C/)
  const expected = new Set<string>()
  for (const m of worldMessages(world))
    for (const { messageId } of connectors.get(m.source)?.split(m.body, m.object, null) ?? [])
      expected.add(`${m.source} ${messageId}`)
  const sql = openDatabase(databaseUrl(dir), { connectionsMax: 1, name: 'test' })
  const inbox = new Set(
    (await sql`select source || ' ' || message_id as id from inbox`).map((r) => r.id as string),
  )
  assert.deepEqual(inbox, expected)
  assert.equal((await sql`select 1 from pending limit 1`).length, 0)
  await sql.end({ timeout: 1 })
  start.child.kill('SIGTERM')
  assert.equal(await start.ended, 0)
  assert.equal(postmaster(), null)
})
