import { normalCode } from '../../schema/kit/normalText.ts'
import type { Issue } from '../contract.ts'
import { show, toBoolean } from './convert.ts'
import type { Scope } from './path.ts'
import type { IsPlaceholder } from './placeholders.ts'
import { compileWhen, type Fail, isMap, pathAt } from './rule.ts'
import { isNever, isNoTime, isOrigin, parseDay } from './time.ts'

/** Returns whether a record is deleted; appends to `issues` the flags that say neither. */
export type Deletion = (scope: Scope, issues?: Issue[]) => boolean

/** Words of a deletion flag beside true and false. A row that is active is not deleted. */
const DELETED = new Set(['deleted', 'removed'])
const LIVE = new Set(['active', 'live'])
/** As a flag of deletion it may mean either. */
const UNCLEAR = new Set(['inactive'])

/** Names of a time: deleted_at, deletedAt, "Deleted On", deletion_date, geloescht_am, Datum. */
const NAME_OF_TIME =
  /[a-z](?:At|On)$|[ _-](?:at|on|am)$|deleted(?:at|on)$|(?:date|datum|time|timestamp)$/

/**
 * Compiles `deleted:` of an object: a path, or a list of which any may delete. A path deletes where
 * it is true or a time; one that is named after a time, by any text that is not false. The last day
 * of the calendar means never. A map `{path: values}` deletes where the path has one of the values.
 */
export function compileDeletion(
  spec: unknown,
  at: readonly PropertyKey[],
  fail: Fail,
  isPlaceholder: IsPlaceholder,
): Deletion {
  const flags = [spec].flat().map((one: unknown, i): Deletion => {
    const place = Array.isArray(spec) ? [...at, i] : at
    if (isMap(one)) return compileWhen(one, place, fail)
    const path = pathAt(String(one), place, fail)
    const ofTime = isNameOfTime(path.text)
    return (scope, issues) => {
      const value = path.first(scope)
      if (value === undefined || isPlaceholder(value, 'VALUE') || isNoTime(value)) return false
      const origin = isOrigin(value)
      const flag = origin ? null : readFlag(value)
      if (flag !== null) return flag
      const deletes = ofTime && !origin
      const what = origin ? 'the first day of a clock' : 'neither true, false nor a time'
      issues?.push({
        field: path.text,
        code: 'INVALID_FLAG',
        detail: `${show(value)} is ${what}; the record counts as ${deletes ? '' : 'not '}deleted`,
      })
      return deletes
    }
  })
  // Each is read, so that each unknown flag is reported.
  return (scope, issues) => flags.map((flag) => flag(scope, issues)).includes(true)
}

function readFlag(value: unknown): boolean | null {
  const word = typeof value === 'string' ? normalCode(value).toLowerCase() : ''
  if (DELETED.has(word)) return true
  if (LIVE.has(word)) return false
  if (UNCLEAR.has(word)) return null
  const flag = toBoolean(value)
  if (flag !== null) return flag
  // Whether 10/4 is in April or in October does not matter here, nor which zone CST is.
  const isTime = (['DMY', 'MDY'] as const).some(
    (dates) => parseDay(value, { dates, zone: null }) !== null,
  )
  return isTime ? !isNever(value) : null
}

function isNameOfTime(name: string): boolean {
  // The capital in deletedAt marks the word; in "flat" there is none.
  return NAME_OF_TIME.test(name) || NAME_OF_TIME.test(name.toLowerCase())
}
