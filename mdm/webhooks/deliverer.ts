import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ChangeEvent } from '../../schema/events.ts'
import { WakeableSleep } from '../../schema/kit/wakeableSleep.ts'
import type { Policy } from '../../schema/policy.ts'
import { currentTraceparent, SpanKind, traced } from '../../schema/trace.ts'
import type { Sql } from '../db/database.ts'
import { encodeCursor } from '../feed/cursor.ts'
import { follow } from '../feed/follow.ts'
import { Permits } from '../feed/permits.ts'
import { readHead } from '../feed/read.ts'
import { type RowVisibility, withoutNumbers } from '../feed/rowVisibility.ts'
import { startTailer, type Tailer } from '../feed/tailer.ts'
import { sensitiveFields, visibleEvent } from '../feed/visible.ts'
import { type Schedule, threeDays } from './backoff.ts'
import { expireDeliveries } from './deliveries.ts'
import { Delivery } from './delivery.ts'
import {
  type EndpointRows,
  readEndpoints,
  readSecrets,
  signing,
  webhookChannel,
} from './endpoints.ts'
import { claim, leaseMs, release } from './lease.ts'
import { eventMessage, signedHeaders } from './message.ts'
import type { Poster } from './post.ts'
import { SealedError, type Vault } from './secrets.ts'
import { Store } from './store.ts'

export interface DelivererOptions {
  /** A pool of its own, for the feed and for saves. */
  sql: Sql
  /** The active policy, which names the sensitive fields. */
  policy: () => Policy
  vault: Vault
  poster: Poster
  /** Row-level rights for the payloads of an endpoint; null: all rows. */
  sightOf?: (rows: EndpointRows) => RowVisibility | null
  log: (level: 'info' | 'warn' | 'error', message: string) => void
  /** Milliseconds since 1970; Date.now. */
  now?: () => number
  random?: () => number
  schedule?: Schedule
  /** Interval between checks for due deliveries, 250 ms. */
  pollMs?: number
  /** Called with the final outcome of an event: accepted by an endpoint, or dead. */
  settled?: (event: ChangeEvent, accepted: boolean) => void
  /** Called before each attempt with the sensitive fields that the endpoint receives. */
  shows?: (webhook: string, event: ChangeEvent, fields: string[]) => void
}

/** Concurrent attempts, of all endpoints of a process. */
const attemptsMax = 64
/**
 * An attempt that waits longer than this for its response does not count there. Otherwise eight
 * endpoints that respond slowly would hold every place, and delay all others.
 */
const placeMsMax = 1_000
/** Attempts in flight, those that wait for a slow response included. */
const inFlightMax = 512
const claimEveryMs = 5_000
/** Without endpoints a notification wakes it; in case one is lost, it checks at this interval. */
const idleMs = 10_000
const restartMs = 2_000
const expireEveryMs = 3_600_000
const deliveredKeptMs = 7 * 86_400_000
const deadKeptMs = 90 * 86_400_000
/** Endpoints read the table when they lag, so a small ring is enough. */
const ring = { ringEventsMax: 1_000, ringBytesMax: 8 * 2 ** 20, pagesBytesMax: 16 * 2 ** 20 }

interface Seeing {
  policy: Policy
  visible: ReturnType<typeof visibleEvent>
  sensitive: ReturnType<typeof sensitiveFields>
}

/** Endpoints that could not start at the last claim. */
interface Unstarted {
  count: number
  /** Those whose secrets no key of this process opens. */
  sealed: number
}

interface Running {
  revision: number
  delivery: Delivery
  /** Set when the delivery ended by itself; it may restart at this value of performance.now(). */
  againAt: number | null
}

/**
 * Delivers to the endpoints on which this process holds the lease. A lease is renewed every 5 s and
 * is valid for 15 s. A changed endpoint restarts from its saved position. Without endpoints it
 * checks every 10 s whether there are any, and reads nothing else.
 */
export class Deliverer {
  readonly #o: Required<DelivererOptions>
  readonly #holder = randomUUID()
  readonly #running = new Map<string, Running>()
  readonly #permits = new Permits(attemptsMax)
  readonly #inFlight = new Permits(inFlightMax)
  readonly #stop = new AbortController()
  #tailer: Tailer | null = null
  #heldUntil = 0
  readonly #pause = new WakeableSleep()
  #claimedAt = performance.now()
  #unstarted: Unstarted = { count: 0, sealed: 0 }
  #loop: Promise<void> = Promise.resolve()
  #expired = 0
  #seen: Seeing | null = null

