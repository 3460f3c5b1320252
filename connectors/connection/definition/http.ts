import { z } from 'zod'
import { normalText } from '../../../schema/kit/normalText.ts'
import { failAt, type Located } from '../../mapping/document.ts'
import type { Path } from '../../mapping/path.ts'
import { VERDICTS, type Verdict } from '../contract.ts'
import { below, duration, exactlyOne, parseAt, pathIn, pathText, scalar, shape } from './shape.ts'
import { compileTemplate, type Template } from './template.ts'

/** EMPTY: the answer stands for a page without rows. */
export type Meaning = Verdict | 'EMPTY'

/** Says what a refused answer means. */
export interface ErrorRule {
  status: number | null
  /** A code of the answer; `*` stands for any characters. */
  code: RegExp | null
  /** Part of the text of the answer; `*` stands for any characters. */
  detail: RegExp | null
  is: Meaning
  help: string | null
  /** How long the system stays closed, or the limit reached, where the answer does not say. */
  waitMs: number | null
  /** Whether a write with this answer was applied, where its status does not say it. */
  applied: 'maybe' | 'never' | null
}

/** Marks an answer with status 200 that failed. */
export interface FailedRule {
  path: Path
  /** Null: any value says so. */
  equals: string | null
}

/** Where a refused answer says in how long the request may be repeated. */
export interface StatedWait {
  path: Path
  /** Milliseconds of one. */
  unitMs: number
}

/** What an answer says about success and failure. */
export interface AnswerMeaning {
  code: Path | null
  detail: Path | null
  wait: StatedWait | null
  failed: FailedRule | null
  errors: readonly ErrorRule[]
}

export interface HttpDefinition extends AnswerMeaning {
  base: Template
  headers: ReadonlyMap<string, Template>
  timeoutMs: number
}

const errorSchema = shape({
  status: z.int().min(200).max(599).optional(),
  code: scalar.optional(),
  detail: z.string().min(1).optional(),
  is: z.enum([...VERDICTS, 'EMPTY']),
  help: z.string().optional(),
  wait: duration.optional(),
  applied: z.enum(['maybe', 'never']).optional(),
})

/** The keys that say what an answer means. */
export const MEANING_FIELDS = {
  code: pathText.optional(),
  detail: pathText.optional(),
  wait: shape({ path: pathText, in: z.enum(['s', 'ms']) }).optional(),
  failed: shape({
    path: pathText,
    equals: z.union([scalar, z.null()]).optional(),
    given: z.literal(true).optional(),
  }).optional(),
  errors: z.array(errorSchema).optional(),
}
const meaningSchema = z.object(MEANING_FIELDS)

const httpSchema = shape({
  base: z.string().min(1),
  headers: z.record(z.string(), scalar).optional(),
  ...MEANING_FIELDS,
  timeout: duration.optional(),
})

const timeoutMsDefault = 60_000

/** Reads `http:` of a definition. Throws ConfigError. */
export function readHttp(place: Located, allowed: ReadonlySet<string>): HttpDefinition {
  const given = parseAt(httpSchema, place, 'http')
  for (const [i, rule] of (given.errors ?? []).entries())
    if (rule.code !== undefined && given.code === undefined)
      failAt(
        below(place, 'errors', i, 'code'),
        'code: needs http.code with the path where an answer names its code',
      )
  return {
    base: compileTemplate(below(place, 'base'), allowed),
    headers: new Map(
      Object.keys(given.headers ?? {}).map((name) => [
        name.toLowerCase(),
        compileTemplate(below(place, 'headers', name), allowed),
      ]),
    ),
    ...readMeaning(place),
    timeoutMs: given.timeout ?? timeoutMsDefault,
  }
}

/** Reads code:, detail:, wait:, failed: and errors:. Throws ConfigError. */
export function readMeaning(place: Located): AnswerMeaning {
  const given = parseAt(meaningSchema, place, '')
  return {
    code: given.code === undefined ? null : pathIn(below(place, 'code')),
    detail: given.detail === undefined ? null : pathIn(below(place, 'detail')),
    wait: given.wait
      ? { path: pathIn(below(place, 'wait', 'path')), unitMs: given.wait.in === 's' ? 1_000 : 1 }
      : null,
    failed: given.failed ? failedRule(below(place, 'failed')) : null,
    errors: (given.errors ?? []).map((rule, i) => {
      const at = below(place, 'errors', i)
      if (rule.status === undefined && rule.code === undefined && rule.detail === undefined)
        exactlyOne(at, 'an error', ['status', 'code', 'detail'])
      return {
        status: rule.status ?? null,
        code: rule.code === undefined ? null : globOf(String(rule.code)),
        detail: rule.detail === undefined ? null : globOf(rule.detail),
        is: rule.is,
        help: rule.help ?? null,
        waitMs: rule.wait ?? null,
        applied: rule.applied ?? null,
      }
    }),
  }
}

function failedRule(place: Located): FailedRule {
  const kind = exactlyOne(place, 'failed:', ['equals', 'given'])
  const equals = below(place, 'equals').value
  return {
    path: pathIn(below(place, 'path')),
    equals: kind === 'given' ? null : normalText(String(equals)).toLowerCase(),
  }
}

/** Compiles `lock_*|*50`: alternatives, in which * stands for any characters. */
export function globOf(text: string): RegExp {
  const alternatives = text.split('|').map((one) =>
    one
      .trim()
      .replace(/[.+?^${}()[\]\\]/g, '\\$&')
      .replaceAll('*', '.*'),
  )
  return new RegExp(`^(?:${alternatives.join('|')})$`, 'is')
}
