import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { openDatabase } from '../../mdm/db/database.ts'
import { migrate } from '../../mdm/db/migrate.ts'
import { encodeCursor } from '../../mdm/feed/cursor.ts'
import { readHead } from '../../mdm/feed/read.ts'
import { type CrashingServer, crashingServer } from '../mdm/feed/crashingServer.ts'
import { append, create, seeded, version } from '../mdm/feed/world.ts'
import { firstSeed } from '../property.ts'
import { check, type Got, type History, type Stored, type Written } from './I5history/check.ts'
import { readNotes } from './I5history/notes.ts'

/**
 * Random histories: eight writers in two processes, a gateway, and three subscribers, each in its
 * own process. Meanwhile processes are killed with -9, Postgres is crashed and restarted, and
 * sockets are cut. Then every write and every delivery is checked. FEED_HISTORIES=100 gives the
 * long run (about ten minutes); TOUCHSTONE_SEED selects the disturbances.
 */
const histories = Number(process.env.FEED_HISTORIES ?? 2)
const disturbances = Number(process.env.FEED_DISTURBANCES ?? 8)
const catchUpMsMax = 60_000

let server: CrashingServer
const dir = mkdtempSync(join(tmpdir(), 'touchstone-history-'))
const running = new Set<ChildProcess>()

before(async () => {
  server = await crashingServer()
})
after(async () => {
  for (const child of running) child.kill('SIGKILL')
  await server.stop()
  rmSync(dir, { recursive: true, force: true })
})

for (let n = 0; n < histories; n++) {
  const seed = firstSeed + n
  test(`I5 history ${seed}: every write is stored, and every event is delivered exactly once, without a gap after a snapshot`, async () => {
    const history = await play(seed)
    assert.deepEqual(check(history), [])
    assert.ok(history.writers.flatMap((w) => w.acknowledged).length > 20, 'something was written')
  })
}

async function play(seed: number): Promise<History> {
  const random = seeded(seed)
  const url = await freshDatabase(`h_${seed}`)
  const sql = openDatabase(url, { connectionsMax: 2, name: 'test' })
  await migrate(sql, fileURLToPath(new URL('../../migrations', import.meta.url)))
  const goldenIds = Array.from({ length: 30 }, () => randomUUID() as string)
  const marker = randomUUID()
  const own: Written[] = (await create(sql, 700, { values: { name: 'before' } })).map(
    (goldenId) => ({
      goldenId,
      version: 1,
      values: undefined,
    }),
  )
  const { epoch, position } = await readHead(sql)
  const port = await freePort()
  const note = (name: string) => join(dir, `${seed}-${name}.ndjson`)

  const start = encodeCursor(epoch, { kind: 'TAIL', position })
  const some = [...goldenIds.slice(0, 5), marker]
  const gatewayUrl = `http://127.0.0.1:${port}/graphql`
  const subscribers = [
    { name: 'all', ids: null, from: position as number | null, args: [start, '-'] },
    { name: 'some', ids: some, from: position as number | null, args: [start, some.join(',')] },
    { name: 'snapshot', ids: null, from: null, args: ['-', '-'] },
  ]
  const processes: Record<string, () => ChildProcess> = {
    gateway: () => child('gateway.ts', url, String(port)),
    writerA: () => child('writer.ts', url, note('writerA'), '4', goldenIds.join(',')),
    writerB: () => child('writer.ts', url, note('writerB'), '4', goldenIds.join(',')),
    ...Object.fromEntries(
      subscribers.map((s) => [
        s.name,
        () => child('subscriber.ts', gatewayUrl, note(s.name), ...s.args),
      ]),
    ),
  }
  const alive = new Map(Object.entries(processes).map(([name, run]) => [name, run()]))
  const names = [...alive.keys()]

  for (let i = 0; i < disturbances; i++) {
    await sleep(50 + random() * 500)
    const kind = random()
    if (kind < 0.15) await crashPostgres()
    else if (kind < 0.35)
      for (const s of subscribers) if (random() < 0.6) alive.get(s.name)?.send('cut')
    if (kind >= 0.35) {
      const name = names[Math.floor(random() * names.length)] ?? ''
      await kill(alive.get(name))
      await sleep(random() * 200)
      const again = processes[name]
      if (again) alive.set(name, again())
    }
  }

  for (const name of ['writerA', 'writerB']) {
    const writer = alive.get(name)
    const exit = writer && once(writer, 'exit')
    writer?.send('stop')
    await exit
  }
  const head = await again(() => append(sql, version(marker, 1, { values: { name: 'last' } })))
  const until = Date.now() + catchUpMsMax
  const ended = (name: string) =>
    readNotes<Got & { errors?: unknown }>(note(name)).some(
      (g) => ('position' in g && g.position >= head) || g.errors,
    )
  while (!subscribers.every((s) => ended(s.name))) {
    if (Date.now() > until) break // the checker reports what is missing
    await sleep(50)
  }
  for (const c of alive.values()) await kill(c)

  const stored = await sql<(Omit<Stored, 'atMs'> & { at: Date })[]>`
    select position, golden_id as "goldenId", version, values, at from change order by position`
  const golden = await sql<History['golden'][0][]>`select id, version, state, values from golden`
  await sql.end()
  const fixed = own.concat({ goldenId: marker, version: 1, values: undefined }).map((w) => ({
    ...w,
    values: stored.find((s) => s.goldenId === w.goldenId && s.version === 1)?.values,
  }))
  const notesOf = (name: string) =>
    readNotes<{ tried?: Written[]; acknowledged?: Written[] }>(note(name))
  return {
    stored: stored.map(({ at, ...s }) => ({ ...s, atMs: at.getTime() })),
    golden: [...golden],
    writers: [
      { tried: fixed, acknowledged: fixed },
      ...['writerA', 'writerB'].map((name) => ({
        tried: notesOf(name).flatMap((n) => n.tried ?? []),
        acknowledged: notesOf(name).flatMap((n) => n.acknowledged ?? []),
      })),
    ],
    subscribers: subscribers.map(({ name, ids, from }) => ({
      name,
      ids,
      from,
      got: readNotes<Got>(note(name)),
    })),
  }
}

function child(file: string, ...args: string[]): ChildProcess {
  const started = fork(fileURLToPath(new URL(`I5history/${file}`, import.meta.url)), args, {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  running.add(started)
  started.once('exit', () => running.delete(started))
  return started
}

async function kill(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}

async function crashPostgres(): Promise<void> {
  await server.crash()
  await server.start()
}

async function freshDatabase(name: string): Promise<string> {
  const admin = openDatabase(server.url('postgres'), { connectionsMax: 1, name: 'test' })
  await again(() => admin.unsafe(`create database ${name}`))
  await admin.end()
  return server.url(name)
}

async function again<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await work()
    } catch (e) {
      if (tries === 20) throw e
      await sleep(100)
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address ? address.port : 0
}
