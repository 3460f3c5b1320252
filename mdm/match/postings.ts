import { hashRecordsMax, withSort } from './keyBound.ts'
import { sharedUint32 } from './packedFeatures.ts'

/** Candidates of every record: records by block, blocks by record, as flat arrays in shared memory. */
export interface Postings {
  records: number
  /** Blocks of record i are recordBlocks[recordStart[i] .. recordStart[i+1]). */
  recordStart: Uint32Array
  recordBlocks: Uint32Array
  /** Records of block b are blockRecords[blockStart[b] .. blockStart[b+1]), ascending. */
  blockStart: Uint32Array
  blockRecords: Uint32Array
  keys: number
  /** Keys with more records than allowed, as sorted hashes; they give no candidates. */
  saturated: Float64Array
  largestBlock: number
  /**
   * Number of records all of whose shared keys are saturated; they were compared with no other
   * record.
   */
  crowded: number
}

/**
 * Keys are sorted in this many parts, so that part number, hash and record fit the 53 bits of a
 * number.
 */
const PARTS = 4096

/** A record's number has so many values beside its key's hash. */
const RECORDS = 2_097_152

/**
 * Keys of records, in shared memory: those of part p are codes[start[p] .. start[p+1]), each the
 * key's hash times RECORDS plus the record. Not sorted within a part.
 */
export interface KeyCodes {
  codes: Float64Array
  start: Uint32Array
}

/**
 * Collects the keys of records. Keys are hashed to 44 bits (12 choose the part, 31 stay, one is the
 * sort), so among ten million keys about three share a hash: such records are compared in vain, no
 * more.
 */
export class KeyTable {
  private readonly parts: (Float64Array | undefined)[] = new Array(PARTS)
  private readonly used = new Uint32Array(PARTS)

  add(record: number, keys: readonly string[]): void {
    for (const key of keys) {
      hashKey(key)
      this.put(hash1 & (PARTS - 1), hash2 * RECORDS + record)
    }
  }

  private put(part: number, code: number): void {
    const at = this.used[part]!
    let list = this.parts[part]
    if (list === undefined || at === list.length) {
      const larger = new Float64Array(list ? list.length * 2 : 64)
      if (list) larger.set(list)
      this.parts[part] = list = larger
    }
    list[at] = code
    this.used[part] = at + 1
  }

  /** Returns the keys and forgets them. */
  take(): KeyCodes {
    const start = sharedUint32(PARTS + 1)
    for (let part = 0; part < PARTS; part++) start[part + 1] = start[part]! + this.used[part]!
    const codes = new Float64Array(new SharedArrayBuffer(8 * start[PARTS]!))
    for (let part = 0; part < PARTS; part++) {
      const list = this.parts[part]
      if (list) codes.set(list.subarray(0, this.used[part]), start[part])
      this.parts[part] = undefined
    }
    this.used.fill(0)
    return { codes, start }
  }
}

/** Groups records by their blocking keys. */
export function buildPostings(
  records: number,
  keysOf: (record: number) => readonly string[],
  blockRecordsMax: number,
): Postings {
  const table = new KeyTable()
  for (let record = 0; record < records; record++) table.add(record, keysOf(record))
  return joinKeys(records, [table.take()], blockRecordsMax)
}

/**
 * Groups records by the keys of several tables. Blocks of one record, or of more than the key's sort
 * allows, are dropped.
 */
