import type { Transaction } from '../db/database.ts'
import { isLockFree, type LOCK, lock, lockNumber } from '../db/locks.ts'
import { type Link, loadLinks } from './links.ts'

export interface Placed {
  id: number
  goldenId: string | null
  /** The host record of an inactive record. */
  anchor: string | null
}

export interface Closure {
  /** Every record that the change can reach, with its stored golden id. */
  placed: Map<number, Placed>
  /** All links of these records. */
  links: Link[]
  /** The other ends of links that join nothing: alike, but not reached. */
  boundary: Map<number, BoundaryRecord>
}

/** A record just outside the reach, with its golden id. */
export interface BoundaryRecord {
  id: number
  key: string
  goldenId: string | null
  /** True if a steward retired its golden record. */
  retired: boolean
}

/** Returns true if a link of this weight joins its two records. */
export type Joins = (weight: number) => boolean
const ALL: Joins = () => true

/**
 * Returns everything that a change can reach: from the seeds along stored links that join, along
 * SAME assertions, and through shared golden records, until nothing is added. `overlay` holds links
 * that the transaction removes and adds. Locks the golden ids in reach and those at the boundary,
 * which possible matches concern. They may change until they are locked, so the search repeats
 * until it finds no unlocked id.
 */
export async function lockClosure(
  tx: Transaction,
  seeds: number[],
  overlay: { removed: Link[]; added: Link[] },
  joins: Joins = ALL,
): Promise<Closure> {
  const held = new Set<string>()
  for (;;) {
    const found = await closure(tx, seeds, overlay, joins)
    const ids = [...found.placed.values(), ...found.boundary.values()].map((p) => p.goldenId)
    const wanted = [...new Set(ids)].filter((g): g is string => g !== null && !held.has(g))
    if (wanted.length === 0 || isLockFree(tx)) return found
    await lock(tx, 'golden' satisfies keyof typeof LOCK, wanted.map(lockNumber))
    for (const g of wanted) held.add(g)
  }
}

/**
 * Like lockClosure without locks, in the transaction's snapshot, for explanations. Returns null if
 * it holds more than `recordsMax` records.
 */
export async function boundedClosure(
  tx: Transaction,
  seeds: number[],
  joins: Joins,
  recordsMax: number,
): Promise<Closure | null> {
  const found = await closure(tx, seeds, { removed: [], added: [] }, joins, recordsMax)
  return found.placed.size > recordsMax ? null : found
}

/** Like boundedClosure without a bound, for reports. */
export async function lockFreeClosure(
  tx: Transaction,
  seeds: number[],
  joins: Joins,
): Promise<Closure> {
  return await closure(tx, seeds, { removed: [], added: [] }, joins)
}

async function closure(
  tx: Transaction,
  seeds: number[],
  overlay: { removed: Link[]; added: Link[] },
  joins: Joins,
  recordsMax = Number.POSITIVE_INFINITY,
): Promise<Closure> {
  const placed = new Map<number, Placed>()
  const gone = new Set(overlay.removed.map(pairOf))
  const links = new Map<string, Link>(overlay.added.map((l) => [pairOf(l), l]))
  const neighbours = new Map<number, number[]>()
  for (const l of [...overlay.added, ...overlay.removed]) {
    if (!joins(l.weight)) continue
    neighbours.set(l.a, [...(neighbours.get(l.a) ?? []), l.b])
    neighbours.set(l.b, [...(neighbours.get(l.b) ?? []), l.a])
  }
  const goldenSeen = new Set<string>()
  // Another transaction may have changed the golden id even of a loaded record since it was read.
  const unplaced = new Set(seeds)
  let frontier: number[] = []
  while ((frontier.length > 0 || unplaced.size > 0) && placed.size <= recordsMax) {
    const golden = [
      ...new Set(
        frontier
          .map((id) => placed.get(id)?.goldenId)
          .filter((g): g is string => !!g && !goldenSeen.has(g)),
      ),
    ]
    for (const g of golden) goldenSeen.add(g)
    const lookUp = [...unplaced]
    unplaced.clear()
    const [rows, stored, same] = await Promise.all([
      golden.length + lookUp.length > 0 ? loadPlaced(tx, golden, lookUp) : [],
      loadLinks(tx, frontier),
      loadSame(tx, frontier),
    ])
    const next: number[] = []
    // Records that are not stored yet are new in this transaction.
    for (const r of [...rows, ...lookUp.map((id) => ({ id, goldenId: null, anchor: null }))])
      if (!placed.has(r.id)) {
        placed.set(r.id, r)
        next.push(r.id)
      }
    for (const l of stored) {
      const at = pairOf(l)
      if (gone.has(at) || links.has(at)) continue
      links.set(at, l)
    }
    const joining = stored.filter((l) => joins(l.weight))
    const ends = [
      ...joining.flatMap((l) => [l.a, l.b]),
      ...same,
      ...frontier.flatMap((id) => neighbours.get(id) ?? []),
    ]
    for (const id of ends) if (!placed.has(id)) unplaced.add(id)
    frontier = next
  }
  // An added link between two records out of reach belongs to another component.
  const near = [...links.values()].filter((l) => placed.has(l.a) || placed.has(l.b))
  const outside = new Set(near.flatMap((l) => [l.a, l.b]).filter((id) => !placed.has(id)))
  return { placed, links: near, boundary: await loadBeside(tx, [...outside]) }
}

