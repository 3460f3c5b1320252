import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { csv, type FileWorld, openFileWorld } from '../../connections/fileWorld.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { firstSeed } from '../../property.ts'
import { seeded } from '../feed/world.ts'

const kills = Number(process.env.TOUCHSTONE_FILE_KILLS ?? 4)
const filesEach = 6
const rowsEach = 2_500
const program = fileURLToPath(new URL('./fileProcess.ts', import.meta.url))

let db: TestDatabase
let world: FileWorld
before(async () => {
  db = await testDatabase()
  world = openFileWorld(db.sql, {
    objects: { customers: 'customers_{sequence}.csv', notes: 'notes_{sequence}.csv' },
    archive: 'archive',
    every: '1s',
  })
})
after(async () => {
  world?.close()
  await db?.drop()
})

test(`each row is stored once and each file archived when the processes that read are killed ${kills} times (seed ${firstSeed})`, async () => {
  const random = seeded(firstSeed)
  const start = () =>
    spawn(process.execPath, [program, db.url, world.path], {
      stdio: ['ignore', 'inherit', 'inherit'],
    })
  /** Every row has a content of its own, so each is one message. */
  for (const object of ['customers', 'notes'])
    for (let n = 1; n <= filesEach; n++) {
      const rows = Array.from({ length: rowsEach }, (_, r) => [`${r}`, `${object} ${n} ${r}`])
      writeFileSync(join(world.inbox, `${object}_${n}.csv`), csv(Object.fromEntries(rows)))
    }
  const progress = async () => {
    const [row] = await db.sql<{ rows: number; moved: number }[]>`
      select coalesce(sum(rows), 0)::int as rows, count(moved_at)::int as moved from file_delivery`
    return row ?? { rows: 0, moved: 0 }
  }
  const isDone = async () => (await progress()).moved === 2 * filesEach
  let processes: ChildProcess[] = []
  let cutWithinFile = 0
  for (let n = 0; n < kills && !(await isDone()); n++) {
    // Two share the objects. One is killed, and the other goes on; or both are.
    while (processes.length < 2) processes.push(start())
    const before = await progress()
    for (let m = 0; m < 400; m++) {
      const now = await progress()
      if (now.rows !== before.rows || now.moved !== before.moved) break
      await sleep(20)
    }
    await sleep(random() * 60)
    const doomed = random() < 0.5 ? processes : processes.slice(0, 1)
    for (const child of doomed) child.kill('SIGKILL')
    await Promise.all(doomed.map((child) => once(child, 'exit')))
    processes = processes.filter((child) => !doomed.includes(child))
    const [cut] = await db.sql<{ n: number }[]>`
      select count(*)::int as n from file_delivery where state = 'READING' and rows > 0 and rows < ${rowsEach}`
    cutWithinFile += cut?.n ?? 0
    // In production 30 s pass here: the lease of the killed process expires.
    await db.sql`update sync_state set leased_until = null`
  }
  if (processes.length === 0) processes.push(start())
  for (let m = 0; m < 3_000 && !(await isDone()); m++) await sleep(20)
  for (const child of processes) {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  assert.equal(await world.messages(), 2 * filesEach * rowsEach)
  const bodies = await db.sql<{ n: number }[]>`select count(distinct body)::int as n from inbox`
  assert.equal(bodies[0]?.n, 2 * filesEach * rowsEach, 'none is missing and none is doubled')
  const states = await db.sql<{ state: string; rows: number; version: number }[]>`
    select distinct state, rows, version from file_delivery`
  assert.deepEqual(
    [...states].map((s) => ({ ...s })),
    [{ state: 'DONE', rows: rowsEach, version: 1 }],
  )
  assert.deepEqual(readdirSync(world.inbox), ['archive'])
  assert.equal(readdirSync(join(world.inbox, 'archive')).length, 2 * filesEach)
  assert.ok(cutWithinFile > 0, 'a file was cut within its rows')
  // The rows of each object came in the order of the files.
  const disorder = await db.sql`
    select 1 from (
      select object, split_part(body::json->>'name', ' ', 2)::int as file,
        lag(split_part(body::json->>'name', ' ', 2)::int) over (partition by object order by id) as before
      from inbox) o where file < before limit 1`
  assert.equal(disorder.length, 0)
})
