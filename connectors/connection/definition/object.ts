import { createHash } from 'node:crypto'
import { z } from 'zod'
import { failAt, type Located } from '../../mapping/document.ts'
import type { Path, Scope } from '../../mapping/path.ts'
import { compileWhen, isMap } from '../../mapping/rule.ts'
import { isZone } from '../../mapping/zones.ts'
import { type BatchRead, batchFields, readBatch } from './batch.ts'
import { type Child, readChildren } from './children.ts'
import { type DeletesJob, deletesJobSchema, readDeletesJob } from './deletesJob.ts'
import { type Feed, namesOf } from './feed.ts'
import { globOf } from './http.ts'
import { compileIdOf, compileMomentOf, idNames, type JoinedId, joinedIdOf } from './identity.ts'
import { type JobDefinition, readJob } from './job.ts'
import {
  compileListing,
  LISTING_FIELDS,
  type Listing,
  readTimes,
  TIME_FIELDS,
  type TimeBounds,
} from './listing.ts'
import {
  compileRequest,
  REQUEST_FIELDS,
  type RequestNames,
  type RequestTemplate,
} from './request.ts'
import { below, duration, exactlyOne, parseAt, pathIn, pathText, shape } from './shape.ts'
import { readWrite, type WriteDefinition } from './write.ts'

export type Delta =
  | {
      how: 'window'
      listing: Listing
      times: TimeBounds
      stepMs: number | null
      /** Reads an interval instead of the listing, where it can be used. */
      job: JobDefinition | null
    }
  | { how: 'keyset'; listing: Listing; times: TimeBounds; size: number | null; more: Path | null }
  /** `listing` is that of the full run, whose last page has the first position. */
  | { how: 'link'; listing: Listing; next: Path; expiresMs: number | null }
  | {
      how: 'feed'
      feed: Feed
      types: readonly string[]
      isOne(type: string): boolean
      isGone(type: string): boolean
      /** The id of the record that an event names. */
      idOf(scope: Scope): string | null
    }

export interface Deletes {
  flag: boolean
  feed: boolean
  census: Listing | true | null
  /** Rows of the delta that only name what is gone. */
  tombstone: { when(scope: Scope): boolean; id: Path } | null
  /** A list whose rows are gone. */
  list: {
    listing: Listing
    idOf(scope: Scope): string | null
    atOf: ((scope: Scope) => bigint | null) | null
    /** Whether a row is about this object: a list may be about several. */
    isOne(scope: Scope): boolean
    times: TimeBounds
  } | null
  /** Jobs that name what was deleted in an interval. */
  job: DeletesJob | null
}

export interface ObjectDefinition {
  name: string
  /**
   * The object whose rows each have a list of this one; `as` is the field for the parent's id.
   * `isOver` holds for rows that have no list any more.
   */
  under: { object: string; as: string; isOver(scope: Scope): boolean } | null
  /** Changes when rows that were read before would lack what is read now. */
  fingerprint: string
  /** Whether a system may lack it. */
  isOptional: boolean
  fields: readonly string[]
  size: number | null
  idOf(scope: Scope): string | null
  /** Null for an id of one part. */
  joinedId: JoinedId | null
  /** Microseconds since 1970. */
  versionOf: ((scope: Scope) => bigint | null) | null
  full: Listing
  /** How many rows are loaded; null where all are listed. */
  job: JobDefinition | null
  delta: Delta | null
  deletes: Deletes
  read: {
    request: RequestTemplate
    row: Path | null
    /** One request for several records. */
    batch: BatchRead | null
  } | null
  children: readonly Child[]
  /** Null where the object is not written. */
  write: WriteDefinition | null
}

const idSpec = z.union([z.string(), z.array(z.unknown()), z.record(z.string(), z.unknown())])
const request = shape(REQUEST_FIELDS)
const listed = shape({ ...REQUEST_FIELDS, ...LISTING_FIELDS })

const deltaSchema = shape({
  window: request.optional(),
  keyset: request.optional(),
  link: z.union([z.literal(true), request]).optional(),
  feed: z.string().optional(),
  ...LISTING_FIELDS,
  ...TIME_FIELDS,
  size: z.int().min(1).max(100_000).optional(),
  more: pathText.optional(),
  job: z.unknown().optional(),
  step: duration.optional(),
  next: pathText.optional(),
  types: z.array(z.string().min(1)).min(1).optional(),
  gone: z.array(z.string().min(1)).min(1).optional(),
  id: z.union([pathText, z.array(pathText).min(1)]).optional(),
})

