import { ownValue } from '../../schema/kit/dictionary.ts'
import { isSameValue } from './sameValue.ts'

/** A field that cannot be written, and why. */
export interface FieldRefusal {
  field: string
  code: string
  detail: string
}

/** An earlier write of one record that has ended. */
export interface PastWrite {
  state: 'DONE' | 'CONFLICT' | 'REFUSED'
  hash: string
  changes: Readonly<Record<string, { after: unknown }>>
  endedAt: Date
  /** Whether a person released it, so that it and what was before it do not count any more. */
  isReleased: boolean
  /** Whether it is no exception any more, because something else has to be written since. */
  isClosed: boolean
}

/** A field that the target changes back is written this often. */
export const sameWritesMax = 3
/** Writes of one field of one record within a day, whatever their values. */
export const fieldWritesPerDayMax = 20
/** Conflicts of one write in a row, after which a person decides. */
export const conflictsMax = 3
/** The latest writes of one record that are looked at. */
export const pastWritesMax = 50

/**
 * Returns why a field is not written again although the target does not hold its value; null where
 * it is. The target has changed it back after each write, or systems drive each other: without this
 * they would never fall silent.
 */
export function stoppedField(
  past: readonly PastWrite[],
  field: string,
  value: unknown,
): FieldRefusal | null {
  const written = sinceRelease(past)
    .filter((w) => w.state === 'DONE')
    .flatMap((w) => {
      const change = ownValue(w.changes, field)
      return change ? [{ after: change.after, endedAt: w.endedAt }] : []
    })
  const others = written.findLastIndex((w) => !isSameValue(w.after, value))
  const same = written.length - 1 - others
  if (same >= sameWritesMax)
    return {
      field,
      code: 'CHANGED_BACK',
      detail: `the system has changed ${field} back after ${same} writes: an automation or a person there decides otherwise. Agree with its owner, then release the write`,
    }
  const last = written.at(-1)?.endedAt.getTime() ?? 0
  const recent = written.filter((w) => last - w.endedAt.getTime() < dayMs).length
  if (recent >= fieldWritesPerDayMax)
    return {
      field,
      code: 'TOO_MANY_WRITES',
      detail: `${field} was written ${recent} times within a day: systems seem to drive each other. Look for automations, then release the write`,
    }
  return null
}
const dayMs = 86_400_000

/** Returns whether the same write is refused, or was in conflict too often, until a person decides. */
export function refusedBefore(past: readonly PastWrite[], hash: string): boolean {
  const counted = sinceRelease(past)
  if (counted.some((w) => w.state === 'REFUSED' && w.hash === hash && !w.isClosed)) return true
  const last = counted.findLast((w) => w.state !== 'REFUSED')
  return last?.hash === hash && !last.isClosed && conflictsInARow(past) >= conflictsMax
}

/** Returns the number of conflicts since the last write that was applied. */
export function conflictsInARow(past: readonly PastWrite[]): number {
  const counted = sinceRelease(past).filter((w) => w.state !== 'REFUSED')
  return counted.length - 1 - counted.findLastIndex((w) => w.state !== 'CONFLICT')
}

function sinceRelease(past: readonly PastWrite[]): readonly PastWrite[] {
  return past.slice(past.findLastIndex((w) => w.isReleased) + 1)
}
