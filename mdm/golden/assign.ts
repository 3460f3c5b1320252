/** The columns of a source record that assigning golden ids needs. */
export interface Assignable {
  /** Increases in the order of first arrival. */
  id: number
  key: string
  goldenId: string | null
  /** The host record of an inactive record (mdm/golden/hostRecord.ts). */
  anchor?: string | null
}

export interface Assigned<T extends Assignable> {
  goldenId: string
  members: T[]
  /**
   * Deleted or incomplete records that keep their place in the crosswalk but contribute no values.
   */
  inactiveMembers: T[]
}

/**
 * Gives each cluster its golden id: the key of its oldest record. So a merge keeps the older id, a
 * split restores the original ids, and no id is invented or lost (I7). An inactive record goes with
 * its host record, else it stays with the oldest of its former companions, which keeps a golden id
 * alive when the record it is named after is deleted. Without companions it keeps the id for
 * itself.
 */
export function assign<T extends Assignable>(clusters: T[][], absent: T[]): Assigned<T>[] {
  const assigned = clusters.map((members): Assigned<T> => {
    const byAge = [...members].sort((a, b) => a.id - b.id)
    return { goldenId: '', members: byAge, inactiveMembers: [] }
  })
  const oldestOf = new Map<string, { id: number; at: Assigned<T> }>()
  for (const at of assigned)
    for (const m of at.members) {
      if (!m.goldenId) continue
      const known = oldestOf.get(m.goldenId)
      if (!known || m.id < known.id) oldestOf.set(m.goldenId, { id: m.id, at })
    }
  const homes = new Map(assigned.flatMap((at) => at.members.map((m) => [m.key, at] as const)))
  const anchors = new Map(absent.map((a) => [a.key, a.anchor ?? null]))
  const left = new Map<string, Assigned<T>>()
  for (const a of [...absent].sort((x, y) => x.id - y.id)) {
    const end = follow(a.key, anchors)
    const goldenId = end ?? a.goldenId
    // A golden id that names no known record places nothing.
    if (!goldenId || (!a.goldenId && !homes.has(goldenId) && !left.has(goldenId))) continue
    const home = end
      ? (homes.get(end) ?? left.get(end))
      : (oldestOf.get(goldenId)?.at ?? left.get(goldenId))
    if (home) home.inactiveMembers.push(a)
    else {
      const alone: Assigned<T> = { goldenId, members: [], inactiveMembers: [a] }
      left.set(goldenId, alone)
      assigned.push(alone)
    }
  }
  for (const at of assigned) {
    const oldest = [...at.members, ...at.inactiveMembers].reduce((a, b) => (a.id < b.id ? a : b))
    at.goldenId = oldest.key
  }
  return assigned
}

/**
 * Follows a chain of host records to a live record or, in a cycle, to its lowest key. Returns null
 * if the end is not among the records.
 */
function follow(key: string, anchors: ReadonlyMap<string, string | null>): string | null {
  const passed: string[] = []
  for (let at: string | null = key; at !== null; ) {
    const circle = passed.indexOf(at)
    if (circle >= 0) return passed.slice(circle).sort()[0] ?? null
    if (!anchors.has(at)) return at
    passed.push(at)
    at = anchors.get(at) ?? null
  }
  return null
}
