import { Worker } from 'node:worker_threads'
import {
  type BatchOptions,
  type BatchResult,
  beginClustering,
  blockedBatch,
  COMPARE_RECORDS,
  compareRange,
  createFoundPairs,
  type FoundPairs,
  finishBatch,
  matchBatch,
  type PreparedBatch,
  standardiseBatch,
  trainedBatch,
} from './batch.ts'
import { type Components, clusterComponents } from './components.ts'
import type { Engine, MatchRecord } from './engine.ts'
import { FeatureReader, type PackedFeatures } from './packedFeatures.ts'
import type { Parameters } from './parameters.ts'
import type { MatchType } from './plan.ts'
import { joinKeys, type KeyCodes, KeyTable, type Postings } from './postings.ts'
import { countRandomPairs, PIECE_PAIRS, type RandomPairs } from './randomPairs.ts'
import type { PossiblePair, ScoredPair } from './scoredPair.ts'
import { beginTraining, findCandidateVectors, finishTraining } from './train.ts'
import { type CounterEntries, VectorCounter } from './vectors.ts'

/** What a thread has from the start. Its arrays, and those of its tasks, lie in shared memory. */
export interface ThreadInput {
  type: MatchType
  /** Its frequencies give the features their bits. */
  parameters: Parameters
  features: PackedFeatures
}
/** A stage of which all threads take pieces: `next` is the index of the next piece. */
interface Pieces {
  next: Int32Array
}
export interface KeysTask extends Pieces {
  stage: 'keys'
}
export interface RandomTask extends Pieces {
  stage: 'random'
  pairs: RandomPairs
}
export interface CompareTask extends Pieces {
  stage: 'compare'
  parameters: Parameters
  postings: Postings
  related: boolean
}
export interface ClusterTask extends Pieces {
  stage: 'cluster'
  components: Components
  firstOf: Uint32Array
}
export type ThreadTask = KeysTask | RandomTask | CompareTask | ClusterTask

/** Pairs as three columns. */
export interface PairColumns {
  a: Uint32Array
  b: Uint32Array
  weight: Float64Array
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

/** Another thread; it does its tasks in their order. */
class BatchThread {
  private readonly worker: Worker
  private readonly waiting: { resolve(result: never): void; reject(error: Error): void }[] = []

  constructor(input: ThreadInput) {
    this.worker = new Worker(new URL('./batchThread.ts', import.meta.url), {
      workerData: input,
      resourceLimits: { maxOldGenerationSizeMb: 4096 },
    })
    this.worker.on('message', (result) => this.waiting.shift()?.resolve(result as never))
    this.worker.on('error', (error: Error) => {
      for (const { reject } of this.waiting.splice(0)) reject(error)
    })
  }

  run<T>(task: ThreadTask): Promise<T> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject })
      this.worker.postMessage(task)
    })
  }

  async end(): Promise<void> {
    await this.worker.terminate()
  }
}

/**
 * `matchBatch` with its blocking, training, comparisons and clustering on several threads, this one
 * included. Each thread takes the next piece of a stage when it has finished one. Counts are whole
 * numbers, and what is found is sorted afterwards, so the number of threads does not change the
 * result.
 */
export async function matchBatchInThreads(
  type: MatchType,
  input: MatchRecord[],
  threads: number,
  options: BatchOptions = {},
): Promise<BatchResult> {
  if (threads <= 1 || input.length < THREADED_RECORDS_MIN) return matchBatch(type, input, options)
  const standardised = standardiseBatch(type, input, options)
  const begun = options.parameters ? undefined : beginTraining(type, standardised.features, options)
  const engine = begun?.engine ?? standardised.parser
  const features = begun?.features ?? new FeatureReader(standardised.features, engine)
  const { parameters } = engine
  const others = Array.from(
    { length: Math.min(threads, THREADS_MAX) - 1 },
    () => new BatchThread({ type: cloneable(type), parameters, features: features.packed }),
  )
  try {
    const run = <T>(task: ThreadTask) => {
      const results = Promise.all(others.map((thread) => thread.run<T>(task)))
      // An error is thrown where the results are awaited; until then it is not unhandled.
      results.catch(() => {})
      return results
    }
    // The keys are larger than all else, so they are asked for first and not held after blocking.
    const otherKeys = beginKeys(run)
    const randomTask: RandomTask | undefined = begun && {
      stage: 'random',
      pairs: begun.pairs,
      next: sharedCounter(),
    }
    const otherCounts = randomTask && run<CounterEntries>(randomTask)
    const postings = await otherKeys(engine, features)
    let batch: PreparedBatch
    if (begun && randomTask) {
      const candidates = findCandidateVectors(begun, postings)
      const counter = countPairPieces(engine, randomTask)
      for (const counts of (await otherCounts) ?? []) counter.addEntries(counts)
      batch = trainedBatch(standardised, finishTraining(begun, candidates, counter.vectors()))
    } else batch = blockedBatch(standardised, features, postings)
    return await compareAndCluster(batch, run, options)
  } finally {
    await Promise.all(others.map((thread) => thread.end()))
  }
}

type Run = <T>(task: ThreadTask) => Promise<T[]>

/**
 * Lets the other threads collect keys. Returns a function with which this thread does so too, and joins
 * all. The keys of a million records take 200 MB, and only a function that ends frees them.
 */
