import { randomUUID } from 'node:crypto'
import type { Connection, PulledPage, PulledRow } from '../connectors/connection/contract.ts'
import { pulledMessage } from '../connectors/pulledMessage.ts'
import { BacklogGate } from '../mdm/connections/backlog.ts'
import { addObjects, claimObject } from '../mdm/connections/lease.ts'
import { runObject } from '../mdm/connections/runObject.ts'
import { accept } from '../mdm/inbox/accept.ts'
import { withMapping } from '../test/connectors/fixture.ts'
import { benchServer } from './shared/benchServer.ts'

// A full run of a source system that answers at once, from its pages to the inbox, and the same run
// again, of which every row is known. The limit beside it: the same messages put into the inbox
// without reading them and without a position.
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
  await addObjects(sql, 'shop', ['customers'])
  const connection = connectionOf(size)
  for (const name of ['first run', 'again, all known']) {
    await sql`update sync_state set position = null, within_run = false`
    const due = { source: 'shop', object: 'customers' }
    const claimed = await claimObject(sql, randomUUID(), due, true)
    if (!claimed) throw new Error('the object cannot be claimed')
    await measure(name, size, async (note) => {
      const backlog = new BacklogGate(sql, Number.MAX_SAFE_INTEGER)
      const tools = { sql, connection, reader: shop, backlog, everyMs: 1e9, censusEveryMs: 1e9 }
      const result = await runObject(
        { ...tools, onProgress: note },
        claimed,
        new AbortController().signal,
      )
      if (result.ended !== 'DONE') throw new Error(JSON.stringify(result))
    })
  }
  await server.drop(sql, 'pull')
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