const TIMES = Object.keys(TIME_FIELDS)
const DELTA_PARTS = {
  window: ['rows', 'pages', 'total', 'step', 'job', ...TIMES],
  keyset: ['rows', 'pages', 'total', 'size', 'more', ...TIMES],
  link: ['rows', 'pages', 'total', 'next', 'expires'],
  feed: ['types', 'gone', 'id'],
}

const deletesSchema = shape({
  flag: z.literal(true).optional(),
  feed: z.literal(true).optional(),
  census: z.union([z.literal(true), listed]).optional(),
  tombstone: shape({ when: z.unknown(), id: pathText }).optional(),
  list: shape({
    ...REQUEST_FIELDS,
    ...LISTING_FIELDS,
    ...TIME_FIELDS,
    id: idSpec,
    at: idSpec.optional(),
    when: z.unknown().optional(),
  }).optional(),
  job: deletesJobSchema.optional(),
})
const DELETE_WORDS = ['flag', 'feed', 'census'] as const

const objectSchema = shape({
  id: idSpec,
  version: idSpec.optional(),
  under: shape({
    object: z.string(),
    as: z.string().min(1),
    unless: z.unknown().optional(),
  }).optional(),
  fields: z.array(z.string().min(1)).min(1).optional(),
  ...LISTING_FIELDS,
  size: z.int().min(1).max(100_000).optional(),
  list: request,
  full: shape({
    ...REQUEST_FIELDS,
    ...LISTING_FIELDS,
    job: z.unknown().optional(),
  }).optional(),
  delta: z.unknown().optional(),
  deletes: z.unknown().optional(),
  optional: z.literal(true).optional(),
  read: shape({
    ...REQUEST_FIELDS,
    row: pathText.optional(),
    batch: shape(batchFields).optional(),
  }).optional(),
  children: z.unknown().optional(),
  write: z.unknown().optional(),
})