  constructor(options: DelivererOptions) {
    this.#o = {
      now: Date.now,
      random: Math.random,
      schedule: threeDays,
      pollMs: 250,
      settled: () => {},
      sightOf: () => null,
      shows: () => {},
      ...options,
    }
  }

  async start(): Promise<void> {
    this.#loop = this.#run()
    const onReplay = (id: string) => {
      this.#running.get(id)?.delivery.replaySoon()
      this.wake()
    }
    const listening = this.#o.sql.listen(webhookChannel, onReplay, () => this.wake())
    await listening.catch((e) =>
      this.#o.log('warn', `webhooks: cannot listen, polling instead: ${e.message}`),
    )
  }

  /** Called when endpoints have changed. */
  wake(): void {
    this.#pause.wake()
  }

  /**
   * Milliseconds since it last held or checked for endpoints; more than `idleMs` while the database
   * is away.
   */
  get claimedMsAgo(): number {
    return performance.now() - this.#claimedAt
  }

  get unstarted(): Unstarted {
    return this.#unstarted
  }

  async stop(graceMs: number): Promise<void> {
    this.#stop.abort()
    this.wake()
    await this.#loop
    await Promise.all([...this.#running.values()].map((r) => r.delivery.stop(graceMs)))
    await this.#tailer?.stop()
    await release(this.#o.sql, this.#holder).catch((e) =>
      this.#o.log('warn', `webhooks: ${e.message}`),
    )
  }

  async #run(): Promise<void> {
    let claimedAt = Number.NEGATIVE_INFINITY
    while (!this.#stop.signal.aborted) {
      try {
        const every = this.#running.size > 0 ? claimEveryMs : idleMs
        if (this.#pause.woken || performance.now() - claimedAt >= every) {
          this.#pause.clear()
          claimedAt = performance.now()
          await this.#claim()
        }
        for (const { delivery } of this.#running.values()) delivery.wake()
        await this.#expire()
      } catch (e) {
        this.#o.log('warn', `webhooks: retrying: ${e instanceof Error ? e.message : e}`)
        claimedAt = Number.NEGATIVE_INFINITY
        await sleep(restartMs, undefined, { signal: this.#stop.signal }).catch(() => {})
      }
      await this.#pause.sleep(this.#running.size > 0 ? this.#o.pollMs : idleMs)
    }
  }

  async #claim(): Promise<void> {
    const asked = performance.now()
    const held = await claim(this.#o.sql, this.#holder)
    this.#heldUntil = asked + leaseMs
    this.#claimedAt = asked
    const lost = [...this.#running].filter(
      ([id, r]) => held.get(id) !== r.revision || this.#mayRestart(r),
    )
    await Promise.all(
      lost.map(async ([id, { delivery }]) => {
        await delivery.stop(held.has(id) ? leaseMs : 0)
        this.#running.delete(id)
        if (held.has(id)) return
        this.#o.log(
          'info',
          `webhook ${id} is let go: disabled, deleted, or delivered by another process now`,
        )
        // Releases the lease: a disabled endpoint receives nothing more.
        await release(this.#o.sql, this.#holder, id)
      }),
    )
    const unstarted: Unstarted = { count: 0, sealed: 0 }
    for (const [id, revision] of held)
      if (!this.#running.has(id))
        // An endpoint that cannot start, for example without the key to its secrets, does not block
        // others.
        await this.#begin(id, revision).catch(async (e) => {
          this.#o.log('error', `webhook ${id} cannot start: ${e.message}`)
          unstarted.count++
          if (e instanceof SealedError) unstarted.sealed++
          await release(this.#o.sql, this.#holder, id)
        })
    this.#unstarted = unstarted
  }

  #mayRestart({ againAt }: Running): boolean {
    return againAt !== null && performance.now() >= againAt
  }

  async #begin(id: string, revision: number): Promise<void> {
    const { sql, vault, poster, now, random, schedule, log, settled } = this.#o
    this.#tailer ??= await startTailer({ sql, log: (level, m) => log(level, m), ...ring })
    // Before the endpoint: if the store is replaced between the two, the position is of the later
    // one.
    const head = await readHead(sql)
    const [endpoint] = await readEndpoints(sql, [id])
    if (!endpoint || endpoint.revision !== revision) {
      await release(sql, this.#holder, id)
      return this.wake()
    }
    const secrets = await readSecrets(sql, vault, id)
    const sight = this.#o.sightOf(endpoint)
    const store = new Store(sql, id, this.#holder, sight)
    if (endpoint.position > head.position) {
      log('error', `webhook ${id} is at position ${endpoint.position}, beyond the end of the feed`)
      return await store.disable('AHEAD_OF_FEED')
    }
    // Events that expired while nothing was delivered count as missed; they cannot be delivered any
    // more.
    const missed = Math.max(0, head.oldest - 1 - endpoint.position)
    const position = endpoint.position + missed
    if (missed > 0)
      log('warn', `webhook ${id}: ${missed} positions expired before they were delivered`)
    const breaker = {
      failures: endpoint.failures,
      opened: endpoint.opened,
      pausedUntil: endpoint.pausedUntil?.getTime() ?? 0,
    }
    if (missed > 0)
      await store.save({
        position,
        epoch: head.epoch,
        missed,
        breaker,
        parked: new Map(),
        log: new Map(),
      })
    const tailer = this.#tailer
    const scopes = new Set(endpoint.scopes)
    const delivery = new Delivery(
      {
        store,
        now,
        random,
        schedule,
        settled,
        held: () => performance.now() < this.#heldUntil,
        behind: (goldenId, after, upTo) =>
          store.eventBehind(goldenId, after, upTo, endpoint.filter),
        send: (event, signal) =>
          this.#attempt(async () => {
            const { visible, sensitive } = this.#visible()
            const { goldenId, version, position, cause } = event
            const attributes = {
              'touchstone.webhook': id,
              'touchstone.event': `${goldenId}.${version}`,
              'touchstone.position': position,
            }
            const span = {
              name: 'webhook delivery',
              kind: SpanKind.PRODUCER,
              parent: cause.traceparent ?? null,
            }
            return await traced({ ...span, attributes }, async (own) => {
              const sent = sight ? withoutNumbers(event) : event
              const message = eventMessage(sent, head.feed, visible, scopes)
              const seen = [event.before, event.after].flatMap((v) =>
                sensitive(event.type, v, scopes),
              )
              this.#o.shows(id, event, [...new Set(seen)])
              const headers = signedHeaders(message, signing(secrets, now()), now())
              const traceparent = currentTraceparent() ?? cause.traceparent
              if (traceparent) headers.traceparent = traceparent
              const answer = await poster.post(endpoint.url, headers, message.body, signal)
              own?.setAttribute('http.response.status_code', answer.status ?? 0)
              return answer
            })
          }),
        onEnd: (error) => {
          log('warn', `webhook ${id} stops: ${error instanceof Error ? error.message : error}`)
          const running = this.#running.get(id)
          if (running) running.againAt = performance.now() + restartMs
          setTimeout(() => this.wake(), restartMs).unref()
        },
      },
      {
        position,
        epoch: head.epoch,
        breaker,
        parked: await store.parked(),
        delivered: await store.deliveredAfter(position),
      },
    )
    this.#running.set(id, { revision, delivery, againAt: null })
    const after = encodeCursor(head.epoch, { kind: 'TAIL', position })
    const items = await follow(tailer, {
      after,
      snapshot: false,
      filter: endpoint.filter,
      bookmarkPositions: 1,
      sight,
    })
    void delivery.run(items)
  }

  #attempt<T>(work: () => Promise<T>): Promise<T> {
    return this.#inFlight.run(() => this.#permits.run(work, placeMsMax))
  }

  #visible(): Seeing {
    const policy = this.#o.policy()
    if (this.#seen?.policy !== policy)
      this.#seen = { policy, visible: visibleEvent(policy), sensitive: sensitiveFields(policy) }
    return this.#seen
  }

  async #expire(): Promise<void> {
    if (this.#running.size === 0 || performance.now() - this.#expired < expireEveryMs) return
    this.#expired = performance.now()
    const ago = (ms: number) => new Date(this.#o.now() - ms)
    await expireDeliveries(this.#o.sql, ago(deliveredKeptMs), ago(deadKeptMs), this.#stop.signal)
  }
}
