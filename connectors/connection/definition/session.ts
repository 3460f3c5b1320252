import { z } from 'zod'
import type { Located } from '../../mapping/document.ts'
import { compileRequest, REQUEST_FIELDS, type RequestTemplate } from './request.ts'
import { duration, parseAt, shape } from './shape.ts'

/** The placeholder for the first part of the path to which a write is sent. */
export const SERVICE = 'service'

/** A session that a system wants before a write: headers of an answer, and its cookies. */
export interface SessionDefinition {
  /** With `{service}` each service has a session of its own. */
  request: RequestTemplate
  /** Headers of the answer that are sent with each write. */
  take: readonly string[]
  /** The answer that asks for a new session. */
  refused: { status: number; header: string; equals: string }
  lifetimeMs: number
}

const sessionSchema = shape({
  ...REQUEST_FIELDS,
  take: z.array(z.string().min(1)).min(1),
  refused: shape({
    status: z.int().min(300).max(599),
    header: z.string().min(1),
    equals: z.string().min(1),
  }),
  lifetime: duration.optional(),
})

const lifetimeMsDefault = 900_000

/** Reads `session:` of a definition; null where it has none. Throws ConfigError. */
export function readSession(
  place: Located,
  allowed: ReadonlySet<string>,
): SessionDefinition | null {
  if (place.value === undefined) return null
  const given = parseAt(sessionSchema, place, 'session')
  const { take, refused, lifetime, ...request } = given
  return {
    request: compileRequest([{ ...place, value: request }], 'session', {
      allowed: new Set([...allowed, SERVICE]),
      optional: new Set(),
    }),
    take: take.map((name) => name.toLowerCase()),
    refused: {
      status: refused.status,
      header: refused.header.toLowerCase(),
      equals: refused.equals.toLowerCase(),
    },
    lifetimeMs: lifetime ?? lifetimeMsDefault,
  }
}