export function joinKeys(
  records: number,
  tables: readonly KeyCodes[],
  blockRecordsMax: number,
): Postings {
  const blocks: number[] = [0]
  const members = new GrowingUint32()
  const recordCount = sharedUint32(records + 1)
  let keys = 0
  const saturated: number[] = []
  let largestBlock = 0
  const inCrowd = new Uint8Array(records)
  for (let part = 0; part < PARTS; part++) {
    const list = sortedPart(tables, part)
    for (let from = 0; from < list.length; ) {
      const hash = Math.floor(list[from]! / RECORDS)
      let to = from + 1
      while (to < list.length && list[to]! < (hash + 1) * RECORDS) to++
      keys++
      let distinct = 0
      const start = members.length
      for (let at = from; at < to; at++) {
        const record = list[at]! - hash * RECORDS
        if (distinct > 0 && members.at(members.length - 1) === record) continue
        members.push(record)
        distinct++
      }
      if (distinct > largestBlock) largestBlock = distinct
      const recordsMax = hashRecordsMax(hash, blockRecordsMax)
      if (distinct < 2 || distinct > recordsMax) {
        if (distinct > recordsMax) {
          saturated.push(part * 4_294_967_296 + hash)
          for (let at = start; at < members.length; at++) inCrowd[members.at(at)] = 1
        }
        members.length = start
      } else {
        for (let at = start; at < members.length; at++) recordCount[members.at(at) + 1]!++
        blocks.push(members.length)
      }
      from = to
    }
  }
  let crowded = 0
  for (let i = 0; i < records; i++) {
    if (inCrowd[i] === 1 && recordCount[i + 1] === 0) crowded++
    recordCount[i + 1]! += recordCount[i]!
  }
  const blockStart = sharedUint32(blocks.length)
  blockStart.set(blocks)
  const blockRecords = members.shared()
  const recordBlocks = sharedUint32(blockRecords.length)
  const fill = recordCount.slice()
  for (let block = 0; block + 1 < blockStart.length; block++)
    for (let at = blockStart[block]!; at < blockStart[block + 1]!; at++)
      recordBlocks[fill[blockRecords[at]!]!++] = block
  return {
    records,
    recordStart: recordCount,
    recordBlocks,
    blockStart,
    blockRecords,
    keys,
    // Parts and hashes rise, so the array is sorted.
    saturated: Float64Array.from(saturated),
    largestBlock,
    crowded,
  }
}

/** Returns the codes of one part of all tables, sorted. */
function sortedPart(tables: readonly KeyCodes[], part: number): Float64Array {
  const lists = tables.map(({ codes, start }) => codes.subarray(start[part], start[part + 1]))
  const all = new Float64Array(lists.reduce((sum, list) => sum + list.length, 0))
  let at = 0
  for (const list of lists) {
    all.set(list, at)
    at += list.length
  }
  return all.sort()
}

/** Returns whether a key has more records than allowed. */
export function isSaturated({ saturated }: Postings, key: string): boolean {
  hashKey(key)
  const wanted = (hash1 & (PARTS - 1)) * 4_294_967_296 + hash2
  let from = 0
  let to = saturated.length
  while (from < to) {
    const middle = (from + to) >> 1
    if (saturated[middle]! < wanted) from = middle + 1
    else to = middle
  }
  return saturated[from] === wanted
}

/** Upper bound of the records of one run. */
export const POSTINGS_RECORDS_MAX = RECORDS

/**
 * Visits the candidates of one record that have a higher number than `after`, each once; by default
 * its own, so that all records together visit each pair once. `stamp` is scratch with one entry a
 * record, zero at first.
 */
export function forEachCandidate(
  postings: Postings,
  record: number,
  stamp: Uint32Array,
  visit: (other: number) => void,
  after = record,
): void {
  const { recordStart, recordBlocks, blockStart, blockRecords } = postings
  const mark = record + 1
  for (let b = recordStart[record]!; b < recordStart[record + 1]!; b++) {
    const block = recordBlocks[b]!
    for (let at = blockStart[block + 1]! - 1; at >= blockStart[block]!; at--) {
      const other = blockRecords[at]!
      if (other <= after) break
      if (other === record || stamp[other] === mark) continue
      stamp[other] = mark
      visit(other)
    }
  }
}

let hash1 = 0
let hash2 = 0

/** Two 32-bit hashes of a text at once (cyrb53's two lanes, mixed by MurmurHash3's finalizer). */
function hashKey(text: string): void {
  let h1 = 0xdeadbeef
  let h2 = 0x41c6ce57
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    h1 = Math.imul(h1 ^ c, 2_654_435_761)
    h2 = Math.imul(h2 ^ c, 1_597_334_677)
  }
  h1 = Math.imul(h1 ^ (h1 >>> 16), 2_246_822_507) ^ Math.imul(h2 ^ (h2 >>> 13), 3_266_489_909)
  h2 = Math.imul(h2 ^ (h2 >>> 16), 2_246_822_507) ^ Math.imul(h1 ^ (h1 >>> 13), 3_266_489_909)
  hash1 = h1 >>> 0
  hash2 = withSort(h2 >>> 0, text)
}

/** A Uint32Array that grows; `length` may be reduced. */
class GrowingUint32 {
  length = 0
  private data = new Uint32Array(1024)

  push(value: number): void {
    if (this.length === this.data.length) {
      const larger = new Uint32Array(this.data.length * 2)
      larger.set(this.data)
      this.data = larger
    }
    this.data[this.length++] = value
  }

  at(index: number): number {
    return this.data[index]!
  }

  /** Returns a copy in shared memory. */
  shared(): Uint32Array {
    const copy = sharedUint32(this.length)
    copy.set(this.data.subarray(0, this.length))
    return copy
  }
}
