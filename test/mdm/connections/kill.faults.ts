import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { empty } from '../../fixtures/store.ts'
import { firstSeed } from '../../property.ts'
import { seeded } from '../feed/world.ts'

const kills = Number(process.env.TOUCHSTONE_PULL_KILLS ?? 6)
const rows = 600
const program = fileURLToPath(new URL('./pullProcess.ts', import.meta.url))

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
after(() => db?.drop())

test(`each row is stored once when the processes that pull are killed ${kills} times (seed ${firstSeed})`, async () => {
  const random = seeded(firstSeed)
  const start = () => spawn(process.execPath, [program, db.url, String(rows)], { stdio: 'inherit' })
  const stored = async () => {
    const [row] = await db.sql<{ n: number }[]>`select count(*)::int as n from inbox`
    return row?.n ?? 0
  }
  const done = async () => {
    const [row] = await db.sql<{ n: number }[]>`
      select count(*)::int as n from sync_state where success_at is not null`
    return row?.n === 2
  }
  let processes: ChildProcess[] = []
  for (let n = 0; n < kills; n++) {
    // Two share the objects. One is killed, and the other goes on; or both are.
    while (processes.length < 2) processes.push(start())
    const before = await stored()
    for (let m = 0; m < 200 && !(await done()) && (await stored()) === before; m++) await sleep(20)
    await sleep(random() * 40)
    const doomed = random() < 0.5 ? processes : processes.slice(0, 1)
    for (const child of doomed) child.kill('SIGKILL')
    await Promise.all(doomed.map((child) => once(child, 'exit')))
    processes = processes.filter((child) => !doomed.includes(child))
    // In production 30 s pass here: the lease of the killed process expires.
    await db.sql`update sync_state set leased_until = null`
    if (await done()) {
      await empty(db.sql)
      await db.sql`truncate sync_state`
    }
  }
  while (processes.length < 1) processes.push(start())
  for (let m = 0; m < 1_000 && !(await done()); m++) await sleep(20)
  for (const child of processes) {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  assert.equal(await stored(), 2 * rows)
  const ids = await db.sql<{ id: string }[]>`
    select distinct body::json->'$pulled'->>'id' as id from inbox`
  assert.equal(ids.length, 2 * rows, 'none is missing and none is doubled')
  const runs = await db.sql<{ state: string; n: number }[]>`
    select state, count(*)::int as n from sync_run group by 1`
  const lost = runs.find((r) => r.state === 'LOST')
  assert.ok(lost && lost.n > 0, `runs were lost: ${JSON.stringify(runs)}`)
  const [rowsOf] = await db.sql<{ n: number }[]>`select sum(rows)::int as n from sync_state`
  assert.equal(rowsOf?.n, 2 * rows, 'each page counts once')
})
