import { AsyncLocalStorage } from 'node:async_hooks'
import type { Sql } from '../../mdm/db/database.ts'

/** Reads the values of keys on these connections; keys without a value are left out. */
export type ReadKeys<V> = (keys: readonly string[], sql: Sql) => Promise<Map<string, V>>

/** Keys of one statement for several operations. */
const sharedKeysMax = 200
/** Who asks for more has a statement of its own, so that it holds nobody up. */
const ownKeysMax = 50
/** How long anybody waits for the statement of another, before it begins and once it runs. */
const patienceMsDefault = 50
/** How long reads of a name are not shared after somebody had to wait for so long. */
const apartMs = 1_000

/** Reads of one name with the same rights: one statement at a time. */
interface Lane {
  running: number
  waiting: Batch[]
  /** Until then everybody reads alone. */
  apartUntil: number
  end(): void
}

interface Batch {
  keys: Set<string>
  askers: number
  values: Promise<Map<string, unknown>>
  /** Resolved when the statement runs and whoever waits for it has lost patience. */
  late: Promise<void>
  send(): void
}

/**
 * Puts what operations ask for at the same time into one statement, and each key into it once.
 * Nothing waits where little is asked for: only what comes while the same is being read already. A
 * statement begins after everything that it answers was asked for, so nobody sees data older than
 * its question. Keys of others may be heavy ones, or wrong: who has waited for long, and whose
 * statement failed for a value, reads alone.
 *
 * Values belong to all who asked: nobody may change them.
 */
export class SharedReads {
  private readonly lanes = new WeakMap<Sql, Map<string, Lane>>()
  private readonly patienceMs: number

  constructor(patienceMs = patienceMsDefault) {
    this.patienceMs = patienceMs
  }

  /**
   * `name` says all that values depend on beside key and rights; rights go with the connections,
   * which are asked for whenever a statement begins.
   */
  async read<V>(
    name: string,
    keys: readonly string[],
    connections: () => Sql,
    read: ReadKeys<V>,
  ): Promise<Map<string, V>> {
    const alone = () => read(keys, connections())
    if (keys.length > ownKeysMax) return await alone()
    const lane = this.laneOf(connections(), name)
    if (lane.running === 0 || performance.now() < lane.apartUntil) return await run(lane, alone)
    let batch = lane.waiting.at(-1)
    if (!batch || batch.keys.size + keys.length > sharedKeysMax) {
      batch = waitIn(lane, this.patienceMs, (all) => read(all, connections()))
      lane.waiting.push(batch)
    }
    batch.askers++
    for (const key of keys) batch.keys.add(key)
    const values = batch.values as Promise<Map<string, V>>
    try {
      return await Promise.race([values, batch.late.then(() => run(lane, alone))])
    } catch (e) {
      if (batch.askers > 1 && isOfValues(e)) return await alone()
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
      lane = { running: 0, waiting: [], apartUntil: 0, end: () => lanes.delete(name) }
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

function waitIn(
  lane: Lane,
  patienceMs: number,
  work: (keys: string[]) => Promise<Map<string, unknown>>,
): Batch {
  const values = Promise.withResolvers<Map<string, unknown>>()
  const late = Promise.withResolvers<void>()
  const keys = new Set<string>()
  const tooLong = () => {
    lane.apartUntil = performance.now() + apartMs
  }
  // Bound to who asked first: the statement is a span of its trace.
  const send = AsyncLocalStorage.bind(() => {
    clearTimeout(timer)
    lane.waiting.splice(lane.waiting.indexOf(batch), 1)
    const patience = setTimeout(() => {
      tooLong()
      late.resolve()
    }, patienceMs)
    values.resolve(run(lane, () => work([...keys])).finally(() => clearTimeout(patience)))
  })
  const timer = setTimeout(() => {
    tooLong()
    send()
  }, patienceMs)
  const batch: Batch = { keys, askers: 0, values: values.promise, late: late.promise, send }
  return batch
}

/** SQLSTATE class 22: a value is none of its type. */
function isOfValues(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('22')
}
