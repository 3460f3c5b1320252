import { parentPort, workerData } from 'node:worker_threads'
import { createFoundPairs } from './batch.ts'
import {
  clusterPieces,
  comparePieces,
  countPairPieces,
  keyPieces,
  pairColumns,
  type ThreadInput,
  type ThreadTask,
} from './batchThreads.ts'
import { createEngine } from './engine.ts'
import { FeatureReader } from './packedFeatures.ts'

// A thread of `matchBatchInThreads`. It has one task after the other, and sends one message for each.
const { type, parameters, features: packed } = workerData as ThreadInput
let engine = createEngine(type, parameters)
const features = new FeatureReader(packed, engine)

function run(task: ThreadTask): unknown {
  switch (task.stage) {
    case 'keys':
      return keyPieces(engine, features, task)
    case 'random':
      return countPairPieces(engine, task).entries()
    case 'compare': {
      // The frequencies are the same, so the bits of the features are right.
      engine = createEngine(type, task.parameters)
      const found = createFoundPairs(task)
      const pairs = comparePieces(engine, features, task, found)
      return {
        links: pairColumns(found.links),
        related: found.related && pairColumns(found.related),
        pairs,
      }
    }
    case 'cluster':
      return clusterPieces(engine, features, task)
  }
}

parentPort?.on('message', (task: ThreadTask) => parentPort?.postMessage(run(task)))