/** Compiles one of `objects:`. Throws ConfigError. */
export function readObject(
  name: string,
  place: Located,
  allowed: ReadonlySet<string>,
  feeds: ReadonlyMap<string, Feed>,
): ObjectDefinition {
  const what = `objects.${name}`
  const given = parseAt(objectSchema, place, what)
  const list = below(place, 'list')
  const names = (...more: string[]): RequestNames => ({
    allowed: new Set([
      ...allowed,
      'fields',
      'size',
      'lastId',
      'since',
      'until',
      'sinceId',
      ...(given.under ? parentNames : []),
      ...more,
    ]),
    optional: new Set(['since', 'until', 'sinceId'].filter((n) => !more.includes(n))),
  })
  const full = below(place, 'full')
  const deltaPlace = below(place, 'delta')
  const linked = isMap(deltaPlace.value) && isMap(deltaPlace.value.link)
  const readFull = (): Listing =>
    compileListing(
      {
        requests: [list, withoutListing(full), ...(linked ? [below(deltaPlace, 'link')] : [])],
        parts: [place, full],
      },
      `${what}: full`,
      names(),
    )
  const object = {
    name,
    under: given.under ? underOf(given.under) : null,
    fingerprint: fingerprintOf(place, feeds),
    isOptional: given.optional === true,
    fields: given.fields ?? [],
    size: given.size ?? null,
    idOf: compileIdOf(below(place, 'id')),
    joinedId: joinedIdOf(given.id),
    versionOf:
      given.version === undefined
        ? null
        : compileMomentOf(below(place, 'version'), zoneOf(deltaPlace)),
    full: readFull(),
    job: readJob(below(full, 'job'), `${what}.full.job`, allowed),
    read: given.read
      ? {
          request: compileRequest([withoutRow(below(place, 'read'))], `${what}: read`, {
            allowed: new Set([...allowed, 'fields', ...idNames]),
            optional: new Set(),
          }),
          row: given.read.row === undefined ? null : pathIn(below(place, 'read', 'row')),
          batch: given.read.batch
            ? readBatch(below(place, 'read', 'batch'), place, what, new Set([...allowed, 'fields']))
            : null,
        }
      : null,
    children: readChildren(below(place, 'children'), what, new Set([...allowed, 'fields'])),
    write: readWrite(below(place, 'write'), `${what}.write`, allowed, {
      id: typeof given.id === 'string' ? given.id : null,
      hasRead: given.read !== undefined,
      hasVersion: given.version !== undefined,
      hasChildren: given.children !== undefined && given.children !== null,
    }),
  }
  if (given.under && given.delta)
    failAt(deltaPlace, `${what}: delta: is that of ${given.under.object}, under which it is listed`)
  if (given.under && !parentNames.some((n) => namesOf(object.full).has(n)))
    failAt(list, `${what}: list: needs {parent}, the id of the ${given.under.object}`)
  const delta = given.delta === undefined || given.delta === null ? null : readDelta()
  if (object.job && (delta?.how === 'link' || given.under))
    failAt(
      below(full, 'job'),
      `${what}: full: job: is for an object with a list of its own and no delta: link`,
    )
  const deletes = readDeletes()
  if (deletes.tombstone && !delta)
    failAt(below(place, 'deletes'), `${what}: tombstone: needs delta:, whose rows it marks`)
  if (deletes.list && !delta)
    failAt(
      below(place, 'deletes'),
      `${what}: deletes: list: needs delta:; without one each run reads all rows, and deletes: census finds what is gone`,
    )
  if (deletes.job && (!delta || deletes.list || !deletes.census))
    failAt(
      below(place, 'deletes', 'job'),
      `${what}: deletes: job: needs delta:, census: beside it for what it does not name, and no list:`,
    )
  if (deletes.feed && delta?.how !== 'feed')
    failAt(below(place, 'deletes'), `${what}: deletes: feed needs delta: { feed: … }`)
  return { ...object, delta, deletes }

  function underOf(under: { object: string; as: string; unless?: unknown }) {
    const at = below(place, 'under', 'unless')
    const isOver = under.unless === undefined ? () => false : whenIn(at)
    return { object: under.object, as: under.as, isOver }
  }

  function readDelta(): Delta {
    const d = parseAt(deltaSchema, deltaPlace, `${what}.delta`)
    const how = exactlyOne(deltaPlace, `${what}: delta:`, [
      ...(['window', 'keyset', 'link', 'feed'] as const),
    ])
    for (const key of Object.keys(d))
      if (key !== how && !DELTA_PARTS[how].includes(key))
        failAt(
          deltaPlace,
          `${what}: delta: ${key}: is not for ${how}:; allowed are ${[how, ...DELTA_PARTS[how]].join(', ')}`,
          [key],
        )
    if (how === 'feed') return readFeedDelta(d)
    const expiresMs = d.expires ?? null
    if (how === 'link') {
      if (d.next === undefined)
        return failAt(
          deltaPlace,
          `${what}: delta: link: needs next: with the path to the address`,
          ['link'],
        )
      return { how, listing: object.full, next: pathIn(below(deltaPlace, 'next')), expiresMs }
    }
    if (given.version === undefined)
      failAt(
        deltaPlace,
        `${what}: delta: ${how}: needs version: with the path to the time of a row's last change`,
        [how],
      )
    const listing = compileListing(
      { requests: [list, below(deltaPlace, how)], parts: [place, deltaPlace] },
      `${what}: delta`,
      names('since', ...(how === 'window' ? ['until'] : ['until', 'sinceId'])),
    )
    const used = namesOf(listing)
    const times = readTimes(deltaPlace)
    const needed =
      how === 'window'
        ? ['since', 'until']
        : below(deltaPlace, 'pages').value === undefined
          ? ['since', 'sinceId']
          : ['since']
    for (const need of needed)
      if (!used.has(need))
        failAt(
          deltaPlace,
          `${what}: delta: ${how}: does not use {${need}}${LACKS.get(need) ?? ''}`,
          [how],
        )
    if (how === 'window')
      return { how, listing, times, stepMs: d.step ?? null, job: readWindowJob() }
    const own = below(deltaPlace, 'pages').value !== undefined
    const size = d.size ?? given.size ?? null
    if (size === null && !own)
      return failAt(
        deltaPlace,
        `${what}: delta: keyset: needs size: with the rows of a full page, or pages: of its own`,
        ['keyset'],
      )
    return {
      how,
      listing: own ? listing : { ...listing, pages: null },
      times,
      size,
      more: d.more === undefined ? null : pathIn(below(deltaPlace, 'more')),
    }
  }

  function readWindowJob(): JobDefinition | null {
    const bounds = ['since', 'until']
    return readJob(below(deltaPlace, 'job'), `${what}.delta.job`, new Set([...allowed, ...bounds]))
  }

  function readFeedDelta(d: z.output<typeof deltaSchema>): Delta {
    const feed = feeds.get(d.feed ?? '')
    if (!feed)
      return failAt(
        below(deltaPlace, 'feed'),
        `${what}: there is no feed "${d.feed}"; feeds: has ${[...feeds.keys()].join(', ') || 'none'}`,
      )
    if (d.types === undefined || d.id === undefined)
      return failAt(
        deltaPlace,
        `${what}: delta: feed: needs types: with the types of its events, and id: with the path to the record's id`,
        ['feed'],
      )
    if (object.read === null)
      return failAt(deltaPlace, `${what}: delta: feed: needs read:, because events are hints`, [
        'feed',
      ])
    const all = [...d.types, ...(d.gone ?? [])]
    const isOne = all.map(globOf)
    const isGone = (d.gone ?? []).map(globOf)
    return {
      how: 'feed',
      feed,
      types: [...new Set(all)],
      isOne: (type) => isOne.some((one) => one.test(type)),
      isGone: (type) => isGone.some((one) => one.test(type)),
      idOf: compileIdOf(below(deltaPlace, 'id')),
    }
  }

  function readDeletes(): Deletes {
    const at = below(place, 'deletes')
    const { value } = at
    const word = DELETE_WORDS.find((w) => w === value)
    if (typeof value === 'string' && !word)
      failAt(
        at,
        `${what}: deletes: "${value}" is not one of ${DELETE_WORDS.join(', ')}, { tombstone: … }, { list: … }, { job: … }`,
      )
    const d = word
      ? { [word]: true as const }
      : value === undefined
        ? {}
        : parseAt(deletesSchema, at, `${what}.deletes`)
    const listPlace = below(at, 'list')
    const tombstone = below(at, 'tombstone')
    const census = below(at, 'census')
    const jobPlace = below(at, 'job')
    return {
      flag: 'flag' in d && d.flag === true,
      feed: 'feed' in d && d.feed === true,
      census:
        isMap(census.value) && 'census' in d
          ? compileListing(
              { requests: [list, withoutListing(census)], parts: [place, full, census] },
              `${what}: census`,
              names(),
            )
          : 'census' in d && d.census === true
            ? true
            : null,
      tombstone:
        tombstone.value === undefined
          ? null
          : {
              when: whenIn(below(tombstone, 'when')),
              id: pathIn(below(tombstone, 'id')),
            },
      list: listPlace.value === undefined ? null : readDeleteList(listPlace),
      job:
        jobPlace.value === undefined
          ? null
          : readDeletesJob(jobPlace, `${what}.deletes.job`, allowed),
    }
  }

  function readDeleteList(at: Located): NonNullable<Deletes['list']> {
    const listing = compileListing(
      { requests: [withoutListing(at)], parts: [place, at] },
      `${what}: deletes.list`,
      { ...names('since', 'until'), optional: new Set(['sinceId']) },
    )
    return {
      listing,
      idOf: compileIdOf(below(at, 'id')),
      atOf:
        below(at, 'at').value === undefined ? null : compileMomentOf(below(at, 'at'), zoneOf(at)),
      isOne: below(at, 'when').value === undefined ? () => true : whenIn(below(at, 'when')),
      times: readTimes(at),
    }
  }
}

