import type { Sql } from '../../mdm/db/database.ts'
import { type Batch, dropBatches, saveBatches } from '../../mdm/inbox/batches.ts'
import type { Message } from '../../mdm/inbox/claim.ts'
import { dropMinutes, Tally } from '../../mdm/serviceLevels/minutes.ts'
import { isAbout, type ServiceLevels } from '../../mdm/serviceLevels/objectives.ts'

/** Interval between writes of the counts, and how many batches and days are stored. */
const flushEveryMs = 1_000
const batchesMax = 200
const batchDaysMax = 30
const minuteDaysBeyondWindow = 7
const cleanEveryMs = 3_600_000

/** Records when a worker applied messages, for traces, and how late, for the service levels. */
export class IngestMeter {
  readonly #sql: Sql
  readonly #worker: string
  readonly #levels: ServiceLevels
  readonly #typeOf: (system: string, object: string | null) => string | null
  readonly #onError: (error: unknown) => void
  readonly #tally = new Tally()
  #batches: Batch[] = []
  #flushedAt = 0
  #cleanedAt = 0
  #flushing: Promise<void> | null = null

  constructor(options: {
    sql: Sql
    worker: string
    levels: ServiceLevels
    typeOf: (system: string, object: string | null) => string | null
    onError: (error: unknown) => void
  }) {
    this.#sql = options.sql
    this.#worker = options.worker
    this.#levels = options.levels
    this.#typeOf = options.typeOf
    this.#onError = options.onError
  }

  /** Counts the messages of one transaction that has committed. */
  committed(messages: readonly Message[], claimedAt: Date): void {
    if (messages.length === 0) return
    const appliedAt = new Date()
    if (this.#batches.length < batchesMax)
      this.#batches.push({
        worker: this.#worker,
        inboxIds: messages.map((m) => m.inboxId),
        claimedAt,
        appliedAt,
      })
    for (const m of messages) if (m.measured && !m.replay) this.#count(m, appliedAt.getTime())
    if (performance.now() - this.#flushedAt >= flushEveryMs) void this.flush()
  }

  /** Writes the counts so far. A failure is reported and loses only counts. */
  flush(): Promise<void> {
    this.#flushing ??= this.#write()
      .catch(this.#onError)
      .finally(() => {
        this.#flushing = null
      })
    return this.#flushing
  }

  #count(m: Message, now: number): void {
    const type = this.#typeOf(m.source, m.object)
    for (const o of this.#levels.objectives)
      if (o.measure === 'INGEST_LAG' && isAbout(o, m.source, type))
        this.#tally.add(o.name, now - m.receivedAt.getTime() <= o.withinMs, now)
  }

  async #write(): Promise<void> {
    this.#flushedAt = performance.now()
    const batches = this.#batches
    this.#batches = []
    await saveBatches(this.#sql, batches)
    await this.#tally.flush(this.#sql)
    if (performance.now() - this.#cleanedAt < cleanEveryMs && this.#cleanedAt > 0) return
    this.#cleanedAt = performance.now()
    await dropBatches(this.#sql, batchDaysMax)
    await dropMinutes(this.#sql, this.#levels.windowDays + minuteDaysBeyondWindow)
  }
}
