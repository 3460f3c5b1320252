import { DisjointSet } from '../../schema/kit/disjointSet.ts'
import type { Engine } from './engine.ts'
import { type FeatureReader, sharedUint32 } from './packedFeatures.ts'
import type { PossiblePair, ScoredPair } from './scoredPair.ts'

/**
 * The records that edges connect, by component, as flat arrays in shared memory. Components are
 * numbered by their first record.
 */
export interface Components {
  count: number
  /** Members of component c are members[memberStart[c] .. memberStart[c+1]), rising. */
  memberStart: Uint32Array
  members: Uint32Array
  /** Edges of component c are edgeA, edgeB and edgeWeight [edgeStart[c] .. edgeStart[c+1]). */
  edgeStart: Uint32Array
  edgeA: Uint32Array
  edgeB: Uint32Array
  edgeWeight: Float64Array
  /** Records of the largest component; 1 if there is no edge. */
  largest: number
}

/** Finds the connected components of records over edges. */
export function findComponents(records: number, edges: readonly ScoredPair[]): Components {
  const sets = new DisjointSet(records)
  for (const { a, b } of edges) sets.unite(a, b)
  /** Number of each root's component, from 1; 0 for a record without an edge. */
  const numberOf = new Uint32Array(records)
  for (const { a } of edges) numberOf[sets.find(a)] = 1
  let count = 0
  const componentOf = new Int32Array(records).fill(-1)
  const firstOf = new Int32Array(records).fill(-1)
  for (let i = 0; i < records; i++) {
    const root = sets.find(i)
    if (numberOf[root] === 0) continue
    if (firstOf[root] === -1) firstOf[root] = count++
    componentOf[i] = firstOf[root]!
  }
  const memberStart = startsOf(count, componentOf)
  const members = sharedUint32(memberStart[count]!)
  const nextMember = memberStart.slice()
  for (let i = 0; i < records; i++)
    if (componentOf[i]! >= 0) members[nextMember[componentOf[i]!]!++] = i
  const edgeStart = startsOf(
    count,
    edges.map(({ a }) => componentOf[a]!),
  )
  const edgeA = sharedUint32(edges.length)
  const edgeB = sharedUint32(edges.length)
  const edgeWeight = new Float64Array(new SharedArrayBuffer(8 * edges.length))
  const nextEdge = edgeStart.slice()
  for (const { a, b, weight } of edges) {
    const at = nextEdge[componentOf[a]!]!++
    edgeA[at] = a
    edgeB[at] = b
    edgeWeight[at] = weight
  }
  let largest = Math.min(1, records)
  for (let c = 0; c < count; c++) largest = Math.max(largest, memberStart[c + 1]! - memberStart[c]!)
  return { count, memberStart, members, edgeStart, edgeA, edgeB, edgeWeight, largest }
}

/** Returns where the elements of each group start if they are sorted by group; -1 is none. */
function startsOf(groups: number, groupOf: Iterable<number>): Uint32Array {
  const start = sharedUint32(groups + 1)
  for (const group of groupOf) if (group >= 0) start[group + 1]!++
  for (let group = 0; group < groups; group++) start[group + 1]! += start[group]!
  return start
}

/**
 * Clusters the components `from` to `to` (exclusive), each alone. Sets `firstOf` of each member to
 * the first record of its cluster, and returns the possible matches.
 */
export function clusterComponents(
  engine: Engine,
  features: FeatureReader,
  components: Components,
  from: number,
  to: number,
  firstOf: Uint32Array,
): PossiblePair[] {
  const { memberStart, members, edgeStart, edgeA, edgeB, edgeWeight } = components
  const possible: PossiblePair[] = []
  for (let c = from; c < to; c++) {
    const records = members.subarray(memberStart[c]!, memberStart[c + 1]!)
    const edges = Array.from({ length: edgeStart[c + 1]! - edgeStart[c]! }, (_, i) => {
      const at = edgeStart[c]! + i
      return { a: keyOf(edgeA[at]!), b: keyOf(edgeB[at]!), weight: edgeWeight[at]! }
    })
    const found = engine.cluster(
      Array.from(records, (i) => ({
        key: keyOf(i),
        source: features.sourceOf(i),
        features: features.at(i),
      })),
      edges,
      [],
    )
    for (const keys of found.clusters) {
      const first = recordOf(keys[0]!)
      for (const key of keys) firstOf[recordOf(key)] = first
    }
    for (const { a, b, weight, reason } of found.possible)
      possible.push({ a: recordOf(a), b: recordOf(b), weight, reason })
  }
  return possible
}

/** Keys of equal length, so that their order is that of the records, which is that of their keys. */
const KEY_BASE = 10_000_000
const keyOf = (record: number) => String(KEY_BASE + record)
const recordOf = (key: string) => Number(key) - KEY_BASE