/** Compiles a condition on a row. Throws ConfigError. */
function whenIn(place: Located): (scope: Scope) => boolean {
  return compileWhen(place.value, place.path, (path, message) =>
    failAt({ ...place, path }, message),
  )
}

/** What a request without the placeholder would do, and the way out. */
const LACKS = new Map([
  ['until', '; for a list that has a lower bound alone, ordered by time, use keyset:'],
  [
    'sinceId',
    '; rows with the same time on two pages would be lost or read without end. Where the system has cursors, give pages: beside keyset:',
  ],
])

/** Parts of a delta that do not change which rows are read. */
const KNOBS = new Set(['lag', 'overlap', 'expires', 'size', 'step', 'pages'])

function fingerprintOf(place: Located, feeds: ReadonlyMap<string, Feed>): string {
  const delta = below(place, 'delta').value
  const parts = [
    ...['id', 'version', 'fields', 'rows', 'list', 'children'].map(
      (key) => below(place, key).value,
    ),
    isMap(delta) ? Object.entries(delta).filter(([key]) => !KNOBS.has(key)) : null,
    isMap(delta) && feeds.has(String(delta.feed)),
  ]
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 16)
}

/** The placeholders of the id of the object under which another is listed. */
export const parentNames = ['parent', 'parent.1', 'parent.2', 'parent.3']

/** The zone of times without an offset, in rows as in bounds. */
function zoneOf(delta: Located): string | null {
  const zone = below(delta, 'zone').value
  return typeof zone === 'string' && isZone(zone) ? zone : null
}

const OTHERS = new Set([
  ...Object.keys(LISTING_FIELDS),
  ...TIMES,
  'id',
  'at',
  'when',
  'row',
  'batch',
  'job',
])

/** Returns the place of a request with the keys of requests alone. */
function withoutListing(place: Located): Located {
  if (!isMap(place.value)) return place
  const kept = Object.entries(place.value).filter(([key]) => !OTHERS.has(key))
  return { ...place, value: Object.fromEntries(kept) }
}

function withoutRow(place: Located): Located {
  return withoutListing(place)
}
