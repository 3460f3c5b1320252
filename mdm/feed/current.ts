import type { Tail } from './tail.ts'

/** Redirects followed in the ring at most; past them the table is asked. */
const stepsMax = 16

/**
 * The golden id that this one leads to now: itself, its survivor, or null when the record was
 * deleted. Answered from the ring where its last event is there, as for a live event it is, so that
 * its entity costs no read; else `read` answers, which asks the table (readCurrentIds).
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
    if (latest.after) return id
    if (latest.redirect === null) return null
    id = latest.redirect
  }
  return await read(id)
}
