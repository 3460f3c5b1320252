import { explain } from '../../mdm/explain/explain.ts'
import { type Choice, countMembers, readChoice } from '../../mdm/golden/read/members.ts'
import {
  type FoundGolden,
  readGolden,
  readProvenance,
  type StoredProvenance,
} from '../../mdm/golden/read/read.ts'
import type { Stewardship } from '../../mdm/stewardship/steward.ts'
import type { TaskRow } from '../../mdm/tasks/queue.ts'
import { DEFAULT_RULES, DUTIES, mayDo } from '../../mdm/tasks/rules.ts'
import { hiddenFields } from '../../schema/hiddenFields.ts'
import { ownValue } from '../../schema/kit/dictionary.ts'
import type { TypePolicy } from '../../schema/policy.ts'
import type { ProvenanceColumn } from '../../schema/tables/golden.ts'
import { shownValues } from '../golden/mask.ts'
import { recordsOf } from '../golden/sourceRecord.ts'
import { callerOf } from '../shared/caller.ts'
import type { RequestContext } from '../shared/context.ts'
import { inputError } from '../shared/errors.ts'
import type { Resolvers } from '../shared/subgraph.ts'

/** Scopes of one question. */
const scopesMax = 100
/** Source records of a subject that are shown. */
const membersMax = 100
const MATCHES = ['POSSIBLE_MATCH', 'CONFLICT']

/**
 * Creates the resolvers of what the console shows of a decision, in one form for all golden types:
 * an installation may have other types than the shipped ones.
 */
export function consoleResolvers(steward: Stewardship): Resolvers {
  const { policy } = steward
  const rules = steward.rules ?? DEFAULT_RULES
  const names = policy.types.map((t) => t.name)
  const goldenOf = (id: string, context: RequestContext) =>
    context.load<FoundGolden | null>('taskSubject', id, null, (ids, sql) =>
      readGolden(sql, names, ids),
    )
  const choiceOf = (g: FoundGolden, context: RequestContext) =>
    context.load<Choice>('choice', g.id, { members: [], assertions: [] }, (ids, sql) =>
      readChoice(sql, ids),
    )
  return {
    Query: {
      viewer: (_: unknown, _args: unknown, context: RequestContext) => callerOf(context),
    },
    Viewer: {
      name: (v: ReturnType<typeof callerOf>) => v.actor,
      scopes: (_: unknown, { of }: { of: string[] }, { scopes }: RequestContext) => {
        if (of.length > scopesMax)
          throw inputError(
            'TOO_MANY_IDS',
            `scopes takes up to ${scopesMax} names, not ${of.length}`,
          )
        return of.filter((scope) => scopes.has(scope))
      },
      duties: (v: ReturnType<typeof callerOf>) => DUTIES.filter((d) => mayDo(rules, v.roles, d)),
      valueCurrency: () => rules.currency?.base ?? null,
    },
    Task: {
      async subjects(t: TaskRow, _: unknown, context: RequestContext) {
        if (t.kind === 'APPROVAL') return []
        const found = await Promise.all(t.subject.map((id) => goldenOf(id, context)))
        const active = found.filter((g) => g?.state === 'ACTIVE')
        return [...new Map(active.map((g) => [g?.id, g])).values()]
      },
      async explanation(t: TaskRow, _: unknown, { sql, scopes }: RequestContext) {
        const [a, b] = t.subject
        if (!MATCHES.includes(t.kind) || a === undefined || b === undefined) return null
        const found = await explain(sql, steward, a, b, { scopes })
        return 'code' in found ? null : found
      },
    },
    TaskSubject: {
      goldenId: (g: FoundGolden) => g.id,
      type: (g: FoundGolden) => g.__typename,
      title: (g: FoundGolden, _: unknown, context: RequestContext) => {
        const type = policy.type(g.__typename)
        const field = type.fields.find((f) => f.name === 'name') ?? type.fields.find(isTitle)
        if (!field || hiddenFields(policy, type, context.scopes).has(field.name)) return null
        const value = ownValue(g.values, field.name)
        return typeof value === 'string' ? value : null
      },
      values: (g: FoundGolden, _: unknown, context: RequestContext) =>
        shownValues(policy, policy.type(g.__typename), g.values, context, 'STEWARDSHIP', g.id),
      async origins(g: FoundGolden, _: unknown, context: RequestContext) {
        const stored = await context.load<StoredProvenance | null>(
          'provenance',
          g.id,
          null,
          (ids, sql) => readProvenance(sql, ids),
        )
        return originsOf(policy.type(g.__typename), stored?.provenance ?? {}, context)
      },
      memberCount: (g: FoundGolden, _: unknown, context: RequestContext) =>
        context.load<number>('memberCount', g.id, 0, (ids, sql) => countMembers(sql, ids)),
      async members(g: FoundGolden, _: unknown, context: RequestContext) {
        const { members } = await choiceOf(g, context)
        const shown = members.slice(0, membersMax)
        const records = await recordsOf(
          shown.map((m) => m.key),
          context,
        )
        const byKey = new Map(records.map((r) => [r.key, r]))
        return shown.flatMap(({ key, canonical }) => {
          const record = byKey.get(key)
          return record ? [{ ...record, canonical }] : []
        })
      },
    },
    SubjectMember: {
      id: (m: Member) => m.key,
      values: (m: Member, _: unknown, context: RequestContext) =>
        shownValues(policy, policy.type(m.type), m.canonical, context, 'SOURCE', m.key),
    },
    PreviewRecord: {
      origins: (
        r: { type: string; provenance: ProvenanceColumn | null },
        _: unknown,
        context: RequestContext,
      ) => originsOf(policy.type(r.type), r.provenance ?? {}, context),
    },
  }

  /** Which records won depends on the values, so hidden fields have no origin. */
  function originsOf(type: TypePolicy, provenance: ProvenanceColumn, { scopes }: RequestContext) {
    const hidden = hiddenFields(policy, type, scopes)
    return type.fields.flatMap(({ name }) => {
      const found = ownValue(provenance, name)
      return found && !hidden.has(name) ? [{ field: name, rule: found.u, sources: found.r }] : []
    })
  }
}

type Member = Awaited<ReturnType<typeof recordsOf>>[number] & { canonical: Record<string, unknown> }

function isTitle(f: TypePolicy['fields'][number]): boolean {
  return f.required && !f.list && (f.typeName === 'String' || f.typeName === 'ID')
}
