import { ownValue } from '../../schema/kit/dictionary.ts'
import type { Policy } from '../../schema/policy.ts'
import type { Transaction } from '../db/database.ts'
import { parentField } from '../golden/parentField.ts'
import type { ResolutionState } from '../resolution/context.ts'
import { lockHierarchy } from '../tasks/hierarchyRings.ts'
import { latestAboutAny } from './actions.ts'
import { refuse } from './outcome.ts'

const stepsMax = 100

/**
 * Rejects an action after which a golden record would be its own ancestor. Actions that change a
 * hierarchy run in turn, so two of them cannot close a cycle together. Sources can close one, for
 * example when parent and child become one record. So undoing `undone` may restore a cycle that
 * existed before; it is rejected if a later action is part of that cycle.
 */
export async function refuseHierarchyCycles(
  tx: Transaction,
  policy: Policy,
  state: ResolutionState,
  undone: { number: number | null } | null,
): Promise<void> {
  for (const type of policy.types) {
    const field = parentField(type)
    if (!field) continue
    const changed = state.events.filter(
      (e) =>
        e.type === type.name &&
        ownValue(e.values ?? {}, field) &&
        (e.changed.includes(field) || e.op === 'MERGED'),
    )
    if (changed.length === 0) continue
    await lockHierarchy(tx, type.name)
    for (const e of changed) {
      const path = [e.goldenId]
      let at = await goldenOf(tx, state, String(ownValue(e.values ?? {}, field)))
      while (at !== null && path.length < stepsMax) {
        if (path.includes(at)) {
          // A cycle further up existed before and is not caused by this action.
          const later =
            at === e.goldenId && undone ? await latestAboutAny(tx, path, undone.number ?? 0) : null
          if (at === e.goldenId && (!undone || later))
            refuse(
              'CYCLE',
              `golden record ${at} would stand above itself: ${[...path, at].join(' -> ')}`,
              later,
            )
          break
        }
        path.push(at)
        const parent = await storedValue(tx, state, at, field)
        at = parent === null ? null : await goldenOf(tx, state, parent)
      }
    }
  }
}

async function goldenOf(
  tx: Transaction,
  state: ResolutionState,
  key: string,
): Promise<string | null> {
  const here = state.goldenIdByKey.get(key)
  if (here) return here
  const [row] = await tx<
    { id: string | null }[]
  >`select golden_id as id from source_record where key = ${key}`
  return row?.id ?? null
}

async function storedValue(
  tx: Transaction,
  state: ResolutionState,
  goldenId: string,
  field: string,
): Promise<string | null> {
  const event = state.events.find((e) => e.goldenId === goldenId)
  if (event) {
    const value = ownValue(event.values ?? {}, field)
    return value ? String(value) : null
  }
  const [row] = await tx<{ value: string | null }[]>`
    select values ->> ${field} as value from golden where id = ${goldenId} and state = 'ACTIVE'`
  return row?.value ?? null
}
