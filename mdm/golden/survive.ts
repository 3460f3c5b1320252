import { dataText } from '../../schema/kit/dataText.ts'
import { ownValue, setOwn } from '../../schema/kit/dictionary.ts'
import type { FieldPolicy, Policy, SystemOfRecord, TypePolicy } from '../../schema/policy.ts'
import { isStandInName } from '../../schema/standInName.ts'
import { fitting } from './fitting.ts'
import { passesFormat } from './format.ts'

/**
 * A live member of a golden record: one source record in canonical form, with the facts about its
 * source that survivorship uses.
 */
export interface SurvivorMember {
  /** Key of the source record. */
  key: string
  source: string
  role: string
  /** From 0 to 1. */
  trust: number
  trustHalfLifeDays?: number | undefined
  /** Microseconds since 1970. */
  version: number
  fields: Record<string, unknown>
}

/** A value that a steward stated for a field. The latest one outranks all sources. */
export interface ValueAssertion {
  field: string
  value: unknown
  id: number
}

/** The origin of a value: keys of the source records and the rule that chose them. */
export interface Provenance {
  r: string[]
  u: string
  /** The assertion, if a steward stated the value. */
  a?: number
}

export interface Golden {
  values: Record<string, unknown>
  provenance: Record<string, Provenance>
}

/** A candidate for a field; `candidates` returns the best first. */
export interface Candidate {
  key: string
  source: string
  value: unknown
  version: number
  /** WON, or the reason why it lost. */
  verdict: 'WON' | 'FAILS_FORMAT' | 'NOT_SYSTEM_OF_RECORD' | 'OUTRANKED'
}

/**
 * Returns the golden record of a set of source records: for each field the value that its policy
 * chooses. A value that does not fit its field's kind does not count: it was stored under another
 * policy (mdm/golden/fitting.ts). A pure function of its arguments that does not depend on the order of the members (I1):
 * ties are decided by the record key, and the age for the decay of trust counts from the newest
 * member, not from the clock.
 */
export function survive(
  policy: Policy,
  type: TypePolicy,
  members: SurvivorMember[],
  assertions: ValueAssertion[] = [],
): Golden {
  const golden: Golden = { values: {}, provenance: {} }
  const ranked = rankMembers(members)
  // A field without a value is settled too. Otherwise every path of conditions that leads to it
  // would be walked again: twice as many with each further field.
  const settled = new Set<string>()
  for (const field of type.fields) settle(field)
  return golden

  function settle(field: FieldPolicy): void {
    if (settled.has(field.name)) return
    settled.add(field.name)
    for (const s of field.systemOfRecord) {
      const owner = s.when && type.fields.find((f) => f.name === s.when?.field)
      if (owner) settle(owner)
    }
    const chosen = choose(policy, field, ranked, assertions, golden.values)
    if (!chosen) return
    const { value, from, rule, assertionId } = chosen
    setOwn(golden.values, field.name, value)
    setOwn(golden.provenance, field.name, {
      r: from,
      u: rule,
      ...(assertionId ? { a: assertionId } : {}),
    })
  }
}

/**
 * Returns every candidate of a field, the winner first, with the reasons why others lost. `values`
 * are the golden values.
 */
