import { closedUntil } from '../../connectors/calendar.ts'
import type { Connection } from '../../connectors/connection/contract.ts'
import type { ClosedTime } from '../../schema/closedTime.ts'
import { Backoff } from '../../schema/kit/backoff.ts'
import { WakeableSleep } from '../../schema/kit/wakeableSleep.ts'
import type { Sql } from '../db/database.ts'
import { BacklogGate } from './backlog.ts'
import { SYNC_CHANNEL } from './control.ts'
import { addObjects, type ClaimedObject, claimObject, type DueObject, listDue } from './lease.ts'
import type { PullProgress } from './pullObject.ts'
import type { RowReader } from './readRows.ts'
import { type RunResult, RunStopped, runObject } from './runObject.ts'
import { expireRuns } from './runs.ts'
import { STREAM } from './streams/stream.ts'

/** A source system that is asked, as this process does it. */
export interface PulledSource {
  objects: readonly string[]
  connectionFor(object: string): Connection
  /** Returns the present reader: it changes with the policy. */
  reader(): RowReader
  everyMs: number
  censusEveryMs: number
  calendar?: readonly ClosedTime[] | undefined
  /** Returns how an object is read whose files are read; undefined for one that is asked. */
  filesOf?(object: string): FileRun | undefined
  /** How its stream of events is read. */
  stream?: FileRun | undefined
}

/** What a run of any object has of this process. */
export interface SharedTools {
  sql: Sql
  backlog: BacklogGate
  onProgress?: ((progress: PullProgress) => void) | undefined
}

/** Reads the files of a claimed object once. */
export type FileRun = (
  shared: SharedTools,
  claimed: ClaimedObject,
  signal: AbortSignal,
) => Promise<RunResult>

/** Runs a claimed object once, whatever it is read from. */
export async function runPulled(
  source: PulledSource,
  shared: SharedTools,
  claimed: ClaimedObject,
  signal: AbortSignal,
): Promise<RunResult> {
  const { object } = claimed.lease
  if (object === STREAM && source.stream) return await source.stream(shared, claimed, signal)
  const files = source.filesOf?.(object)
  if (files) return await files(shared, claimed, signal)
  const { everyMs, censusEveryMs } = source
  const connection = source.connectionFor(object)
  const tools = { ...shared, connection, reader: source.reader(), everyMs, censusEveryMs }
  return await runObject(tools, claimed, signal)
}

export interface SchedulerOptions {
  sql: Sql
  sources: ReadonlyMap<string, PulledSource>
  /** Names this process in leases. */
  holder: string
  /** A pull waits while more messages wait in the inbox. */
  backlogMax: number
  onEnd(due: DueObject, result: RunResult): void
  /** Called with a failure of the database, before the pause until the next attempt. */
  onAway(error: unknown, retryMs: number): void
  onProgress?(progress: PullProgress): void
}

/** Objects of one source system that one process reads at once. */
export const objectsAtOnceMax = 4
/** How often due objects are looked for. A request of a person wakes the loop at once. */
const pollMs = 1_000
const expireEveryMs = 3_600_000
const retryMsMin = 200
const retryMsMax = 10_000

/**
 * Pulls all objects that are due. Several processes share them by their leases. An object that
 * fails waits by itself; the others go on.
 */
export class PullScheduler {
  readonly #options: SchedulerOptions
  readonly #backlog: BacklogGate
  readonly #stop = new AbortController()
  readonly #pause = new WakeableSleep()
  readonly #running = new Map<string, { run: Promise<void>; close: AbortController }>()
  readonly #backoff = new Backoff(retryMsMin, retryMsMax)
  #loop: Promise<void> | null = null
  #expiredAt = 0
  #listening: { unlisten(): Promise<void> } | null = null

  constructor(options: SchedulerOptions) {
    this.#options = options
    this.#backlog = new BacklogGate(options.sql, options.backlogMax)
  }

  start(): void {
    this.#loop = this.#run()
  }

  /** The number of objects that are read now. */
  get running(): number {
    return this.#running.size
  }

  /** Stops after the pages under way. Another process goes on from there. */
  async stop(): Promise<void> {
    this.#stop.abort(new RunStopped('the process stops'))
    this.#pause.wake()
    await this.#loop
    await Promise.all([...this.#running.values()].map(({ run }) => run))
    await this.#listening?.unlisten()
  }

  async #run(): Promise<void> {
    const { sql, sources, onAway } = this.#options
    let isPrepared = false
    while (!this.#stop.signal.aborted)
      try {
        this.#pause.clear()
        this.#endClosed()
        if (!isPrepared) {
          for (const [source, { objects }] of sources) await addObjects(sql, source, objects)
          this.#listening = await sql.listen(SYNC_CHANNEL, this.#pause.wake)
          isPrepared = true
        }
        await this.#begin()
        if (Date.now() - this.#expiredAt > expireEveryMs) {
          await expireRuns(sql)
          this.#expiredAt = Date.now()
        }
        this.#backoff.reset()
        await this.#pause.sleep(pollMs)
      } catch (e) {
        const retryMs = Math.round(this.#backoff.next())
        onAway(e, retryMs)
        await this.#pause.sleep(retryMs)
      }
  }

  /** Begins what is due, as far as each source system has room. */
  async #begin(): Promise<void> {
    const { sql, sources, holder } = this.#options
    for (const due of await listDue(sql, [...sources.keys()])) {
      const source = sources.get(due.source)
      if (!source?.objects.includes(due.object) || !this.#hasRoom(due)) continue
      if (closedUntil(source.calendar, 'PULL', Date.now())) continue
      const claimed = await claimObject(sql, holder, due)
      if (!claimed) continue
      const key = keyOf(due)
      const close = new AbortController()
      const signal = AbortSignal.any([this.#stop.signal, close.signal])
      const run = this.#runOne(source, claimed, signal).finally(() => {
        this.#running.delete(key)
        this.#pause.wake()
      })
      this.#running.set(key, { run, close })
    }
  }

  /** Stops the runs of source systems that close now. They go on from their last page. */
  #endClosed(): void {
    for (const [key, { close }] of this.#running) {
      const source = this.#options.sources.get(key.slice(0, key.indexOf('\u0000')))
      const closed = closedUntil(source?.calendar, 'PULL', Date.now())
      if (closed) close.abort(new RunStopped(closed.why))
    }
  }

  async #runOne(source: PulledSource, claimed: ClaimedObject, signal: AbortSignal): Promise<void> {
    const { sql, onEnd, onAway, onProgress } = this.#options
    try {
      const shared = { sql, onProgress, backlog: this.#backlog }
      onEnd(claimed.lease, await runPulled(source, shared, claimed, signal))
    } catch (e) {
      // The lease expires, and the object is claimed again then.
      onAway(e, 0)
    }
  }

  #hasRoom({ source, object }: DueObject): boolean {
    const own = [...this.#running.keys()].filter((key) => key.startsWith(`${source}\u0000`))
    // A stream never ends, so it takes no other's place.
    if (object === STREAM) return !this.#running.has(keyOf({ source, object }))
    return own.length < objectsAtOnceMax && !this.#running.has(keyOf({ source, object }))
  }
}

function keyOf({ source, object }: DueObject): string {
  return `${source}\u0000${object}`
}
