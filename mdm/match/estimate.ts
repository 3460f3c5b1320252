import { CAPS } from './caps.ts'
import { type OneToOne, oneToOneBits } from './oneToOne.ts'
import { MISSING } from './priors.ts'
import type { ScoredColumn } from './scorer.ts'
import type { Vectors } from './vectors.ts'

/**
 * Result of training one type: shares by column (m, r, u), and the odds of a match and of a
 * relation.
 */
export interface Estimate {
  m: number[][]
  r: number[][]
  u: number[][]
  /** Average bits of what random pairs agree on, by level. */
  expected: number[][]
  /** Share of all pairs that are matches, and that are related without being one. */
  matchShare: number
  relatedShare: number
  /** Bits that a pair of two unique sources gains; 0 without unique sources. */
  oneToOneWeight: number
  /** Probability of a match by candidate vector. */
  probabilities: Float64Array
  /** Share of the matches that lost against a better counterpart of a unique source. */
  lostShare: number
  iterations: number
}

/** Candidate pairs of unique sources, whose counterparts compete. */
export interface CompetingVectors {
  oneToOne: OneToOne
  /** Index of each pair's vector. */
  rows: Uint32Array
  /** Two sources of each pair, as an index into `sources`. */
  sourcePairs: Uint32Array
  /** Records of the two sources. */
  sources: readonly (readonly [n: number, m: number])[]
  /** How often each pair counts. */
  times: number
}

export interface EstimateOptions {
  /** Number of all pairs of records; the candidates are a part of them. */
  pairsInAll: number
  records: number
  /** Number of matches that is expected before anything is compared. */
  matchesGuess: number
  /**
   * Independent views of a thing that a record gives; with fewer than three the data alone cannot
   * separate the classes.
   */
  views: number
  competing?: CompetingVectors
  /** Only the shares of matches and relations are estimated; m and r stay as shipped. */
  shippedLevels?: boolean
}

const ITERATIONS_MAX = 60
/** The shipped shares of matches and of random pairs count as this many pairs. */
const MATCH_PAIRS = 40
const RANDOM_PAIRS = 20
/**
 * The shipped shares of related pairs count as this many pairs a record, with a minimum in all.
 * With much less, EM takes pairs that are alike at random for related ones; with much more, chains
 * of branches under one name become matches.
 */
const RELATED_PAIRS_PER_RECORD = 0.3
const RELATED_PAIRS_MIN = 400

const CONVERGED = 1e-5
/** The share of matches has converged when it moves by less than one in a thousand. */
const CONVERGED_SHARE = 1e-2
const SHARE_MIN = 1e-7
/**
 * Upper bound of the share of matches, and of related pairs: data without pairs that differ teach
 * no odds.
 */
const PAIRS_SHARE_MAX = 0.2

/**
 * Estimates the model by expectation maximisation over counted level vectors, with three classes:
 * matches, related pairs, random pairs. u comes from random pairs, each weighted by the probability
 * that it is neither match nor related; m and r come from candidate pairs. All have Dirichlet
 * priors (the shipped shares), and m/u is made monotone along the levels after every step.
 * Candidates contain nearly all matches, so the shares of matches and relations are their expected
 * numbers over all pairs. Deterministic: vectors have a fixed order and sums follow it.
 */
