import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { Source } from 'graphql'
import type { BatchResult } from '../../mdm/match/batch.ts'
import type { MatchRecord } from '../../mdm/match/engine.ts'
import type { MatchType } from '../../mdm/match/plan.ts'
import { buildPostings, forEachCandidate } from '../../mdm/match/postings.ts'
import { probabilityOf } from '../../mdm/match/probability.ts'
import { parsePolicy } from '../../schema/readPolicy.ts'

/** Returns the folders of labelled sets in a folder: those with records. */
export function setsIn(folder: string): string[] {
  return readdirSync(folder).filter((name) => existsSync(join(folder, name, 'records.ndjson')))
}

/** Models of a set: as declared, and without unique sources if it has some. */
export function modelsOf(folder: string, set: string): string[] {
  return ['model.graphql', 'model-without-unique.graphql'].filter((model) =>
    existsSync(join(folder, set, model)),
  )
}

export function readType(folder: string, set: string, model: string): MatchType {
  const text = readFileSync(join(folder, set, model), 'utf8')
  return parsePolicy([new Source(text, model)]).types[0]!
}

export function readRecords(folder: string, set: string): MatchRecord[] {
  return readFileSync(join(folder, set, 'records.ndjson'), 'utf8')
    .trim()
    .split('\n')
    .map((line): MatchRecord => {
      const { source, id, fields } = JSON.parse(line)
      return { key: `${source}\u0001${id}`, source, fields }
    })
}

/** Returns the pairs that are one thing, as indexes into the records in the order of their keys. */
export function truePairs(
  folder: string,
  set: string,
  records: readonly MatchRecord[],
): [number, number][] {
  const index = new Map(records.map(({ key }, i) => [key, i]))
  const dir = join(folder, set)
  if (!existsSync(join(dir, 'truth.csv')))
    return readRows(join(dir, 'pairs.csv')).flatMap((row): [number, number][] => {
      const a = index.get(`${row.source_a}\u0001${row.id_a}`)
      const b = index.get(`${row.source_b}\u0001${row.id_b}`)
      return row.match === '1' && a !== undefined && b !== undefined ? [[a, b]] : []
    })
  const clusters = Map.groupBy(readRows(join(dir, 'truth.csv')), ({ cluster }) => cluster)
  return [...clusters.values()].flatMap((rows) => {
    const members = rows.flatMap(({ source, id }) => index.get(`${source}\u0001${id}`) ?? [])
    return members.flatMap((a, n) => members.slice(n + 1).map((b): [number, number] => [a, b]))
  })
}

/** Measures a result against the truth of its set: clusters, or labelled pairs. */
export function qualityOf(folder: string, set: string, result: BatchResult): Quality {
  const dir = join(folder, set)
  const index = new Map(result.records.map(({ key }, i) => [key, i]))
  return existsSync(join(dir, 'truth.csv'))
    ? againstClusters(result, readRows(join(dir, 'truth.csv')), index)
    : againstPairs(result, readRows(join(dir, 'pairs.csv')), index)
}

export function f1Of({ precision, recall }: Quality): number {
  return (2 * precision * recall) / (precision + recall || 1)
}

/** Pairwise quality of a result against the truth of its set. */
export interface Quality {
  precision: number
  recall: number
  completeness: number
  largest: string
  /** Linked pairs scored .9 to 1.0, and how many of them are one thing. */
  sure: { pairs: number; right: number }
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
    sure: countSure(result, (a, b) => thing(a) === thing(b)),
    largest: `${largest(Map.groupBy(all, (i) => result.clusterOf[i]).values())} of ${largest(Map.groupBy(all, thing).values())}`,
  }
}

function againstPairs(result: BatchResult, rows: Row[], index: Map<string, number>): Quality {
  let [found, both, real] = [0, 0, 0]
  const matches = new Set<string>()
  const labels = new Map<string, boolean>()
  for (const row of rows) {
    const a = index.get(`${row.source_a}\u0001${row.id_a}`)!
    const b = index.get(`${row.source_b}\u0001${row.id_b}`)!
    const joined = result.clusterOf[a] === result.clusterOf[b]
    if (joined) found++
    labels.set(`${Math.min(a, b)} ${Math.max(a, b)}`, row.match === '1')
    if (row.match !== '1') continue
    real++
    matches.add(`${Math.min(a, b)} ${Math.max(a, b)}`)
    if (joined) both++
  }
  return {
    precision: both / found,
    recall: both / real,
    completeness: countCandidates(result, (a, b) => matches.has(`${a} ${b}`)) / real,
    sure: countSure(result, (a, b) => labels.get(`${Math.min(a, b)} ${Math.max(a, b)}`)),
    largest: '-',
  }
}

/** Counts linked pairs scored .9 to 1.0; pairs without a label do not count. */
function countSure(
  { pairs }: BatchResult,
  isMatch: (a: number, b: number) => boolean | undefined,
): Quality['sure'] {
  const sure = pairs.filter(({ weight }) => probabilityOf(weight) >= 0.9)
  const truths = sure.map(({ a, b }) => isMatch(a, b))
  return {
    pairs: truths.filter((truth) => truth !== undefined).length,
    right: truths.filter((truth) => truth).length,
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
    (i) => engine.keys(features.at(i)),
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
