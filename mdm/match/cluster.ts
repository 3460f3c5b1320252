import { MergeQueue } from './mergeQueue.ts'
import { OneToOne } from './oneToOne.ts'

/** A record of the component to be clustered. */
export interface ClusterMember<F> {
  key: string
  source: string
  features: F
}
/** A candidate pair of the component with its weight (log2 odds). */
export interface ClusterEdge {
  a: string
  b: string
  weight: number
}
/** A steward's lasting statement about two records. */
export interface Assertion {
  kind: 'SAME' | 'NOT_SAME'
  a: string
  b: string
}
/**
 * One merge of two clusters: the two first members, the average weight between their records, and
 * the cause.
 */
export interface MergeStep {
  a: string
  b: string
  weight: number
  size: number
  because: 'EVIDENCE' | 'ASSERTION'
}
/** Two similar records in two clusters, and why they are not one. */
export interface PossibleMatch {
  a: string
  b: string
  weight: number
  reason: string
}
/** The outcome: clusters of keys, sorted by their first key, keys sorted inside. */
export interface Clustering {
  clusters: string[][]
  possible: PossibleMatch[]
  steps: MergeStep[]
}
/**
 * Rules of a clustering. `compare` must be symmetric. Edges whose weight fails `canJoin` are
 * ignored.
 */
export interface ClusterRules<F> {
  matchWeightMin: number
  linkWeightMin: number
  canJoin(weight: number): boolean
  compare(a: F, b: F): { weight: number; conflict?: string }
  /**
   * Returns the weight of two groups as if each were one record with all values of its group. Groups
   * whose weight is under the threshold are not merged, whatever the average. Without it the average
   * alone decides.
   */
  comparePooled?(a: readonly F[], b: readonly F[]): number
  /** Returns whether a source holds each thing at most once: it has no two records in a cluster. */
  isUniqueSource?(source: string): boolean
  /**
   * Returns whether the counterparts of such a source compete: it holds each thing once, or rarely
   * twice. Between two such sources records are matched one to one; within one a record has at most
   * one duplicate.
   */
  competes?(source: string): boolean
  /** Bits that a pair of two such sources gains, because most records have a counterpart. */
  oneToOneWeight?: number
}

/** Reason for a pair that a steward asserted to be two things; such a pair is no possible match. */
export const ASSERTED_NOT_SAME = 'a steward declared them not the same'

/** Reason for two clusters with records of a source that holds each thing once. */
const ONE_UNIQUE_SOURCE = 'both have a record of one source in which each thing occurs once'

/** Reason for a possible match that nothing but its weight keeps apart. */
export const UNDER_THRESHOLD = 'alike, but under the threshold'

/**
 * In components of up to this many records, pairs without an edge are compared when needed; in
 * larger ones they count as `MISSING_WEIGHT`.
 */
export const COMPONENT_DENSE_RECORDS_MAX = 256
const MISSING_WEIGHT = -6
/** Bounds of one pair's weight in a merge, so that a single odd record does not decide for all. */
const PAIR_WEIGHT_MIN = -8
const PAIR_WEIGHT_MAX = 12

/** Two clusters are equally near a third if the odds of the nearer one are less than twice as high. */
const RIVAL_BITS = 1

/**
 * Evidence between two clusters: the sum over all pairs of their records, and why they must not be
 * one.
 */
interface Linkage {
  /** Sum of the clipped weights, which decides whether the two are merged. */
  sum: number
  /** Sum of the weights themselves, which decides what is merged first. */
  evidence: number
  conflict: string | undefined
  /** A cannot-link: a steward asserted that the two are not the same. */
  isCannotLink?: boolean
}

/**
 * Two records of the component with an edge, and their evidence. `i < j` are indexes into the
 * sorted list of members.
 */
interface ComparedEdge {
  i: number
  j: number
  weight: number
  conflict: string | undefined
  /** The weight among all counterparts of the two: `weight` unless their sources are unique. */
  oneToOne: number
}

const byText = (x: string, y: string) => (x < y ? -1 : x > y ? 1 : 0)

/**
 * Clusters one component deterministically. Starts with one cluster per record and merges the pair
 * with the highest average weight first (ties by the evidence before clipping, then by key), while
 * that average is at least `matchWeightMin` and no cannot-link is between them. Average linkage needs the evidence of all
 * records: one strong pair does not chain two things together, and one weak pair does not part what
 * all others join. Only clusters with an edge that passes `canJoin` are merged, so other pairs are
 * compared only when their clusters meet; a component of many things costs about as much as its
 * edges.
 * Assertions come first: NOT_SAME forbids, SAME merges whatever the evidence. If two contradict,
 * NOT_SAME wins (mdm/stewardship rejects such an assertion).
 */
