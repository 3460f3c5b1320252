import type { Sql } from '../../mdm/db/database.ts'
import type { ReadEvent } from '../../mdm/feed/read.ts'
import { Tally } from '../../mdm/serviceLevels/minutes.ts'
import type { ServiceLevels } from '../../mdm/serviceLevels/objectives.ts'
import type { ChangeEvent } from '../../schema/events.ts'

const flushEveryMs = 1_000

export interface FeedMeter {
  seen(events: readonly ReadEvent[]): void
  /** Records that an endpoint accepted an event, or that it became a dead letter. */
  settled(event: Pick<ChangeEvent, 'at'>, accepted: boolean): void
  /** Writes the remaining counts. */
  stop(): Promise<void>
}

/**
 * Counts, for the service levels, how late events of the feed arrive in this process, and at
 * webhook endpoints. Counts that cannot be written are lost, and `onError` receives the error.
 * No event that arrives while `isPaused` is counted: it comes from the demo load.
 */
export function startFeedMeter(
  sql: Sql,
  { objectives }: ServiceLevels,
  onError: (error: unknown) => void,
  isPaused: () => boolean = () => false,
): FeedMeter {
  const own = objectives.filter((o) => o.measure === 'FEED_LAG')
  const deliveries = objectives.filter((o) => o.measure === 'DELIVERY_LAG')
  const tally = new Tally()
  const flush = () => tally.flush(sql).catch(onError)
  const timer = own.length + deliveries.length > 0 ? setInterval(flush, flushEveryMs) : undefined
  timer?.unref()
  return {
    seen(events) {
      if (isPaused()) return
      const now = Date.now()
      for (const { event } of events)
        for (const o of own) tally.add(o.name, now - Date.parse(event.at) <= o.withinMs, now)
    },
    settled({ at }, accepted) {
      const now = Date.now()
      for (const o of deliveries)
        tally.add(o.name, accepted && now - Date.parse(at) <= o.withinMs, now)
    },
    async stop() {
      clearInterval(timer)
      await flush()
    },
  }
}
