import { z } from 'zod'
import { failAt, type Located } from '../../mapping/document.ts'
import type { Path } from '../../mapping/path.ts'
import { isMap } from '../../mapping/rule.ts'
import type { WriteAction } from '../writing.ts'
import { namesOf } from './feed.ts'
import { type AnswerMeaning, MEANING_FIELDS, readMeaning } from './http.ts'
import { compileRequest, REQUEST_FIELDS, type RequestTemplate } from './request.ts'
import { below, pathIn, pathText, scalar, shape } from './shape.ts'
import { compileTemplate, type Template } from './template.ts'
import { fieldsSchema, pathKey, readFields, type WriteField } from './writeFields.ts'
import { matchSchema, type WriteMatch } from './writeMatch.ts'

/** One request that writes. */
export interface WriteRequest {
  action: WriteAction
  request: RequestTemplate
  /** Placeholders of the request. */
  names: ReadonlySet<string>
  /** By path as `pathKey` writes it. */
  fields: ReadonlyMap<string, WriteField>
  /** Where the answer has the id of the record; null: it is that of the request. */
  id: Path | { header: string } | null
  /** Where the answer has the record as it is read; null: nowhere, true: it is the answer itself. */
  row: Path | true | null
  /** Where the answer to an upsert says that it made a record; null: its status is 201. */
  created: Path | null
  /** What an answer means, where it is not as in `http:`. */
  meaning: Partial<AnswerMeaning>
  /** Of an update; null: that of `write:`. */
  match: WriteMatch | null
  /** Of a create: the values that each new record has, by path of the record as it is read. */
  given: ReadonlyMap<string, Template>
}

export const requestFields = {
  ...REQUEST_FIELDS,
  fields: fieldsSchema.optional(),
  id: z.union([pathText, shape({ header: z.string().min(1) })]).optional(),
  row: z.union([pathText, z.literal(true)]).optional(),
  ...MEANING_FIELDS,
}
export const updateSchema = shape({
  ...requestFields,
  match: matchSchema.optional(),
  part: pathText.optional(),
})
export const createFields = { ...requestFields, given: z.record(pathText, scalar).optional() }

/** Returns the path of the part that a request writes; null for the record itself. */
export function partOf(request: Located): string | null {
  const { value } = below(request, 'part')
  return value === undefined ? null : String(value)
}

/** Reads `given:` of a create. */
export function readGiven(
  place: Located,
  what: string,
  fields: ReadonlyMap<string, WriteField>,
  allowed: ReadonlySet<string>,
): Map<string, Template> {
  return new Map(
    Object.keys((place.value as object | undefined) ?? {}).map((path) => {
      const at = below(place, path)
      if (!fields.has(pathKey(path)))
        failAt(at, `${what}.create.given: "${path}" is none of the fields of create:`)
      return [path, compileTemplate(at, allowed)]
    }),
  )
}

/** Returns what answers mean: what the request says, then `write:`. `errors:` of both count. */
export function meaningOf(request: Located, write: Located): Partial<AnswerMeaning> {
  const [own, general] = [request, write].map((place) => {
    const meaning = readMeaning({ ...place, value: onlyMeaning(place.value as object) })
    return Object.fromEntries(
      Object.entries(meaning).filter(([, part]) => part !== null),
    ) as Partial<AnswerMeaning>
  })
  return { ...general, ...own, errors: [...(own?.errors ?? []), ...(general?.errors ?? [])] }
}

/** Removes the fields that `fields:` of a request sets to null. */
export function withoutNull(
  fields: Map<string, WriteField>,
  request: Located,
): Map<string, WriteField> {
  const own = below(request, 'fields').value
  if (!isMap(own)) return fields
  for (const [path, to] of Object.entries(own)) if (to === null) fields.delete(pathKey(path))
  return fields
}

export function onlyMeaning(given: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(given).filter(([key]) => Object.hasOwn(MEANING_FIELDS, key)),
  )
}

export function readRequest(
  place: Located,
  { what, as, allowed }: { what: string; as: 'json' | 'form'; allowed: ReadonlySet<string> },
): Omit<WriteRequest, 'action' | 'meaning' | 'match' | 'given'> {
  const rest = Object.fromEntries(
    Object.entries(place.value as object).filter(([key]) => Object.hasOwn(REQUEST_FIELDS, key)),
  )
  const request = compileRequest([{ ...place, value: rest }], what, {
    allowed,
    optional: new Set(),
  })
  if (request.method === 'GET') failAt(place, `${what}: a get writes nothing`, ['get'])
  if (request.body && request.body.as !== as)
    failAt(place, `${what}: ${request.body.as}: is not the form of the body; as: says ${as}`, [
      request.body.as,
    ])
  const at = (key: string) => below(place, key)
  const id = at('id')
  return {
    request: {
      ...request,
      body:
        request.body ??
        (as === 'json' ? { as, json: { map: new Map() } } : { as, form: new Map() }),
    },
    names: namesOf({ request }),
    fields: at('fields').value === undefined ? new Map() : readFields(at('fields'), partOf(place)),
    id:
      id.value === undefined
        ? null
        : isMap(id.value)
          ? { header: String(id.value.header).toLowerCase() }
          : pathIn(id),
    row: at('row').value === undefined ? null : at('row').value === true ? true : pathIn(at('row')),
    created: at('created').value === undefined ? null : pathIn(at('created')),
  }
}
