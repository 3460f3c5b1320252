import { fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { Connection, PulledPage, PulledRow } from '../connectors/connection/contract.ts'
import { openConnection } from '../connectors/connection/openConnection.ts'
import { pulledMessage } from '../connectors/pulledMessage.ts'
import { BacklogGate } from '../mdm/connections/backlog.ts'
import { addObjects, claimObject } from '../mdm/connections/lease.ts'
import { createRequestRates } from '../mdm/connections/requestRates.ts'
import { runObject } from '../mdm/connections/runObject.ts'
import type { Sql } from '../mdm/db/database.ts'
import { accept } from '../mdm/inbox/accept.ts'
import { connect } from '../test/connectors/connection/fixture.ts'
import { withMapping } from '../test/connectors/fixture.ts'
import { benchServer } from './shared/benchServer.ts'

// A full run of a source system that answers at once, from its pages to the inbox, and the same run
// again, of which every row is known. The limit beside it: the same messages put into the inbox
// without reading them and without a position. Then a full run over HTTP, from a source system in a
// process of its own. At the end a run under a limit, as that system counts it.
// npm run bench -- pull [--page 1000] [100000 1000000]
// Figures: bench/README.md.

const arguments_ = process.argv.slice(2)
const at = arguments_.indexOf('--page')
const pageRows = at < 0 ? 1_000 : Number(arguments_.splice(at, 2)[1])
const sizes = arguments_.length > 0 ? arguments_.map(Number) : [100_000]

const shop = withMapping(`
every: { id: id, version: modified }
objects:
  customers: { as: Customer, fields: { name: name, emails: email } }
`)

/** A row of about 450 bytes. */
function rowOf(n: number): PulledRow {
  const modified = new Date(1_767_225_600_000 + n * 7).toISOString()
  const record = {
    ...{
      id: `c${n}`,
      name: `Company Number ${n} Ltd`,
      email: `info@company${n}.example`,
      modified,
    },
    address: {
      street: `Main Street ${n % 999}`,
      city: 'Berlin',
      zip: `1${n % 9_999}`,
      country: 'DE',
    },
    ...{
      phone: `+49 30 ${n}`,
      industry: 'Manufacturing',
      employees: n % 5_000,
      notes: 'x'.repeat(150),
    },
  }
  return { object: 'customers', id: `c${n}`, version: modified, deleted: false, record }
}

function connectionOf(total: number): Connection {
  return {
    ...{ source: 'shop', objects: ['customers'], hasDelta: () => true, needsCensus: () => false },
    deletionsKnown: () => null,
    async *pull(_object, from): AsyncGenerator<PulledPage, void, void> {
      for (let n = Number(from?.at ?? 0); n < total; n += pageRows) {
        const end = Math.min(n + pageRows, total)
        const rows = Array.from({ length: end - n }, (_, i) => rowOf(n + i))
        const position = { mode: 'FULL' as const, at: end, expiresAt: null }
        yield { rows, position, last: end === total, total }
      }
    },
    census: async function* () {},
    read: async () => null,
    writing: {
      abilityOf: () => null,
      write: () => Promise.reject(new Error('the system is not written')),
      find: async () => null,
    },
    canRead: () => true,
    readSeveral: async () => [],
    check: async () => [],
    limits: () => [],
    clockAheadMs: () => 0,
    counts: () => ({ requests: 0, retries: 0, waits: 0, bytes: 0 }),
  }
}

const server = await benchServer()
try {
  for (const size of sizes) await run(size)
  await limited({ max: 25, perMs: 1_000, page: 100 })
  await limited({ max: 150, perMs: 10_000, page: 100 })
} finally {
  await server.stop()
}

async function run(size: number): Promise<void> {
  const bare = await server.database('bare')
  await measure('bare messages', size, async () => {
    for (let n = 0; n < size; n += pageRows) {
      const rows = Array.from({ length: Math.min(pageRows, size - n) }, (_, i) => rowOf(n + i))
      const correlationId = randomUUID()
      await accept(
        bare,
        rows.map((row) => ({ ...pulledMessage(row), source: 'shop', correlationId })),
      )
    }
  })
  await server.drop(bare, 'bare')
  const sql = await server.database('pull')
  const connection = connectionOf(size)
  for (const name of ['first run', 'again, all known']) {
    await sql`update sync_state set position = null, within_run = false`
    await measure(name, size, (note) => pull(sql, connection, note))
  }
  await server.drop(sql, 'pull')
  const system = await startSystem(size, pageRows, 1_000)
  const over = await server.database('http')
  const asked = openConnection('shop', connect(definitionOf(''), system.settings), { env: {} })
  await measure('first run over HTTP', size, (note) => pull(over, asked, note))
  const { cpu } = await system.end()
  console.log(`  of which the source system took ${((cpu * 1e6) / size).toFixed(0)} µs a row more`)
  await server.drop(over, 'http')
}

/** Runs the object once, from the begin. */
async function pull(sql: Sql, connection: Connection, note: () => void): Promise<void> {
  await addObjects(sql, 'shop', ['customers'])
  const due = { source: 'shop', object: 'customers' }
  const claimed = await claimObject(sql, randomUUID(), due, true)
  if (!claimed) throw new Error('the object cannot be claimed')
  const backlog = new BacklogGate(sql, Number.MAX_SAFE_INTEGER)
  const tools = { sql, connection, reader: shop, backlog, everyMs: 1e9, censusEveryMs: 1e9 }
  const { signal } = new AbortController()
  const result = await runObject({ ...tools, onProgress: note }, claimed, signal)
  if (result.ended !== 'DONE') throw new Error(JSON.stringify(result))
}

function definitionOf(limits: string): string {
  return `
settings: { base: { is: url } }
auth: { none: true }
http: { base: "{base}" }
${limits}
objects:
  customers:
    id: id
    version: modified
    rows: "rows[]"
    total: total
    list: { get: /customers }
    pages: { cursor: next, as: query.cursor }
`
}

interface Counted {
  requests: number
  /** The largest number of requests in a window, wherever it begins. */
  most: number
  spanMs: number
  cpu: number
}

/** Starts a source system of so many rows. */
async function startSystem(rows: number, page: number, perMs: number) {
  const child = fork(new URL('./shared/pageServer.ts', import.meta.url), {
    env: { ...process.env, ROWS: String(rows), PAGE: String(page), PER_MS: String(perMs) },
  })
  const [port] = await once(child, 'message')
  return {
    settings: `base: "http://127.0.0.1:${port}"\nprivateAddresses: true`,
    async end(): Promise<Counted> {
      child.send('count')
      const [counted] = await once(child, 'message')
      child.disconnect()
      return counted as Counted
    },
  }
}

/** Pulls for four lengths of a limit, and prints what the source system counted. */
async function limited(limit: { max: number; perMs: number; page: number }): Promise<void> {
  const { max, perMs, page } = limit
  const windows = 4
  const system = await startSystem(page * (max * windows + 1), page, perMs)
  const sql = await server.database('limited')
  const limits = `limits: [{ per: ${perMs / 1_000}s, max: ${max} }]`
  const connection = openConnection('shop', connect(definitionOf(limits), system.settings), {
    env: {},
    rates: createRequestRates(sql),
  })
  await pull(sql, connection, () => {})
  const { requests, most, spanMs } = await system.end()
  // The first requests of each window come at once, so the last one begins a further window.
  const share = (requests - 1) / ((spanMs / perMs) * max)
  console.log(
    `limit of ${max} requests in ${perMs / 1_000} s: ${requests} requests in ${(spanMs / 1_000).toFixed(1)} s, ${(share * 100).toFixed(0)} % of the limit; at most ${most} in a window`,
  )
  await server.drop(sql, 'limited')
}

async function measure(
  name: string,
  size: number,
  work: (note: () => void) => Promise<void>,
): Promise<void> {
  let [seen, early, late] = [0, 0, 0]
  const note = () => {
    const memory = process.memoryUsage().rss
    // The first fifth warms up; memory after it must not depend on the number of rows.
    if (++seen * pageRows < size / 5) early = Math.max(early, memory)
    else late = Math.max(late, memory)
  }
  const [began, own, theirs] = [performance.now(), process.cpuUsage(), server.cpuSeconds()]
  await work(note)
  const seconds = (performance.now() - began) / 1_000
  const { user, system } = process.cpuUsage(own)
  const cpu = (user + system) / 1e6
  const postgres = server.cpuSeconds() - theirs
  console.log(
    `${name}, ${size} rows: ${Math.round(size / seconds)} rows/s; processor ${((cpu * 1e6) / size).toFixed(0)} µs a row here, ${((postgres * 1e6) / size).toFixed(0)} µs in Postgres${late > 0 ? `; memory ${(early / 1e6).toFixed(0)} MB in the first fifth, ${(late / 1e6).toFixed(0)} MB after it` : ''}`,
  )
}
