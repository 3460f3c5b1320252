import { micros } from './bounds.ts'
import type { Chunks } from './chunk.ts'
import type { ObjectContext } from './context.ts'
import type { At, RunBounds } from './position.ts'

/** Less is within the lag of a bound and the exactness of the header Date. */
const aheadMsMin = 3_000

/**
 * Keeps positions of a run from passing the clock of the system, where ours is ahead of it. Rows
 * after such a bound come again with the next run, which changes nothing. What a run asks for stays
 * as it is, because its first request may be the first that shows the clock.
 */
export async function* keepToClock(ctx: ObjectContext, chunks: Chunks): Chunks {
  const began = ctx.now()
  const { delta, deletes } = ctx.object
  const times =
    delta?.how === 'feed' ? delta.feed.times : delta?.how === 'link' ? null : delta?.times
  const lag = times?.lag ?? (deletes.list ?? deletes.job)?.times.lag ?? 0n
  for await (const chunk of chunks) {
    const ahead = ctx.clockAheadMs()
    if (ahead < aheadMsMin) yield chunk
    else yield { ...chunk, at: notAfter(chunk.at, micros(began - ahead) - lag) }
  }
}

function notAfter(at: At, bound: bigint): At {
  const run = (bounds: RunBounds | null) =>
    bounds && { ...bounds, until: earlier(bounds.until, bound) }
  return {
    ...at,
    start: at.start === null ? null : earlier(at.start, bound),
    since: at.since === null ? null : earlier(at.since, bound),
    run: run(at.run),
    gone: at.gone && {
      ...at.gone,
      since: earlier(at.gone.since, bound),
      from: earlier(at.gone.from, bound),
      run: run(at.gone.run),
    },
  }
}

function earlier(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}
