/**
 * Bounds that were chosen by looking at labelled sets. They stand together, so that
 * `bench/generalise.ts` can choose them again without a set and measure what they are worth on it.
 * Nothing else changes them.
 */
export const CAPS = {
  /** Upper bound of the bits of one word of a name: beyond it a word is simply rare. */
  wordBits: 16,
  /** Upper bound of the bits of a whole name: namesakes and branches exist however rare its words. */
  nameBits: 16,
  /** A key of more records gives no candidates; finer keys of the same records do. */
  blockRecords: 50,
  /** Upper bound of the blocking keys of one record. */
  keysPerRecord: 24,
  /**
   * With few views, the number of matches is a weighted geometric mean of the matches found and of
   * the guess. This is the least weight of the former.
   */
  freeShare: 0.5,
}