export function estimate(
  columns: readonly ScoredColumn[],
  candidates: Vectors,
  random: Vectors,
  options: EstimateOptions,
): Estimate {
  const { pairsInAll } = options
  const relatedPairs = Math.max(RELATED_PAIRS_MIN, RELATED_PAIRS_PER_RECORD * options.records)
  const width = columns.length
  // The less the data can separate by itself, the more the shipped shares weigh: fully at two
  // views, hardly at three.
  const free = Math.min(1, Math.max(0, options.views - 2))
  // The number of matches is one number, and is separated earlier than the levels are.
  const freeShare = CAPS.freeShare + (1 - CAPS.freeShare) * Math.min(1, 2 * free)
  const anchor = 10 ** (6 * (1 - free))
  const prior = (part: 'm' | 'r' | 'u') => columns.map((c) => c.levels.map((level) => level[part]))
  const model: Estimate = {
    m: prior('m'),
    r: prior('r'),
    u: prior('u'),
    expected: columns.map((c) => c.levels.map((level) => -Math.log2(level.u))),
    matchShare: Math.min(0.05, Math.max(1e-12, (0.2 * candidates.total) / pairsInAll)),
    relatedShare: 0,
    oneToOneWeight: 0,
    probabilities: new Float64Array(candidates.length),
    lostShare: 0,
    iterations: 0,
  }
  model.relatedShare = model.matchShare * 0.3
  const posterior = createPosterior(candidates.length)
  model.probabilities = posterior.match
  const posteriorRandom = createPosterior(random.length)
  for (let iteration = 1; iteration <= ITERATIONS_MAX; iteration++) {
    model.iterations = iteration
    expect(columns, random, model, posteriorRandom)
    const u = shares(
      columns,
      width,
      random,
      (row) => 1 - posteriorRandom.match[row]! - posteriorRandom.related[row]!,
      'u',
      RANDOM_PAIRS,
    )
    const floor = Math.max(SHARE_MIN, 1 / Math.max(1, random.total))
    model.u = u.map((levels) => normal(levels.map((share) => Math.max(share, floor))))
    expect(columns, candidates, model, posterior)
    if (options.competing) compete(candidates, options.competing, model, posterior)
    const m = options.shippedLevels
      ? prior('m')
      : shares(
          columns,
          width,
          candidates,
          (row) => posterior.match[row]!,
          'm',
          MATCH_PAIRS * anchor,
        )
    if (!options.shippedLevels)
      model.r = shares(
        columns,
        width,
        candidates,
        (row) => posterior.related[row]!,
        'r',
        relatedPairs * anchor,
      )
    for (const [at, column] of columns.entries()) {
      boundRelated(column, model.r[at]!)
      boundDifferent(column, m[at]!)
      boundContradiction(column, m[at]!, model.u[at]!, 'u')
      if (column.comparison.kind === 'name') boundContradiction(column, m[at]!, model.r[at]!, 'r')
      monotone(column, m[at]!, model.u[at]!)
    }
    const before = model.matchShare
    let moved = 0
    for (let at = 0; at < width; at++)
      for (let level = 0; level < m[at]!.length; level++)
        moved = Math.max(moved, Math.abs(m[at]![level]! - model.m[at]![level]!))
    model.m = m
    let matches = 0
    let related = 0
    for (let row = 0; row < candidates.length; row++) {
      matches += candidates.counts[row]! * posterior.match[row]!
      related += candidates.counts[row]! * posterior.related[row]!
    }
    model.matchShare = Math.min(
      PAIRS_SHARE_MAX,
      ((matches + 1) ** freeShare * options.matchesGuess ** (1 - freeShare)) / pairsInAll,
    )
    model.relatedShare = Math.min(
      PAIRS_SHARE_MAX,
      Math.max(1e-12, ((related + 1) / pairsInAll) ** free * model.matchShare ** (1 - free)),
    )
    if (options.shippedLevels)
      moved = Math.abs(Math.log(model.matchShare / before)) * CONVERGED_SHARE
    if (moved < CONVERGED && iteration > 3) break
  }
  model.expected = expectedBits(columns, random, model.u, posteriorRandom)
  return model
}

/**
 * Returns the bits that an agreement of random pairs has on average, by level. If a value's bits are
 * those of its share of the records, that is at most -log2 u (Jensen). In small data they are
 * blended with shipped bits, and may be more: then a surname that a tenth of the records have would
 * count as rare. Few pairs count beside -log2 u.
 */
function expectedBits(
  columns: readonly ScoredColumn[],
  random: Vectors,
  u: readonly number[][],
  posterior: Posterior,
): number[][] {
  const width = columns.length
  const pairs = columns.map((c) => new Float64Array(c.levels.length))
  const bits = columns.map((c) => new Float64Array(c.levels.length))
  for (let row = 0; row < random.length; row++) {
    const share = 1 - posterior.match[row]! - posterior.related[row]!
    for (let at = 0; at < width; at++) {
      const level = random.levels[row * width + at]!
      if (level === MISSING) continue
      pairs[at]![level]! += share * random.counts[row]!
      bits[at]![level]! += share * random.bits[row * width + at]!
    }
  }
  return columns.map((_, at) =>
    u[at]!.map((share, i) => {
      const least = -Math.log2(share)
      const excess = Math.max(0, bits[at]![i]! - pairs[at]![i]! * least)
      return least + excess / (pairs[at]![i]! + EXPECTED_PAIRS)
    }),
  )
}

/** The bits of agreements are known after many more random pairs than this. */
const EXPECTED_PAIRS = 20

