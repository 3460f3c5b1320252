import { z } from 'zod'
import { failAt, type Located } from '../../mapping/document.ts'
import type { Path } from '../../mapping/path.ts'
import { isMap } from '../../mapping/rule.ts'
import { namesOf } from './feed.ts'
import { MEANING_FIELDS } from './http.ts'
import { idNames } from './identity.ts'
import { compileRequest, REQUEST_FIELDS, type RequestTemplate } from './request.ts'
import { below, duration, parseAt, pathIn, pathText, scalar, shape } from './shape.ts'
import { compileTemplate, type Template } from './template.ts'
import { type ElementWrite, elementSchema, readElements } from './writeElement.ts'
import { fieldsSchema, pathKey, readFields, type WriteField } from './writeFields.ts'
import { matchSchema, readMatch, type WriteMatch } from './writeMatch.ts'
import {
  createFields,
  meaningOf,
  partOf,
  readGiven,
  readRequest,
  updateSchema,
  type WriteRequest,
  withoutNull,
} from './writeRequest.ts'

export type WriteOnce =
  | { by: 'KEY'; header: string; onceMs: number; methods: ReadonlySet<string> }
  | { by: 'UPSERT' }
  | { by: 'NONE' }

export interface WriteDefinition {
  as: 'json' | 'form'
  create: WriteRequest | null
  upsert: WriteRequest | null
  /** One request, or several of which each writes other fields. */
  updates: readonly WriteRequest[]
  /** Path of the golden id; it may have settings in it, and is null where one of them is not given. */
  goldenId: Template | null
  /** Whether the golden id is the id of a record that is created, so that no update writes it. */
  isGoldenIdOfRecord: boolean
  /**
   * `row` is null where the answer itself is the record. `id` is the path of the record's id in a row
   * that only names it; null where the row is the record.
   */
  find: { request: RequestTemplate; row: Path | null; id: Path | null; lagMs: number } | null
  once: WriteOnce
  match: WriteMatch
  needs: readonly Path[]
  /** Groups of fields of which the system keeps no part that an update leaves out. */
  whole: readonly string[]
  /** How a field is emptied; undefined: it cannot be. */
  empty: null | '' | undefined
  /** Values of the record that requests use as {record.NAME}. */
  record: ReadonlyMap<string, Path>
  /** Lists of which each element is written by itself, by the key of their path. */
  elements: ReadonlyMap<string, ElementWrite>
}

const writeSchema = shape({
  as: z.enum(['json', 'form']).optional(),
  fields: fieldsSchema.optional(),
  needs: z.array(pathText).min(1).optional(),
  whole: z.array(pathText).min(1).optional(),
  record: z.record(z.string().regex(/^[a-z][A-Za-z0-9]{0,60}$/), pathText).optional(),
  empty: z.enum(['null', 'text', 'never']).optional(),
  goldenId: scalar.optional(),
  create: shape(createFields).optional(),
  upsert: shape({ ...createFields, created: pathText.optional() }).optional(),
  update: z.union([updateSchema, z.array(updateSchema).min(2)]).optional(),
  find: shape({
    ...REQUEST_FIELDS,
    row: z.union([pathText, z.literal(true)]),
    id: pathText.optional(),
    lag: duration.optional(),
  }).optional(),
  once: z
    .union([
      z.enum(['upsert', 'find']),
      shape({
        header: z.string().min(1),
        for: duration,
        on: z
          .array(z.enum(['POST', 'PATCH', 'PUT']))
          .min(1)
          .optional(),
      }),
    ])
    .optional(),
  match: matchSchema.optional(),
  elements: z.record(pathText, elementSchema).optional(),
  ...MEANING_FIELDS,
})

/** The parts of an object on which its `write:` depends. */
export interface WrittenObject {
  hasRead: boolean
  hasVersion: boolean
  hasChildren: boolean
  /** The path of its id; null where it is no single path. */
  id: string | null
}

