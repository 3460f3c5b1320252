/** The columns of a source record that the choice of host records needs. */
export interface Anchored {
  /** Increases in the order of first arrival. */
  id: number
  key: string
  goldenId: string | null
  /**
   * The host record of an inactive record; its own key means none. Null while the record is live.
   */
  anchor: string | null
  /** The golden id that the record bears: the key of the oldest record of its golden record. */
  statedGolden: string | null
}

/**
 * Gives each record that became inactive its host record: the oldest live record in its golden
 * record, else the oldest inactive one, else none. Its place then does not depend on later merges
 * and splits, and undoing them restores it (I7). A record that bears a golden id has the record that
 * this id names as its host. A record that is live again has no host. `records` hold whole golden
 * records. Returns the changed ones.
 */
export function settleHostRecords<T extends Anchored>(
  records: readonly T[],
  isLive: (r: T) => boolean,
): T[] {
  const changed: T[] = []
  const mates = Map.groupBy(records, (r) => r.goldenId)
  for (const r of records) {
    const staysSo = r.anchor !== null || (r.goldenId ?? r.statedGolden) === null
    if (isLive(r) ? r.anchor === null : staysSo) continue
    r.anchor = isLive(r)
      ? null
      : (r.statedGolden ?? companion(r, mates.get(r.goldenId) ?? [], isLive))
    changed.push(r)
  }
  return changed
}

/** Returns the key of the host of `r` among the records of its golden record. */
export function companion<T extends { id: number; key: string }>(
  r: T,
  mates: readonly T[],
  isLive: (r: T) => boolean,
): string {
  const others = mates.filter((m) => m.key !== r.key).sort((a, b) => a.id - b.id)
  return (others.find(isLive) ?? others[0] ?? r).key
}
