import { type Choice, type MemberRow, readChoice } from '../../mdm/golden/read/members.ts'
import { readProvenance, type StoredProvenance } from '../../mdm/golden/read/read.ts'
import { type Candidate, candidates } from '../../mdm/golden/survive.ts'
import { hiddenFields } from '../../schema/hiddenFields.ts'
import { ownValue } from '../../schema/kit/dictionary.ts'
import type { FieldPolicy, Policy, TypePolicy } from '../../schema/policy.ts'
import type { SourceSystem } from '../../schema/sourceSystem.ts'
import {
  type Connection,
  connection,
  connectionResolvers,
  memoryConnection,
  type PageArguments,
} from '../shared/connection.ts'
import type { RequestContext } from '../shared/context.ts'
import { inputError } from '../shared/errors.ts'
import type { SubgraphDeps } from '../shared/subgraphDeps.ts'
import type { GoldenNode } from './goldenNode.ts'
import { maskedValue } from './mask.ts'
import { recordsConnection, recordsOf } from './sourceRecord.ts'

interface FieldProvenance {
  field: string
  value(): unknown
  rule: string
  policyVersion: string
  sourceRecords(args: PageArguments): Connection
  sources(args: { first: number }): Promise<object[]>
  candidates(args: PageArguments): Promise<Connection<Candidate>>
}

/**
 * Returns where the values of a golden record come from: the stored winner and rule. If requested,
 * every candidate follows with the reason why it lost, computed again from the current members.
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
    : await context.load<StoredProvenance | null>('provenance', node.id, null, (ids, sql) =>
        readProvenance(sql, ids),
      )
  if (!stored) return []
  const { scopes } = context
  const hidden = hiddenFields(deps.policy, type, scopes)
  // A hidden field without a mask does not even show whether it has a value.
  const isListed = (f: FieldPolicy) => !hidden.has(f.name) || showsMask(deps.policy, f, scopes)
  return type.fields
    .filter(
      (f) =>
        Object.hasOwn(stored.provenance, f.name) && (!only || only.includes(f.name)) && isListed(f),
    )
    .map((f): FieldProvenance => {
      const { r, u } = ownValue(stored.provenance, f.name) ?? { r: [], u: '' }
      const shown = (value: unknown) => {
        if (f.sensitive && (value ?? null) !== null)
          context.shows('PROVENANCE', type.name, [f.name], node.id)
        return value
      }
      const visible = !hidden.has(f.name)
      // Which records won depends on the values: one with an equal value may win or lose by it.
      const from = visible ? r : []
      return {
        field: f.name,
        value: () => {
          const value = ownValue(node.values, f.name)
          return visible ? shown(value) : maskedValue(deps.policy, type, f.name, value, scopes)
        },
        rule: u,
        policyVersion: stored.policyVersion,
        sourceRecords: (args) => recordsConnection(from, args, context),
        sources: (args) => connectionResolvers.nodes(recordsConnection(from, args, context)),
        candidates: async (args) => {
          const all = visible ? await candidatesOf(deps, f, node, context) : []
          const found = memoryConnection(args, all)
          const records = new Map<string, MemberRow>()
          const read = async () => {
            const page = await found.page()
            const keys = page.rows.map((c) => c.key)
            for (const r of await recordsOf(keys, context)) records.set(r.key, r)
            return page
          }
          return connection(found.request, read, found.totalCount, ({ key, value, verdict }) => {
            const source = records.get(key)
            return source ? { source, verdict, value: shown(value) } : null
          })
        },
      }
    })
}

/** Returns whether a hidden field shows something: its mask, or the visible parts of its group. */
function showsMask(policy: Policy, f: FieldPolicy, scopes: ReadonlySet<string>): boolean {
  const lacks = f.sensitive !== undefined && !scopes.has(f.sensitive)
  return lacks ? f.mask !== undefined : policy.groups.has(f.typeName)
}

async function candidatesOf(
  { policy, sources }: SubgraphDeps,
  field: FieldPolicy,
  node: GoldenNode,
  context: RequestContext,
): Promise<Candidate[]> {
  const choice = await context.load<Choice>(
    'choice',
    node.id,
    { members: [], assertions: [] },
    (ids, sql) => readChoice(sql, ids),
  )
  const systems = new Map<string, SourceSystem>((sources ?? []).map((s) => [s.name, s]))
  const members = choice.members.map(({ key, system, version, canonical }) => {
    const { role = '', trust = 0.5, trustHalfLifeDays } = systems.get(system) ?? {}
    return { key, source: system, role, trust, trustHalfLifeDays, version, fields: canonical }
  })
  return candidates(policy, field, members, node.values, choice.assertions)
}
