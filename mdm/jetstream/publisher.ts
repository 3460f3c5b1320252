import { setTimeout as sleep } from 'node:timers/promises'
import { JetStreamApiError, type JetStreamClient } from '@nats-io/jetstream'
import { headers as natsHeaders } from '@nats-io/transport-node'
import type { ChangeEvent } from '../../schema/events.ts'
import { Backoff } from '../../schema/kit/backoff.ts'
import type { Policy } from '../../schema/policy.ts'
import { currentTraceparent, SpanKind, traced } from '../../schema/trace.ts'
import type { Sql } from '../db/database.ts'
import { encodeCursor } from '../feed/cursor.ts'
import { beginEpochAfterReturn } from '../feed/epochs.ts'
import { everything } from '../feed/filter.ts'
import { follow } from '../feed/follow.ts'
import { readHead } from '../feed/read.ts'
import { startTailer, type Tailer } from '../feed/tailer.ts'
import { sensitiveFields, visibleEvent } from '../feed/visible.ts'
import { type SinkMessage, sinkMessage } from './message.ts'
import { PublisherLock } from './publisherLock.ts'
import { ChangeStream, type NatsOptions } from './stream.ts'

export interface PublisherOptions {
  /** A pool for the feed. */
  sql: Sql
  /** A pool of one connection for this use only: it holds the lock. */
  lockSql: Sql
  nats: NatsOptions
  /** Fields that need another scope are left out; none by default. */
  scopes: ReadonlySet<string>
  /** The active policy, which names the sensitive fields. */
  policy: () => Policy
  log: (level: 'info' | 'warn' | 'error', message: string) => void
  /**
   * Called before a message is sent, with the sensitive fields that it shows to all readers of the
   * stream.
   */
  shows?: (event: ChangeEvent, fields: string[]) => void
}

/**
 * PUBLISHING; STANDBY: another process publishes; AWAY: no server or no database; REFUSED: the
 * stream is of another feed.
 */
export type PublisherState = 'STARTING' | 'PUBLISHING' | 'STANDBY' | 'AWAY' | 'REFUSED'

/** Messages that the server has not acknowledged yet. */
const inFlightMax = 256
const acknowledgeMsMax = 5_000
const electMs = 1_000
const saveMs = 1_000
const retryMsMin = 250
const retryMsMax = 5_000
const refusedMs = 15_000
/** It reads the table when it lags, so a small ring is enough. */
const ring = { ringEventsMax: 1_000, ringBytesMax: 8 * 2 ** 20, pagesBytesMax: 16 * 2 ** 20 }

/** Values that a policy shows to readers. */
interface VisibleFields {
  policy: Policy
  visible: ReturnType<typeof visibleEvent>
  sensitive: ReturnType<typeof sensitiveFields>
}

/**
 * Everything up to `position` is in the stream, which ends with `sequence`, or has expired:
 * `missed` events of it.
 */
interface Start {
  feed: string
  /** The epoch in which the position is part of the feed. */
  epoch: string
  position: number
  sequence: number
  missed: number
}

/** An error that retries do not fix: an operator must decide. */
class UnrecoverableError extends Error {
  override name = 'UnrecoverableError'
}

/**
 * Publishes the feed to a JetStream stream: each event once, in order of position. **The end of the
 * stream is the truth**: a publisher starts by reading the last message and continues after it, and
 * every message names the sequence that it must follow. So events that a broker lost are published
 * again, events that it has are not, a publisher that was paused and resumes cannot write, and
 * nothing depends on how long the server remembers message ids.
 */
export class Publisher {
  readonly #o: PublisherOptions
  readonly #lock: PublisherLock
  readonly #stop = new AbortController()
  #tailer: Tailer | null = null
  #loop: Promise<void> = Promise.resolve()
  #state: PublisherState = 'STARTING'
  #since = performance.now()
  #why: string | null = null
  #count = 0
  #seen: VisibleFields | null = null

  constructor(options: PublisherOptions) {
    this.#o = options
    this.#lock = new PublisherLock(options.lockSql)
  }

