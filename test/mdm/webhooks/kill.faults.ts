import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { openDatabase } from '../../../mdm/db/database.ts'
import { migrate } from '../../../mdm/db/migrate.ts'
import { type TestDatabase, temporaryServer, testDatabase } from '../../database.ts'
import { firstSeed } from '../../property.ts'
import { append, seeded, version } from '../feed/world.ts'
import { type Receiver, startReceiver } from './receiver.ts'
import { deliver, idle, register, until, webhooksAt } from './setting.ts'

const rounds = Number(process.env.TOUCHSTONE_WEBHOOK_ROUNDS ?? 6)
const program = fileURLToPath(new URL('./delivererProcess.ts', import.meta.url))

let db: TestDatabase
let receiver: Receiver
before(async () => {
  db = await testDatabase()
  receiver = await startReceiver()
})
after(async () => {
  await receiver?.close()
  await db?.drop()
})

test(`loses nothing and keeps the order of each golden record when the deliverer is killed ${rounds} times (seed ${firstSeed})`, async () => {
  const random = seeded(firstSeed)
  receiver.behave = async () => {
    await sleep(random() * 10)
    return random() < 0.2 ? 500 : 200
  }
  const { id } = await register(webhooksAt(db.sql, [receiver.port]), receiver.url)
  const ids = Array.from({ length: 20 }, () => randomUUID())
  let number = 0
  let child: ChildProcess | null = null
  const start = () =>
    spawn(process.execPath, [program, db.url, String(receiver.port)], { stdio: 'inherit' })
  const freed = () => db.sql`update webhook set leased_until = null`
  for (let round = 0; round < rounds; round++) {
    child = start()
    const before = receiver.received.length
    for (let n = 0; n < 8; n++) {
      number++
      await append(db.sql, ...ids.map((g) => version(g, number)))
      await sleep(random() * 30)
    }
    await until(() => receiver.received.length > before)
    await sleep(random() * 250)
    child.kill('SIGKILL')
    await once(child, 'exit')
    // In production 15 s pass here: the lease of the killed process expires.
    await freed()
  }
  child = start()
  await until(() => idle(db.sql, id))
  child.kill('SIGKILL')
  let again = 0
  for (const goldenId of ids) {
    const first = [...new Set(receiver.accepted(goldenId))]
    assert.deepEqual(
      first,
      Array.from({ length: number }, (_, i) => i + 1),
      'each is accepted, and for the first time in order',
    )
    again += receiver.accepted(goldenId).length - first.length
  }
  const ownIds = receiver.received.every(
    (r) => r.headers['webhook-id'] === r.event.id.replaceAll('.', '_'),
  )
  assert.ok(ownIds, 'repeated deliveries keep their ids')
  assert.ok(again <= rounds * 256, `${again} duplicate deliveries`)
})

test('loses nothing when Postgres stops and restarts during deliveries', async (t) => {
  const server = await temporaryServer()
  t.after(() => server.stop())
  const url = server.url('postgres')
  const sql = openDatabase(url, { connectionsMax: 4, name: 'test' })
  await migrate(sql, fileURLToPath(new URL('../../../migrations', import.meta.url)))
  const webhooks = webhooksAt(sql, [receiver.port])
  const { id } = await register(webhooks, receiver.url)
  const ids = Array.from({ length: 20 }, () => randomUUID())
  const clock = {
    get now() {
      return Date.now()
    },
  }
  const deliveries = await deliver(url, webhooks, clock)
  t.after(async () => {
    await deliveries.close()
    await sql.end({ timeout: 5 })
  })
  receiver.behave = async () => {
    await sleep(2)
    return 200
  }
  for (let number = 1; number <= 10; number++)
    await append(sql, ...ids.map((g) => version(g, number)))
  await until(() => ids.some((g) => receiver.accepted(g).length > 0))
  await server.pause()
  await server.resume()
  for (let number = 11; number <= 12; number++)
    await append(sql, ...ids.map((g) => version(g, number)))
  await until(() => idle(sql, id).catch(() => false))
  for (const goldenId of ids)
    assert.deepEqual(
      [...new Set(receiver.accepted(goldenId))],
      Array.from({ length: 12 }, (_, i) => i + 1),
    )
})
