import { setTimeout as sleep } from 'node:timers/promises'
import { type Delivery, post } from '../e2e/deliveries.ts'

const concurrency = 8
const retryMs = 200

export interface Sender {
  /** The acknowledged deliveries, in the order of their acknowledgement. */
  acknowledged: Delivery[]
  /** The failed requests, counted by status or error. */
  failures: Map<string, number>
  /** Allows it to send up to this many deliveries in total. */
  allow(count: number): void
  /** Resolves when all deliveries are acknowledged. */
  done: Promise<void>
}

/**
 * Starts one or several source systems that send every delivery until it is acknowledged, some
 * concurrently. A 4xx status is permanent, so it ends the test.
 */
export function startSender(origin: string, deliveries: readonly Delivery[]): Sender {
  const acknowledged: Delivery[] = []
  const failures = new Map<string, number>()
  const count = (what: string) => failures.set(what, (failures.get(what) ?? 0) + 1)
  let next = 0
  let allowed = 0
  let wake = Promise.withResolvers<void>()

  async function send(d: Delivery): Promise<void> {
    for (;;) {
      try {
        const { status, body } = await post(origin, d)
        if (status === 200 || status === 202) {
          acknowledged.push(d)
          return
        }
        // A start between the reading of its secret and this request has made another one.
        if (status < 500 && body.code !== 'NO_SECRET')
          throw new Refused(`${d.path} was refused: ${status} ${JSON.stringify(body)}\n${d.body}`)
        count(`${status} ${body.code}`)
      } catch (e) {
        if (e instanceof Refused) throw e
        count(
          e instanceof Error
            ? e.cause instanceof Error
              ? e.cause.message.split(' ')[0] || e.message
              : e.message
            : String(e),
        )
      }
      await sleep(retryMs)
    }
  }

  async function work(): Promise<void> {
    for (;;) {
      while (next >= allowed && next < deliveries.length) await wake.promise
      const d = deliveries[next++]
      if (!d) return
      await send(d)
    }
  }

  const done = Promise.all(Array.from({ length: concurrency }, work)).then(() => {})
  done.catch(() => {}) // callers that await it see the error
  return {
    acknowledged,
    failures,
    done,
    allow(n) {
      allowed = n
      wake.resolve()
      wake = Promise.withResolvers<void>()
    },
  }
}

class Refused extends Error {}
