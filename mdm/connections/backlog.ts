import { setTimeout as sleep } from 'node:timers/promises'
import type { Sql } from '../db/database.ts'

/** How often the backlog is counted while rows are stored, and while a pull waits for it, in ms. */
const countMs = 1_000
const waitMs = 500

/** Holds back pulls while too many messages wait in the inbox. */
export class BacklogGate {
  readonly #sql: Sql
  readonly #messagesMax: number
  #countedAt = 0

  constructor(sql: Sql, messagesMax: number) {
    this.#sql = sql
    this.#messagesMax = messagesMax
  }

  /** Returns once fewer messages wait than the bound. `onWait` is called once, before a wait. */
  async pass(signal: AbortSignal, onWait: () => void = () => {}): Promise<void> {
    if (Date.now() - this.#countedAt < countMs) return
    for (let waits = 0; ; waits++) {
      signal.throwIfAborted()
      const [row] = await this.#sql<{ messages: number }[]>`
        select count(*)::int as messages from (select from pending limit ${this.#messagesMax + 1}) p`
      if ((row?.messages ?? 0) <= this.#messagesMax) break
      if (waits === 0) onWait()
      await sleep(waitMs, undefined, { signal })
    }
    this.#countedAt = Date.now()
  }
}