/** Computes the posterior of match and relation for every vector. */
function expect(
  columns: readonly ScoredColumn[],
  vectors: Vectors,
  model: Estimate,
  out: Posterior,
): void {
  const width = columns.length
  const weightsM = columns.map((c, at) =>
    c.levels.map((level, i) =>
      level.fixed ? Math.log2(level.m / level.u) : Math.log2(model.m[at]![i]! / model.u[at]![i]!),
    ),
  )
  const weightsR = columns.map((c, at) =>
    c.levels.map((level, i) =>
      level.fixed ? Math.log2(level.r / level.u) : Math.log2(model.r[at]![i]! / model.u[at]![i]!),
    ),
  )
  const expected = columns.map((c, at) =>
    c.levels.map((level, i) => level.rarity * -Math.log2(model.u[at]![i]!)),
  )
  const logMatch = Math.log2(model.matchShare)
  const logRelated = Math.log2(model.relatedShare)
  for (let row = 0; row < vectors.length; row++) {
    let match = logMatch + vectors.rarity[row]!
    let related = logRelated + vectors.rarity[row]!
    for (let at = 0; at < width; at++) {
      const level = vectors.levels[row * width + at]!
      if (level === MISSING) continue
      let weight = weightsM[at]![level]! - expected[at]![level]!
      let weightRelated = weightsR[at]![level]! - expected[at]![level]!
      if (weight < 0 && columns[at]!.repeats) {
        // As in the scorer: two columns of one comparison count against a match only once.
        const before = vectors.levels[row * width + at - 1]!
        const weightBefore =
          before === MISSING ? 0 : weightsM[at - 1]![before]! - expected[at - 1]![before]!
        if (weightBefore < 0) {
          if (weight >= weightBefore) continue
          weight -= weightBefore
          weightRelated -= weightsR[at - 1]![before]! - expected[at - 1]![before]!
        }
      }
      match += weight
      related += weightRelated
    }
    const most = Math.max(match, related, 0)
    const a = 2 ** (match - most)
    const b = 2 ** (related - most)
    const sum = a + b + 2 ** -most
    out.match[row] = a / sum
    out.related[row] = b / sum
    out.weight[row] = match - most - Math.log2(b + 2 ** -most)
  }
}

/** Probabilities of a match and of a relation by vector, and the log2 odds of a match. */
interface Posterior {
  match: Float64Array
  related: Float64Array
  weight: Float64Array
}

function createPosterior(length: number): Posterior {
  return {
    match: new Float64Array(length),
    related: new Float64Array(length),
    weight: new Float64Array(length),
  }
}

/**
 * Lets the counterparts of unique sources compete: a record is the match of one of them at most.
 * A pair gains as a relation what it loses as a match, in proportion: it is alike, not the same.
 * Without this, EM finds what is common to a brand, a street or an author, and calls it a match.
 */
function compete(
  vectors: Vectors,
  { oneToOne, rows, sourcePairs, sources, times }: CompetingVectors,
  model: Estimate,
  posterior: Posterior,
): void {
  const weights = oneToOne.compete(
    Array.from(rows, (row) => posterior.weight[row]! + model.oneToOneWeight),
  )
  const lost = new Float64Array(vectors.length)
  let [alone, competed] = [0, 0]
  const matches = new Float64Array(sources.length)
  for (const [pair, row] of rows.entries()) {
    const probability = 1 / (1 + 2 ** -weights[pair]!)
    matches[sourcePairs[pair]!]! += probability * times
    alone += posterior.match[row]!
    competed += probability
    lost[row]! += (posterior.match[row]! - probability) * times
  }
  for (let row = 0; row < vectors.length; row++) {
    const before = posterior.match[row]!
    const match = Math.min(1, Math.max(0, before - lost[row]! / vectors.counts[row]!))
    if (before < 1) posterior.related[row]! *= (1 - match) / (1 - before)
    else posterior.related[row] = 1 - match
    posterior.match[row] = match
  }
  model.lostShare = alone > 0 ? Math.max(0, 1 - competed / alone) : 0
  const all = matches.reduce((sum, found) => sum + found, 0)
  if (all > 0)
    model.oneToOneWeight = matches.reduce(
      (sum, found, at) => sum + (found / all) * oneToOneBits(found, ...sources[at]!),
      0,
    )
}

/**
 * Returns the shares of levels among weighted vectors, with the shipped shares as Dirichlet prior.
 */
