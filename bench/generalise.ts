/**
 * Leaves one labelled set out: estimates the shipped shares of the levels and chooses the caps and
 * sizes of keys (`CAPS`) on the other sets, then measures the one that was left out, for each in
 * turn. Prints F1 as shipped and left out.
 *
 * npm run bench -- generalise FOLDER [set ...]
 * Sets of more than 4,000 records give shares of levels but choose no caps: it would take hours.
 */
import { type BatchResult, matchBatch } from '../mdm/match/batch.ts'
import { CAPS } from '../mdm/match/caps.ts'
import { buildPostings, forEachCandidate } from '../mdm/match/postings.ts'
import { type Level, MISSING } from '../mdm/match/priors.ts'
import { createSeededRandom } from '../mdm/match/random.ts'
import {
  f1Of,
  modelsOf,
  qualityOf,
  readRecords,
  readType,
  setsIn,
  truePairs,
} from './shared/labelledSets.ts'

const [folder, ...wanted] = process.argv.slice(2)
if (folder === undefined)
  throw new Error('name the folder of the sets: npm run bench -- generalise FOLDER')
const sets = wanted.length > 0 ? wanted : setsIn(folder)
if (sets.length < 2) throw new Error('two sets at least: one is left out, the others are fitted')

type Cap = keyof typeof CAPS
/** The values that are tried for each cap. */
const ALTERNATIVES: readonly (readonly [Cap, number])[] = [
  ['nameBits', 12],
  ['nameBits', 20],
  ['blockRecords', 30],
  ['blockRecords', 80],
  ['keysPerRecord', 16],
  ['keysPerRecord', 36],
  ['freeShare', 0.3],
  ['freeShare', 0.7],
]
const GRID_RECORDS_MAX = 4000
/** With fewer pairs of one thing a set teaches no shares of a column. */
const MATCHES_MIN = 30
const RANDOM_PAIRS = 100_000
const MATCHES_MAX = 20_000
/** Candidates with so many common keys that are not one thing count as related. */
const RELATED_KEYS_MIN = 2
const SHARE_MIN = 0.001
const RANDOM_SHARE_MIN = 1e-6

const shippedCaps = { ...CAPS }
const shippedLevels = new Map<Level, Pick<Level, 'm' | 'r' | 'u'>>()

/** Shares of a column's levels in one set. */
interface Shares {
  levels: readonly Level[]
  m: number[]
  r: number[]
  u: number[]
}

/** Shares that one set teaches, by the first level of each column; its F1 by cap and value. */
interface Lesson {
  set: string
  shares: Map<Level, Shares>
  f1: Map<string, number>
  shipped: Map<string, number>
}

const capKey = (cap: Cap, value: number) => `${cap} ${value}`

const lessons = sets.map(learn)
console.log(
  '\nset, F1 as shipped, F1 left out, difference, caps that the others choose, columns with shipped shares',
)
for (const lesson of lessons) leaveOut(lesson)

function learn(set: string): Lesson {
  const records = readRecords(folder!, set)
  const lesson: Lesson = { set, shares: new Map(), f1: new Map(), shipped: new Map() }
  for (const model of modelsOf(folder!, set)) {
    const result = matchBatch(readType(folder!, set, model), [...records])
    lesson.shipped.set(model, f1Of(qualityOf(folder!, set, result)))
    if (model === 'model.graphql') lesson.shares = sharesOf(set, result)
  }
  const shipped = lesson.shipped.get('model.graphql') ?? 0
  console.log(`${set}, as shipped: ${shipped.toFixed(4)}`)
  if (records.length > GRID_RECORDS_MAX) return lesson
  const type = readType(folder!, set, 'model.graphql')
  for (const [cap, value] of ALTERNATIVES) {
    CAPS[cap] = value
    const f1 = f1Of(qualityOf(folder!, set, matchBatch(type, [...records])))
    CAPS[cap] = shippedCaps[cap]
    lesson.f1.set(capKey(cap, value), f1)
    lesson.f1.set(capKey(cap, shippedCaps[cap]), shipped)
    console.log(`${set}, ${cap} ${value}: ${f1.toFixed(4)}`)
  }
  return lesson
}

