import { setTimeout as sleep } from 'node:timers/promises'
import { type Lane, laneNumber } from '../../schema/lane.ts'
import type { Sql } from '../db/database.ts'

/** How often the backlog is counted while rows are stored, and while a pull waits for it, in ms. */
const countMs = 1_000
const waitMs = 500

/** Holds back pulls of a class of work while too many messages of that class wait in the inbox. */
export class BacklogGate {
  readonly #sql: Sql
  readonly #messagesMax: number
  readonly #countedAt = new Map<Lane, number>()

  constructor(sql: Sql, messagesMax: number) {
    this.#sql = sql
    this.#messagesMax = messagesMax
  }

  /** Returns once fewer messages wait than the bound. `onWait` is called once, before a wait. */
  async pass(lane: Lane, signal: AbortSignal, onWait: () => void = () => {}): Promise<void> {
    if (Date.now() - (this.#countedAt.get(lane) ?? 0) < countMs) return
    for (let waits = 0; ; waits++) {
      signal.throwIfAborted()
      const [row] = await this.#sql<{ messages: number }[]>`
        select count(*)::int as messages from (
          select from pending where lane = ${laneNumber(lane)}::smallint limit ${this.#messagesMax + 1}) p`
      if ((row?.messages ?? 0) <= this.#messagesMax) break
      if (waits === 0) onWait()
      await sleep(waitMs, undefined, { signal })
    }
    this.#countedAt.set(lane, Date.now())
  }
}
