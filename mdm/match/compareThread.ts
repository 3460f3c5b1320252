import { parentPort, workerData } from 'node:worker_threads'
import { COMPARE_RECORDS, compareRange, createFoundPairs } from './batch.ts'
import {
  type ClusterTask,
  type CompareOutcome,
  type CompareTask,
  clusterPieces,
  type PairColumns,
} from './batchThreads.ts'
import { createEngine } from './engine.ts'
import { FeatureReader } from './packedFeatures.ts'
import type { ScoredPair } from './scoredPair.ts'

// A thread of `matchBatchInThreads`: takes pieces of records until none are left and sends what it
// found; then it clusters pieces of components.
const task = workerData as CompareTask
const engine = createEngine(task.type, task.parameters)
const features = new FeatureReader(task.features, engine)
const found = createFoundPairs(task)
const stamp = new Uint32Array(features.length)
let pairs = 0

let done = 0
for (;;) {
  const from = Atomics.add(task.next, 0, 1) * COMPARE_RECORDS
  if (from >= features.length) break
  // Pieces rise, and a record is compared with later ones only.
  features.forget(done, from)
  done = from
  const to = Math.min(from + COMPARE_RECORDS, features.length)
  pairs += compareRange(engine, features, task.postings, from, to, stamp, found)
}

function columns(list: readonly ScoredPair[]): PairColumns {
  return {
    a: Uint32Array.from(list, (pair) => pair.a),
    b: Uint32Array.from(list, (pair) => pair.b),
    weight: Float64Array.from(list, (pair) => pair.weight),
  }
}

const outcome: CompareOutcome = {
  links: columns(found.links),
  related: found.related && columns(found.related),
  pairs,
}
parentPort?.once('message', (clusterTask: ClusterTask) => {
  parentPort?.postMessage(clusterPieces(engine, features, clusterTask))
})
parentPort?.postMessage(outcome)