export function cluster<F>(
  members: readonly ClusterMember<F>[],
  edges: readonly ClusterEdge[],
  assertions: readonly Assertion[],
  rules: ClusterRules<F>,
): Clustering {
  const sorted = [...members].sort((a, b) => byText(a.key, b.key))
  const index = new Map(sorted.map((member, i) => [member.key, i]))
  const same = assertions
    .filter((x) => x.kind === 'SAME')
    .map(({ a, b }) => (a < b ? { a, b } : { a: b, b: a }))
    .sort((x, y) => byText(x.a, y.a) || byText(x.b, y.b))
  const comparePair: ComparePair = (i, j) => rules.compare(sorted[i]!.features, sorted[j]!.features)
  const joinable = edges.filter((e) => rules.canJoin(e.weight))
  const pairs = compareEdges(index, joinable, comparePair)
  const notSame = assertions
    .filter((x) => x.kind === 'NOT_SAME')
    .flatMap(({ a, b }) => {
      const [i, j] = [index.get(a), index.get(b)]
      return i === undefined || j === undefined || i === j ? [] : [[i, j] as const]
    })
  const apart = new Set(notSame.map(([i, j]) => pairKey(i, j, sorted.length)))
  const { isUniqueSource, competes = isUniqueSource } = rules
  const sourcesThat = (holds: ((source: string) => boolean) | undefined) =>
    sorted.map(({ source }) => (holds?.(source) ? source : undefined))
  // A counterpart that a steward has excluded takes no place from the others.
  const competing = pairs.filter((p) => !apart.has(pairKey(p.i, p.j, sorted.length)))
  weighOneToOne(sourcesThat(competes), competing, rules.oneToOneWeight ?? 0)
  const merger = new ClusterMerger(
    sorted.map((member) => member.key),
    sourcesThat(isUniqueSource),
    pairs,
    sorted.length <= COMPONENT_DENSE_RECORDS_MAX ? comparePair : null,
    (x, y) => {
      const featuresOf = (records: readonly number[]) => records.map((i) => sorted[i]!.features)
      const weight = rules.comparePooled?.(featuresOf(x), featuresOf(y))
      return weight === undefined ? Number.POSITIVE_INFINITY : weight + (rules.oneToOneWeight ?? 0)
    },
  )
  for (const [i, j] of notSame) merger.addCannotLink(i, j)
  for (const { a, b } of same) {
    const i = index.get(a)
    const j = index.get(b)
    if (i === undefined || j === undefined) continue
    const [x, y] = [merger.clusterOf[i]!, merger.clusterOf[j]!]
    if (x !== y && !merger.isCannotLink(x, y))
      merger.merge(x, y, Number.POSITIVE_INFINITY, 'ASSERTION')
  }
  merger.mergeBestFirst(rules.matchWeightMin)

  const possible: PossibleMatch[] = []
  for (const pair of pairs) {
    if (pair.weight < rules.linkWeightMin) continue
    const [x, y] = [merger.clusterOf[pair.i]!, merger.clusterOf[pair.j]!]
    if (x === y) continue
    const reason =
      merger.conflictBetween(x, y) ??
      (pair.weight < rules.matchWeightMin
        ? UNDER_THRESHOLD
        : 'alike, but the other records of the two speak against it')
    possible.push({ a: sorted[pair.i]!.key, b: sorted[pair.j]!.key, weight: pair.weight, reason })
  }
  possible.sort((x, y) => y.weight - x.weight || byText(x.a, y.a) || byText(x.b, y.b))
  const clusters = merger.membersOf
    .filter((c) => c.length > 0)
    .map((c) => c.sort((x, y) => x - y).map((i) => sorted[i]!.key))
    .sort((x, y) => byText(x[0]!, y[0]!))
  return { clusters, possible, steps: merger.steps }
}

const pairKey = (i: number, j: number, count: number) => Math.min(i, j) * count + Math.max(i, j)

/** Returns the evidence of two records, by their indexes in the sorted list; `i < j`. */
type ComparePair = (i: number, j: number) => { weight: number; conflict?: string }

/**
 * Returns the edges, each once, in the order of their records. Weights are computed again: a stored
 * one may have been rounded by its column, and a result must not depend on which pairs went through
 * a store.
 */
function compareEdges(
  index: ReadonlyMap<string, number>,
  edges: readonly ClusterEdge[],
  comparePair: ComparePair,
): ComparedEdge[] {
  const n = index.size
  const known = new Set<number>()
  for (const edge of edges) {
    const a = index.get(edge.a)
    const b = index.get(edge.b)
    if (a !== undefined && b !== undefined && a !== b)
      known.add(Math.min(a, b) * n + Math.max(a, b))
  }
  return [...known]
    .sort((x, y) => x - y)
    .map((code): ComparedEdge => {
      const [i, j] = [Math.floor(code / n), code % n]
      const { weight, conflict } = comparePair(i, j)
      return { i, j, weight, conflict, oneToOne: weight }
    })
}

