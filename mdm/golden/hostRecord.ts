/** What settling anchors needs of a source record. */
export interface Anchored {
  /** Rises with first arrival. */
  id: number
  key: string
  goldenId: string | null
  /** The record that an absent one goes with; itself: none. Null while it is live. */
  anchor: string | null
}

/**
 * Gives each record that has become absent the one it goes with from now on: the oldest live record that it is with, else
 * the oldest absent one, else none. So where it belongs does not depend on merges and splits that come later, and undoing
 * them brings it back (I7). A record that is live again has no anchor. `records` hold whole golden records; answers those
 * that it changed.
 */
export function settleHostRecords<T extends Anchored>(records: readonly T[], isLive: (r: T) => boolean): T[] {
  const changed: T[] = []
  const mates = Map.groupBy(records, (r) => r.goldenId)
  for (const r of records) {
    if (isLive(r) ? r.anchor === null : r.anchor !== null || r.goldenId === null) continue
    r.anchor = isLive(r) ? null : companion(r, mates.get(r.goldenId) ?? [], isLive)
    changed.push(r)
  }
  return changed
}

/** The record that `r` goes with, of those it is with. */
export function companion<T extends { id: number; key: string }>(
  r: T,
  mates: readonly T[],
  isLive: (r: T) => boolean,
): string {
  const others = mates.filter((m) => m.key !== r.key).sort((a, b) => a.id - b.id)
  return (others.find(isLive) ?? others[0] ?? r).key
}
