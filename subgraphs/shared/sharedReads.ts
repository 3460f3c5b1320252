import { AsyncLocalStorage } from 'node:async_hooks'
import type { Sql } from '../../mdm/db/database.ts'

/** Reads the values of keys on these connections; keys without a value are left out. */
export type ReadKeys<V> = (keys: readonly string[], sql: Sql) => Promise<Map<string, V>>

/** Keys of one statement for several operations. */
const sharedKeysMax = 200
/** Who asks for more has a statement of its own, so that it holds nobody up. */
const ownKeysMax = 50
/** What has waited for so long is read, whatever is being read. */
const waitMsMax = 20

/** Reads of one name with the same rights: one statement at a time. */
interface Lane {
  running: number
  waiting: Batch[]
  end(): void
}

interface Batch {
  keys: Set<string>
  askers: number
  values: Promise<Map<string, unknown>>
  send(): void
}

/**
 * Puts what operations ask for at the same time into one statement, and each key into it once. Nothing waits where little
 * is asked for: only what comes while the same is being read already. A statement begins after everything that it answers
 * was asked for, so nobody sees data older than its question.
 *
 * Values belong to all who asked: nobody may change them.
 */
export class SharedReads {
  private readonly lanes = new WeakMap<Sql, Map<string, Lane>>()

  /** `name` says all that values depend on beside key and rights; rights go with the connections. */
  async read<V>(sql: Sql, name: string, keys: readonly string[], read: ReadKeys<V>): Promise<Map<string, V>> {
    if (keys.length > ownKeysMax) return await read(keys, sql)
    const lane = this.laneOf(sql, name)
    if (lane.running === 0) return await run(lane, () => read(keys, sql))
    let batch = lane.waiting.at(-1)
    if (!batch || batch.keys.size + keys.length > sharedKeysMax) {
      batch = waitIn(lane, (all) => read(all, sql))
      lane.waiting.push(batch)
    }
    batch.askers++
    for (const key of keys) batch.keys.add(key)
    try {
      return (await batch.values) as Map<string, V>
    } catch (e) {
      // One key that is none fails the statement, for which the others in it are not to blame.
      if (batch.askers > 1 && isOfValues(e)) return await read(keys, sql)
      throw e
    }
  }

  private laneOf(sql: Sql, name: string): Lane {
    let lanes = this.lanes.get(sql)
    if (!lanes) {
      lanes = new Map()
      this.lanes.set(sql, lanes)
    }
    let lane = lanes.get(name)
    if (!lane) {
      lane = { running: 0, waiting: [], end: () => lanes.delete(name) }
      lanes.set(name, lane)
    }
    return lane
  }
}

async function run<T>(lane: Lane, work: () => Promise<T>): Promise<T> {
  lane.running++
  try {
    return await work()
  } finally {
    lane.running--
    if (lane.running === 0) lane.waiting[0]?.send()
    if (lane.running === 0) lane.end()
  }
}

function waitIn(lane: Lane, work: (keys: string[]) => Promise<Map<string, unknown>>): Batch {
  const { promise, resolve } = Promise.withResolvers<Map<string, unknown>>()
  const keys = new Set<string>()
  // Bound to who asked first: the statement is a span of its trace.
  const send = AsyncLocalStorage.bind(() => {
    clearTimeout(timer)
    lane.waiting.splice(lane.waiting.indexOf(batch), 1)
    resolve(run(lane, () => work([...keys])))
  })
  const timer = setTimeout(send, waitMsMax)
  const batch: Batch = { keys, askers: 0, values: promise, send }
  return batch
}

/** SQLSTATE class 22: a value is none of its type. */
function isOfValues(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('22')
}