/**
 * Sets the weights of pairs of sources whose records compete. A record has one counterpart there or
 * none, so its possible counterparts compete: an exact twin beats a neighbour, and two equal ones are
 * both only possible. The same holds within a source that rarely has a thing twice: ten records of
 * one name are a crowd, not ten duplicates.
 */
function weighOneToOne(
  sources: readonly (string | undefined)[],
  pairs: readonly ComparedEdge[],
  oneToOneWeight: number,
): void {
  const competing = pairs.filter(({ i, j, conflict }) => {
    const [a, b] = [sources[i], sources[j]]
    return conflict === undefined && a !== undefined && b !== undefined
  })
  if (competing.length === 0) return
  const oneToOne = new OneToOne(
    competing.map(({ i, j }) => ({
      a: i,
      b: j,
      sourceA: sources[i]!,
      sourceB: sources[j]!,
    })),
  )
  const weights = oneToOne.compete(competing.map(({ weight }) => weight + oneToOneWeight))
  for (const [at, pair] of competing.entries()) pair.oneToOne = weights[at]!
}

/** Clusters during merging. A cluster is identified by the index of its first member. */
class ClusterMerger {
  readonly clusterOf: Int32Array
  readonly membersOf: number[][]
  readonly steps: MergeStep[] = []
  private readonly keys: readonly string[]
  /** Source of each record if it holds each thing at most once. */
  private readonly uniqueSources: readonly (string | undefined)[]
  private readonly linkages: Map<number, Linkage>[]
  private readonly versions: Int32Array
  private readonly queue = new MergeQueue()
  /** Null if there are too many pairs without an edge to compare them. */
  private readonly comparePair: ComparePair | null
  private readonly comparePooled: (x: readonly number[], y: readonly number[]) => number

  constructor(
    keys: readonly string[],
    uniqueSources: readonly (string | undefined)[],
    pairs: readonly ComparedEdge[],
    comparePair: ComparePair | null,
    comparePooled: (x: readonly number[], y: readonly number[]) => number,
  ) {
    this.keys = keys
    this.uniqueSources = uniqueSources
    this.comparePair = comparePair
    this.comparePooled = comparePooled
    this.clusterOf = Int32Array.from(keys, (_, i) => i)
    this.membersOf = keys.map((_, i) => [i])
    this.versions = new Int32Array(keys.length)
    this.linkages = keys.map(() => new Map())
    for (const { i, j, oneToOne, conflict } of pairs) {
      const linkage = { sum: clip(oneToOne), evidence: oneToOne, conflict }
      this.linkages[i]!.set(j, linkage)
      this.linkages[j]!.set(i, linkage)
      this.propose(i, j)
    }
  }

  /** Forbids that the two clusters are ever merged, because of a steward's assertion. */
  addCannotLink(i: number, j: number): void {
    const linkage = { sum: 0, evidence: 0, conflict: ASSERTED_NOT_SAME, isCannotLink: true }
    this.linkages[i]!.set(j, linkage)
    this.linkages[j]!.set(i, linkage)
  }

  conflictBetween(i: number, j: number): string | undefined {
    return this.linkages[i]!.get(j)?.conflict
  }

  isCannotLink(i: number, j: number): boolean {
    return this.linkages[i]!.get(j)?.isCannotLink ?? false
  }

  merge(i: number, j: number, weight: number, because: MergeStep['because']): void {
    const [to, from] = i < j ? [i, j] : [j, i]
    const into = this.membersOf[to]!
    const moved = this.membersOf[from]!
    this.steps.push({
      a: this.keys[to]!,
      b: this.keys[from]!,
      weight,
      size: into.length + moved.length,
      because,
    })
    this.linkages[to]!.delete(from)
    this.linkages[from]!.delete(to)
    for (const other of new Set([...this.linkages[to]!.keys(), ...this.linkages[from]!.keys()])) {
      const joined = this.combineLinkages(other, to, from)
      this.linkages[other]!.delete(from)
      this.linkages[to]!.set(other, joined)
      this.linkages[other]!.set(to, joined)
    }
    for (const member of moved) {
      this.clusterOf[member] = to
      into.push(member)
    }
    this.membersOf[from] = []
    this.linkages[from]!.clear()
    this.versions[to]!++
    this.versions[from]!++
    for (const other of this.linkages[to]!.keys()) this.propose(to, other)
  }

