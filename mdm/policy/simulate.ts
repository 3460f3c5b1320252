import { isDeepStrictEqual } from 'node:util'
import { ownValue } from '../../schema/kit/dictionary.ts'
import type { TypePolicy } from '../../schema/policy.ts'
import type { Sql, Transaction } from '../db/database.ts'
import { changedFields, type StoredGolden } from '../golden/derive.ts'
import type { Place } from '../golden/stored.ts'
import { lockFreeClosure } from '../resolution/closure.ts'
import { type ResolutionContext, targetOf } from '../resolution/context.ts'
import { type Rebuilt, readStored, rebuildType, unhurried } from './rebuild.ts'

/** The effect that a policy would have on the store, by golden type. */
export interface Simulation {
  /** Version of the simulated policy. */
  version: string
  types: TypeReport[]
  records: number
  golden: number
  seconds: number
  /** Peak memory of this process, in MB. */
  memoryMb: number
}

export interface TypeReport {
  type: string
  records: number
  golden: number
  /** Golden records that would absorb others, and how many would be absorbed. */
  merges: Group
  absorbed: number
  /** Golden records that would split. */
  splits: Group
  /** Golden records that would appear other than by a split, or disappear other than by a merge. */
  appear: Group
  vanish: Group
  /** Golden records with a changed value, apart from those that merge or split. */
  changes: Group
  /** Golden records whose values stay, but come from another source record or another rule. */
  origins: Group
  /** Changed values by field, with the systems that they would come from. */
  fields: { field: string; count: number; systems: { from: string; to: string; count: number }[] }[]
}

interface Group {
  count: number
  examples: Example[]
}

interface Example {
  goldenId: string
  /** The other golden ids, the fields, or another description of the effect. */
  detail: string[]
}

/** Default number of examples in each group. */
const examplesUsual = 10

/**
 * Runs the matching and survivorship of a policy over the store and returns the differences from
 * what is stored. Writes nothing and blocks nobody: it reads one snapshot. `sample` takes that many
 * random golden records of each type, with everything they are linked to now. `examplesMax` bounds
 * the examples of each group.
 */
export async function simulate(
  sql: Sql,
  candidate: ResolutionContext,
  options: { sample?: number | undefined; examplesMax?: number | undefined } = {},
): Promise<Simulation> {
  const began = performance.now()
  const types = (await sql.begin('isolation level repeatable read read only', async (tx) => {
    await unhurried(tx)
    const targets = new Map<string, string>()
    const reports: TypeReport[] = []
    for (const type of candidate.policy.types) {
      const only = options.sample === undefined ? null : await sampleOf(tx, type, options.sample)
      if (only) for (const r of await storedPlaces(tx, type)) targets.set(r.key, targetOf(r))
      const { records, rebuilt } = await rebuildType(tx, candidate, type, targets, only)
      const stored = await readStored(tx, type.name)
      if (only) keepOnly(stored, rebuilt)
      reports.push(
        reportOf(type.name, records, rebuilt, stored, options.examplesMax ?? examplesUsual),
      )
    }
    return reports
  })) as TypeReport[]
  return {
    version: candidate.policy.version,
    types,
    records: types.reduce((n, t) => n + t.records, 0),
    golden: types.reduce((n, t) => n + t.golden, 0),
    seconds: (performance.now() - began) / 1000,
    memoryMb: Math.round(process.resourceUsage().maxRSS / 1024),
  }
}

