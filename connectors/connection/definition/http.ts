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
}

/** Marks an answer with status 200 that failed. */
export interface FailedRule {
  path: Path
  equals: string
}

export interface HttpDefinition {
  base: Template
  headers: ReadonlyMap<string, Template>
  code: Path | null
  detail: Path | null
  failed: FailedRule | null
  errors: readonly ErrorRule[]
  timeoutMs: number
}

const errorSchema = shape({
  status: z.int().min(200).max(599).optional(),
  code: scalar.optional(),
  detail: z.string().min(1).optional(),
  is: z.enum([...VERDICTS, 'EMPTY']),
  help: z.string().optional(),
  wait: duration.optional(),
})

const httpSchema = shape({
  base: z.string().min(1),
  headers: z.record(z.string(), scalar).optional(),
  code: pathText.optional(),
  detail: pathText.optional(),
  failed: shape({ path: pathText, equals: z.union([scalar, z.null()]) }).optional(),
  errors: z.array(errorSchema).optional(),
  timeout: duration.optional(),
})

const timeoutMsDefault = 60_000

/** Reads `http:` of a definition. Throws ConfigError. */
export function readHttp(place: Located, allowed: ReadonlySet<string>): HttpDefinition {
  const given = parseAt(httpSchema, place, 'http')
  return {
    base: compileTemplate(below(place, 'base'), allowed),
    headers: new Map(
      Object.keys(given.headers ?? {}).map((name) => [
        name.toLowerCase(),
        compileTemplate(below(place, 'headers', name), allowed),
      ]),
    ),
    code: given.code === undefined ? null : pathIn(below(place, 'code')),
    detail: given.detail === undefined ? null : pathIn(below(place, 'detail')),
    failed: given.failed
      ? {
          path: pathIn(below(place, 'failed', 'path')),
          equals: normalText(String(given.failed.equals)).toLowerCase(),
        }
      : null,
    errors: (given.errors ?? []).map((rule, i) => {
      const at = below(place, 'errors', i)
      if (rule.status === undefined && rule.code === undefined && rule.detail === undefined)
        exactlyOne(at, 'an error', ['status', 'code', 'detail'])
      if (rule.code !== undefined && given.code === undefined)
        failAt(at, 'code: needs http.code with the path where an answer names its code', ['code'])
      return {
        status: rule.status ?? null,
        code: rule.code === undefined ? null : globOf(String(rule.code)),
        detail: rule.detail === undefined ? null : globOf(rule.detail),
        is: rule.is,
        help: rule.help ?? null,
        waitMs: rule.wait ?? null,
      }
    }),
    timeoutMs: given.timeout ?? timeoutMsDefault,
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