  /** Makes the best merge repeatedly, until none reaches `weightMin`. */
  mergeBestFirst(weightMin: number): void {
    for (let best = this.queue.pop(); best && best.weight >= weightMin; best = this.queue.pop()) {
      const { a, b } = best
      if (this.versions[a] !== best.versionA || this.versions[b] !== best.versionB) continue
      if (this.conflictBetween(a, b) !== undefined || !this.poolsAgree(a, b, weightMin)) continue
      if (this.hasRival(a, b, weightMin) || this.hasRival(b, a, weightMin)) continue
      this.merge(a, b, best.weight, 'EVIDENCE')
    }
  }

  /**
   * Returns whether a third cluster could be merged with `x` nearly as well as `y`, but all values
   * speak against one thing of all three. Then nothing says to which of the two `x` belongs: a record
   * without a date of birth between a father and a son of one name.
   */
  private hasRival(x: number, y: number, weightMin: number): boolean {
    // In a large component only edges are compared.
    if (this.comparePair === null) return false
    const chosen = this.averageBetween(x, y)!
    for (const [other, { conflict }] of this.linkages[x]!) {
      if (other === y || conflict !== undefined) continue
      const rival = this.averageBetween(x, other)!
      if (rival.weight < weightMin || chosen.evidence - rival.evidence >= RIVAL_BITS) continue
      if (!this.poolsAgree(x, other, weightMin)) continue
      const both = [...this.membersOf[x]!, ...this.membersOf[y]!]
      if (this.comparePooled(both, this.membersOf[other]!) < weightMin) return true
    }
    return false
  }

  /** Returns the average weight and evidence between two clusters with an edge. */
  private averageBetween(x: number, y: number): { weight: number; evidence: number } | undefined {
    const linkage = this.linkages[x]!.get(y)
    if (linkage === undefined) return undefined
    const pairs = this.membersOf[x]!.length * this.membersOf[y]!.length
    return { weight: linkage.sum / pairs, evidence: linkage.evidence / pairs }
  }

  /**
   * Returns whether all values of two clusters together allow the merge. An average may pass because
   * records without a value stand between two that contradict each other.
   */
  private poolsAgree(x: number, y: number, weightMin: number): boolean {
    const [one, other] = [this.membersOf[x]!, this.membersOf[y]!]
    // In a large component only edges are compared.
    if (one.length * other.length === 1 || this.comparePair === null) return true
    return this.comparePooled(one, other) >= weightMin
  }

  /**
   * Returns the evidence between `other` and the union of two clusters. A conflict overrides
   * weights.
   */
  private combineLinkages(other: number, to: number, from: number): Linkage {
    const [mine, theirs] = [this.linkages[to]!.get(other), this.linkages[from]!.get(other)]
    const forbidding = theirs?.isCannotLink ? theirs : mine?.conflict !== undefined ? mine : theirs
    if (forbidding?.conflict !== undefined) return forbidding
    const [x, y] = [
      mine ?? this.compareClusters(other, to),
      theirs ?? this.compareClusters(other, from),
    ]
    return {
      sum: x.sum + y.sum,
      evidence: x.evidence + y.evidence,
      conflict: x.conflict ?? y.conflict,
    }
  }

  /** Compares all records of two clusters that have no edge between them. */
  private compareClusters(x: number, y: number): Linkage {
    const [one, other] = [this.membersOf[x]!, this.membersOf[y]!]
    if (this.comparePair === null) {
      const sum = MISSING_WEIGHT * one.length * other.length
      return { sum, evidence: sum, conflict: this.uniqueSourceOfBoth(one, other) }
    }
    let sum = 0
    let evidence = 0
    for (const a of one)
      for (const b of other) {
        const { weight, conflict } = a < b ? this.comparePair(a, b) : this.comparePair(b, a)
        if (conflict !== undefined) return { sum: 0, evidence: 0, conflict }
        sum += clip(weight)
        evidence += weight
      }
    return { sum, evidence, conflict: undefined }
  }

  /** Returns a conflict if two clusters have records of one unique source. */
  private uniqueSourceOfBoth(one: readonly number[], other: readonly number[]): string | undefined {
    for (const a of one) {
      const source = this.uniqueSources[a]
      if (source !== undefined && other.some((b) => this.uniqueSources[b] === source))
        return ONE_UNIQUE_SOURCE
    }
    return undefined
  }

  private propose(i: number, j: number): void {
    const linkage = this.linkages[i]!.get(j)!
    if (linkage.conflict !== undefined) return
    const [a, b] = i < j ? [i, j] : [j, i]
    const pairs = this.membersOf[a]!.length * this.membersOf[b]!.length
    this.queue.push({
      weight: linkage.sum / pairs,
      evidence: linkage.evidence / pairs,
      a,
      b,
      versionA: this.versions[a]!,
      versionB: this.versions[b]!,
    })
  }
}

function clip(weight: number): number {
  return Math.min(PAIR_WEIGHT_MAX, Math.max(PAIR_WEIGHT_MIN, weight))
}