  get state(): { state: PublisherState; why: string | null; sinceMs: number } {
    return { state: this.#state, why: this.#why, sinceMs: performance.now() - this.#since }
  }

  /** Messages acknowledged since the start. */
  get count(): number {
    return this.#count
  }

  start(): void {
    this.#loop = this.#run()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#loop
    await this.#tailer?.stop()
    await this.#lock.release().catch((e) => this.#o.log('warn', `jetstream: ${e.message}`))
  }

  async #run(): Promise<void> {
    const backoff = new Backoff(retryMsMin, retryMsMax)
    while (!this.#stop.signal.aborted) {
      try {
        if (await this.#lock.acquire()) {
          const before = this.#count
          await this.#publish().finally(() => {
            if (this.#count > before) backoff.reset()
          })
        } else this.#is('STANDBY')
        await this.#pause(electMs)
      } catch (e) {
        if (this.#stop.signal.aborted) return
        const why = e instanceof Error ? e.message : String(e)
        const refused = e instanceof UnrecoverableError
        // Logged once, not with every attempt.
        if (this.#why !== why)
          this.#o.log(refused ? 'error' : 'warn', `jetstream: retrying: ${why}`)
        this.#is(refused ? 'REFUSED' : 'AWAY', why)
        // Another process may reach the server.
        await this.#lock.release().catch(() => {})
        await this.#pause(refused ? refusedMs : backoff.next())
      }
    }
  }

  /** Runs until the process stops; throws if connection, lock or position is lost. */
  async #publish(): Promise<void> {
    const { sql, nats, log } = this.#o
    const stream = await ChangeStream.open(nats, 'touchstone-publisher')
    const broken = new AbortController()
    let failure: unknown = null
    const fail = (e: unknown) => {
      failure ??= e
      broken.abort()
    }
    void stream.nc.closed().then((e) => fail(e ?? new Error('the connection to NATS was closed')))
    const signal = AbortSignal.any([this.#stop.signal, broken.signal])
    try {
      await stream.ensure()
      const start = await this.#start(stream)
      this.#tailer ??= await startTailer({ sql, log: (level, m) => log(level, m), ...ring })
      const after = encodeCursor(start.epoch, { kind: 'TAIL', position: start.position })
      const items = await follow(this.#tailer, { after, snapshot: false, filter: everything })
      signal.addEventListener('abort', () => void items.return?.(), { once: true })
      this.#is('PUBLISHING')
      log('info', `jetstream: publishing to ${nats.stream} from position ${start.position + 1}`)

      const bytesMax = stream.nc.info?.max_payload ?? 1_048_576
      const inFlight: Promise<void>[] = []
      let { sequence, position, epoch } = start
      let { missed } = start
      if (missed > 0)
        log('warn', `jetstream: ${missed} positions expired before they were published`)
      let saved = -1
      const save = async () => {
        if (position === saved && missed === 0) return
        const [to, lost] = [position, missed]
        await this.#lock.savePosition(epoch, to, lost)
        saved = to
        missed -= lost
      }
      const saving = this.#every(saveMs, signal, save).catch(fail)
      try {
        for await (const item of items) {
          if (item.kind === 'LAGGED') {
            log('warn', `jetstream: ${item.missed} positions expired before they were published`)
            missed += item.missed
          }
          if (item.kind !== 'CHANGE') continue
          const { event } = item
          const { scopes } = this.#o
          const { visible, sensitive } = this.#visible()
          const message = sinkMessage(event, start.feed, {
            subject: nats.subject,
            scopes,
            visible,
            bytesMax,
          })
          const shown = [event.before, event.after].flatMap((v) => sensitive(event.type, v, scopes))
          if (shown.length > 0) this.#o.shows?.(event, [...new Set(shown)])
          const parent = event.cause.traceparent ?? null
          const attributes = {
            'touchstone.event': message.id,
            'touchstone.position': event.position,
          }
          const span = { name: 'jetstream publish', kind: SpanKind.PRODUCER, parent, attributes }
          const follows = sequence++
          const sent = traced(span, async () => {
            const traceparent = currentTraceparent() ?? parent
            if (traceparent) message.headers.traceparent = traceparent
            await publish(stream.js, message, follows)
          }).then(() => {
            // In order, because each message names the one before.
            position = event.position
            epoch = event.epoch
            this.#count++
          })
          sent.catch(fail)
          inFlight.push(sent)
          if (inFlight.length >= inFlightMax) await inFlight.shift()
          if (signal.aborted) break
        }
        if (!failure) await Promise.all(inFlight)
      } catch (e) {
        fail(e)
      } finally {
        broken.abort()
        await Promise.allSettled([saving, ...inFlight])
        await save().catch(fail)
      }
    } finally {
      broken.abort()
      await stream.close()
    }
    if (failure && !this.#stop.signal.aborted) throw failure
  }

  /**
   * Reads where the stream ends, and so what comes next. Throws UnrecoverableError if continuing
   * would mix two feeds.
   */
  async #start(stream: ChangeStream): Promise<Start> {
    const [head, end, kept] = [
      await readHead(this.#o.sql),
      await stream.end(),
      await this.#lock.readPosition(),
    ]
    if (!end) throw new Error('the stream was removed')
    const oldest = head.oldest - 1
    const at = (position: number): Start => ({
      feed: head.feed,
      epoch: head.epoch,
      sequence: end.sequence,
      position: Math.max(position, oldest),
      missed: Math.max(0, oldest - position),
    })
    if (end.messages === 0) {
      // Never used, or recreated: publish everything that is stored. Emptied by its limits or by a
      // person: continue after its last position.
      const goesOn =
        end.sequence > 0 &&
        kept &&
        head.lineage.holds(kept.epoch, kept.position) &&
        kept.position <= head.position
      return at(goesOn ? kept.position : oldest)
    }
    const { stream: name } = this.#o.nats
    const remedy = `purge or remove it (nats stream purge ${name}), or name another (TOUCHSTONE_NATS_STREAM)`
    if (!end.place)
      throw new UnrecoverableError(
        `the last message of ${name} was not published by Touchstone: ${remedy}`,
      )
    const { epoch, position } = end.place
    if (!head.lineage.knows(epoch))
      throw new UnrecoverableError(
        `${name} holds another feed: epoch ${epoch} is not part of this one: ${remedy}`,
      )
    if (!head.lineage.holds(epoch, position))
      throw new UnrecoverableError(
        `${name} ends at position ${position} of epoch ${epoch}, which the store has lost since: ${remedy}`,
      )
    if (position > head.position) {
      // The epoch does not show that the store went back; the stream does.
      await beginEpochAfterReturn(this.#o.sql, head)
      throw new UnrecoverableError(
        `${name} ends at position ${position}, the feed at ${head.position}: the store went back: ${remedy}`,
      )
    }
    return at(position)
  }

  #visible(): VisibleFields {
    const policy = this.#o.policy()
    if (this.#seen?.policy !== policy)
      this.#seen = { policy, visible: visibleEvent(policy), sensitive: sensitiveFields(policy) }
    return this.#seen
  }

  #is(state: PublisherState, why: string | null = null): void {
    this.#why = why
    if (state === this.#state) return
    this.#state = state
    this.#since = performance.now()
  }

  async #every(ms: number, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      await sleep(ms, undefined, { signal }).catch(() => {})
      if (!signal.aborted) await work()
    }
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#stop.signal }).catch(() => {})
  }
}

/**
 * Resolves when the server has stored the message, which it does only as the one that follows
 * `lastSequence`.
 */
async function publish(
  js: JetStreamClient,
  message: SinkMessage,
  lastSequence: number,
): Promise<void> {
  const headers = natsHeaders()
  for (const [name, value] of Object.entries(message.headers)) headers.set(name, value)
  try {
    const ack = await js.publish(message.subject, message.body, {
      msgID: message.id,
      headers,
      expect: { lastSequence },
      timeout: acknowledgeMsMax,
      retries: 0,
    })
    // A duplicate at its right sequence was sent by a connection that broke.
    if (ack.seq !== lastSequence + 1)
      throw new Error(`${message.id} is in the stream already, as ${ack.seq}`)
  } catch (e) {
    if (e instanceof JetStreamApiError)
      throw new Error(`${message.subject}: ${e.message} (${e.code})`)
    throw e
  }
}
