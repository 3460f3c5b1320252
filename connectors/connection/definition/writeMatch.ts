import { z } from 'zod'
import { failAt, type Located } from '../../mapping/document.ts'
import type { Path } from '../../mapping/path.ts'
import { idNames } from './identity.ts'
import { compileRequest, REQUEST_FIELDS, type RequestTemplate } from './request.ts'
import { below, exactlyOne, pathIn, pathText, shape } from './shape.ts'

/** How an update notices that its record has changed since it was read. */
export type WriteMatch =
  /** `etag` is null where it is a header of the answer; `request` is another read that has it. */
  | { how: 'ETAG'; etag: Path | null; request: RequestTemplate | null }
  | { how: 'SINCE' }
  | { how: 'VERSION'; version: Path }
  | { how: 'NONE' }

export const matchSchema = z.union([
  z.enum(['none', 'since']),
  shape({
    etag: pathText.optional(),
    version: pathText.optional(),
    read: shape(REQUEST_FIELDS).optional(),
  }),
])

/** Reads `match:`. Paths are below `part`, where the request writes a part of the record alone. */
export function readMatch(
  at: Located,
  { what, allowed, object, part = null }: MatchContext,
): WriteMatch {
  const pathBelow = (key: string) => {
    const own = below(at, key)
    return pathIn(part === null ? own : { ...own, value: `${part}.${String(own.value)}` })
  }
  const given = at.value as z.output<typeof matchSchema>
  if (given === 'since') {
    if (!object.hasVersion) failAt(at, `${what}: match: since needs version: of the object`)
    return { how: 'SINCE' }
  }
  if (!object.hasRead) failAt(at, `${what}: match: needs read: of the object, to compare`)
  if (given === 'none') return { how: 'NONE' }
  if (exactlyOne(at, `${what}.match`, ['etag', 'version']) === 'version') {
    if (given.read) failAt(at, `${what}: match: read: is for etag:`, ['read'])
    return { how: 'VERSION', version: pathBelow('version') }
  }
  return {
    how: 'ETAG',
    etag: given.etag === 'header' ? null : pathBelow('etag'),
    request: given.read
      ? compileRequest([below(at, 'read')], `${what}.match.read`, {
          allowed: new Set([...allowed, ...idNames]),
          optional: new Set(),
        })
      : null,
  }
}

export interface MatchContext {
  what: string
  /** Placeholders that have a value in every request. */
  allowed: ReadonlySet<string>
  object: { hasRead: boolean; hasVersion: boolean }
  part?: string | null
}
