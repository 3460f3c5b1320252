import { Counter, Gauge, type Registry } from 'prom-client'
import type { Tailer } from '../../mdm/feed/tailer.ts'
import type { DeliverRole, IngestRole } from './roles.ts'

/** Upper bounds of the groups that count followers by the number of positions they are behind. */
const BEHIND = [0, 100, 10_000]
/** Operators choose the names of keys. People are not named. */
const keyActor = 'key:'
/** Maximum number of consumers: those that are furthest behind. */
const consumersMax = 500

interface Parts {
  tailer?: Tailer | undefined
  ingest?: (() => IngestRole | undefined) | undefined
  deliver?: (() => DeliverRole | undefined) | undefined
  gateway?: (() => { operations: number; streams: number; sockets: number } | undefined) | undefined
}

/** Creates metrics of this process's memory, read at each scrape. */
export function processMetrics(
  registry: Registry,
  { tailer, ingest, deliver, gateway }: Parts,
): void {
  const gauge = <L extends string>(
    name: string,
    help: string,
    labelNames: L[],
    collect: (g: Gauge<L>) => void,
  ) => {
    new Gauge<L>({
      name: `touchstone_${name}`,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset()
        collect(this)
      },
    })
  }
  // Counters of other parts, read at each scrape.
  const counter = <L extends string>(
    name: string,
    help: string,
    labelNames: L[],
    collect: (c: Counter<L>) => void,
  ) => {
    new Counter<L>({
      name: `touchstone_${name}`,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset()
        collect(this)
      },
    })
  }
  counter(
    'messages_total',
    'What became of messages in this process since it started.',
    ['outcome'],
    (c) => {
      const total = ingest?.()?.total
      if (!total) return
      for (const outcome of ['applied', 'skipped', 'exceptions', 'postponed'] as const)
        c.inc({ outcome }, total[outcome])
    },
  )
  gauge(
    'audit_intact',
    'Whether the audit log goes on from the heads that this process has sent: 1 or 0.',
    [],
    (g) => {
      const heads = deliver?.()?.heads.state
      if (heads) g.set(heads.broken === null && heads.unchecked === null ? 1 : 0)
    },
  )
  gauge(
    'audit_guard_faults',
    'Guards of the history in the database that are not as the migrations create them.',
    [],
    (g) => {
      const heads = deliver?.()?.heads.state
      if (heads) g.set(heads.guards.filter((fault) => !fault.isNote).length)
    },
  )
  gauge(
    'audit_unsent_entries',
    'Entries of the audit log past the last head sent.',
    ['sink'],
    (g) => {
      const heads = deliver?.()?.heads.state
      for (const s of heads?.sinks ?? [])
        g.set({ sink: s.name }, Math.max(0, (heads?.position ?? 0) - s.position))
    },
  )
  counter(
    'audit_head_failures_total',
    'Heads of the audit log that did not arrive, since the start.',
    ['sink'],
    (c) => {
      for (const s of deliver?.()?.heads.state.sinks ?? []) c.inc({ sink: s.name }, s.failures)
    },
  )
  gauge('ingest_workers', 'Ingest workers of this process.', ['state'], (g) => {
    const workers = ingest?.()?.workers()
    if (!workers) return
    g.set({ state: 'wanted' }, workers.wanted)
    g.set({ state: 'running' }, workers.running)
  })
  counter(
    'deliveries_total',
    'Attempts of this process to deliver, by what came of them.',
    ['sink', 'result'],
    (c) => {
      for (const [result, count] of Object.entries(deliver?.()?.results ?? {}))
        c.inc({ sink: 'webhook', result }, count)
      const publisher = deliver?.()?.publisher
      if (publisher) c.inc({ sink: 'jetstream', result: 'delivered' }, publisher.count)
    },
  )
  gauge(
    'gateway_open',
    'Operations in progress, event streams and WebSockets of this process.',
    ['kind'],
    (g) => {
      for (const [kind, count] of Object.entries(gateway?.() ?? {})) g.set({ kind }, count)
    },
  )
  if (!tailer) return
  gauge('feed_tail_position', 'Position up to which this process has read the feed.', [], (g) =>
    g.set(tailer.tail.head),
  )
  gauge('feed_ring_bytes', 'Bytes of the events in memory.', [], (g) =>
    g.set(tailer.tail.ringBytes),
  )
  gauge(
    'feed_followers',
    'Subscriptions of this process, by how many positions they are behind.',
    ['behind'],
    (g) => {
      const lags = lagsOf(tailer)
      BEHIND.forEach((max, i) => {
        const above = BEHIND[i - 1] ?? -1
        g.set({ behind: `<=${max}` }, lags.filter((l) => l <= max && l > above).length)
      })
      g.set({ behind: `>${BEHIND.at(-1)}` }, lags.filter((l) => l > (BEHIND.at(-1) ?? 0)).length)
    },
  )
  gauge(
    'feed_follower_lag_positions',
    'Positions by which the slowest subscription is behind.',
    [],
    (g) => g.set(lagsOf(tailer).reduce((a, b) => Math.max(a, b), 0)),
  )
  const help = 'The same of the subscriptions of each API key, and of all others together.'
  gauge('feed_consumer_lag_positions', help, ['consumer'], (g) => {
    const behind = new Map<string, number>()
    for (const { position, consumer } of tailer.followers) {
      const name = consumer?.startsWith(keyActor) ? consumer.slice(keyActor.length) : 'other'
      behind.set(name, Math.max(behind.get(name) ?? 0, tailer.tail.head - position))
    }
    const most = [...behind].sort(([, a], [, b]) => b - a).slice(0, consumersMax)
    for (const [name, lag] of most) g.set({ consumer: name }, lag)
  })
}

function lagsOf(tailer: Tailer): number[] {
  return [...tailer.followers].map((f) => Math.max(0, tailer.tail.head - f.position))
}
