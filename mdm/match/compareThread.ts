import { parentPort, workerData } from 'node:worker_threads'
import { COMPARE_RECORDS, compareRange, createFoundPairs, type ScoredPair } from './batch.ts'
import type { CompareOutcome, CompareTask, PairColumns } from './batchThreads.ts'
import { createEngine, type Features } from './engine.ts'

// A thread of `matchBatchInThreads`: takes pieces of records until none are left, then sends its
// result.
const task = workerData as CompareTask
const engine = createEngine(task.type, task.parameters)
const features: (Features | undefined)[] = new Array(task.records)
const decoder = new TextDecoder()
const found = createFoundPairs(task)
const stamp = new Uint32Array(task.records)
let pairs = 0

function featuresOf(record: number): Features {
  // A copy out of shared memory: TextDecoder does not read shared memory.
  features[record] ??= JSON.parse(
    decoder.decode(task.text.slice(task.start[record], task.start[record + 1])),
  ) as Features
  return features[record]
}

let done = 0
for (;;) {
  const from = Atomics.add(task.next, 0, 1) * COMPARE_RECORDS
  if (from >= task.records) break
  // Pieces rise, and a record is compared with later ones only.
  features.fill(undefined, done, from)
  done = from
  const to = Math.min(from + COMPARE_RECORDS, task.records)
  pairs += compareRange(engine, featuresOf, task.postings, from, to, stamp, found)
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
parentPort?.postMessage(outcome)
