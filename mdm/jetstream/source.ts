import { setTimeout as sleep } from 'node:timers/promises'
import { type ConsumerMessages, DeliverPolicy, type JsMsg } from '@nats-io/jetstream'
import { Backoff } from '../../schema/kit/backoff.ts'
import type { LiveEvent, LiveSource } from '../feed/tailer.ts'
import { CUT_HEADER, eventOf, positionOf, SCOPES_HEADER } from './message.ts'
import { ChangeStream, jsonOf, type NatsOptions } from './stream.ts'

export interface SourceOptions {
  nats: NatsOptions
  /**
   * Scopes of all sensitive fields of the active policy: an event published with fewer is read from
   * the table.
   */
  scopes: () => ReadonlySet<string>
  log: (level: 'info' | 'warn' | 'error', message: string) => void
}

/** Events that arrived and were not taken yet; beyond it the table is read, which has them too. */
const waitingMax = 1_000
const pullMax = 500
const retryMsMin = 250
const retryMsMax = 5_000
/** Memory of an event beside its text. */
const eventOverheadBytes = 600

/**
 * Live events from the JetStream stream that a publisher fills, by an ordered consumer that leaves
 * nothing on the server. A missing server or stream, or an event with fewer values than this
 * process may show, is no error: the tailer reads the table instead.
 */
export class JetStreamSource implements LiveSource {
  readonly #o: SourceOptions
  readonly #stop = new AbortController()
  #waiting: LiveEvent[] = []
  #position = 0
  #wake: () => void = () => {}
  #loop: Promise<void> = Promise.resolve()
  #messages: ConsumerMessages | null = null
  #lastWarning = ''

  constructor(options: SourceOptions) {
    this.#o = options
  }

  start(position: number, wake: () => void): void {
    this.#position = position
    this.#wake = wake
    this.#loop = this.#run()
  }

  take(): readonly LiveEvent[] {
    const taken = this.#waiting
    this.#waiting = []
    return taken
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#messages?.close()
    await this.#loop
  }

  async #run(): Promise<void> {
    const backoff = new Backoff(retryMsMin, retryMsMax)
    while (!this.#stop.signal.aborted) {
      const from = this.#position
      try {
        await this.#consume()
      } catch (e) {
        this.#warn(`reading the table instead: ${e instanceof Error ? e.message : e}`)
      }
      if (this.#position > from) backoff.reset()
      await sleep(backoff.next(), undefined, { signal: this.#stop.signal }).catch(() => {})
    }
  }

  /** Consumes until the connection is lost or the process stops. */
  async #consume(): Promise<void> {
    const { nats, log } = this.#o
    const stream = await ChangeStream.open(nats, 'touchstone-gateway')
    try {
      const end = await stream.end()
      if (!end) throw new Error(`there is no stream ${nats.stream} yet`)
      // One message a position, so the start is counted back from the end. If positions are missing
      // the start is too early, and repeated events are skipped.
      const back = end.place ? Math.max(0, end.place.position - this.#position) : end.messages
      const start = Math.max(1, end.sequence + 1 - back)
      const consumer = await stream.js.consumers.get(nats.stream, {
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: start,
      })
      this.#messages = await consumer.consume({
        max_messages: pullMax,
        abort_on_missing_resource: true,
      })
      if (this.#stop.signal.aborted) return
      const messages = this.#messages
      void stream.nc.closed().then(() => messages.stop())
      log('info', `feed: live events from ${nats.stream}, from sequence ${start}`)
      this.#lastWarning = ''
      for await (const message of messages) this.#receive(message)
      if (!this.#stop.signal.aborted)
        this.#warn('reading the table instead: the connection to NATS was lost')
    } finally {
      await stream.close()
    }
  }

  #receive(message: JsMsg): void {
    const body = jsonOf(message.data)
    const place = positionOf(body)
    if (!place || place.position <= this.#position) return
    this.#position = place.position
    if (this.#waiting.length >= waitingMax) this.#waiting = []
    this.#waiting.push({
      ...place,
      item: this.#whole(message) ? itemOf(body, message.data.length) : null,
    })
    this.#wake()
  }

  /** Returns whether the event was published with all values. */
  #whole({ headers }: JsMsg): boolean {
    if (!headers || headers.has(CUT_HEADER)) return false
    const scopes = new Set(headers.get(SCOPES_HEADER).split(' '))
    const whole = [...this.#o.scopes()].every((s) => scopes.has(s))
    if (!whole)
      this.#warn(
        'events are read from the table: the publisher leaves out what needs a scope (TOUCHSTONE_NATS_SCOPES)',
      )
    return whole
  }

  #warn(text: string): void {
    if (this.#lastWarning !== text) this.#o.log('warn', `feed: ${text}`)
    this.#lastWarning = text
  }
}

function itemOf(body: unknown, bytes: number) {
  return { event: eventOf(body), bytes: eventOverheadBytes + 2 * bytes }
}
