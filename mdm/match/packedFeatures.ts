import type { ComparisonFeature, Engine, Features } from './engine.ts'

/**
 * The features of a batch's records without their bits, in shared memory: all threads read one copy,
 * and nothing of it is an object that the garbage collector visits. A record is a number for its
 * source and, for each comparison, the number of its value. Equal values have one number.
 */
export interface PackedFeatures {
  records: number
  sources: readonly string[]
  /** Place of each record's source in `sources`. */
  sourceOf: Uint32Array
  /** One column for each comparison of the plan. */
  columns: readonly PackedColumn[]
}

/** The values of one comparison. Values are numbered from 1 in the order of the records. */
export interface PackedColumn {
  values: number
  /** Number of each record's value; 0 for none. */
  valueIn: Uint32Array
  /** How many records have each value. */
  uses: Uint32Array
  /** Value v as JSON in UTF-8 is text[start[v] .. start[v+1]). */
  start: Float64Array
  text: Uint8Array
}

/** Packs features in the order of their records. */
export function packFeatures(
  records: number,
  comparisons: number,
  featuresOf: (record: number) => Features,
): PackedFeatures {
  const numbers = new Map<string, number>()
  const sourceOf = sharedUint32(records)
  const packers = Array.from({ length: comparisons }, () => new ColumnPacker(records))
  for (let record = 0; record < records; record++) {
    const { s, u } = featuresOf(record)
    let number = numbers.get(s)
    if (number === undefined) {
      number = numbers.size
      numbers.set(s, number)
    }
    sourceOf[record] = number
    for (const [index, packer] of packers.entries()) packer.add(record, u[index] ?? null)
  }
  return {
    records,
    sources: [...numbers.keys()],
    sourceOf,
    columns: packers.map((packer) => packer.column()),
  }
}

/** Bytes that a value needs on average, at least: the first size of a column's text. */
const VALUE_BYTES = 32

const encoder = new TextEncoder()

/** Packs the values of one comparison. Memory that is reserved and never written takes no room. */
class ColumnPacker {
  private values = 0
  private readonly valueIn: Uint32Array
  private readonly uses: Uint32Array
  private readonly start: Float64Array
  private text: Uint8Array
  /** A table of value numbers by the hash of their text; the place after a taken one is the next. */
  private readonly table: Uint32Array

  constructor(records: number) {
    this.valueIn = sharedUint32(records)
    this.uses = sharedUint32(records + 1)
    this.start = new Float64Array(new SharedArrayBuffer(8 * (records + 2)))
    this.text = new Uint8Array(new SharedArrayBuffer(1024 + records * VALUE_BYTES))
    this.table = new Uint32Array(2 ** Math.ceil(Math.log2(2 * records + 2)))
  }

  add(record: number, feature: ComparisonFeature): void {
    if (feature === null) return
    const json = JSON.stringify(feature)
    const from = this.start[this.values + 1]!
    this.reserve(from + 3 * json.length)
    const to = from + encoder.encodeInto(json, this.text.subarray(from)).written
    const value = this.number(from, to)
    this.valueIn[record] = value
    this.uses[value]!++
  }

  /** Returns the number of the value that stands at the end of the text; a new one if none is equal. */
  private number(from: number, to: number): number {
    const { table, text } = this
    const last = table.length - 1
    let hash = 0x811c9dc5
    for (let at = from; at < to; at++) hash = Math.imul(hash ^ text[at]!, 0x01000193)
    let place = (hash ^ (hash >>> 15)) & last
    for (;;) {
      const value = table[place]!
      if (value === 0) break
      if (this.isValue(value, from, to)) return value
      place = (place + 1) & last
    }
    this.values++
    table[place] = this.values
    this.start[this.values + 1] = to
    return this.values
  }

  private isValue(value: number, from: number, to: number): boolean {
    const { start, text } = this
    const other = start[value]!
    if (start[value + 1]! - other !== to - from) return false
    for (let at = from; at < to; at++) if (text[at] !== text[other + at - from]) return false
    return true
  }

