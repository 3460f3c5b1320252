import { type Choice, type MemberRow, readChoice } from '../../mdm/golden/read/members.ts'
import { readProvenance, type StoredProvenance } from '../../mdm/golden/read/read.ts'
import { type Candidate, candidates } from '../../mdm/golden/survive.ts'
import { masked } from '../../schema/masked.ts'
import type { FieldPolicy, TypePolicy } from '../../schema/policy.ts'
import type { SourceSystem } from '../../schema/sourceSystem.ts'
import type { RequestContext } from '../shared/context.ts'
import { inputError } from '../shared/errors.ts'
import type { SubgraphDeps } from '../shared/subgraphDeps.ts'
import type { GoldenNode } from './goldenNode.ts'
import { recordsOf } from './sourceRecord.ts'

interface FieldProvenance {
  field: string
  value(): unknown
  rule: string
  policyVersion: string
  sources(): Promise<MemberRow[]>
  candidates(): Promise<{ source: MemberRow; value: unknown; verdict: Candidate['verdict'] }[]>
}

/**
 * Where the values of a golden record come from: winner and rule as they are stored, and, when asked for, every
 * candidate with the reason why it lost, which is worked out again from the members as they are now.
 */
export async function provenanceOf(
  deps: SubgraphDeps,
  type: TypePolicy,
  node: GoldenNode,
  only: string[] | null,
  context: RequestContext,
): Promise<FieldProvenance[]> {
  for (const name of only ?? [])
    if (!type.fields.some((f) => f.name === name))
      throw inputError(
        'BAD_FILTER',
        `${type.name} has no field ${name}; it has ${type.fields.map((f) => f.name).join(', ')}`,
      )
  const stored = node.provenance
    ? { provenance: node.provenance, policyVersion: node.policyVersion ?? '' }
    : await context.load<StoredProvenance | null>('provenance', node.id, null, (ids, sql) => readProvenance(sql, ids))
  if (!stored) return []
  return type.fields
    .filter((f) => f.name in stored.provenance && (!only || only.includes(f.name)))
    .map((f): FieldProvenance => {
      const { r, u } = stored.provenance[f.name] ?? { r: [], u: '' }
      const shown = (value: unknown) => {
        if (f.sensitive && (value ?? null) !== null) context.shows('PROVENANCE', type.name, [f.name], node.id)
        return value
      }
      const visible = !f.sensitive || context.scopes.has(f.sensitive)
      return {
        field: f.name,
        value: () => (visible ? shown(node.values[f.name]) : masked(f, node.values[f.name])),
        rule: u,
        policyVersion: stored.policyVersion,
        sources: () => recordsOf(r, context),
        candidates: async () => {
          const found = await candidatesOf(deps, f, node, visible, context)
          if (visible) for (const c of found) shown(c.value)
          return found
        },
      }
    })
}

async function candidatesOf(
  { policy, sources }: SubgraphDeps,
  field: FieldPolicy,
  node: GoldenNode,
  visible: boolean,
  context: RequestContext,
) {
  const choice = await context.load<Choice>('choice', node.id, { members: [], assertions: [] }, (ids, sql) =>
    readChoice(sql, ids),
  )
  const systems = new Map<string, SourceSystem>((sources ?? []).map((s) => [s.name, s]))
  const members = choice.members.map(({ key, system, version, canonical }) => {
    const { role = '', trust = 0.5, trustHalfLifeDays } = systems.get(system) ?? {}
    return { key, source: system, role, trust, trustHalfLifeDays, version, fields: canonical }
  })
  const found = candidates(policy, field, members, node.values, choice.assertions)
  const records = new Map(
    (
      await recordsOf(
        found.map((c) => c.key),
        context,
      )
    ).map((r) => [r.key, r]),
  )
  return found.flatMap(({ key, value, verdict }) => {
    const source = records.get(key)
    return source ? [{ source, value: visible ? value : masked(field, value), verdict }] : []
  })
}