export function candidates(
  policy: Policy,
  field: FieldPolicy,
  members: SurvivorMember[],
  values: Record<string, unknown>,
  assertions: ValueAssertion[] = [],
): Candidate[] {
  const ranked = rankMembers(members)
  const chosen = choose(policy, field, ranked, assertions, values)
  const order = orderFor(field, values)
  const best = bestFirst(policy, field, ranked, order)
  const someValid = best.some((c) => c.valid)
  const someOwner = best.some((c) => c.rank < Number.POSITIVE_INFINITY && (c.valid || !someValid))
  const unfit = ranked.flatMap(({ member: { key, source, version, fields } }): Candidate[] => {
    const value = ownValue(fields, field.name) ?? null
    const isUnfit = value !== null && fitting(policy, field, value) === undefined
    return isUnfit ? [{ key, source, value, version, verdict: 'FAILS_FORMAT' }] : []
  })
  return best
    .map(
      (c): Candidate => ({
        key: c.member.key,
        source: c.member.source,
        value: c.value,
        version: c.member.version,
        verdict: chosen?.from.includes(c.member.key)
          ? 'WON'
          : someValid && !c.valid
            ? 'FAILS_FORMAT'
            : someOwner && c.rank === Number.POSITIVE_INFINITY
              ? 'NOT_SYSTEM_OF_RECORD'
              : 'OUTRANKED',
      }),
    )
    .concat(unfit)
    .sort((a, b) => Number(b.verdict === 'WON') - Number(a.verdict === 'WON'))
}

interface Ranked {
  member: SurvivorMember
  /** Trust after decay. */
  trust: number
}

interface Contender extends Ranked {
  value: unknown
  valid: boolean
  /** Position in the order of the system of record; infinity if it is not in the order. */
  rank: number
}

const microsecondsPerDay = 86_400_000_000

/**
 * Ranks members: highest trust, then newest, then lowest key. Trust halves every half-life; age is
 * the distance to the newest member.
 */
function rankMembers(members: SurvivorMember[]): Ranked[] {
  const newest = members.reduce((max, m) => Math.max(max, m.version), 0)
  return members
    .map((member) => {
      const ageDays = (newest - member.version) / microsecondsPerDay
      const decay = member.trustHalfLifeDays ? 0.5 ** (ageDays / member.trustHalfLifeDays) : 1
      return { member, trust: member.trust * decay }
    })
    .sort(
      (a, b) =>
        b.trust - a.trust ||
        b.member.version - a.member.version ||
        (a.member.key < b.member.key ? -1 : 1),
    )
}

function choose(
  policy: Policy,
  field: FieldPolicy,
  ranked: Ranked[],
  assertions: ValueAssertion[],
  values: Record<string, unknown>,
): { value: unknown; from: string[]; rule: string; assertionId?: number } | null {
  const stated = assertions.filter((a) => a.field === field.name).sort((a, b) => b.id - a.id)[0]
  if (stated) {
    // Null is a statement, too. A value of another kind is none under this policy.
    const value = (stated.value ?? null) === null ? null : fitting(policy, field, stated.value)
    if (value !== undefined) return { value, from: [], rule: 'STEWARD', assertionId: stated.id }
  }
  const order = orderFor(field, values)
  const best = bestFirst(policy, field, ranked, order)
  const first = best[0]
  if (!first) return null
  const owned = first.rank < Number.POSITIVE_INFINITY
  const rule = owned ? 'SYSTEM_OF_RECORD' : field.survive
  if (!field.list || field.kind === 'GROUP')
    return { value: first.value, from: [first.member.key], rule }
  // A list is the union over records of equal rank: all of them, or those of the best owner.
  const equals = best.filter(
    (c) =>
      c.valid === first.valid &&
      (owned ? c.rank === first.rank : field.survive === 'UNION' || c === first),
  )
  const seen = new Set<string>()
  const from = new Set<string>()
  const value: unknown[] = []
  for (const c of equals)
    for (const item of c.value as unknown[]) {
      const same = JSON.stringify(item).toLowerCase()
      if (seen.has(same)) continue
      seen.add(same)
      value.push(item)
      from.add(c.member.key)
    }
  return { value, from: [...from], rule }
}

/** Returns the first order whose condition holds. */
function orderFor(field: FieldPolicy, values: Record<string, unknown>): SystemOfRecord | undefined {
  return field.systemOfRecord.find(
    (s) => !s.when || s.when.in.includes(dataText(ownValue(values, s.when.field))),
  )
}