  private reserve(length: number): void {
    if (length <= this.text.length) return
    const larger = new Uint8Array(new SharedArrayBuffer(Math.ceil(1.5 * length)))
    larger.set(this.text.subarray(0, this.start[this.values + 1]))
    this.text = larger
  }

  column(): PackedColumn {
    const { values, valueIn, uses, start, text } = this
    return { values, valueIn, uses, start, text }
  }
}

/** Returns an array of zeros in shared memory. */
export function sharedUint32(length: number): Uint32Array {
  return new Uint32Array(new SharedArrayBuffer(4 * length))
}

/** Returns how many records have a value. */
export function recordsWith({ uses }: PackedColumn): number {
  return uses.reduce((sum, count) => sum + count, 0)
}

/** Calls `visit` with every value of a column once, as an object of its own without bits. */
export function forEachValue(
  column: PackedColumn,
  visit: (feature: NonNullable<ComparisonFeature>, records: number) => void,
): void {
  const read = valueReader(column)
  for (let value = 1; value <= column.values; value++) visit(read(value), column.uses[value]!)
}

function valueReader({
  start,
  text,
}: PackedColumn): (value: number) => NonNullable<ComparisonFeature> {
  const bytes = Buffer.from(text.buffer)
  return (value) => JSON.parse(bytes.toString('utf8', start[value]!, start[value + 1]!))
}

/** Values that records share are forgotten after so many records. */
const SHARED_RECORDS = 50_000

/**
 * Reads packed features with the bits of an engine. A record is an object from its first use until
 * `forget`; records with an equal value share it as one object. For one thread.
 */
export class FeatureReader {
  readonly length: number
  readonly packed: PackedFeatures
  private readonly records: (Features | undefined)[]
  private forgotten = 0
  private readonly readers: readonly ((value: number) => ComparisonFeature)[]
  /** Values that several records have, by column. */
  private readonly shared: readonly Map<number, ComparisonFeature>[]
  private sharedSince = 0

  constructor(packed: PackedFeatures, engine: Engine) {
    this.packed = packed
    this.length = packed.records
    this.records = new Array(packed.records)
    this.shared = packed.columns.map(() => new Map())
    this.readers = packed.columns.map((column, index) => {
      const read = valueReader(column)
      const shared = this.shared[index]!
      return (value) => {
        const known = shared.get(value)
        if (known) return known
        const feature = read(value)
        engine.reweighValue(index, feature)
        if (column.uses[value]! > 1) shared.set(value, feature)
        return feature
      }
    })
  }

  at(record: number): Features {
    const known = this.records[record]
    if (known) return known
    const features = {
      s: this.sourceOf(record),
      u: this.packed.columns.map(({ valueIn }, index) => {
        const value = valueIn[record]!
        return value === 0 ? null : this.readers[index]!(value)
      }),
    }
    this.records[record] = features
    return features
  }

  /** Returns the source of a record, without reading its values. */
  sourceOf(record: number): string {
    return this.packed.sources[this.packed.sourceOf[record]!]!
  }

  countBySource(): Map<string, number> {
    const { sources, sourceOf } = this.packed
    const counts = new Uint32Array(sources.length)
    for (const source of sourceOf) counts[source]!++
    return new Map(sources.map((source, i) => [source, counts[i]!]))
  }

  /** Returns how many records have a value of a comparison, by its number in the plan. */
  recordsWith(comparison: number): number {
    return recordsWith(this.packed.columns[comparison]!)
  }

  /**
   * Frees the objects of the records before this one. Now and then it forgets which values are shared
   * too: those of later records may then be read once more.
   */
  forget(before: number): void {
    this.records.fill(undefined, this.forgotten, before)
    this.forgotten = before
    if (Math.abs(before - this.sharedSince) < SHARED_RECORDS) return
    this.sharedSince = before
    for (const values of this.shared) values.clear()
  }

  /** Frees the objects of all records. */
  forgetAll(): void {
    this.records.fill(undefined)
    this.forgotten = 0
    for (const values of this.shared) values.clear()
  }
}