function reportOf(
  type: string,
  records: number,
  rebuilt: readonly Rebuilt[],
  stored: ReadonlyMap<string, StoredGolden>,
  examplesMax: number,
): TypeReport {
  const group = (): Group => ({ count: 0, examples: [] })
  const add = (to: Group, goldenId: string, detail: string[]) => {
    to.count++
    if (to.examples.length < examplesMax) to.examples.push({ goldenId, detail })
  }
  const report: TypeReport = {
    type,
    records,
    golden: rebuilt.filter((r) => r.golden).length,
    merges: group(),
    absorbed: 0,
    splits: group(),
    appear: group(),
    vanish: group(),
    changes: group(),
    origins: group(),
    fields: [],
  }
  /** The new golden ids of the live records of each stored golden record. */
  const parts = new Map<string, Set<string>>()
  const now = new Set(rebuilt.filter((r) => r.golden).map((r) => r.at.goldenId))
  const fields = new Map<string, Map<string, number>>()
  const systems = new Map(
    rebuilt.flatMap(({ at }) =>
      [...at.members, ...at.inactiveMembers].map((r) => [r.key, r.source]),
    ),
  )
  for (const { at, golden } of rebuilt) {
    const from = new Set(
      at.members.map((r) => r.goldenId).filter((id): id is string => !!id && stored.has(id)),
    )
    for (const id of from) parts.set(id, (parts.get(id) ?? new Set()).add(at.goldenId))
    if (!golden) continue
    const absorbed = [...from].filter((id) => id !== at.goldenId && !now.has(id))
    if (absorbed.length > 0) {
      report.absorbed += absorbed.length
      add(report.merges, at.goldenId, absorbed)
    }
    const was = stored.get(at.goldenId)
    if (!was) {
      if (from.size === 0) add(report.appear, at.goldenId, [])
      continue
    }
    const changed = changedFields(was.values, golden.values)
    for (const field of changed)
      count(fields, field, systems, was, ownValue(golden.provenance, field)?.r)
    if (absorbed.length > 0) continue
    if (changed.length > 0) add(report.changes, at.goldenId, changed)
    else if (!isDeepStrictEqual(was.provenance, golden.provenance))
      add(report.origins, at.goldenId, changedFields(was.provenance, { ...golden.provenance }))
  }
  for (const [id, to] of parts) if (to.size > 1) add(report.splits, id, [...to].sort())
  for (const id of stored.keys()) if (!now.has(id) && !parts.has(id)) add(report.vanish, id, [])
  report.fields = [...fields]
    .map(([field, systems]) => ({
      field,
      count: [...systems.values()].reduce((a, b) => a + b, 0),
      systems: [...systems]
        .map(([way, n]) => ({
          from: way.split(' > ')[0] ?? '',
          to: way.split(' > ')[1] ?? '',
          count: n,
        }))
        .sort((a, b) => b.count - a.count),
    }))
    .sort((a, b) => b.count - a.count)
  return report
}

/** Counts a changed value by its old and new system. */
function count(
  fields: Map<string, Map<string, number>>,
  field: string,
  sources: ReadonlyMap<string, string>,
  was: StoredGolden,
  nowFrom: string[] | undefined,
): void {
  const systemOf = (keys: string[] | undefined) => sources.get(keys?.[0] ?? '') ?? 'none'
  const before = (ownValue(was.provenance, field) as { r: string[] } | undefined)?.r
  const way = `${systemOf(before)} > ${systemOf(nowFrom)}`
  const systems = fields.get(field) ?? new Map<string, number>()
  fields.set(field, systems.set(way, (systems.get(way) ?? 0) + 1))
}

/** Returns the source records of random golden records, with everything they are linked to. */
async function sampleOf(tx: Transaction, type: TypePolicy, size: number): Promise<number[]> {
  const rows = await tx<{ id: number }[]>`
    select id from source_record where golden_id in (
      select id from golden where type = ${type.name} and state = 'ACTIVE' order by random() limit ${size})`
  const reach = await lockFreeClosure(
    tx,
    rows.map((r) => r.id),
    () => true,
  )
  return [...reach.placed.keys()]
}

async function storedPlaces(tx: Transaction, type: TypePolicy): Promise<Place[]> {
  return await tx<Place[]>`
    select key, golden_id as "goldenId", complete, deleted from source_record where type = ${type.name}`
}

function keepOnly(stored: Map<string, StoredGolden>, rebuilt: readonly Rebuilt[]): void {
  const seen = new Set(rebuilt.flatMap(({ at }) => at.members.map((m) => m.goldenId)))
  for (const id of stored.keys()) if (!seen.has(id)) stored.delete(id)
}

/** Returns true if the policy would change nothing. */
export function changesNothing(s: Simulation): boolean {
  return s.types.every((t) =>
    isDeepStrictEqual(
      [t.merges, t.splits, t.appear, t.vanish, t.changes, t.origins].map((g) => g.count),
      [0, 0, 0, 0, 0, 0],
    ),
  )
}
