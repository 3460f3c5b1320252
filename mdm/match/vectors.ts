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

/** Pairs of one vector. */
interface Row {
  number: number
  count: number
  bits: Float64Array
}

/** Counts of a `VectorCounter` by the code of their vector. */
export type CounterEntries = readonly (readonly [code: string, row: Row])[]

/** Sums of so many parts of a bit are exact, so their order does not matter. */
const PARTS_OF_BIT = 4096

function exactBits(bits: number): number {
  return Math.round(Math.min(BITS_MAX, bits) * PARTS_OF_BIT) / PARTS_OF_BIT
}

/** Counts comparison vectors. The result is sorted, so the order of additions does not matter. */
export class VectorCounter {
  private readonly columns: readonly ScoredColumn[]
  private readonly counts = new Map<string, Row>()
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
    const row = this.rowOf(String.fromCharCode(...codes))
    this.total += times
    row.count += times
    for (const { at, rarity } of this.columns) {
      const level = vector.levels[at]!
      const bits = vector.bits[at]!
      if (level !== MISSING && rarity[level]! > 0 && !Number.isNaN(bits))
        row.bits[at]! += times * exactBits(bits)
    }
    return row.number
  }

  private rowOf(code: string): Row {
    const known = this.counts.get(code)
    if (known) return known
    const row = { number: this.counts.size, count: 0, bits: new Float64Array(this.columns.length) }
    this.counts.set(code, row)
    return row
  }

  /** Returns the counts by code, for `addEntries` of another counter of the same columns. */
  entries(): CounterEntries {
    return [...this.counts]
  }

  /** Adds the counts of another counter. */
  addEntries(entries: CounterEntries): void {
    for (const [code, { count, bits }] of entries) {
      const row = this.rowOf(code)
      this.total += count
      row.count += count
      for (const [at, sum] of bits.entries()) row.bits[at]! += sum
    }
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
