import type { TimeBounds } from '../definition/listing.ts'

/** Rounds a bound down to what the request can express. */
export function floorTo(at: bigint, grain: bigint): bigint {
  return at - (((at % grain) + grain) % grain)
}

/** Returns where a run begins: the last bound minus the overlap (rule 2). */
export function beginOf(since: bigint, { overlap, grain }: TimeBounds): bigint {
  return floorTo(since - overlap, grain)
}

/** Returns the moment up to which rows are surely visible: now minus the lag. */
export function untilOf(nowMs: number, { lag, grain }: TimeBounds): bigint {
  return floorTo(micros(nowMs) - lag, grain)
}

/** Returns when a position expires that reaches back to a moment. */
export function expiryOf(since: bigint, expiresMs: number | null): number | null {
  return expiresMs === null ? null : Number(since / 1_000n) + expiresMs
}

export function micros(ms: number): bigint {
  return BigInt(Math.floor(ms)) * 1_000n
}
