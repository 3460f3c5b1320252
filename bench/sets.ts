/**
 * Measures matching on labelled sets: precision, recall and F1, pairs completeness estimated and in
 * truth, the largest cluster, and how many of the pairs scored .9 to 1.0 are one thing. A set is a folder with records.ndjson, model.graphql and
 * truth.csv (clusters) or pairs.csv (labelled pairs).
 *
 * npm run bench -- sets FOLDER [set ...]
 * FOLDER has a folder for each set; without names it measures all of them. Sets whose model names
 * unique sources are measured without that too.
 */
import { matchBatch } from '../mdm/match/batch.ts'
import { f1Of, modelsOf, qualityOf, readRecords, readType, setsIn } from './shared/labelledSets.ts'

const [folder, ...wanted] = process.argv.slice(2)
if (folder === undefined)
  throw new Error('name the folder of the sets: npm run bench -- sets FOLDER')
console.log(
  'set, precision, recall, F1, completeness estimated and in truth, largest cluster and in truth, scored .9 to 1.0 and of these in truth, training, seconds',
)
for (const set of wanted.length > 0 ? wanted : setsIn(folder))
  for (const model of modelsOf(folder, set)) measure(folder, set, model)

function measure(folder: string, set: string, model: string): void {
  const started = performance.now()
  const result = matchBatch(readType(folder, set, model), readRecords(folder, set))
  const quality = qualityOf(folder, set, result)
  const { precision, recall, completeness, largest, sure } = quality
  const { pairsCompleteness } = result.stats
  const figures = [
    precision.toFixed(4),
    recall.toFixed(4),
    f1Of(quality).toFixed(4),
    `${pairsCompleteness?.toFixed(3) ?? '-'} ${completeness.toFixed(3)}`,
    largest,
    `${sure.pairs} ${(sure.right / Math.max(1, sure.pairs)).toFixed(3)}`,
    `${result.stats.candidatePairs} pairs`,
    result.stats.shippedBecause ?? 'trained',
    ((performance.now() - started) / 1000).toFixed(1),
  ]
  console.log(
    [`${set}${model === 'model.graphql' ? '' : ' (nothing unique)'}`, ...figures].join(', '),
  )
}
