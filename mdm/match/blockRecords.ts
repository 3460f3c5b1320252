import type { Engine } from './engine.ts'
import type { FeatureReader } from './packedFeatures.ts'
import { buildPostings, type Postings } from './postings.ts'

/** Blocks the records of a batch by the engine's keys. */
export function blockRecords(engine: Engine, features: FeatureReader): Postings {
  return buildPostings(features.length, (i) => engine.keys(features.at(i)), engine.blockRecordsMax)
}
