import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import {
  type BatchOptions,
  type BatchResult,
  beginClustering,
  blockBatch,
  COMPARE_RECORDS,
  compareRange,
  createFoundPairs,
  finishBatch,
  matchBatch,
  standardiseBatch,
  trainedBatch,
} from './batch.ts'
import { type Components, clusterComponents } from './components.ts'
import type { Engine, MatchRecord } from './engine.ts'
import type { FeatureReader, PackedFeatures } from './packedFeatures.ts'
import type { Parameters } from './parameters.ts'
import type { MatchType } from './plan.ts'
import type { Postings } from './postings.ts'
import { countRandomPairs, PIECE_PAIRS, type RandomPairs } from './randomPairs.ts'
import type { PossiblePair, ScoredPair } from './scoredPair.ts'
import { beginTraining, findCandidateVectors, finishTraining, type Training } from './train.ts'
import { type CounterEntries, VectorCounter } from './vectors.ts'

/** Input of a comparing thread; its arrays lie in shared memory. */
export interface CompareTask {
  type: MatchType
  parameters: Parameters
  features: PackedFeatures
  postings: Postings
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
/** What a thread clusters after it has compared. */
export interface ClusterTask {
  components: Components
  firstOf: Uint32Array
  /** Index of the next piece of components that no thread has taken. */
  next: Int32Array
}
/** Possible matches of one piece of components. */
export interface ClusteredPiece {
  from: number
  possible: PossiblePair[]
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
/** Components clustered as one piece of a thread's work. */
const CLUSTER_COMPONENTS = 500

/**
 * `train` with other threads that compare the random pairs while this one blocks the records and
 * compares candidates; then it takes its share of what is left. Counts are whole numbers, so the
 * number of threads does not change the model.
 */
async function trainInThreads(
  type: MatchType,
  features: PackedFeatures,
  threads: number,
  options: BatchOptions,
): Promise<Training> {
  const begun = beginTraining(type, features, options)
  const { engine, pairs } = begun
  const next = sharedCounter()
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
 * `matchBatch` with its training, comparisons and clustering on several threads, this one included.
 * Each thread takes the next piece of records, or of components, when it has finished one. What they
 * find is sorted afterwards, so the number of threads does not change the result.
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
  const { engine, features, postings, records } = batch
  const started = performance.now()
  const task: CompareTask = {
    type: cloneable(type),
    parameters: engine.parameters,
    features: features.packed,
    postings,
    next: sharedCounter(),
    related: options.related ?? false,
  }
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
  const stamp = new Uint32Array(records.length)
  for (;;) {
    const from = Atomics.add(task.next, 0, 1) * COMPARE_RECORDS
    if (from >= records.length) break
    options.progress?.('compare', from / records.length)
    const to = Math.min(from + COMPARE_RECORDS, records.length)
    candidatePairs += compareRange(engine, features, postings, from, to, stamp, found)
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
  options.progress?.('cluster', 0)
  const begun = beginClustering(batch, found.links)
  const clusterTask: ClusterTask = {
    components: begun.components,
    firstOf: begun.firstOf,
    next: sharedCounter(),
  }
  const clustered = workers.map(async (worker) => {
    worker.postMessage(clusterTask)
    const [pieces] = (await once(worker, 'message')) as [ClusteredPiece[]]
    return pieces
  })
  const pieces = clusterPieces(engine, features, clusterTask)
  pieces.push(...(await Promise.all(clustered)).flat())
  const possible = pieces.sort((x, y) => x.from - y.from).flatMap((piece) => piece.possible)
  return finishBatch(batch, begun, possible, found, candidatePairs, options)
}

/** Clusters pieces of components until none are left. */
export function clusterPieces(
  engine: Engine,
  features: FeatureReader,
  { components, firstOf, next }: ClusterTask,
): ClusteredPiece[] {
  const pieces: ClusteredPiece[] = []
  for (;;) {
    const from = Atomics.add(next, 0, 1) * CLUSTER_COMPONENTS
    if (from >= components.count) return pieces
    const to = Math.min(from + CLUSTER_COMPONENTS, components.count)
    pieces.push({
      from,
      possible: clusterComponents(engine, features, components, from, to, firstOf),
    })
  }
}

/** Returns a counter in shared memory, at 0. */
function sharedCounter(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4))
}

function addPairs(list: ScoredPair[], { a, b, weight }: PairColumns): void {
  for (let i = 0; i < a.length; i++) list.push({ a: a[i]!, b: b[i]!, weight: weight[i]! })
}

/**
 * Returns what matching needs of a type: a policy's type may have properties that cannot be cloned
 * to a thread.
 */
function cloneable({ name, uniqueIn, fields }: MatchType): MatchType {
  return JSON.parse(JSON.stringify({ name, uniqueIn, fields })) as MatchType
}