function beginKeys(run: Run): (engine: Engine, features: FeatureReader) => Promise<Postings> {
  const task: KeysTask = { stage: 'keys', next: sharedCounter() }
  const others: { keys?: Promise<KeyCodes[]> } = { keys: run<KeyCodes>(task) }
  return async (engine, features) => {
    const tables = [keyPieces(engine, features, task), ...(await others.keys!)]
    delete others.keys
    return joinKeys(features.length, tables, engine.blockRecordsMax)
  }
}

/** Compares and clusters a batch, this thread with the others, which `run` gives a task. */
async function compareAndCluster(
  batch: PreparedBatch,
  run: Run,
  options: BatchOptions,
): Promise<BatchResult> {
  const { engine, features, postings } = batch
  if (features.length > KEPT_RECORDS_MAX) features.forgetAll()
  const started = performance.now()
  const compareTask: CompareTask = {
    stage: 'compare',
    parameters: engine.parameters,
    postings,
    related: options.related ?? false,
    next: sharedCounter(),
  }
  const outcomes = run<CompareOutcome>(compareTask)
  const found = createFoundPairs(options)
  let candidatePairs = comparePieces(engine, features, compareTask, found, (before) =>
    options.progress?.('compare', before / features.length),
  )
  for (const { links, related, pairs } of await outcomes) {
    candidatePairs += pairs
    addPairs(found.links, links)
    if (found.related && related) addPairs(found.related, related)
  }
  for (const list of [found.links, found.related ?? []]) list.sort((x, y) => x.a - y.a || x.b - y.b)
  batch.seconds.compare = (performance.now() - started) / 1000
  options.progress?.('cluster', 0)
  const begun = beginClustering(batch, found.links)
  const { components, firstOf } = begun
  const clusterTask: ClusterTask = { stage: 'cluster', components, firstOf, next: sharedCounter() }
  const otherPieces = run<ClusteredPiece[]>(clusterTask)
  const pieces = clusterPieces(engine, features, clusterTask)
  pieces.push(...(await otherPieces).flat())
  const possible = pieces.sort((x, y) => x.from - y.from).flatMap((piece) => piece.possible)
  return finishBatch(batch, begun, possible, found, candidatePairs, options)
}

/** Calls `work` with pieces of `length` things until no thread has any left. */
function takePieces(
  { next }: Pieces,
  length: number,
  size: number,
  work: (from: number, to: number) => void,
): void {
  for (;;) {
    const from = Atomics.add(next, 0, 1) * size
    if (from >= length) return
    work(from, Math.min(from + size, length))
  }
}

/**
 * Objects of so many records stay from the keys to the comparison. Those of more are freed between the
 * stages and read again: they take about a kilobyte each, in every thread.
 */
const KEPT_RECORDS_MAX = 200_000

/** Collects the keys of pieces of records. */
export function keyPieces(engine: Engine, features: FeatureReader, task: KeysTask): KeyCodes {
  const table = new KeyTable()
  takePieces(task, features.length, COMPARE_RECORDS, (from, to) => {
    if (features.length > KEPT_RECORDS_MAX) features.forget(from)
    for (let i = from; i < to; i++) table.add(i, engine.keys(features.at(i)))
  })
  return table.take()
}

/** Counts the vectors of pieces of random pairs. */
export function countPairPieces(engine: Engine, task: RandomTask): VectorCounter {
  const counter = new VectorCounter(engine.scorer.columns)
  const { pairs } = task
  takePieces(task, pairs.a.length, PIECE_PAIRS, (from, to) =>
    countRandomPairs(engine, pairs, from, to, counter),
  )
  return counter
}

/**
 * Compares pieces of records with their candidates. Returns the number of pairs. `begin` is called
 * with the first record of each piece.
 */
export function comparePieces(
  engine: Engine,
  features: FeatureReader,
  task: CompareTask,
  found: FoundPairs,
  begin?: (from: number) => void,
): number {
  const stamp = new Uint32Array(features.length)
  let pairs = 0
  takePieces(task, features.length, COMPARE_RECORDS, (from, to) => {
    begin?.(from)
    // Pieces rise, and a record is compared with later ones only.
    features.forget(from)
    pairs += compareRange(engine, features, task.postings, from, to, stamp, found)
  })
  return pairs
}

/** Clusters pieces of components. */
export function clusterPieces(
  engine: Engine,
  features: FeatureReader,
  task: ClusterTask,
): ClusteredPiece[] {
  const { components, firstOf } = task
  const pieces: ClusteredPiece[] = []
  takePieces(task, components.count, CLUSTER_COMPONENTS, (from, to) =>
    pieces.push({
      from,
      possible: clusterComponents(engine, features, components, from, to, firstOf),
    }),
  )
  return pieces
}

/** Returns a counter in shared memory, at 0. */
function sharedCounter(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4))
}

/** Returns pairs as columns, in which they are sent to another thread. */
export function pairColumns(list: readonly ScoredPair[]): PairColumns {
  return {
    a: Uint32Array.from(list, (pair) => pair.a),
    b: Uint32Array.from(list, (pair) => pair.b),
    weight: Float64Array.from(list, (pair) => pair.weight),
  }
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
