import { createHash } from 'node:crypto'
import { ownValue } from '../../../schema/kit/dictionary.ts'
import type { Received } from '../kit/exchange.ts'
import { refused } from './errors.ts'
import type { ObjectType } from './objects.ts'
import type { Fields } from './records.ts'

const CONDITIONS = ['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since']

/** Only accounts have an entity tag. */
export const hasTag = ({ name }: ObjectType): boolean => name === 'Account'

export const tagOf = (record: Fields): string =>
  `"${createHash('sha1').update(JSON.stringify(record)).digest('base64')}--gzip"`

/**
 * Returns 304 or 412 if a condition of a request does not hold. Tags of objects that have none are
 * ignored; times are compared in whole seconds.
 */
export function failedCondition(
  type: ObjectType,
  record: Fields,
  { headers, method }: Received,
): 304 | 412 | undefined {
  const tags = (name: 'if-match' | 'if-none-match') =>
    hasTag(type) ? headers[name]?.split(/\s*,\s*/) : undefined
  const time = (name: 'if-modified-since' | 'if-unmodified-since') => {
    const text = headers[name]
    if (text === undefined) return undefined
    const value = Date.parse(text)
    if (Number.isNaN(value)) throw refused(400, 'INVALID_HEADER', `${name} is no date`)
    return value
  }
  const isRead = method === 'GET'
  const modified = Date.parse(String(record.LastModifiedDate))
  const tag = tagOf(record)
  const includes = (list: readonly string[]) => list.includes(tag) || list.includes('*')
  const match = tags('if-match')
  const unmodified = time('if-unmodified-since')
  if ((match && !includes(match)) || (unmodified !== undefined && modified > unmodified)) return 412
  const none = tags('if-none-match')
  if (none && includes(none)) return isRead ? 304 : 412
  const since = time('if-modified-since')
  return isRead && since !== undefined && modified <= since ? 304 : undefined
}

/** Refuses conditions where the model knows of none. */
export function refuseConditions({ headers }: Received): void {
  const name = CONDITIONS.find((condition) => ownValue(headers, condition) !== undefined)
  if (name !== undefined)
    throw refused(400, 'INVALID_HEADER', `${name} has no effect on this resource`, true)
}
