/** A possible merge of two clusters, valid while both are at these versions. */
export interface Proposal {
  weight: number
  /** The average weight before clipping. */
  evidence: number
  a: number
  b: number
  versionA: number
  versionB: number
}

/**
 * Proposals by falling weight, ties by falling evidence, then by cluster number: a binary heap, so
 * that n merges cost n log n and not n squared.
 */
export class MergeQueue {
  private readonly heap: Proposal[] = []

  push(proposal: Proposal): void {
    const { heap } = this
    let at = heap.length
    heap.push(proposal)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!before(proposal, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = proposal
  }

  pop(): Proposal | undefined {
    const { heap } = this
    const top = heap[0]
    const last = heap.pop()
    if (heap.length === 0 || last === undefined) return top
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
      if (!before(heap[child]!, last)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
    return top
  }
}

function before(x: Proposal, y: Proposal): boolean {
  if (x.weight !== y.weight) return x.weight > y.weight
  if (x.evidence !== y.evidence) return x.evidence > y.evidence
  return x.a !== y.a ? x.a < y.a : x.b < y.b
}
