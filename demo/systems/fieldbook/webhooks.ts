import { createHmac } from 'node:crypto'
import type { Random } from '../../random.ts'
import type { Clock } from '../kit/clock.ts'
import { secret } from '../kit/secret.ts'
import { dayMs } from '../kit/store.ts'
import { newId } from './ids.ts'
import type { Zone } from './time.ts'

export interface WebhookEvent {
  event_id: string
  type: string
  occurred_at: string
  subject: { type: string; id: string }
}

export interface Delivery {
  /** Sends each request once more. */
  repeat?: boolean
  /** Sends the newest event first. */
  reverse?: boolean
  /** Signs with a key that is not the account's, as a stranger would. */
  forge?: boolean
  /** Dates the signature back, as a stranger who repeats a recorded request. */
  agedSeconds?: number
}

const eventsPerRequest = 100
const receiptMs = 10_000

/** Events of the account, and their delivery to the address that is registered. */
export class Webhooks {
  readonly #clock: Clock
  readonly #zone: Zone
  readonly #ids: Random
  #url: string | undefined
  #queue: WebhookEvent[] = []
  #secret = secret('whs_')
  #replaced: { secret: string; at: number } | undefined

  constructor(clock: Clock, zone: Zone, ids: Random) {
    this.#clock = clock
    this.#zone = zone
    this.#ids = ids
  }

  get secret(): string {
    return this.#secret
  }

  /** Events that were not received yet. */
  get queue(): readonly WebhookEvent[] {
    return this.#queue
  }

  /** Queues events for an address from now on. */
  register(url: string): void {
    this.#url = url
    this.#queue = []
  }

  /** Returns a new secret. The old one signs too for 24 hours. */
  replaceSecret(): string {
    this.#replaced = { secret: this.#secret, at: this.#clock.now() }
    this.#secret = secret('whs_')
    return this.#secret
  }

  add(type: string, id: string, action: string): void {
    if (this.#url === undefined) return
    this.#queue.push({
      event_id: newId(this.#ids, 'evt_'),
      type: `${type}.${action}`,
      occurred_at: this.#zone.write(this.#clock.now()),
      subject: { type, id },
    })
  }

  /**
   * Sends the queue and returns the statuses, 0 where nobody received a request. What was not received
   * with 2xx stays in the queue.
   */
  async deliver(options: Delivery = {}): Promise<number[]> {
    const url = this.#url
    if (url === undefined) throw new Error('no address is registered')
    const events = options.reverse ? this.#queue.toReversed() : [...this.#queue]
    const statuses: number[] = []
    for (let at = 0; at < events.length; at += eventsPerRequest) {
      const sent = events.slice(at, at + eventsPerRequest)
      for (const _ of options.repeat ? [1, 2] : [1]) {
        const status = await this.#send(url, JSON.stringify(sent), options)
        statuses.push(status)
        if (status >= 200 && status < 300)
          this.#queue = this.#queue.filter((event) => !sent.includes(event))
      }
    }
    return statuses
  }

  async #send(url: string, body: string, options: Delivery): Promise<number> {
    const seconds = Math.floor(this.#clock.now() / 1000) - (options.agedSeconds ?? 0)
    const headers = {
      'content-type': 'application/json',
      'fieldbook-signature': this.#signature(seconds, body, options.forge ?? false),
    }
    const signal = AbortSignal.timeout(receiptMs)
    try {
      const response = await fetch(url, { method: 'POST', headers, body, signal })
      await response.arrayBuffer()
      return response.status
    } catch {
      return 0
    }
  }

  #signature(seconds: number, body: string, forged: boolean): string {
    const isOldValid = this.#replaced && this.#clock.now() - this.#replaced.at < dayMs
    const secrets = forged
      ? [secret('whs_')]
      : [...(isOldValid ? [this.#replaced!.secret] : []), this.#secret]
    const signatures = secrets.map(
      (key) => `v1=${createHmac('sha256', key).update(`${seconds}.${body}`).digest('hex')}`,
    )
    return [`t=${seconds}`, ...signatures].join(',')
  }
}
