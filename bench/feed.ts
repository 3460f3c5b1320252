import { parseArgs } from 'node:util'
import { benchProcesses } from './feed/processes.ts'
import type { FeedPlan, Result } from './feed/protocol.ts'

/**
 * From commit to client: one event per transaction (durable commits, embedded Postgres), a gateway
 * process with all subgraphs, and graphql-ws subscribers and the writer in a second process. The
 * limit beside it: a bare `ws` server in the gateway's process sends the same bytes to as many
 * sockets, timed from send to client.
 *
 * Memory per subscriber is the growth of the gateway's process, after garbage collection, once all
 * are subscribed.
 *
 * npm run bench -- feed [--subscribers 200] [--rate 20] [--seconds 20] [--entity] [--saturate 1000]
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
// Targets for up to 200 subscribers, and for more.
const targetMs = subscribers <= 200 ? { p50: 10, p99: 50 } : { p50: 50, p99: 100 }
const targetPerSecond = 20_000

const bench = await benchProcesses()
let ok = true
try {
  const { databaseUrl } = bench
  const gateway = await bench.startGateway()
  const plan = (part: Partial<FeedPlan>): FeedPlan => ({
    do: 'feed',
    url: gateway.url,
    databaseUrl,
    subscribers,
    perSecond,
    events,
    entity: values.entity,
    ...part,
  })
  const broadcast = (bytes: number, count: number, rate: number) =>
    bench.measured<Result>({ do: 'bare', url: gateway.bareUrl, subscribers, events: count }, () =>
      gateway.send({ do: 'broadcast', count, perSecond: rate, bytes }),
    )

  await bench.measured(plan({ subscribers: 20, events: 200, perSecond: 100, entity: false })) // warm-up
  const before = await gateway.memory()
  let after = before
  const feed = await bench.measured<Result>(plan({}), async () => {
    after = await gateway.memory()
  })
  report(`feed, ${subscribers} subscribers at ${perSecond} events/s`, feed)
  const each = (mb: (m: typeof before) => number) =>
    (((mb(after) - mb(before)) * 1_024) / subscribers).toFixed(1)
  console.log(
    `  memory for each subscriber: ${each((m) => m.heapMB)} kB of heap and buffers, ${each((m) => m.rssMB)} kB resident`,
  )
  report(
    `  limit: bare ws broadcast of the same bytes`,
    await broadcast(feed.messageBytes, events, perSecond),
  )
  ok =
    feed.missed === 0 &&
    feed.twice === 0 &&
    feed.ms.p50 <= targetMs.p50 &&
    feed.ms.p99 <= targetMs.p99
  console.log(
    `  target p50 <= ${targetMs.p50} ms, p99 <= ${targetMs.p99} ms, none missed: ${ok ? 'met' : 'MISSED'}`,
  )

  if (saturate > 0) {
    const full = await bench.measured<Result>(plan({ perSecond: 0, events: saturate }))
    report(`feed at saturation, ${subscribers} subscribers`, full)
    report(
      `  limit: bare ws broadcast, each after the last`,
      await broadcast(feed.messageBytes, saturate, 0),
    )
    const met =
      full.missed === 0 && full.twice === 0 && full.delivered / full.seconds >= targetPerSecond
    console.log(
      `  target >= ${targetPerSecond.toLocaleString('en')} deliveries/s, none missed: ${met ? 'met' : 'MISSED'}`,
    )
    ok &&= met
  }
  const memory = await gateway.stop()
  console.log(
    `gateway process at the end: ${memory.rssMB.toFixed(0)} MB, heap ${memory.heapMB.toFixed(0)} MB`,
  )
} finally {
  await bench.close()
}
process.exitCode = ok ? 0 : 1

function report(what: string, r: Result): void {
  const perSecond = Math.round(r.delivered / r.seconds).toLocaleString('en')
  console.log(
    `${what}: p50 ${r.ms.p50.toFixed(1)} ms, p99 ${r.ms.p99.toFixed(1)} ms, max ${r.ms.max.toFixed(1)} ms; ` +
      `${r.delivered.toLocaleString('en')} deliveries of ${r.messageBytes} bytes, ${perSecond}/s; missed ${r.missed}, twice ${r.twice}`,
  )
}
