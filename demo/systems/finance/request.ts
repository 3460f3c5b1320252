import { ownValue, setOwn } from '../../../schema/kit/dictionary.ts'
import type { Received } from '../kit/exchange.ts'
import { Query } from '../kit/query.ts'
import { type Entity, typeName } from './entities.ts'
import { badRequest } from './errors.ts'
import type { Field } from './fields.ts'

export const pageRowsMax = 10_000

export const queryOf = (request: Received): Query =>
  new Query(request.query, (name, problem) =>
    badRequest(`The query parameter '${name}' is ${problem}.`, problem === 'unknown'),
  )

/**
 * Returns how many rows a page has: as many as are preferred, but not more than the most. A request
 * without pages may prefer it too; a preference that does not apply is ignored (RFC 7240).
 */
export function pageRowsOf({ headers }: Received, max = pageRowsMax): number {
  let rows = max
  for (const part of String(headers.prefer ?? '').split(',')) {
    const [, preferred] = /^\s*odata\.maxpagesize=(\d{1,6})\s*$/.exec(part) ?? []
    if (preferred !== undefined && Number(preferred) > 0) rows = Number(preferred)
    else if (part.trim() !== '') throw badRequest(`The preference ${part} is not supported.`, true)
  }
  return Math.min(rows, max)
}

/** Checks the headers that state the version of OData. */
export function checkVersion({ headers }: Received): void {
  for (const sent of [headers['odata-version'], headers['odata-maxversion']])
    if (sent !== undefined && sent !== '4.0')
      throw badRequest(`The version ${String(sent)} of OData is not supported.`)
}

export function fieldOf(entity: Entity, name: string): Field {
  const field = entity.fields.get(name)
  if (field) return field
  throw badRequest(`Could not find a property named '${name}' on type '${typeName(entity)}'.`, true)
}

/** Returns the fields that are selected; undefined where all are. */
export const selectOf = (entity: Entity, query: Query): Field[] | undefined =>
  query
    .text('$select')
    ?.split(',')
    .map((name) => fieldOf(entity, name.trim()))

/**
 * Reads the key of a record, `dataAreaId='usmf',CustomerAccount='US-001'`. All fields of the entity
 * key are needed; a key of one field may stand alone. Throws `Refused`.
 */
export function keyOf(entity: Entity, text: string): Record<string, unknown> {
  const key: Record<string, unknown> = {}
  const part = /\s*(?:(\w+)=)?('(?:[^']|'')*'|[^,']+)\s*(?:,|$)/y
  const wrong = () =>
    badRequest(`The key '${text}' does not match the key of '${typeName(entity)}'.`, true)
  while (part.lastIndex < text.length) {
    const match = part.exec(text)
    if (!match) throw wrong()
    const name = match[1] ?? (entity.keys.length === 1 ? entity.keys[0]! : '')
    if (!entity.keys.includes(name) || Object.hasOwn(key, name)) throw wrong()
    const quoted = match[2]!.startsWith("'")
    if (quoted !== (fieldOf(entity, name).kind === 'string')) throw wrong()
    setOwn<unknown>(key, name, quoted ? match[2]!.slice(1, -1).replaceAll("''", "'") : match[2])
  }
  if (entity.keys.some((name) => ownValue(key, name) === undefined)) throw wrong()
  return key
}