/**
 * Sorts the candidates of a field: those that pass the format first, then by the system of record,
 * then by the field's rule.
 */
function bestFirst(
  policy: Policy,
  field: FieldPolicy,
  ranked: Ranked[],
  order: SystemOfRecord | undefined,
): Contender[] {
  const contenders: Contender[] = []
  for (const r of ranked) {
    const all = fitting(policy, field, ownValue(r.member.fields, field.name))
    if (all === undefined || (Array.isArray(all) && all.length === 0)) continue
    const rank = order ? place(order.order, r.member) : Number.POSITIVE_INFINITY
    if (!field.list || field.kind === 'GROUP') {
      contenders.push({ ...r, rank, value: all, valid: passes(policy, field, all) })
      continue
    }
    // Within one record's list, values that fail their format yield to those that pass.
    const items = all as unknown[]
    const good = items.filter((v) => passes(policy, field, v))
    contenders.push({ ...r, rank, value: good.length > 0 ? good : items, valid: good.length > 0 })
  }
  const score = scoreOf(field, contenders)
  // The sort is stable, so equal scores keep the order of trust, recency and key.
  return contenders
    .map((c): [Contender, number] => [c, score(c)])
    .sort(
      ([a, sa], [b, sb]) =>
        Number(b.valid) - Number(a.valid) || compareRank(a.rank, b.rank) || sb - sa,
    )
    .map(([c]) => c)
}

function compareRank(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1
}

/**
 * Returns the place of a source system among the owners of a field, at the stage that the golden
 * values show: 0 is the first owner, infinity is none.
 */
export function ownerRank(
  field: FieldPolicy,
  values: Record<string, unknown>,
  system: Pick<SurvivorMember, 'source' | 'role'>,
): number {
  const order = orderFor(field, values)
  return order ? place(order.order, system) : Number.POSITIVE_INFINITY
}

function place(order: string[], member: Pick<SurvivorMember, 'source' | 'role'>): number {
  const byName = order.indexOf(member.source)
  const at = byName >= 0 ? byName : order.indexOf(member.role)
  return at < 0 ? Number.POSITIVE_INFINITY : at
}

function scoreOf(field: FieldPolicy, contenders: Contender[]): (c: Contender) => number {
  switch (field.survive) {
    case 'MOST_RECENT':
      return (c) => c.member.version
    case 'LONGEST':
      return (c) => (typeof c.value === 'string' ? c.value.length : JSON.stringify(c.value).length)
    case 'MOST_COMPLETE':
      return (c) => completeness(c.value)
    case 'MOST_FREQUENT': {
      const counts = new Map<string, number>()
      for (const c of contenders) {
        const same = JSON.stringify(c.value).toLowerCase()
        counts.set(same, (counts.get(same) ?? 0) + 1)
      }
      return (c) => counts.get(JSON.stringify(c.value).toLowerCase()) ?? 0
    }
    default:
      return () => 0
  }
}

/** Measures completeness: filled parts of a group, items of a list, words of a text. */
function completeness(value: unknown): number {
  if (Array.isArray(value)) return value.length
  if (value && typeof value === 'object')
    return Object.values(value).filter((v) => v !== null && v !== undefined && v !== '').length
  return dataText(value).split(/\s+/).length
}

/** A value that stands in for an unknown name loses to every name, as one that fails its format. */
function passes(policy: Policy, field: FieldPolicy, value: unknown): boolean {
  if (field.format) return passesFormat(field.format, value)
  if (field.name === 'name' && typeof value === 'string') return !isStandInName(value)
  const group =
    field.kind === 'GROUP' && !Array.isArray(value) ? policy.groups.get(field.typeName) : undefined
  if (!group || typeof value !== 'object' || value === null) return true
  const parts = value as Record<string, unknown>
  return group.fields.every((f) => {
    const part = ownValue(parts, f.name) ?? null
    return !f.format || part === null || passesFormat(f.format, part)
  })
}
