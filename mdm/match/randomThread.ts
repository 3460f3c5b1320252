import { parentPort, workerData } from 'node:worker_threads'
import type { RandomTask } from './batchThreads.ts'
import { createEngine } from './engine.ts'
import { countRandomPairs, PIECE_PAIRS } from './randomPairs.ts'
import { VectorCounter } from './vectors.ts'

// A thread of `trainInThreads`: takes pieces of pairs until none are left, then sends its counts.
const { type, parameters, pairs, next } = workerData as RandomTask
const engine = createEngine(type, parameters)
const counter = new VectorCounter(engine.scorer.columns)

for (;;) {
  const from = Atomics.add(next, 0, 1) * PIECE_PAIRS
  if (from >= pairs.a.length) break
  const to = Math.min(from + PIECE_PAIRS, pairs.a.length)
  countRandomPairs(engine, pairs, from, to, counter)
}

parentPort?.postMessage(counter.entries())
