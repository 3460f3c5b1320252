import { ownValue } from '../../schema/kit/dictionary.ts'
import type { TypePolicy } from '../../schema/policy.ts'
import type { Transaction } from '../db/database.ts'
import { lock, lockNumber, tryLock } from '../db/locks.ts'
import { loadById, type SourceRecord, type WholeRecord } from '../records/records.ts'
import { loadReferring } from '../records/references.ts'
import { type ResolutionContext, type ResolutionState, referenceFields } from './context.ts'

/**
 * Returns records of this type whose references have to be compared again because the value they
 * compare by changed. They inherit the cause. The lock on the reference's target keeps a reference
 * and its target from missing each other in two transactions.
 */
export async function referring(
  tx: Transaction,
  context: ResolutionContext,
  type: TypePolicy,
  state: ResolutionState,
  own: WholeRecord[],
): Promise<SourceRecord[]> {
  if (type.resolvesAfter.length === 0) return []
  const named = own.flatMap((r) => references(context, r).flatMap((x) => x.targets))
  await lock(tx, 'reference', [...named, ...state.targetByKey.keys()].map(lockNumber))
  const have = new Set(own.map((r) => r.id))
  const found = (await loadReferring(tx, [...state.targetByKey.keys()], type.name)).filter(
    (f) => !have.has(f.recordId),
  )
  for (const f of found) {
    const cause = state.causes.get(f.target)
    if (cause) state.causes.set(f.key, cause)
  }
  const free = await tryLock(
    tx,
    'record',
    found.map((f) => lockNumber(f.key)),
  )
  // A transaction that locks such a record may resolve it after us, but may also fail, or may have
  // read the target before us. Waiting for it could deadlock, so the record goes back into the
  // queue.
  const [ours, left] = [
    found.filter((f) => free.has(lockNumber(f.key))),
    found.filter((f) => !free.has(lockNumber(f.key))),
  ]
  state.deferredInboxIds.push(...left.map((f) => f.inboxId))
  return await loadById(tx, [...new Set(ours.map((f) => f.recordId))])
}

/**
 * Returns the records that a golden record's source record refers to in fields compared by
 * reference.
 */
export function references(
  context: ResolutionContext,
  r: WholeRecord,
): { recordId: number; targets: string[] }[] {
  const type = context.policy.types.find((t) => t.name === r.type)
  if (!type || type.resolvesAfter.length === 0) return []
  const targets = referenceFields(type).map((f) => ownValue(r.canonical, f))
  return [{ recordId: r.id, targets: targets.filter((t): t is string => typeof t === 'string') }]
}