/** Reads `write:` of an object. Throws ConfigError. */
export function readWrite(
  place: Located,
  what: string,
  allowed: ReadonlySet<string>,
  object: WrittenObject,
): WriteDefinition | null {
  if (place.value === undefined || place.value === null) return null
  const given = parseAt(writeSchema, place, what)
  const refuse = (message: string, ...at: PropertyKey[]): never =>
    failAt(place, `${what}: ${message}`, at)
  const as = given.as ?? 'json'
  const recordNames = Object.keys(given.record ?? {}).map((name) => `record.${name}`)
  const base = new Set([...allowed, 'fields', ...recordNames])
  const common =
    given.fields === undefined ? new Map<string, WriteField>() : readFields(below(place, 'fields'))
  const { goldenId, find, once, match, create, update, upsert } = given
  if (!create && !update && !upsert) refuse('needs create:, update: or upsert:')
  if (create && upsert)
    refuse('has create: and upsert:, which creates too; one is allowed', 'create')
  const hasGoldenId = goldenId !== undefined
  // What is only created is not compared with what was read.
  const isRead = object.hasRead || !update
  const matchContext = { what, allowed, object: { ...object, hasRead: isRead } }
  const requestOf = (at: Located, name: 'create' | 'update' | 'upsert'): WriteRequest => {
    const names = [
      ...(name === 'update' ? idNames : []),
      ...['goldenId', 'writeKey', 'values'].filter((n) => n !== 'goldenId' || hasGoldenId),
    ]
    const part = readRequest(at, {
      what: `${what}.${name}`,
      as,
      allowed: new Set([...base, ...names]),
    })
    if (part.row !== null && object.hasChildren)
      failAt(at, `${what}.${name}: row: lacks what children: reads; leave it out`, ['row'])
    const ownMatch = below(at, 'match')
    return {
      ...part,
      action: name === 'update' ? 'update' : 'create',
      meaning: meaningOf(at, place),
      match:
        ownMatch.value === undefined
          ? null
          : readMatch(ownMatch, { ...matchContext, part: partOf(at) }),
      given: new Map(),
    }
  }
  const elements = readElements(below(place, 'elements'), {
    ...matchContext,
    ...{ as, base: new Set([...base, ...idNames]), write: place },
  })
  const several = Array.isArray(update)
  const updates = [update ?? []].flat().map((_, i) => {
    const at = several ? below(place, 'update', i) : below(place, 'update')
    const one = requestOf(at, 'update')
    if (several && one.fields.size === 0)
      failAt(at, `${what}.update: each of several needs fields: of its own`)
    if (![...idNames, ...recordNames].some((n) => one.names.has(n)))
      failAt(at, `${what}: update: does not use {id}, so it would change another record`)
    if (!one.match && match === undefined)
      failAt(
        at,
        `${what}: update: needs match: etag, since or version, or match: none, which reads the record just before and compares`,
      )
    if (several) return one
    return { ...one, fields: withoutNull(new Map([...common, ...one.fields]), at) }
  })
  const written = updates.flatMap(({ fields }) => [...fields.keys()])
  const twice = written.find((key, i) => written.indexOf(key) !== i)
  if (twice !== undefined) refuse('update: two of its requests write one field', 'update')
  const creating = (name: 'create' | 'upsert'): WriteRequest | null => {
    if (!given[name]) return null
    const one = requestOf(below(place, name), name)
    if (one.id === null)
      refuse(`${name}: needs id: with where the answer has the id of the new record`, name)
    // A part stands elsewhere in a create, which names its fields itself.
    const whole = several
      ? updates.filter((_, i) => partOf(below(place, 'update', i)) === null)
      : []
    const all = [...common, ...whole.flatMap((u) => [...u.fields])]
    const fields = withoutNull(new Map([...all, ...one.fields]), below(place, name))
    return { ...one, fields, given: readGiven(below(place, name, 'given'), what, fields, allowed) }
  }
  const requests = { create: creating('create'), upsert: creating('upsert') }
  if (requests.upsert && !requests.upsert.names.has('goldenId'))
    refuse(
      'upsert: needs goldenId: and {goldenId} in its request, which decides whether there is a record',
      'upsert',
    )
  if (find && !hasGoldenId) refuse('find: needs goldenId: with the path of the golden id', 'find')
  const creates = requests.create ?? requests.upsert
  if (
    creates &&
    goldenId !== undefined &&
    !creates.names.has('goldenId') &&
    /\[[^\]]*=/.test(String(goldenId))
  )
    refuse(
      'goldenId: is an element of a list, so create: has to place it with {goldenId}',
      'goldenId',
    )

  return {
    as,
    ...requests,
    updates,
    goldenId: hasGoldenId ? compileTemplate(below(place, 'goldenId'), allowed) : null,
    isGoldenIdOfRecord: hasGoldenId && goldenId === object.id,
    find: find ? readFind(below(place, 'find')) : null,
    once: readOnce(),
    match: match === undefined ? { how: 'NONE' } : readMatch(below(place, 'match'), matchContext),
    needs: (given.needs ?? []).map((_, i) => {
      const at = below(place, 'needs', i)
      const path = pathIn(at)
      if (!creates?.fields.has(pathKey(path.text)))
        failAt(at, `${what}.needs: "${path.text}" is none of the fields of create:`)
      return path
    }),
    whole: (given.whole ?? []).map((group, i) => {
      const fields = updates.flatMap((u) => [...u.fields.values()])
      if (!fields.some(({ path }) => path.text.startsWith(`${group}.`)))
        refuse(`whole: "${group}" has no field that an update writes`, 'whole', i)
      return group
    }),
    empty: { null: null, text: '' as const, never: undefined }[
      given.empty ?? (as === 'json' ? 'null' : 'text')
    ],
    record: new Map(
      Object.keys(given.record ?? {}).map((n) => [n, pathIn(below(place, 'record', n))]),
    ),
    elements,
  }

  function readOnce(): WriteOnce {
    if (isMap(once)) {
      const { header, on = ['POST'] } = once
      return { by: 'KEY', header: header.toLowerCase(), onceMs: once.for, methods: new Set(on) }
    }
    if (once === 'upsert' && !upsert) refuse('once: upsert needs upsert:', 'once')
    if (upsert) return { by: 'UPSERT' }
    if (create && !find)
      refuse(
        'create: needs once: with the header of a key, or find:, which looks for the record first; else a repetition would make a second record',
        'create',
      )
    return { by: 'NONE' }
  }

  function readFind(at: Located): WriteDefinition['find'] {
    const { row, id, lag, ...request } = find ?? { row: true }
    const compiled = compileRequest([{ ...at, value: request }], `${what}.find`, {
      allowed: new Set([...allowed, 'goldenId', 'fields']),
      optional: new Set(),
    })
    if (!namesOf({ request: compiled }).has('goldenId'))
      failAt(at, `${what}.find: does not use {goldenId}`)
    if (id !== undefined && !object.hasRead)
      failAt(at, `${what}.find: id: names a record that read: of the object reads`, ['id'])
    return {
      request: compiled,
      row: row === true ? null : pathIn(below(at, 'row')),
      id: id === undefined ? null : pathIn(below(at, 'id')),
      lagMs: lag ?? 0,
    }
  }
}
