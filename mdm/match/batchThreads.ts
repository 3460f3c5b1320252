import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import {
  type BatchOptions,
  type BatchResult,
  blockBatch,
  COMPARE_RECORDS,
  compareRange,
  createFoundPairs,
  finishBatch,
  matchBatch,
  type PreparedBatch,
  type ScoredPair,
  standardiseBatch,
  trainedBatch,
} from './batch.ts'
import type { Features, MatchRecord } from './engine.ts'
import type { Parameters } from './parameters.ts'
import type { MatchType } from './plan.ts'
import type { Postings } from './postings.ts'
import { countRandomPairs, PIECE_PAIRS, type RandomPairs } from './randomPairs.ts'
import { beginTraining, findCandidateVectors, finishTraining, type Training } from './train.ts'
import { type CounterEntries, VectorCounter } from './vectors.ts'

/** Input of a comparing thread; its arrays lie in shared memory. */
export interface CompareTask {
  type: MatchType
  parameters: Parameters
  records: number
  postings: Postings
  /** Features as JSON, one after the other; record i is text[start[i] .. start[i+1]). */
  text: Uint8Array
  start: Float64Array
  /** Index of the next piece of records that no thread has taken. */
  next: Int32Array
  related: boolean
}
/** Input of a thread that compares random pairs. */
export interface RandomTask {
  type: MatchType
  parameters: Parameters
  pairs: RandomPairs
  /** Index of the next piece of pairs that no thread has taken. */
  next: Int32Array
}
/** Pairs as three columns. */
export interface PairColumns {
  a: Uint32Array
  b: Uint32Array
  weight: Float64Array
}
/** Result of a comparing thread. */
export interface CompareOutcome {
  links: PairColumns
  related: PairColumns | null
  pairs: number
}

/** With fewer records, starting threads costs more than they save. */
const THREADED_RECORDS_MIN = 10_000
export const THREADS_MAX = 64

/**
 * `train` with other threads that compare the random pairs while this one blocks the records and
 * compares candidates; then it takes its share of what is left. Counts are whole numbers, so the
 * number of threads does not change the model.
 */
async function trainInThreads(
  type: MatchType,
  features: readonly Features[],
  threads: number,
  options: BatchOptions,
): Promise<Training> {
  const begun = beginTraining(type, features, options)
  const { engine, pairs } = begun
  const next = new Int32Array(new SharedArrayBuffer(4))
  const task: RandomTask = { type: cloneable(type), parameters: begun.parameters, pairs, next }
  const outcomes = Array.from({ length: Math.min(threads, THREADS_MAX) - 1 }, async () => {
    const worker = new Worker(new URL('./randomThread.ts', import.meta.url), { workerData: task })
    const [entries] = (await once(worker, 'message')) as [CounterEntries]
    return entries
  })
  const candidates = findCandidateVectors(begun)
  const counter = new VectorCounter(engine.scorer.columns)
  for (;;) {
    const from = Atomics.add(next, 0, 1) * PIECE_PAIRS
    if (from >= pairs.a.length) break
    countRandomPairs(engine, pairs, from, Math.min(from + PIECE_PAIRS, pairs.a.length), counter)
  }
  for (const entries of await Promise.all(outcomes)) counter.addEntries(entries)
  return finishTraining(begun, candidates, counter.vectors())
}

/**
 * `matchBatch` with its training and comparisons on several threads, this one included. Each thread takes the
 * next piece of records when it has finished one. Links are sorted by record afterwards, so the
 * number of threads does not change the result.
 */
export async function matchBatchInThreads(
  type: MatchType,
  input: MatchRecord[],
  threads: number,
  options: BatchOptions = {},
): Promise<BatchResult> {
  if (threads <= 1 || input.length < THREADED_RECORDS_MIN) return matchBatch(type, input, options)
  const standardised = standardiseBatch(type, input, options)
  const batch = options.parameters
    ? blockBatch(standardised)
    : trainedBatch(
        standardised,
        await trainInThreads(type, standardised.features, threads, options),
      )
  const started = performance.now()
  const task = shareBatch(type, batch, options.related ?? false)
  const workers = Array.from(
    { length: Math.min(threads, THREADS_MAX) - 1 },
    () =>
      new Worker(new URL('./compareThread.ts', import.meta.url), {
        workerData: task,
        resourceLimits: { maxOldGenerationSizeMb: 4096 },
      }),
  )
  const outcomes = workers.map(async (worker) => {
    const [outcome] = (await once(worker, 'message')) as [CompareOutcome]
    return outcome
  })
  const found = createFoundPairs(options)
  let candidatePairs = 0
  const stamp = new Uint32Array(batch.records.length)
  for (;;) {
    const from = Atomics.add(task.next, 0, 1) * COMPARE_RECORDS
    if (from >= batch.records.length) break
    options.progress?.('compare', from / batch.records.length)
    const to = Math.min(from + COMPARE_RECORDS, batch.records.length)
    candidatePairs += compareRange(
      batch.engine,
      (i) => batch.features[i]!,
      batch.postings,
      from,
      to,
      stamp,
      found,
    )
    // Lets an error of a worker surface between two pieces.
    await new Promise((resolve) => setImmediate(resolve))
  }
  for (const { links, related, pairs } of await Promise.all(outcomes)) {
    candidatePairs += pairs
    addPairs(found.links, links)
    if (found.related && related) addPairs(found.related, related)
  }
  for (const list of [found.links, found.related ?? []]) list.sort((x, y) => x.a - y.a || x.b - y.b)
  batch.seconds.compare = (performance.now() - started) / 1000
  return finishBatch(batch, found, candidatePairs, options)
}

function addPairs(list: ScoredPair[], { a, b, weight }: PairColumns): void {
  for (let i = 0; i < a.length; i++) list.push({ a: a[i]!, b: b[i]!, weight: weight[i]! })
}

function shareBatch(type: MatchType, batch: PreparedBatch, related: boolean): CompareTask {
  const { records, features, engine, postings } = batch
  const start = new Float64Array(new SharedArrayBuffer(8 * (records.length + 1)))
  let text = new Uint8Array(new SharedArrayBuffer(Math.max(1024, records.length * 256)))
  const encoder = new TextEncoder()
  let at = 0
  for (const [i, feature] of features.entries()) {
    const json = JSON.stringify(feature)
    if (at + json.length * 3 > text.length) {
      const larger = new Uint8Array(
        new SharedArrayBuffer(Math.ceil(text.length * 1.5) + json.length * 3),
      )
      larger.set(text.subarray(0, at))
      text = larger
    }
    start[i] = at
    at += encoder.encodeInto(json, text.subarray(at)).written
  }
  start[records.length] = at
  const shared = (array: Uint32Array) => {
    const copy = new Uint32Array(new SharedArrayBuffer(array.byteLength))
    copy.set(array)
    return copy
  }
  return {
    type: cloneable(type),
    parameters: engine.parameters,
    records: records.length,
    postings: {
      ...postings,
      recordStart: shared(postings.recordStart),
      recordBlocks: shared(postings.recordBlocks),
      blockStart: shared(postings.blockStart),
      blockRecords: shared(postings.blockRecords),
    },
    text,
    start,
    next: new Int32Array(new SharedArrayBuffer(4)),
    related,
  }
}

/**
 * Returns what matching needs of a type: a policy's type may have properties that cannot be cloned
 * to a thread.
 */
function cloneable({ name, uniqueIn, fields }: MatchType): MatchType {
  return JSON.parse(JSON.stringify({ name, uniqueIn, fields })) as MatchType
}
