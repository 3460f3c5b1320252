import { type Repeated, repeat } from '../../schema/kit/repeated.ts'
import type { Sql } from '../db/database.ts'
import type { StewardshipRules } from '../tasks/rules.ts'
import { expireWrites } from './expireWrites.ts'
import { syncWaitingTasks } from './writeTasks.ts'

export interface KeeperOptions {
  sql: Sql
  rules: StewardshipRules
  /** Days after which writes that have ended are deleted. */
  daysMax: number
  onError(error: unknown): void
}

const everyMs = 60_000

/** Does what is due by time about writes: tasks about those that wait, and the end of old ones. */
export async function keepWrites({ sql, rules, daysMax }: KeeperOptions): Promise<void> {
  await syncWaitingTasks(sql, rules)
  await expireWrites(sql, daysMax)
}

/** Keeps writes at an interval until stopped. Several processes may do so at once. */
export function startWriteKeeper(options: KeeperOptions): Repeated {
  return repeat(everyMs, () => keepWrites(options), options.onError)
}