function shares(
  columns: readonly ScoredColumn[],
  width: number,
  vectors: Vectors,
  weight: (row: number) => number,
  part: 'm' | 'r' | 'u',
  priorPairs: number,
): number[][] {
  const counts = columns.map((c) => c.levels.map((level) => level[part] * priorPairs))
  for (let row = 0; row < vectors.length; row++) {
    const w = vectors.counts[row]! * weight(row)
    if (w === 0) continue
    for (let at = 0; at < width; at++) {
      const level = vectors.levels[row * width + at]!
      if (level !== MISSING) counts[at]![level]! += w
    }
  }
  return counts.map(normal)
}

function normal(counts: number[]): number[] {
  const sum = counts.reduce((a, b) => a + b, 0)
  return counts.map((count) => Math.min(1 - SHARE_MIN, Math.max(SHARE_MIN, count / sum)))
}

/**
 * Lowers shares to the most that each may have. What they lose goes to the levels that `receives`
 * names, in proportion.
 */
function capShares(
  shares: number[],
  mostOf: (i: number) => number,
  receives: (i: number) => boolean,
): void {
  let excess = 0
  for (let i = 0; i < shares.length; i++) {
    const over = shares[i]! - mostOf(i)
    if (over <= 0) continue
    excess += over
    shares[i] = mostOf(i)
  }
  if (excess === 0) return
  let rest = 0
  for (let i = 0; i < shares.length; i++) if (receives(i)) rest += shares[i]!
  if (rest === 0) return
  for (let i = 0; i < shares.length; i++) if (receives(i)) shares[i]! *= 1 + excess / rest
}

/**
 * Levels that ship as this many times likelier among matches than among related pairs identify a
 * thing.
 */
const IDENTIFYING = 8

/**
 * Keeps related pairs from becoming matches: if agreement identifies (an equal name, birth date,
 * identifier), r may fall below what ships but not rise above it. Otherwise EM takes one thing with
 * two addresses for two related things.
 */
function boundRelated({ levels }: ScoredColumn, r: number[]): void {
  const mostOf = (i: number) => {
    const level = levels[i]!
    return level.m / level.r >= IDENTIFYING ? level.r : Number.POSITIVE_INFINITY
  }
  capShares(r, mostOf, (i) => r[i]! < mostOf(i))
}

/**
 * Names that differ completely may become this many times as common among matches as ships, no
 * more.
 */
const DIFFERENT_TIMES_MAX = 4

/**
 * Keeps a match from meaning "of one firm, whatever the names". If related pairs ship as much
 * likelier to differ in name than matches are, m may rise to a few times what ships; aliases and
 * marriages need that much.
 */
function boundDifferent(column: ScoredColumn, m: number[]): void {
  const { comparison, levels } = column
  if (comparison.context || (comparison.kind !== 'name' && comparison.kind !== 'person')) return
  const isApart = (i: number) => levels[i]!.r / levels[i]!.m >= IDENTIFYING
  capShares(
    m,
    (i) =>
      isApart(i) && !levels[i]!.fixed
        ? DIFFERENT_TIMES_MAX * levels[i]!.m
        : Number.POSITIVE_INFINITY,
    (i) => !isApart(i),
  )
}

/**
 * Keeps a contradiction from speaking for a match: a level that ships as likelier among random, or
 * related, pairs than among matches stays so. The excess goes to the other levels in proportion.
 */
function boundContradiction(
  column: ScoredColumn,
  m: number[],
  others: readonly number[],
  part: 'u' | 'r',
): void {
  const { levels } = column
  const isContradiction = (i: number) => !levels[i]!.fixed && levels[i]!.m < levels[i]![part]
  capShares(
    m,
    (i) => (isContradiction(i) ? others[i]! : Number.POSITIVE_INFINITY),
    (i) => !isContradiction(i),
  )
}

/**
 * Makes m/u fall along the ordered levels: neighbours that rise get one ratio (pool adjacent
 * violators).
 */
function monotone(column: ScoredColumn, m: number[], u: readonly number[]): void {
  const pools: { m: number; u: number; levels: number[] }[] = []
  for (const [i, level] of column.levels.entries()) {
    if (level.fixed || level.unordered) continue
    pools.push({ m: m[i]!, u: u[i]!, levels: [i] })
    while (
      pools.length > 1 &&
      pools.at(-2)!.m / pools.at(-2)!.u < pools.at(-1)!.m / pools.at(-1)!.u
    ) {
      const last = pools.pop()!
      const into = pools.at(-1)!
      into.m += last.m
      into.u += last.u
      into.levels.push(...last.levels)
    }
  }
  for (const pool of pools)
    for (const i of pool.levels) m[i] = Math.max(SHARE_MIN, (u[i]! * pool.m) / pool.u)
}
