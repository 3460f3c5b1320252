import type { ComparisonVector } from './levels.ts'
import { MISSING } from './priors.ts'
import { BITS_MAX, type ScoredColumn } from './scorer.ts'

/**
 * Pairs of records counted by comparison vector and by the rarity of the shared values, in whole
 * bits.
 */
export interface Vectors {
  /** `columns` levels a vector, MISSING included. */
  levels: Int8Array
  /** Sum over the columns of rarity times bits. */
  rarity: Float64Array
  counts: Float64Array
  /** Sum of the bits over the pairs of a vector, by column; 0 for levels without rarity. */
  bits: Float64Array
  length: number
  total: number
  /** Index of each distinct vector by its number, which `add` returns. */
  rowOf: Uint32Array
}

/** Counts comparison vectors. The result is sorted, so the order of additions does not matter. */
export class VectorCounter {
  private readonly columns: readonly ScoredColumn[]
  private readonly counts = new Map<string, { number: number; count: number; bits: Float64Array }>()
  private readonly codes: number[]
  private total = 0

  constructor(columns: readonly ScoredColumn[]) {
    this.columns = columns
    this.codes = new Array<number>(columns.length + 1).fill(0)
  }

  /** Counts a vector and returns its number. */
  add(vector: ComparisonVector, times = 1): number {
    const { codes } = this
    let rarity = 0
    for (const column of this.columns) {
      const level = vector.levels[column.at]!
      codes[column.at] = level + 1
      if (level === MISSING || column.rarity[level] === 0) continue
      const bits = vector.bits[column.at]!
      if (!Number.isNaN(bits)) rarity += column.rarity[level]! * bits
    }
    codes[this.columns.length] = Math.min(200, Math.round(rarity))
    const key = String.fromCharCode(...codes)
    this.total += times
    let row = this.counts.get(key)
    if (!row) {
      row = { number: this.counts.size, count: 0, bits: new Float64Array(this.columns.length) }
      this.counts.set(key, row)
    }
    row.count += times
    for (const { at, rarity } of this.columns) {
      const level = vector.levels[at]!
      const bits = vector.bits[at]!
      if (level !== MISSING && rarity[level]! > 0 && !Number.isNaN(bits))
        row.bits[at]! += times * Math.min(BITS_MAX, bits)
    }
    return row.number
  }

  vectors(): Vectors {
    const sorted = [...this.counts].sort((a, b) => (a[0] < b[0] ? -1 : 1))
    const width = this.columns.length
    const levels = new Int8Array(sorted.length * width)
    const rarity = new Float64Array(sorted.length)
    const counts = new Float64Array(sorted.length)
    const bits = new Float64Array(sorted.length * width)
    const rowOf = new Uint32Array(sorted.length)
    for (const [row, [key, { number, count, bits: own }]] of sorted.entries()) {
      rowOf[number] = row
      for (let at = 0; at < width; at++) levels[row * width + at] = key.charCodeAt(at) - 1
      rarity[row] = key.charCodeAt(width)
      counts[row] = count
      bits.set(own, row * width)
    }
    return { levels, rarity, counts, bits, length: sorted.length, total: this.total, rowOf }
  }
}
