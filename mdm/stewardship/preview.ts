import { columnOf, fieldsOf, OPERATIONAL_TYPES, tableOf } from '../../schema/operational.ts'
import type { Policy } from '../../schema/policy.ts'
import type { Transaction } from '../db/database.ts'
import { Parameters, read } from '../db/statement.ts'
import type { ResolutionState } from '../resolution/context.ts'
import type { NeedsApproval } from './approval.ts'
import type { ApprovalRule } from './outcome.ts'
import type { Plan } from './plan.ts'

/** The effect that an action would have. */
export interface Preview {
  code: 'PREVIEW'
  /** Reasons for a second person; empty if none is needed. */
  approval: ApprovalRule[]
  records: PreviewRecord[]
  /**
   * Counts of objects that move with their source records, by type and by old and new golden id.
   */
  children: { type: string; from: string; to: string; count: number }[]
  tasks: { id: string; kind: string; subject: string[]; opens: boolean }[]
}

export interface PreviewRecord {
  goldenId: string
  type: string
  op: string
  before: Record<string, unknown> | null
  after: Record<string, unknown> | null
  changed: string[]
  redirect: string | null
  members: string[]
  /** field -> {r, u}: source records and rule of each value after it; null without values. */
  provenance: Record<string, unknown> | null
}

/** Reads the effect of an action from its transaction before it is rolled back. */
export async function describe(
  tx: Transaction,
  policy: Policy,
  state: ResolutionState,
  plans: Plan[],
  approval: NeedsApproval | null,
): Promise<Preview> {
  const ids = [
    ...new Set([...plans.flatMap((p) => p.subjects), ...state.events.map((e) => e.goldenId)]),
  ]
  const golden = await tx<{ id: string; state: string; values: Record<string, unknown> }[]>`
    select id, state, values from golden where id = any(${ids}::uuid[])`
  const before = new Map(golden.filter((g) => g.state === 'ACTIVE').map((g) => [g.id, g.values]))
  return {
    code: 'PREVIEW',
    approval: approval?.rules ?? [],
    records: state.events.map((e) => ({
      goldenId: e.goldenId,
      type: e.type,
      op: e.op,
      before: before.get(e.goldenId) ?? null,
      after: e.values,
      changed: e.changed,
      redirect: e.redirect,
      members: e.members,
      provenance: e.provenance,
    })),
    children: await movedChildren(tx, policy, state),
    tasks: await tx<Preview['tasks']>`
      select id, kind, subject, state = 'OPEN' as opens from task
      where xmin = pg_current_xact_id()::xid and subject && ${ids}::uuid[] order by priority desc, id`,
  }
}

/**
 * Counts operational objects and golden records that refer to a source record whose golden id
 * changes.
 */
async function movedChildren(
  tx: Transaction,
  policy: Policy,
  state: ResolutionState,
): Promise<Preview['children']> {
  const keys = [...state.goldenIdByKey.keys()]
  if (keys.length === 0) return []
  // The crosswalk is written last, so the stored golden ids are still the old ones.
  const stored = await tx<{ key: string; goldenId: string }[]>`
    select key, golden_id as "goldenId" from source_record where key = any(${keys}::uuid[]) and golden_id is not null`
  const from = new Map(stored.map((s) => [s.key, s.goldenId]))
  const moved = new Map<string, { type: string; from: string; to: string; count: number }>()
  const add = (type: string, key: string, count: number) => {
    const [was, now] = [from.get(key), state.goldenIdByKey.get(key)]
    if (!was || !now || was === now) return
    const at = `${type} ${was} ${now}`
    moved.set(at, { type, from: was, to: now, count: (moved.get(at)?.count ?? 0) + count })
  }
  const p = new Parameters()
  const changed = p.keys(keys)
  const operational = OPERATIONAL_TYPES.flatMap((type) =>
    fieldsOf(type).flatMap(([field, kind]) =>
      kind === 'REFERENCE'
        ? [
            `select '${type}' as type, ${columnOf(field, kind)} as key, count(*)::int as count
              from ${tableOf(type)} where ${columnOf(field, kind)} = any(${changed}) and not deleted group by 2`,
          ]
        : [],
    ),
  )
  // The field is part of the text, as in the indexes golden_by_customer and golden_by_parent.
  const golden = policy.types.flatMap((type) =>
    type.fields.flatMap(({ name, kind, list }) =>
      kind === 'REFERENCE' && !list
        ? [
            `select '${type.name}' as type, (values ->> '${name}')::uuid as key, count(*)::int as count
              from golden where values ->> '${name}' = any(${changed}::text[]) and state = 'ACTIVE' and values ? '${name}'
                and type = '${type.name}' group by 2`,
          ]
        : [],
    ),
  )
  // Some thirty index scans take longer to plan than to run, and their plan never changes.
  await tx`set local plan_cache_mode = force_generic_plan`
  const counts = await read<{ type: string; key: string; count: number }>(
    tx,
    [...operational, ...golden].join(' union all '),
    p,
  )
  for (const r of counts) add(r.type, r.key, r.count)
  return [...moved.values()]
}
