/**
 * First character of a narrow key: parts of a person that many share by chance (day and month with
 * a name, house number with a name ...). A record has many of them, so one that is large is not
 * needed.
 */
export const NARROW = '~'

/**
 * A narrow key of more records gives no candidates. With 50, as for other keys, they made three in
 * four of the pairs of 200,000 persons and found one more match in a thousand. With nine in place of
 * six they found one more in a thousand too, for 3.4 pairs a record more.
 */
export const NARROW_RECORDS_MAX = 6

/** Returns how many records may share a key that gives candidates. */
export function keyRecordsMax(key: string, recordsMax: number): number {
  return key.startsWith(NARROW) ? Math.min(NARROW_RECORDS_MAX, recordsMax) : recordsMax
}

/** Returns a whole number with the key's sort as its last bit, for `hashRecordsMax`. */
export function withSort(hash: number, key: string): number {
  return hash - (hash % 2) + (key.startsWith(NARROW) ? 1 : 0)
}

/** `keyRecordsMax` of a key from its hash. */
export function hashRecordsMax(hash: number, recordsMax: number): number {
  return hash % 2 === 1 ? Math.min(NARROW_RECORDS_MAX, recordsMax) : recordsMax
}
