import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { openDatabase } from '../mdm/db/database.ts'
import { appendChanges } from '../mdm/feed/append.ts'
import { everything } from '../mdm/feed/filter.ts'
import { Deliverer } from '../mdm/webhooks/deliverer.ts'
import { createPoster } from '../mdm/webhooks/post.ts'
import { Vault } from '../mdm/webhooks/secrets.ts'
import { registerWebhook } from '../mdm/webhooks/webhooks.ts'
import { parseNetwork } from '../schema/kit/networkAddress.ts'
import { readPolicy } from '../schema/readPolicy.ts'
import { change } from './feed/change.ts'
import { benchProcesses } from './feed/processes.ts'
import { latency, now } from './feed/protocol.ts'
import { benchAuditKeys } from './shared/benchAuditKeys.ts'

/**
 * Webhooks: deliveries a second to one endpoint (signed, in order for each golden record, position
 * and log saved in Postgres with fsync), and their lag at a steady rate. The limit beside it: a
 * bare HTTP client posts the same bytes to the same server with as many requests at once, and saves
 * nothing.
 *
 * npm run bench -- webhooks [--events 20000] [--rate 20] [--seconds 10]
 */
const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '20000' },
    rate: { type: 'string', default: '20' },
    seconds: { type: 'string', default: '10' },
  },
})
const events = Number(values.events)
const perSecond = Number(values.rate)
const atOnce = 8
const recordsMax = 1_000

/** The endpoint, on its own thread: responds with success and records the time. */
const endpoint = new Worker(
  `const { parentPort } = require('node:worker_threads')
   require('node:http').createServer((req, res) => {
     let bytes = 0
     req.on('data', (d) => { bytes += d.length })
     req.on('end', () => {
       res.writeHead(204).end()
       parentPort.postMessage([req.headers['webhook-id'] ?? null, performance.timeOrigin + performance.now(), bytes])
     })
   }).listen(0, '127.0.0.1', function () { parentPort.postMessage(this.address().port) })`,
  { eval: true },
)
const [port] = (await once(endpoint, 'message')) as [AddressInfo['port']]
const url = `http://127.0.0.1:${port}/hook`
const arrived = new Map<string, number>()
let posted = 0
let bytes = 0
endpoint.on('message', ([id, at, size]: [string | null, number, number]) => {
  posted++
  bytes = size
  if (id !== null && !arrived.has(id)) arrived.set(id, at)
})

const bench = await benchProcesses()
benchAuditKeys()
const sql = openDatabase(bench.databaseUrl, { connectionsMax: 4, name: 'bench-deliver' })
const policy = readPolicy(fileURLToPath(new URL('../schema/model', import.meta.url)))
const reach = { networks: [parseNetwork('127.0.0.1')], http: true, ports: [port] }
const poster = createPoster({ reach, timeoutMs: 15_000 })
const vault = new Vault([Buffer.alloc(32, 7)])
const deliverer = new Deliverer({
  sql,
  policy: () => policy,
  vault,
  poster,
  log: (_, m) => console.error(m),
})
try {
  const ids = Array.from({ length: recordsMax }, () => randomUUID())
  const append = (from: number, count: number) =>
    bench.sql.begin((tx) =>
      appendChanges(
        tx,
        Array.from({ length: count }, (_, i) => {
          const n = from + i
          return change(ids[n % recordsMax] ?? '', Math.floor(n / recordsMax) + 1)
        }),
      ),
    )
  const settings = {
    url,
    description: '',
    filter: everything,
    schemaVersion: 1,
    scopes: ['pii:read'],
  }
  const done = await registerWebhook({ sql, vault, reach, poster }, 'bench', settings, null, null)
  if (done.code !== 'DONE') throw new Error(JSON.stringify(done))
  await append(0, recordsMax)
  await deliverer.start()
  while (arrived.size < recordsMax) await sleep(10) // warm-up

  for (let n = recordsMax; n < recordsMax + events; n += 500)
    await append(n, Math.min(500, recordsMax + events - n))
  const began = now()
  const before = arrived.size
  while (arrived.size < recordsMax + events) await sleep(10)
  const seconds = (now() - began) / 1_000
  const rate = (events + recordsMax - before) / seconds
  const twice = posted - arrived.size
  console.log(
    `webhooks, one endpoint, ${atOnce} at once: ${Math.round(rate).toLocaleString('en')} deliveries/s; twice ${twice}`,
  )

  const limit = await bare(events)
  const share = ((100 * rate) / limit).toFixed(0)
  console.log(
    `  limit: bare HTTP client, the same ${bytes} bytes: ${Math.round(limit).toLocaleString('en')}/s; ${share} % of it`,
  )

  const from = recordsMax + events
  const steady = Math.round(perSecond * Number(values.seconds))
  const sentAt = new Map<string, number>()
  const start = now()
  for (let i = 0; i < steady; i++) {
    await sleep(Math.max(0, start + (i * 1_000) / perSecond - now()))
    const n = from + i
    sentAt.set(`${ids[n % recordsMax]}_${Math.floor(n / recordsMax) + 1}`, now())
    await append(n, 1)
  }
  while ([...sentAt.keys()].some((id) => !arrived.has(id))) await sleep(10)
  const late = latency(new Float64Array([...sentAt].map(([id, at]) => (arrived.get(id) ?? 0) - at)))
  console.log(
    `  at ${perSecond} events/s, commit to endpoint: p50 ${late.p50.toFixed(1)} ms, p99 ${late.p99.toFixed(1)} ms, max ${late.max.toFixed(1)} ms`,
  )
} finally {
  await deliverer.stop(1_000)
  poster.close()
  await sql.end({ timeout: 1 })
  await bench.close()
  await endpoint.terminate()
}

/** Returns posts a second. */
async function bare(count: number): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce })
  const body = 'x'.repeat(bytes)
  let left = count
  const one = () =>
    new Promise<void>((resolve, reject) => {
      const headers = { 'content-length': String(bytes) }
      const req = request(url, { method: 'POST', agent, headers }, (res) =>
        res.resume().on('end', resolve),
      )
      req.on('error', reject).end(body)
    })
  const began = now()
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (left-- > 0) await one()
    }),
  )
  agent.destroy()
  return count / ((now() - began) / 1_000)
}
