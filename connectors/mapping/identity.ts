import { dataText } from '../../schema/kit/dataText.ts'
import { MessageError } from '../contract.ts'
import { show, toText } from './convert.ts'
import type { Path, Scope } from './path.ts'
import type { IsPlaceholder } from './placeholders.ts'
import { type Fail, MISSING_KEY, pathAt } from './rule.ts'
import { isNoTime, parseMoment, type TimeForms, timeFault } from './time.ts'

/**
 * Compiles the id of a record: a path, a list of alternatives, or `{join: [paths], with: "-"}` for
 * an id of several parts, all of which are required.
 */
export function compileIds(
  spec: unknown,
  at: readonly PropertyKey[],
  fail: Fail,
  form: (id: string) => string,
): (scope: Scope) => string | null {
  const alternatives = (Array.isArray(spec) ? spec : [spec]).map(
    (one: unknown, i): ((scope: Scope) => string | null) => {
      const place = Array.isArray(spec) ? [...at, i] : at
      if (typeof one === 'string') {
        const path = pathAt(one, place, fail)
        return (scope) => idText(path, scope, form)
      }
      const { join, with: between = '-', ...rest } = (one ?? {}) as Record<string, unknown>
      if (!Array.isArray(join) || Object.keys(rest).length > 0)
        return fail(place, 'id: must be a path, a list of paths, or {join: [paths], with: "-"}')
      const parts = join.map((p, j) => pathAt(String(p), [...place, 'join', j], fail))
      return (scope) => {
        const texts = parts.map((p) => idText(p, scope, form))
        return texts.includes(null) ? null : texts.join(String(between))
      }
    },
  )
  return (scope) => {
    for (const alternative of alternatives) {
      const id = alternative(scope)
      if (id !== null) return id
    }
    return null
  }
}

function idText(path: Path, scope: Scope, form: (id: string) => string): string | null {
  const value = toText(path.first(scope))
  return value && !MISSING_KEY.whole(value) ? form(checkedId(value)) : null
}

/**
 * A number in the notation of a spreadsheet or program that has rounded it: 1.23457E+12, 1,2E+05,
 * 1E+12, 1.234567E12. Codes such as E5, 12E5 and 1E5 are ids.
 */
const ROUNDED = /^[-+]?\d(?:[.,]\d+)?E\+\d{1,3}$|^[-+]?\d[.,]\d+E-?\d{1,3}$/i

/** Returns whether an id has lost digits, so that several records may have it. */
export function isRoundedId(id: string): boolean {
  return ROUNDED.test(id)
}

/** Returns the id. Throws MessageError INVALID_ID for one that has lost digits. */
export function checkedId(id: string): string {
  if (!isRoundedId(id)) return id
  throw new MessageError('INVALID_ID', roundedId(id))
}

export function roundedId(id: string): string {
  return `the id is ${show(id)}, a number that a spreadsheet has rounded, so several records may have it; export the column as text`
}

/**
 * Compiles the time of a record's last change: a path, or `{join: [date, time], with: " "}` for one
 * in two fields, or a list of which the first with a value is used, in the forms in which the source
 * system writes times.
 */
export function compileMoments(
  spec: unknown,
  at: readonly PropertyKey[],
  fail: Fail,
  forms: TimeForms,
  isPlaceholder: IsPlaceholder,
): (scope: Scope) => bigint | null {
  const present = (path: Path, scope: Scope) => {
    const value = path.first(scope)
    return isPlaceholder(value, 'VALUE') ? undefined : value
  }
  const alternatives = [spec].flat().map((one: unknown, i) => {
    const place = Array.isArray(spec) ? [...at, i] : at
    if (typeof one === 'string') {
      const path = pathAt(one, place, fail)
      return { field: path.text, read: (scope: Scope) => present(path, scope) }
    }
    const { join, with: between = ' ', ...rest } = (one ?? {}) as Record<string, unknown>
    if (!Array.isArray(join) || join.length !== 2 || Object.keys(rest).length > 0)
      return fail(
        place,
        'version: must be a path, a list of paths, or {join: [date, time], with: " "}',
      )
    const [date, time] = join.map((p, j) => pathAt(String(p), [...place, 'join', j], fail))
    return {
      field: date?.text ?? '',
      read: (scope: Scope) => {
        const day = date && present(date, scope)
        const clock = time && present(time, scope)
        if (day === undefined || isNoTime(day) || clock === undefined) return day
        return `${dataText(day)}${String(between)}${dataText(clock)}`
      },
    }
  })
  return (scope) => {
    for (const { field, read } of alternatives) {
      const value = read(scope)
      if (value !== undefined && !isNoTime(value)) return momentOf(value, { field }, forms)
    }
    return null
  }
}

/** Returns a stated time of a change. Throws MessageError INVALID_VERSION where it is not a time. */
export function momentOf(
  value: unknown,
  at: { object?: string; sourceId?: string; field: string },
  forms: TimeForms,
): bigint {
  const moment = parseMoment(value, forms)
  if (moment === null)
    throw new MessageError(
      'INVALID_VERSION',
      `${at.field} is ${show(value)}, which is ${timeFault(value, forms)}`,
      at,
    )
  return moment
}
