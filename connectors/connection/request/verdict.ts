import type { IncomingHttpHeaders } from 'node:http'
import { dataNumber, dataText } from '../../../schema/kit/dataText.ts'
import { ownValue } from '../../../schema/kit/dictionary.ts'
import { normalText } from '../../../schema/kit/normalText.ts'
import { visibleText } from '../../../schema/kit/visibleText.ts'
import { scopeOf } from '../../mapping/path.ts'
import type { Verdict } from '../contract.ts'
import type {
  AnswerMeaning,
  ErrorRule,
  FailedRule,
  Meaning,
  StatedWait,
} from '../definition/http.ts'

/** The meaning of an answer. */
export interface Judgement {
  is: Meaning | 'OK'
  /** The code and the text of the system, where it gave them. */
  code: string | null
  detail: string | null
  /** Milliseconds after which the request may be repeated, where the answer says it. */
  waitMs: number | null
  rule: ErrorRule | null
}

const detailCharsMax = 300

/** Judges an answer by its status and, where the definition says so, its body (rule 9). */
export function judgeAnswer(
  { failed, code: codePath, detail: detailPath, wait, errors }: AnswerMeaning,
  status: number,
  body: unknown,
): Judgement {
  const scope = scopeOf(body)
  const failedIn200 = failed !== null && fails(failed, failed.path.first(scope))
  const ok = status >= 200 && status < 300 && !failedIn200
  const code = codePath?.first(scope)
  const detail = detailPath?.first(scope)
  const found = {
    code: code === undefined || typeof code === 'object' ? null : shortened(dataText(code)),
    detail: detail === undefined ? null : shortened(dataText(detail)),
    waitMs: wait && statedMs(wait, wait.path.first(scope)),
  }
  const rule = errors.find((r) =>
    ok ? r.status === status && fits(r, found) : (r.status ?? status) === status && fits(r, found),
  )
  if (rule) return { is: rule.is, ...found, rule }
  if (ok) return { is: 'OK', ...found, rule: null }
  return { is: failedIn200 && status < 300 ? 'PERMANENT' : byStatus(status), ...found, rule: null }
}

function fails({ equals }: FailedRule, value: unknown): boolean {
  if (equals === null) return value !== undefined
  return normalText(dataText(value ?? null)).toLowerCase() === equals
}

/** A text that is no number, or a negative one, says nothing. */
function statedMs({ unitMs }: StatedWait, value: unknown): number | null {
  const n = value === undefined || value === null || value === '' ? Number.NaN : dataNumber(value)
  return Number.isFinite(n) && n >= 0 ? n * unitMs : null
}

function fits(
  { code, detail }: ErrorRule,
  found: { code: string | null; detail: string | null },
): boolean {
  return (
    (code === null || code.test(found.code ?? '')) &&
    (detail === null || detail.test(found.detail ?? ''))
  )
}

const BY_STATUS = new Map<number, Verdict>([
  ...[408, 425, 500, 502, 503, 504].map((s) => [s, 'RETRY'] as const),
  [429, 'WAIT'],
  [401, 'SIGN_IN'],
  [403, 'FORBIDDEN'],
  [410, 'GONE'],
  [404, 'MISSING'],
  [409, 'CONFLICT'],
  [412, 'CONFLICT'],
])

/** No 4xx is ever skipped (rule 8). */
export function byStatus(status: number): Verdict {
  return BY_STATUS.get(status) ?? (status >= 500 ? 'RETRY' : 'PERMANENT')
}

function shortened(text: string): string {
  return visibleText(text.slice(0, detailCharsMax))
}

/**
 * Returns the milliseconds since 1970 of a header: seconds from now, a date, or a count since 1970.
 */
export function headerTime(
  headers: IncomingHttpHeaders,
  name: string | null,
  now: number,
): number | null {
  const text = name === null ? undefined : headerText(headers, name)
  if (text === undefined || text === '') return null
  const n = Number(text)
  if (Number.isFinite(n)) {
    if (n > 1e12) return n
    return n > 1e9 ? n * 1_000 : now + Math.max(0, n) * 1_000
  }
  const date = Date.parse(text)
  return Number.isNaN(date) ? null : date
}

/** Returns a header of an answer; of several the first. */
export function headerText(headers: IncomingHttpHeaders, name: string): string | undefined {
  return [ownValue(headers, name.toLowerCase())].flat()[0]?.trim()
}
