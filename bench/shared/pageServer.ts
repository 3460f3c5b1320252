import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

// A source system for bench/pull.ts, in a process of its own: pages of customers by a cursor. Counts
// requests; the parent asks for the count with any message.

const total = Number(process.env.ROWS)
const page = Number(process.env.PAGE)
/** The length of the window in which requests are counted. */
const perMs = Number(process.env.PER_MS)
const times: number[] = []

/** A row of about 450 bytes. */
function rowOf(n: number) {
  const modified = new Date(1_767_225_600_000 + n * 7).toISOString()
  const id = `c${n}`
  return {
    ...{ id, name: `Company Number ${n} Ltd`, email: `info@company${n}.example`, modified },
    address: {
      street: `Main Street ${n % 999}`,
      city: 'Berlin',
      zip: `1${n % 9_999}`,
      country: 'DE',
    },
    ...{ phone: `+49 30 ${n}`, industry: 'Manufacturing', employees: n % 5_000 },
    notes: 'x'.repeat(150),
  }
}

const server = createServer((request, response) => {
  times.push(performance.now())
  const from = Number(new URL(request.url ?? '/', 'http://x').searchParams.get('cursor') ?? 0)
  const end = Math.min(from + page, total)
  const rows = Array.from({ length: end - from }, (_, i) => rowOf(from + i))
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ rows, total, ...(end < total ? { next: String(end) } : {}) }))
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.on('message', () => {
  let most = 0
  for (let from = 0, to = 0; to < times.length; to++) {
    while ((times[to] ?? 0) - (times[from] ?? 0) >= perMs) from++
    most = Math.max(most, to - from + 1)
  }
  const { user, system } = process.cpuUsage()
  const spanMs = (times.at(-1) ?? 0) - (times[0] ?? 0)
  process.send?.({ requests: times.length, most, spanMs, cpu: (user + system) / 1e6 })
  times.length = 0
})
process.on('disconnect', () => process.exit())
