import type { Sql } from '../db/database.ts'
import { readGoldenIds } from '../golden/read/read.ts'
import { loadAssertions } from '../golden/stored.ts'
import { type Join, joinsOf } from '../match/joins.ts'
import { loadById, type SourceRecord } from '../records/records.ts'
import { boundedClosure } from '../resolution/closure.ts'
import { clusterRecords } from '../resolution/clusterRecords.ts'
import {
  engineOf,
  loadKnown,
  newResolutionState,
  type ResolutionContext,
} from '../resolution/context.ts'
import { loadLinks } from '../resolution/links.ts'
import { missingEvidence, type Scopes } from './evidence.ts'
import { snapshot } from './explain.ts'

/** How a golden record was formed, from the present source records and assertions. */
export interface ClusterStory {
  type: string
  goldenId: string
  /** Version of the matching model. */
  model: string
  /** Its source records, oldest first, at most `membersMax`. */
  members: SourceRecord[]
  memberCount: number
  /** Stored links among them, the strongest first. */
  links: { a: string; b: string; weight: number }[]
  joins: Join[]
  /** True if the component exceeds the limit; then there are no joins. */
  cut: boolean
}

/** Largest number of source records in a story. */
const membersMax = 1_000
/** Largest component for which a story is computed. Clustering sees a component as a whole. */
const componentRecordsMax = 2_000

/**
 * Returns the story of a golden record, by its id or any id that resolves to it; null if there is
 * none. Clusters its component again with the active engine, so the joins are those of the
 * pipeline. Reads one snapshot. If `scopes` do not cover every compared field, there are no links
 * and no joins: which records are linked, and in which order they join, depends on hidden values.
 */
export async function clusterStory(
  sql: Sql,
  mastering: ResolutionContext,
  id: string,
  scopes: Scopes = null,
): Promise<ClusterStory | null> {
  const goldenId = (await readGoldenIds(sql, [id.toLowerCase()], { ended: false })).get(
    id.toLowerCase(),
  )
  if (!goldenId) return null
  return await snapshot(sql, async (tx) => {
    const ids = await tx<{ id: number; type: string; count: number }[]>`
      select id, type, (count(*) over ())::int as count from source_record where golden_id = ${goldenId}
      order by id limit ${membersMax}`
    const [first] = ids
    if (!first) return null
    const own = ids.map((r) => r.id)
    const type = mastering.policy.type(first.type)
    const engine = engineOf(mastering, type)
    const isHidden = missingEvidence(mastering.policy, type, scopes) !== null
    const reach =
      isHidden || first.count > membersMax
        ? null
        : await boundedClosure(tx, own, engine.canJoin, componentRecordsMax)
    const records = new Map<number, SourceRecord>()
    if (reach)
      await loadKnown(tx, mastering, type, records, reach.placed.keys(), newResolutionState())
    else for (const r of await loadById(tx, own)) records.set(r.id, r)
    const members = own.map((id) => records.get(id)).filter((r) => r !== undefined)
    const byId = new Map(members.map((r) => [r.id, r]))
    const stored = isHidden ? [] : (reach?.links ?? (await loadLinks(tx, own)))
    const links = stored
      .flatMap((l) => {
        const [a, b] = [byId.get(l.a), byId.get(l.b)]
        return a && b ? [{ a: a.key, b: b.key, weight: l.weight }] : []
      })
      .sort((x, y) => y.weight - x.weight || (x.a + x.b < y.a + y.b ? -1 : 1))
    const keys = members.map((r) => r.key)
    const story = {
      type: type.name,
      goldenId,
      model: engine.version,
      members,
      memberCount: first.count,
      links,
    }
    if (!reach) return { ...story, joins: [], cut: !isHidden }
    const reached = [...records.values()]
    const stated = await loadAssertions(
      tx,
      reached.map((r) => r.key),
    )
    const { steps } = clusterRecords(engine, reached, reach.links, stated.pairs)
    return { ...story, joins: joinsOf(keys, steps, links), cut: false }
  })
}
