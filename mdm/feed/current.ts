import type { Tail } from './tail.ts'

/** Upper bound of redirects followed in the ring; beyond it the table is read. */
const stepsMax = 16

/**
 * Returns the golden id that this one leads to now: itself, also after its end, or its survivor.
 * Reads the ring if it has the last event, as it does for a live event, so that its entity
 * costs no query; otherwise calls `read`, which queries the table (readCurrentIds).
 */
export async function currentId(
  tail: Tail,
  goldenId: string,
  read: (id: string) => Promise<string | null>,
): Promise<string | null> {
  let id = goldenId
  for (let step = 0; step < stepsMax; step++) {
    const latest = tail.latest(id)
    if (!latest) break
    if (latest.after || latest.redirect === null) return id
    id = latest.redirect
  }
  return await read(id)
}
