import { dataText } from '../../../schema/kit/dataText.ts'
import { isEmpty, type Path, scopeOf } from '../../mapping/path.ts'
import type { PulledRow } from '../contract.ts'

/** Returns whether two values of a record are the same: a field without a value is an empty one. */
export function isSame(a: unknown, b: unknown): boolean {
  if (isEmpty(a) || isEmpty(b)) return isEmpty(a) && isEmpty(b)
  if (typeof a !== 'object' && typeof b !== 'object') return dataText(a) === dataText(b)
  return JSON.stringify(a) === JSON.stringify(b)
}

/** Returns the paths at which two rows differ. */
export function differences(a: PulledRow, b: PulledRow, paths: readonly Path[]): string[] {
  const [left, right] = [scopeOf(a.record), scopeOf(b.record)]
  return paths.filter((p) => !isSame(p.first(left), p.first(right))).map((p) => p.text)
}
