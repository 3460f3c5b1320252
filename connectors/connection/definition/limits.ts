import { z } from 'zod'
import { failAt, type Located } from '../../mapping/document.ts'
import { globOf } from './http.ts'
import type { Setting } from './settings.ts'
import { below, duration, exactlyOne, parseAt, shape } from './shape.ts'

export interface LimitDefinition {
  /** As LimitUse names it: `per 1m`, `concurrent /events*`. */
  name: string
  /** Milliseconds of a rate; null for requests at one time. */
  perMs: number | null
  max: number
  /** The setting that replaces `max`. */
  setting: string | null
  /** Paths below the base to which it applies; null for all. */
  path: RegExp | null
}

/** Headers of an answer that say how much is left. */
export interface LimitHeaders {
  after: string | null
  remaining: string | null
  reset: string | null
}

export interface LimitDefinitions {
  limits: readonly LimitDefinition[]
  headers: LimitHeaders
}

const headerName = z.string().min(1)
const limitSchema = shape({
  per: duration.optional(),
  max: z.int().min(1).optional(),
  of: z.string().optional(),
  concurrent: z.int().min(1).optional(),
  path: z.string().min(1).optional(),
  headers: shape({
    after: headerName.optional(),
    remaining: headerName.optional(),
    reset: headerName.optional(),
  }).optional(),
})

/** Reads `limits:` of a definition. Throws ConfigError. */
export function readLimits(
  place: Located,
  settings: ReadonlyMap<string, Setting>,
): LimitDefinitions {
  const given = parseAt(z.array(limitSchema).default([]), place, 'limits')
  const limits: LimitDefinition[] = []
  let headers: LimitHeaders = { after: 'retry-after', remaining: null, reset: null }
  for (const [i, limit] of given.entries()) {
    const at = below(place, i)
    const kind = exactlyOne(at, 'a limit', ['per', 'concurrent', 'headers'])
    if (kind === 'headers') {
      const lower = (name: string | undefined) => name?.toLowerCase() ?? null
      headers = {
        after: lower(limit.headers?.after) ?? headers.after,
        remaining: lower(limit.headers?.remaining),
        reset: lower(limit.headers?.reset),
      }
      continue
    }
    const max = kind === 'per' ? limit.max : limit.concurrent
    if (max === undefined)
      return failAt(at, 'per: needs max: with the number of requests in that time')
    const name = limit.of?.replace(/^settings\./, '') ?? null
    if (name !== null && settings.get(name)?.is !== 'number')
      failAt(at, `of: "${limit.of}" is not a setting that is a number`, ['of'])
    limits.push({
      name: `${kind === 'per' ? `per ${(at.value as { per: string }).per}` : 'concurrent'}${limit.path === undefined ? '' : ` ${limit.path}`}`,
      perMs: limit.per ?? null,
      max,
      setting: name,
      path: limit.path === undefined ? null : globOf(limit.path),
    })
  }
  return { limits, headers }
}
