import { AsyncLocalStorage } from 'node:async_hooks'
import type { Sql } from '../../mdm/db/database.ts'

/** Reads the values of keys on these connections; keys without a value are left out. */
export type ReadKeys<V> = (keys: readonly string[], sql: Sql) => Promise<Map<string, V>>

/** Maximum number of keys of one shared statement. */
const sharedKeysMax = 200
/** A read of more keys gets its own statement, so that it delays nobody. */
const ownKeysMax = 50
/** Maximum wait for another operation's statement, both before it begins and while it runs. */
const maxWaitMsDefault = 50
/** How long reads of a name are not shared after a read had to wait for so long. */
const isolatedMs = 1_000

/** Reads of one name with equal rights: one statement at a time. */
interface Queue {
  running: number
  waiting: Batch[]
  /** Until then every read has its own statement. */
  isolatedUntil: number
  end(): void
}

interface Batch {
  keys: Set<string>
  readers: number
  values: Promise<Map<string, unknown>>
  /** Resolves when the running statement takes longer than `maxWaitMs`. */
  late: Promise<void>
  send(): void
}

/**
 * Batches simultaneous reads of several operations into one statement, and deduplicates their keys.
 * Under low load there is no added latency: a read waits only if the same name is being read
 * already. A statement begins after all reads that it serves, so no read sees data older than its
 * request. Other operations' keys may be slow or invalid. A read that waited too long, or whose
 * statement failed for a value, is retried alone.
 *
 * Values are shared by all readers and must not be changed.
 */
export class SharedReads {
  private readonly queues = new WeakMap<Sql, Map<string, Queue>>()
  private readonly maxWaitMs: number

  constructor(maxWaitMs = maxWaitMsDefault) {
    this.maxWaitMs = maxWaitMs
  }

  /**
   * `name` includes everything that values depend on besides key and rights. Rights are those of
   * the connections, which are obtained whenever a statement begins.
   */
  async read<V>(
    name: string,
    keys: readonly string[],
    connections: () => Sql,
    read: ReadKeys<V>,
  ): Promise<Map<string, V>> {
    const alone = () => read(keys, connections())
    if (keys.length > ownKeysMax) return await alone()
    const queue = this.queueOf(connections(), name)
    if (queue.running === 0 || performance.now() < queue.isolatedUntil)
      return await run(queue, alone)
    let batch = queue.waiting.at(-1)
    if (!batch || batch.keys.size + keys.length > sharedKeysMax) {
      batch = enqueue(queue, this.maxWaitMs, (all) => read(all, connections()))
      queue.waiting.push(batch)
    }
    batch.readers++
    for (const key of keys) batch.keys.add(key)
    const values = batch.values as Promise<Map<string, V>>
    try {
      return await Promise.race([values, batch.late.then(() => run(queue, alone))])
    } catch (e) {
      if (batch.readers > 1 && isOfValues(e)) return await alone()
      throw e
    }
  }

  private queueOf(sql: Sql, name: string): Queue {
    let queues = this.queues.get(sql)
    if (!queues) {
      queues = new Map()
      this.queues.set(sql, queues)
    }
    let queue = queues.get(name)
    if (!queue) {
      queue = { running: 0, waiting: [], isolatedUntil: 0, end: () => queues.delete(name) }
      queues.set(name, queue)
    }
    return queue
  }
}

async function run<T>(queue: Queue, work: () => Promise<T>): Promise<T> {
  queue.running++
  try {
    return await work()
  } finally {
    queue.running--
    if (queue.running === 0) queue.waiting[0]?.send()
    if (queue.running === 0) queue.end()
  }
}

function enqueue(
  queue: Queue,
  maxWaitMs: number,
  work: (keys: string[]) => Promise<Map<string, unknown>>,
): Batch {
  const values = Promise.withResolvers<Map<string, unknown>>()
  const late = Promise.withResolvers<void>()
  const keys = new Set<string>()
  const tooLong = () => {
    queue.isolatedUntil = performance.now() + isolatedMs
  }
  // Bound to the first reader: the statement is a span of its trace.
  const send = AsyncLocalStorage.bind(() => {
    clearTimeout(timer)
    queue.waiting.splice(queue.waiting.indexOf(batch), 1)
    const timeout = setTimeout(() => {
      tooLong()
      late.resolve()
    }, maxWaitMs)
    values.resolve(run(queue, () => work([...keys])).finally(() => clearTimeout(timeout)))
  })
  const timer = setTimeout(() => {
    tooLong()
    send()
  }, maxWaitMs)
  const batch: Batch = { keys, readers: 0, values: values.promise, late: late.promise, send }
  return batch
}

/** Returns true for SQLSTATE class 22: a value does not fit its type. */
function isOfValues(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('22')
}