async function loadBeside(tx: Transaction, ids: number[]): Promise<Map<number, BoundaryRecord>> {
  if (ids.length === 0) return new Map()
  const rows = await tx<BoundaryRecord[]>`
    select r.id, r.key, r.golden_id as "goldenId",
      exists (select from standing s where s.a = r.golden_id and s.kind = 'RETIRED') as retired
    from source_record r where r.id = any(${ids}::bigint[])`
  return new Map(rows.map((r) => [r.id, r]))
}

async function loadPlaced(tx: Transaction, golden: string[], ids: number[]): Promise<Placed[]> {
  return await tx<Placed[]>`
    select id, golden_id as "goldenId", anchor from source_record where golden_id = any(${golden}::uuid[])
    union select id, golden_id, anchor from source_record where id = any(${ids}::bigint[])`
}

/**
 * Returns records that stewards asserted to be the same as one of these, or of which one bears the
 * golden id that the other names. Index scans from record to assertion to record.
 */
async function loadSame(tx: Transaction, ids: number[]): Promise<number[]> {
  if (ids.length === 0) return []
  const rows = await tx<{ id: number }[]>`
    select r.id from source_record f join standing s on s.a = f.key and s.kind = 'SAME'
      join source_record r on r.key = s.b where f.id = any(${ids}::bigint[])
    union select r.id from source_record f join standing s on s.b = f.key and s.kind = 'SAME'
      join source_record r on r.key = s.a where f.id = any(${ids}::bigint[])
    union select r.id from source_record f join source_record r on r.key = f.stated_golden
      where f.id = any(${ids}::bigint[]) and f.stated_golden is not null and r.type = f.type
    union select r.id from source_record f join source_record r on r.stated_golden = f.key
      where f.id = any(${ids}::bigint[]) and r.type = f.type`
  return rows.map((r) => r.id)
}

/**
 * Returns stored records that bear the golden id which one of these new or changed records names, or
 * that are named by the golden id which one of them bears.
 */
export async function loadStatedBeside(
  tx: Transaction,
  type: string,
  records: readonly { key: string; goldenId: string | null; statedGolden: string | null }[],
): Promise<number[]> {
  const named = records.flatMap((r) => r.statedGolden ?? [])
  const fresh = records.flatMap((r) => (r.goldenId === null ? r.key : []))
  if (named.length + fresh.length === 0) return []
  const rows = await tx<{ id: number }[]>`
    select id from source_record where key = any(${named}::uuid[]) and type = ${type}
    union select id from source_record where stated_golden = any(${fresh}::uuid[]) and type = ${type}`
  return rows.map((r) => r.id)
}

function pairOf(l: Link): string {
  return `${l.a}:${l.b}`
}
