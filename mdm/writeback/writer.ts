import type { Connection } from '../../connectors/connection/contract.ts'
import { WakeableSleep } from '../../schema/kit/wakeableSleep.ts'
import { holdWhile } from '../connections/holdLease.ts'
import { LeaseLost } from '../connections/lease.ts'
import type { RowReader } from '../connections/readRows.ts'
import type { Sql } from '../db/database.ts'
import { afterFailure, closed, stateOf } from '../webhooks/breaker.ts'
import { type Attempt, sendIntent } from './sendIntent.ts'
import { IS_PRESENT, SENDABLE, type SendableIntent } from './sentIntent.ts'
import type { Target } from './target.ts'
import { type ClaimedTarget, claimTarget, releaseTarget, renewTarget } from './targetLease.ts'

/** A source system that this process writes to. */
export interface WrittenSource {
  connection: Pick<Connection, 'read' | 'writing'>
  /** Return the present ones: they change with the policy. */
  target(): Target | undefined
  reader(): RowReader
  /** Returns until when the system takes no writes, in ms since 1970; null where it does. */
  closedUntil?(now: number): number | null
}

export interface WriterOptions {
  sql: Sql
  sources: ReadonlyMap<string, WrittenSource>
  /** Names this process in leases; the same as that of its pulls. */
  holder: string
  settleMs?: number
  /** Called after each attempt, without values. */
  onAttempt?(source: string, intent: SendableIntent, attempt: Attempt): void
  onError(error: unknown, source: string): void
}

/** Writes to one source system that are on their way at once. */
export const writesAtOnceMax = 4
const pollMs = 500
const settleMsDefault = 60_000
/** How long a stop waits for requests under way. */
const stopMsMax = 5_000

/**
 * Sends planned writes. Each target is held by one process at a time, and a target that is down
 * holds only its own. Writes of one golden record go in their order, one at a time.
 */
export class TargetWriter {
  readonly #options: WriterOptions
  readonly #stop = new AbortController()
  /** Ends requests that outlast the stop; their outcome is asked for later. */
  readonly #end = new AbortController()
  readonly #pause = new WakeableSleep()
  readonly #loops: Promise<void>[] = []

  constructor(options: WriterOptions) {
    this.#options = options
  }

  start(): void {
    for (const [name, source] of this.#options.sources) this.#loops.push(this.#run(name, source))
  }

  /** Looks for work at once. */
  readonly wake = (): void => this.#pause.wake()

  /** Stops after the requests under way, or ends them after `stopMsMax`. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('the process stops'))
    this.#pause.wake()
    const timer = setTimeout(() => this.#end.abort(new Error('the process stops')), stopMsMax)
    await Promise.all(this.#loops)
    clearTimeout(timer)
  }

  async #run(name: string, source: WrittenSource): Promise<void> {
    const { sql, holder, onError } = this.#options
    while (!this.#stop.signal.aborted) {
      try {
        if (await hasWork(sql, name)) {
          const claimed = await claimTarget(sql, holder, name)
          if (claimed) await this.#hold(source, claimed)
        }
      } catch (e) {
        if (!(e instanceof LeaseLost) && !this.#stop.signal.aborted) onError(e, name)
      }
      if (this.#stop.signal.aborted) return
      this.#pause.clear()
      await this.#pause.sleep(pollMs)
    }
  }

  async #hold(source: WrittenSource, claimed: ClaimedTarget): Promise<void> {
    const { sql } = this.#options
    const { lease } = claimed
    try {
      await holdWhile(
        () => renewTarget(sql, lease),
        this.#end.signal,
        (signal) => this.#drain(source, claimed, signal),
      )
    } finally {
      await releaseTarget(sql, lease)
    }
  }

  /** Sends until nothing is left to send now. */
  async #drain(source: WrittenSource, claimed: ClaimedTarget, signal: AbortSignal): Promise<void> {
    const { sql, settleMs = settleMsDefault, onAttempt } = this.#options
    const { lease } = claimed
    let { breaker } = claimed
    const running = new Map<string, Promise<void>>()
    let failure: unknown = null
    const one = async (intent: SendableIntent, target: Target): Promise<void> => {
      const { connection } = source
      const tools = {
        sql,
        lease,
        connection,
        reader: source.reader(),
        target,
        settleMs,
      }
      const attempt = await sendIntent(tools, intent, signal)
      onAttempt?.(lease.source, intent, attempt)
      const now = Date.now()
      const before = breaker
      if (attempt.target === 'WORKS') breaker = closed
      else {
        const pauseMs = attempt.notBefore === null ? null : Math.max(0, attempt.notBefore - now)
        breaker = afterFailure(breaker, now, pauseMs)
      }
      if (before !== breaker) await saveBreaker(sql, lease.source, breaker, attempt)
    }
    try {
      while (!signal.aborted && !this.#stop.signal.aborted && failure === null) {
        const now = Date.now()
        const target = source.target()
        const state = stateOf(breaker, now)
        const room = state === 'TRYING' ? 1 : writesAtOnceMax
        const isClosed = state === 'OPEN' || (source.closedUntil?.(now) ?? null) !== null
        const next =
          target && !isClosed && running.size < room && (await hasBudget(sql, target, running.size))
            ? await nextIntent(sql, lease.source, [...running.keys()])
            : null
        if (next && target) {
          const run = one(next, target)
            .catch((e: unknown) => {
              failure ??= e
            })
            .finally(() => running.delete(next.goldenId))
          running.set(next.goldenId, run)
        } else if (running.size > 0) await Promise.race(running.values())
        else return
      }
    } finally {
      await Promise.all(running.values())
    }
    if (failure !== null) throw failure
  }
}

