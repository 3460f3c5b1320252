import type { Transaction } from '../db/database.ts'

interface Placed {
  id: number
  key: string
  anchor: string | null
  live: boolean
}

/**
 * Keeps inactive records with a record of their own group. If a steward separates groups and a host
 * record is in another group, the oldest live record of the own group becomes the host, else the
 * oldest record, else the record itself.
 */
export async function keepHostsWithinGroups(
  tx: Transaction,
  groups: readonly (readonly string[])[],
): Promise<void> {
  const keys = groups.flat()
  const rows = await tx<Placed[]>`
    select id, key, anchor, complete and not deleted as live from source_record where key = any(${keys}::uuid[]) order by id`
  const byKey = new Map(rows.map((r) => [r.key, r]))
  const moved: { id: number; anchor: string }[] = []
  for (const group of groups) {
    const mates = group.map((k) => byKey.get(k)).filter((r) => r !== undefined)
    for (const r of mates) {
      if (r.live || r.anchor === null || mates.some((m) => m.key === r.anchor)) continue
      const others = mates
        .filter((m) => m !== r)
        .sort((a, b) => Number(b.live) - Number(a.live) || a.id - b.id)
      moved.push({ id: r.id, anchor: (others[0] ?? r).key })
    }
  }
  if (moved.length === 0) return
  await tx`update source_record s set anchor = m.anchor
    from unnest(${moved.map((m) => m.id)}::bigint[], ${moved.map((m) => m.anchor)}::uuid[]) as m (id, anchor)
    where s.id = m.id`
}
