import { type Path, scopeOf } from '../../mapping/path.ts'
import { isMap } from '../../mapping/rule.ts'
import type { PulledRow } from '../contract.ts'
import type { WriteRequest } from '../definition/writeRequest.ts'
import type { ObjectContext } from '../pull/context.ts'
import { refuseOf } from '../pull/readPage.ts'
import { idText, timedRow } from '../pull/rows.ts'
import type { Answered } from '../request/requester.ts'
import { headerText } from '../request/verdict.ts'

/** Reads the id of a written record from the answer; null where it has none. */
export function idOfAnswer({ id }: WriteRequest, { body, headers }: Answered): string | null {
  if (id === null) return null
  if ('header' in id) return idOfAddress(headerText(headers, id.header) ?? '')
  return idText(id.first(scopeOf(body)))
}

/** Reads the record of the answer; null where the definition says that it has none. */
export function rowOfAnswer(
  { object }: ObjectContext,
  { row }: WriteRequest,
  answered: Answered,
): PulledRow | null {
  if (row === null || answered.empty) return null
  const found: unknown = row === true ? answered.body : row.first(scopeOf(answered.body))
  return isMap(found) ? timedRow(object, found, refuseOf(answered.name)).row : null
}

export function isCreated({ created }: WriteRequest, { status, body }: Answered): boolean {
  return created ? isTrue(created, body) : status === 201
}

function isTrue(path: Path, body: unknown): boolean {
  const value = path.first(scopeOf(body))
  return value === true || value === 'true'
}

/** Returns the id in an address: what stands in brackets at its end, else its last part. */
function idOfAddress(address: string): string | null {
  const path = address.replace(/[?#].*$/, '')
  const [, inside] = /\(([^()]+)\)$/.exec(path) ?? []
  const last = inside?.replace(/^'(.*)'$/, '$1') ?? path.split('/').at(-1) ?? ''
  return last === '' ? null : decodeURIComponent(last)
}
