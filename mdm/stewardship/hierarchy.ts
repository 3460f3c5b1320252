import type { Policy, TypePolicy } from '../../schema/policy.ts'
import type { Transaction } from '../db/database.ts'
import type { ResolutionState } from '../resolution/context.ts'
import { latestAboutAny } from './actions.ts'
import { refuse } from './outcome.ts'

const stepsMax = 100

/** The field by which golden records of a type stand under others of it; undefined where there is none. */
export function parentField(type: TypePolicy): string | undefined {
  return type.fields.find((f) => f.kind === 'REFERENCE' && f.typeName === type.name && !f.list)?.name
}

/**
 * Refuses a steward's action after which a golden record would stand above itself. Those that change a hierarchy take
 * turns, so that two of them cannot close a circle together. Sources may close one, by making parent and child one record
 * for example; so the undo of `undone` may bring back a circle that was there before, and is refused where an action that
 * came later has its part in it.
 */
export async function refuseCycles(
  tx: Transaction,
  policy: Policy,
  state: ResolutionState,
  undone: { number: number | null } | null,
): Promise<void> {
  for (const type of policy.types) {
    const field = parentField(type)
    if (!field) continue
    const changed = state.events.filter(
      (e) => e.type === type.name && e.values?.[field] && (e.changed.includes(field) || e.op === 'MERGED'),
    )
    if (changed.length === 0) continue
    await tx`select pg_advisory_xact_lock(hashtextextended(${`hierarchy ${type.name}`}, 0))`
    for (const e of changed) {
      const path = [e.goldenId]
      let at = await goldenOf(tx, state, String(e.values?.[field]))
      while (at !== null && path.length < stepsMax) {
        if (path.includes(at)) {
          // A circle further up was there before and is not this action's doing.
          const later = at === e.goldenId && undone ? await latestAboutAny(tx, path, undone.number ?? 0) : null
          if (at === e.goldenId && (!undone || later))
            refuse('CYCLE', `golden record ${at} would stand above itself: ${[...path, at].join(' -> ')}`, later)
          break
        }
        path.push(at)
        const parent = await storedValue(tx, state, at, field)
        at = parent === null ? null : await goldenOf(tx, state, parent)
      }
    }
  }
}

async function goldenOf(tx: Transaction, state: ResolutionState, key: string): Promise<string | null> {
  const here = state.goldenIdByKey.get(key)
  if (here) return here
  const [row] = await tx<{ id: string | null }[]>`select golden_id as id from source_record where key = ${key}`
  return row?.id ?? null
}

async function storedValue(
  tx: Transaction,
  state: ResolutionState,
  goldenId: string,
  field: string,
): Promise<string | null> {
  const event = state.events.find((e) => e.goldenId === goldenId)
  if (event) return event.values?.[field] ? String(event.values[field]) : null
  const [row] = await tx<{ value: string | null }[]>`
    select values ->> ${field} as value from golden where id = ${goldenId} and state = 'ACTIVE'`
  return row?.value ?? null
}
