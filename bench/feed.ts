import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startServer } from '../cli/postgres/server.ts'
import { openDatabase } from '../mdm/db/database.ts'
import { migrate } from '../mdm/db/migrate.ts'
import type { BarePlan, FeedPlan, FromGateway, Result, ToGateway } from './feed/protocol.ts'

/**
 * From commit to client: one event a transaction (durable commits, embedded Postgres), a gateway process with all
 * subgraphs, graphql-ws subscribers and the writer in a second process. Beside it the limit: the same bytes to as many
 * sockets from a bare `ws` server in the gateway's process, from send to client.
 *
 *   node bench/feed.ts [--subscribers 200] [--rate 20] [--seconds 20] [--entity] [--saturate 2000]
 */
const { values } = parseArgs({
  options: {
    subscribers: { type: 'string', default: '200' },
    rate: { type: 'string', default: '20' },
    seconds: { type: 'string', default: '20' },
    entity: { type: 'boolean', default: false },
    saturate: { type: 'string', default: '1000' },
  },
})
const subscribers = Number(values.subscribers)
const perSecond = Number(values.rate)
const events = Math.round(perSecond * Number(values.seconds))
const saturate = Number(values.saturate)
const targetMs = { p50: 10, p99: 50 }

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const dir = mkdtempSync(join(tmpdir(), 'touchstone-bench-'))
const server = await startServer({ dir, durable: true })
const children: ChildProcess[] = []
let ok = true
try {
  const databaseUrl = server.url('postgres')
  const sql = openDatabase(databaseUrl, { connectionsMax: 1, name: 'bench' })
  await migrate(sql, here('../migrations'))
  await sql.end()
  // As the command line sets it: GraphQL checks less at each step.
  const gateway = fork(here('feed/gateway.ts'), [databaseUrl], { env: { ...process.env, NODE_ENV: 'production' } })
  children.push(gateway)
  const listening = await heard<Extract<FromGateway, { is: 'listening' }>>(gateway)
  const run = async (part: Partial<FeedPlan>) => {
    const plan: FeedPlan = {
      do: 'feed',
      url: listening.url,
      databaseUrl,
      subscribers,
      perSecond,
      events,
      entity: false,
      ...part,
    }
    return await measured(plan)
  }

  await run({ subscribers: 20, events: 200, perSecond: 100 }) // warm-up
  const feed = await run({ entity: values.entity })
  report(`feed, ${subscribers} subscribers at ${perSecond} events/s`, feed)
  const bare = await broadcast(feed.messageBytes, events, perSecond)
  report(`  limit: bare ws broadcast of the same bytes`, bare)
  ok = feed.missed === 0 && feed.twice === 0 && feed.ms.p50 <= targetMs.p50 && feed.ms.p99 <= targetMs.p99
  console.log(`  target p50 <= ${targetMs.p50} ms, p99 <= ${targetMs.p99} ms, none missed: ${ok ? 'met' : 'MISSED'}`)

  if (saturate > 0) {
    report(
      `feed at saturation, ${subscribers} subscribers`,
      await run({ entity: values.entity, perSecond: 0, events: saturate }),
    )
    report(`  limit: bare ws broadcast, each after the last`, await broadcast(feed.messageBytes, saturate, 0))
  }
  gateway.send({ do: 'stop' } satisfies ToGateway)
  const memory = await heard<Extract<FromGateway, { is: 'memory' }>>(gateway)
  console.log(`gateway process at the end: ${memory.rssMB.toFixed(0)} MB, heap ${memory.heapMB.toFixed(0)} MB`)
  await once(gateway, 'exit')

  async function broadcast(bytes: number, count: number, rate: number): Promise<Result> {
    const result = measured({ do: 'bare', url: listening.bareUrl, subscribers, events: count }, () =>
      gateway.send({ do: 'broadcast', count, perSecond: rate, bytes } satisfies ToGateway),
    )
    return await result
  }
} finally {
  for (const child of children) child.kill()
  await server.stop()
  rmSync(dir, { recursive: true, force: true })
}
process.exitCode = ok ? 0 : 1

/** A fresh clients' process for each measurement, so that none pays for the garbage of another. */
async function measured(plan: FeedPlan | BarePlan, whenReady: () => void = () => {}): Promise<Result> {
  const clients = fork(here('feed/clients.ts'))
  children.push(clients)
  clients.send(plan)
  const first = await heard<Result | 'ready'>(clients)
  if (first === 'ready') whenReady()
  const result = first === 'ready' ? await heard<Result>(clients) : first
  clients.kill()
  return result
}

async function heard<T>(child: ChildProcess): Promise<T> {
  const gone = new AbortController()
  const exit = once(child, 'exit', { signal: gone.signal }).then(([code]) => {
    throw new Error(`a process of the bench ended with ${code}`)
  })
  try {
    const [message] = await Promise.race([once(child, 'message'), exit])
    return message as T
  } finally {
    exit.catch(() => undefined)
    gone.abort()
  }
}

function report(what: string, r: Result): void {
  const perSecond = Math.round(r.delivered / r.seconds).toLocaleString('en')
  console.log(
    `${what}: p50 ${r.ms.p50.toFixed(1)} ms, p99 ${r.ms.p99.toFixed(1)} ms, max ${r.ms.max.toFixed(1)} ms; ` +
      `${r.delivered.toLocaleString('en')} deliveries of ${r.messageBytes} bytes, ${perSecond}/s; missed ${r.missed}, twice ${r.twice}`,
  )
}