/** Whether something may be sent, or has to be asked for. */
async function hasWork(sql: Sql, source: string): Promise<boolean> {
  const [row] = await sql`
    select 1 from write_target t where t.source = ${source}
      and (t.paused_until is null or t.paused_until <= clock_timestamp())
      and exists (
        select from write_intent i where i.source = t.source and i.state in ('PLANNED', 'UNKNOWN', 'SENT')
          and (i.not_before is null or i.not_before <= clock_timestamp()))`
  return row !== undefined
}

/**
 * Returns the oldest intent that may be sent now: one of each golden record is on its way. A create
 * is not sent while its golden record is due: it may have a record there since, or be merged.
 */
async function nextIntent(
  sql: Sql,
  source: string,
  running: readonly string[],
): Promise<SendableIntent | null> {
  const [row] = await sql.unsafe<SendableIntent[]>(
    `select ${SENDABLE} from write_intent i
     where i.source = $1 and i.state in ('PLANNED', 'UNKNOWN') and (i.not_before is null or i.not_before <= clock_timestamp())
       and i.golden_id <> all($2::uuid[]) and ${IS_PRESENT}
       and (i.state = 'UNKNOWN' or not exists (
         select from write_intent o where o.source = i.source and o.id <> i.id and o.state in ('SENT', 'UNKNOWN')
           and (o.golden_id = i.golden_id or o.object = i.object and o.source_id = i.source_id)))
     order by i.id limit 1`,
    [source, `{${running.join(',')}}`],
  )
  return row ?? null
}

/**
 * Whether the limits of a target allow one more write. Those that are about to be sent count too.
 */
async function hasBudget(sql: Sql, { source, limits }: Target, running: number): Promise<boolean> {
  const [row] = await sql<{ minute: number; day: number }[]>`
    select count(*) filter (where sent_at > clock_timestamp() - interval '1 minute')::int as minute, count(*)::int as day
    from write_intent where source = ${source} and sent_at > clock_timestamp() - interval '1 day'`
  const { minute, day } = row ?? { minute: 0, day: 0 }
  return minute + running < limits.perMinute && day + running < limits.perDay
}

async function saveBreaker(
  sql: Sql,
  source: string,
  { failures, opened, pausedUntil }: { failures: number; opened: number; pausedUntil: number },
  attempt: Attempt,
): Promise<void> {
  const problem = attempt.target === 'FAILS' ? attempt.problem : null
  await sql`
    update write_target set failures = ${failures}, opened = ${opened},
      paused_until = ${pausedUntil > 0 ? new Date(pausedUntil) : null},
      failed_since = case when ${problem === null} then null else coalesce(failed_since, clock_timestamp()) end,
      code = ${problem?.code ?? null}, detail = ${problem?.detail ?? null}, verdict = ${problem?.verdict ?? null}
    where source = ${source}`
}