/** Returns the shares of the levels among pairs of one thing, related pairs and random pairs. */
function sharesOf(set: string, { engine, features, records }: BatchResult): Map<Level, Shares> {
  const { columns } = engine.scorer
  const random = createSeededRandom(1)
  const matches = truePairs(folder!, set, records)
  const isMatch = new Set(matches.map(([a, b]) => Math.min(a, b) * records.length + Math.max(a, b)))
  const counts = { m: emptyCounts(), r: emptyCounts(), u: emptyCounts() }
  function emptyCounts(): number[][] {
    return columns.map(({ levels }) => levels.map(() => 0))
  }
  const count = (part: 'm' | 'r' | 'u', a: number, b: number) => {
    const { levels } = engine.scorer.levels(features.at(a).u, features.at(b).u)
    for (const { at } of columns) {
      const level = levels[at]!
      if (level !== MISSING) counts[part][at]![level]!++
    }
  }
  const share = Math.min(1, MATCHES_MAX / Math.max(1, matches.length))
  for (const [a, b] of matches) if (random() < share) count('m', a, b)
  const drawn = () => Math.floor(random() * records.length)
  for (let n = 0; n < RANDOM_PAIRS; n++) {
    const [a, b] = [drawn(), drawn()]
    if (a !== b) count('u', a, b)
  }
  const keys = records.map((_, i) => new Set(engine.keys(features.at(i))))
  const postings = buildPostings(features.length, (i) => [...keys[i]!], engine.blockRecordsMax)
  const stamp = new Uint32Array(features.length)
  const isUnique = (a: number, b: number) =>
    features.sourceOf(a) === features.sourceOf(b) && engine.isUniqueSource(features.sourceOf(a))
  for (let i = 0; i < features.length; i++)
    forEachCandidate(postings, i, stamp, (j) => {
      if (isMatch.has(Math.min(i, j) * records.length + Math.max(i, j)) || isUnique(i, j)) return
      if (keys[i]!.intersection(keys[j]!).size >= RELATED_KEYS_MIN) count('r', i, j)
    })
  const shares = new Map<Level, Shares>()
  for (const { at, levels } of columns) {
    const [m, r, u] = [counts.m[at]!, counts.r[at]!, counts.u[at]!]
    if (sum(m) >= MATCHES_MIN && sum(r) >= MATCHES_MIN)
      shares.set(levels[0]!, { levels, m: normal(m), r: normal(r), u: normal(u) })
  }
  return shares
}

function leaveOut({ set, shipped }: Lesson): void {
  const others = lessons.filter((other) => other.set !== set)
  const chosen = chooseCaps(others)
  Object.assign(CAPS, chosen)
  const taught = new Map(others.flatMap((other) => [...other.shares]))
  for (const [first, { levels }] of taught)
    setLevels(
      levels,
      others.flatMap((other) => other.shares.get(first) ?? []),
    )
  for (const model of modelsOf(folder!, set)) {
    const result = matchBatch(readType(folder!, set, model), readRecords(folder!, set))
    const before = shipped.get(model) ?? 0
    const { columns } = result.engine.scorer
    const f1 = f1Of(qualityOf(folder!, set, result))
    console.log(
      [
        `${set}${model === 'model.graphql' ? '' : ' (nothing unique)'}`,
        before.toFixed(4),
        f1.toFixed(4),
        (f1 - before).toFixed(4),
        changed(chosen) || 'as shipped',
        `${columns.filter(({ levels }) => !taught.has(levels[0]!)).length} of ${columns.length}`,
      ].join(', '),
    )
  }
  for (const [level, parts] of shippedLevels) Object.assign(level, parts)
  Object.assign(CAPS, shippedCaps)
}

/** Returns each cap's value with the highest mean F1, the shipped one if no other is better. */
function chooseCaps(others: readonly Lesson[]): typeof CAPS {
  const chosen = { ...shippedCaps }
  const tried = others.filter(({ f1 }) => f1.size > 0)
  const mean = (cap: Cap, value: number) =>
    sum(tried.map(({ f1 }) => f1.get(capKey(cap, value)) ?? 0)) / tried.length
  for (const [cap, value] of ALTERNATIVES)
    if (mean(cap, value) > mean(cap, chosen[cap])) chosen[cap] = value
  return chosen
}

function changed(chosen: typeof CAPS): string {
  return ALTERNATIVES.flatMap(([cap, value]) =>
    chosen[cap] === value ? capKey(cap, value) : [],
  ).join('; ')
}

/** Sets the shares of a column's levels to their means over sets. Fixed levels are rules and stay. */
function setLevels(levels: readonly Level[], lessons: readonly Shares[]): void {
  const free = levels.flatMap((level, i) => (level.fixed ? [] : i))
  for (const part of ['m', 'r', 'u'] as const) {
    const least = part === 'u' ? RANDOM_SHARE_MIN : SHARE_MIN
    const means = free.map((i) =>
      Math.max(least, sum(lessons.map((lesson) => lesson[part][i]!)) / lessons.length),
    )
    const shares = normal(means)
    for (const [n, i] of free.entries()) {
      const level = levels[i]!
      if (!shippedLevels.has(level))
        shippedLevels.set(level, { m: level.m, r: level.r, u: level.u })
      level[part] = shares[n]!
    }
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function normal(counts: readonly number[]): number[] {
  const total = sum(counts)
  return counts.map((count) => count / total)
}
