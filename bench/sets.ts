/**
 * Measures matching on labelled sets: precision, recall and F1, pairs completeness estimated and in
 * truth, and the largest cluster. A set is a folder with records.ndjson, model.graphql and
 * truth.csv (clusters) or pairs.csv (labelled pairs).
 *
 * npm run bench -- sets FOLDER [set ...]
 * FOLDER has a folder for each set; without names it measures all of them. Sets whose model names
 * unique sources are measured without that too.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { Source } from 'graphql'
import { type BatchResult, matchBatch } from '../mdm/match/batch.ts'
import type { MatchRecord } from '../mdm/match/engine.ts'
import { buildPostings, forEachCandidate } from '../mdm/match/postings.ts'
import { parsePolicy } from '../schema/readPolicy.ts'

const [folder, ...wanted] = process.argv.slice(2)
if (folder === undefined)
  throw new Error('name the folder of the sets: npm run bench -- sets FOLDER')
const sets = wanted.length > 0 ? wanted : readdirSync(folder).filter(isSet)
console.log(
  'set, precision, recall, F1, completeness estimated and in truth, largest cluster and in truth, training, seconds',
)
for (const set of sets)
  for (const model of ['model.graphql', 'model-without-unique.graphql'])
    if (existsSync(join(folder, set, model))) measure(join(folder, set), model)

function isSet(name: string): boolean {
  return existsSync(join(folder!, name, 'records.ndjson'))
}

function measure(dir: string, model: string): void {
  const started = performance.now()
  const type = parsePolicy([new Source(readFileSync(join(dir, model), 'utf8'), model)]).types[0]!
  const records = readFileSync(join(dir, 'records.ndjson'), 'utf8')
    .trim()
    .split('\n')
    .map((line): MatchRecord => {
      const { source, id, fields } = JSON.parse(line)
      return { key: `${source}\u0001${id}`, source, fields }
    })
  const result = matchBatch(type, records)
  const index = new Map(result.records.map(({ key }, i) => [key, i]))
  const quality = existsSync(join(dir, 'truth.csv'))
    ? againstClusters(result, readRows(join(dir, 'truth.csv')), index)
    : againstPairs(result, readRows(join(dir, 'pairs.csv')), index)
  const { precision, recall, completeness, largest } = quality
  const { pairsCompleteness } = result.stats
  const figures = [
    precision.toFixed(4),
    recall.toFixed(4),
    ((2 * precision * recall) / (precision + recall || 1)).toFixed(4),
    `${pairsCompleteness?.toFixed(3) ?? '-'} ${completeness.toFixed(3)}`,
    largest,
    `${result.stats.candidatePairs} pairs`,
    result.stats.shippedBecause ?? 'trained',
    ((performance.now() - started) / 1000).toFixed(1),
  ]
  const name = dir.slice(dir.lastIndexOf('/') + 1)
  console.log(
    [`${name}${model === 'model.graphql' ? '' : ' (nothing unique)'}`, ...figures].join(', '),
  )
}

interface Quality {
  precision: number
  recall: number
  completeness: number
  largest: string
}
type Row = Record<string, string>

function readRows(file: string): Row[] {
  return parse(readFileSync(file), { columns: true })
}

function againstClusters(result: BatchResult, rows: Row[], index: Map<string, number>): Quality {
  const truth = new Map<number, string>()
  for (const { source, id, cluster } of rows) {
    const at = index.get(`${source}\u0001${id}`)
    if (at !== undefined && cluster !== undefined) truth.set(at, cluster)
  }
  const thing = (i: number) => truth.get(i) ?? `single ${i}`
  const all = result.records.map((_, i) => i)
  const found = pairsIn(Map.groupBy(all, (i) => String(result.clusterOf[i])))
  const real = pairsIn(Map.groupBy(all, thing))
  const both = pairsIn(Map.groupBy(all, (i) => `${result.clusterOf[i]} ${thing(i)}`))
  const largest = (sizes: Iterable<number[]>) => Math.max(...[...sizes].map((s) => s.length))
  return {
    precision: found === 0 ? 1 : both / found,
    recall: both / real,
    completeness: countCandidates(result, (a, b) => thing(a) === thing(b)) / real,
    largest: `${largest(Map.groupBy(all, (i) => result.clusterOf[i]).values())} of ${largest(Map.groupBy(all, thing).values())}`,
  }
}

function againstPairs(result: BatchResult, rows: Row[], index: Map<string, number>): Quality {
  let [found, both, real] = [0, 0, 0]
  const matches = new Set<string>()
  for (const row of rows) {
    const a = index.get(`${row.source_a}\u0001${row.id_a}`)!
    const b = index.get(`${row.source_b}\u0001${row.id_b}`)!
    const joined = result.clusterOf[a] === result.clusterOf[b]
    if (joined) found++
    if (row.match !== '1') continue
    real++
    matches.add(`${Math.min(a, b)} ${Math.max(a, b)}`)
    if (joined) both++
  }
  return {
    precision: both / found,
    recall: both / real,
    completeness: countCandidates(result, (a, b) => matches.has(`${a} ${b}`)) / real,
    largest: '-',
  }
}

function pairsIn(groups: Map<string, number[]>): number {
  return [...groups.values()].reduce((sum, g) => sum + (g.length * (g.length - 1)) / 2, 0)
}

function countCandidates(
  { engine, features }: BatchResult,
  isMatch: (a: number, b: number) => boolean,
): number {
  const postings = buildPostings(
    features.length,
    (i) => engine.keys(features[i]!),
    engine.blockRecordsMax,
  )
  const stamp = new Uint32Array(features.length)
  let count = 0
  for (let i = 0; i < features.length; i++)
    forEachCandidate(postings, i, stamp, (j) => {
      if (isMatch(i, j)) count++
    })
  return count
}
