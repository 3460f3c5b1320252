import { Query } from '../kit/query.ts'
import type { Received, Reply } from '../kit/server.ts'
import type { VisibleRow } from '../kit/table.ts'
import type { Account } from './account.ts'
import { associationTypes } from './associationTypes.ts'
import { badRequest, notFound } from './errors.ts'
import { findObjectType, type ObjectType } from './objects.ts'
import { type HubspotRecord, showRecord } from './records.ts'
import { BadSearch, comparable, readSearch, type Search } from './search.ts'

const listLimitMax = 100
const batchMax = 100
const associatedMax = 100

export const queryOf = (request: Received) =>
  new Query(request.query, (name, problem) =>
    badRequest(`Parameter ${name} is ${problem}`, problem === 'unknown'),
  )

export function jsonOf(request: Received): unknown {
  if (!request.headers['content-type']?.startsWith('application/json'))
    throw badRequest('The content type must be application/json')
  try {
    return JSON.parse(request.body)
  } catch {
    throw badRequest('Invalid input JSON')
  }
}

export function typeOf(name: string): ObjectType {
  const type = findObjectType(name)
  if (!type) throw badRequest(`Unable to infer object type from: ${name}`, true)
  return type
}

/** The endpoints of one object: a list, a search, a batch and a single record. */
export class ObjectsApi {
  readonly #account: Account
  readonly #url: () => string
  /** The matches of the last search, for its next pages while no row changes. */
  #found: { rows: readonly VisibleRow[]; key: string; matches: readonly VisibleRow[] } | undefined

  constructor(account: Account, url: () => string) {
    this.#account = account
    this.#url = url
  }

  list(type: ObjectType, request: Received): Reply {
    const query = queryOf(request)
    const limit = query.integer('limit', 1, listLimitMax, 10)
    const after = query.integer('after', 0, Number.MAX_SAFE_INTEGER, 0)
    const archived = query.flag('archived') ?? false
    const show = this.#shown(type, query)
    query.end()
    const rows = this.#account.rows(type)
    const page: VisibleRow[] = []
    let at = firstFrom(rows, after)
    for (; at < rows.length && page.length <= limit; at++) {
      const row = rows[at]!
      if (row.deleted === archived && !this.#account.wasMerged(type, row.id)) page.push(row)
    }
    const next = page.length > limit ? page.pop()!.id : undefined
    const results = page.map(show)
    if (next === undefined) return { status: 200, body: { results } }
    const link = new URL(request.path, this.#url())
    link.search = String(
      new URLSearchParams([...request.query].filter(([name]) => name !== 'after')),
    )
    link.searchParams.set('after', next)
    return { status: 200, body: { results, paging: { next: { after: next, link: link.href } } } }
  }

  read(type: ObjectType, id: string, request: Received): Reply {
    const query = queryOf(request)
    const archived = query.flag('archived') ?? false
    const idProperty = query.text('idProperty')
    const histories = listOf(query, 'propertiesWithHistory')
    const show = this.#shown(type, query)
    query.end()
    if (idProperty === undefined && !/^\d+$/.test(id)) throw badRequest(`"${id}" is no id`, true)
    const row = this.#find(type, id, idProperty)
    if (!row || row.deleted !== archived) throw notFound(`Object not found. objectId: ${id}`)
    return { status: 200, body: { ...show(row), ...this.#histories(type, row, histories) } }
  }

  #find(type: ObjectType, id: string, idProperty: string | undefined): VisibleRow | undefined {
    if (idProperty === undefined || idProperty === 'hs_object_id')
      return this.#account.find(type, id)
    if (!this.#account.isUnique(type, idProperty))
      throw badRequest(`Property "${idProperty}" does not have unique values`, true)
    const owner = this.#account.ownerOf(type, idProperty, id)
    return owner === undefined ? undefined : this.#account.find(type, owner)
  }

  /** Returns the versions of properties, and who stated each. */
  #histories(type: ObjectType, row: VisibleRow, names: readonly string[] | undefined) {
    if (!names) return {}
    const { history } = this.#account
    const found = names
      .filter((name) => type.properties.has(name))
      .map((name) => [name, history.of(type.name, row.id, name, row.record)] as const)
    return { propertiesWithHistory: Object.fromEntries(found) }
  }

  batchRead(type: ObjectType, request: Received): Reply {
    const query = queryOf(request)
    const archived = query.flag('archived') ?? false
    query.end()
    const body = jsonOf(request) as BatchRead
    const ids = inputIds(body, ['inputs', 'properties', 'propertiesWithHistory', 'idProperty'])
    const asked = namesOf(body.properties)
    const idProperty = typeof body.idProperty === 'string' ? body.idProperty : undefined
    const rows = ids.map((id) => this.#find(type, id, idProperty))
    const found = rows.filter((row) => row?.deleted === archived)
    const results = [...new Set(found)].map((row) => ({
      ...showRecord(type, row!.record as HubspotRecord, asked),
      ...this.#histories(type, row!, namesOf(body.propertiesWithHistory)),
    }))
    const missing = ids.filter((_id, at) => rows[at]?.deleted !== archived)
    const completed = this.#now()
    const done = { status: 'COMPLETE', results, startedAt: completed, completedAt: completed }
    if (missing.length === 0) return { status: 200, body: done }
    const error = {
      status: 'error',
      category: 'OBJECT_NOT_FOUND',
      message: `Could not get some ${type.singular.toUpperCase()} objects, they may be deleted or not exist. Check that ids are valid.`,
      context: { ids: missing },
    }
    return { status: 207, body: { ...done, numErrors: 1, errors: [error] } }
  }

  search(type: ObjectType, request: Received): Reply {
    queryOf(request).end()
    const search = searchOf(type, jsonOf(request))
    const rows = this.#account.rows(type)
    const { after: _after, ...query } = jsonOf(request) as Record<string, unknown>
    const key = `${type.name} ${JSON.stringify(query)}`
    if (this.#found?.rows !== rows || this.#found.key !== key)
      this.#found = { rows, key, matches: matchesOf(type, rows, search) }
    const { matches } = this.#found
    const end = search.offset + search.limit
    const results = matches
      .slice(search.offset, end)
      .map((row) => showRecord(type, row.record as HubspotRecord, search.properties))
    const paging = end < matches.length && { paging: { next: { after: String(end) } } }
    return { status: 200, body: { total: matches.length, results, ...paging } }
  }

  /** Returns how records are shown: with the properties and associations that were asked for. */
  #shown(type: ObjectType, query: Query): (row: VisibleRow) => Record<string, unknown> {
    const properties = listOf(query, 'properties')
    const others = (listOf(query, 'associations') ?? []).map(typeOf)
    const wrong = others.find(({ name }) => associationTypes(type.name, name, false).length === 0)
    if (wrong) throw badRequest(`${type.name} have no association with ${wrong.name}`)
    return (row) => {
      const shown = showRecord(type, row.record as HubspotRecord, properties)
      const found = others.flatMap((other) => this.#associations(type, row.id, other))
      return found.length === 0 ? shown : { ...shown, associations: Object.fromEntries(found) }
    }
  }

  #associations(type: ObjectType, id: string, other: ObjectType): [string, unknown][] {
    const targets = this.#account.associated(type, id, other)
    if (targets.length === 0) return []
    const plain = `${type.singular}_to_${other.singular}`
    const results = targets.slice(0, associatedMax).flatMap((target) =>
      this.#account.links.types(type.name, id, other.name, target).map(({ label }, _at, types) => ({
        id: target,
        type: types.length > 1 && label === null ? `${plain}_unlabeled` : plain,
      })),
    )
    const next = targets[associatedMax]
    const link = `${this.#url()}/crm/v4/objects/${type.name}/${id}/associations/${other.name}`
    const paging = next !== undefined && {
      paging: { next: { after: next, link: `${link}?after=${next}` } },
    }
    return [[other.name, { results, ...paging }]]
  }

  #now(): string {
    return new Date(this.#account.store.clock.now()).toISOString()
  }
}

/** Returns the ids of a batch. */
export function inputIds(body: unknown, known: readonly string[], max = batchMax): string[] {
  const unknown = Object.keys(Object(body)).find((name) => !known.includes(name))
  if (unknown !== undefined) throw badRequest(`Invalid input JSON: field "${unknown}"`, true)
  const { inputs } = Object(body) as { inputs?: unknown }
  if (!Array.isArray(inputs) || inputs.length === 0) throw badRequest('inputs are required')
  if (inputs.length > max) throw badRequest(`A batch has at most ${max} inputs`)
  return inputs.map((input) => {
    const id: unknown = Object(input).id
    if (typeof id !== 'string' && typeof id !== 'number') throw badRequest('an input has no id')
    return String(id)
  })
}

interface BatchRead {
  inputs?: unknown
  properties?: unknown
  propertiesWithHistory?: unknown
  idProperty?: unknown
}

const namesOf = (value: unknown): string[] | undefined =>
  Array.isArray(value) ? value.map(String) : undefined

function listOf(query: Query, name: string): string[] | undefined {
  const texts = query.texts(name)
  return texts.length === 0 ? undefined : texts.flatMap((text) => text.split(',')).filter(Boolean)
}

/** Returns the position of the first row with this id or a higher one. */
function firstFrom(rows: readonly VisibleRow[], id: number): number {
  let low = 0
  for (let high = rows.length; low < high; ) {
    const middle = (low + high) >>> 1
    if (Number(rows[middle]!.id) < id) low = middle + 1
    else high = middle
  }
  return low
}

function searchOf(type: ObjectType, body: unknown): Search {
  try {
    return readSearch(type, body)
  } catch (error) {
    if (error instanceof BadSearch) throw badRequest(error.message, error.unknown)
    throw error
  }
}

function matchesOf(
  type: ObjectType,
  rows: readonly VisibleRow[],
  { matches, sort }: Search,
): readonly VisibleRow[] {
  const textOf = (row: VisibleRow, name: string) =>
    // dictionary: only names of the object type's properties arrive here
    (row.record as HubspotRecord).properties[name] ?? null
  const found = rows.filter((row) => !row.deleted && matches((name) => textOf(row, name)))
  const name = sort?.property.name ?? type.created
  const kind = sort?.property.kind ?? 'datetime'
  const keys = new Map(
    found.map((row) => [row, comparable(textOf(row, name) ?? '', kind) ?? ''] as const),
  )
  // Rows with equal values have no order of their own: theirs is scattered, not the order of ids.
  const scattered = (row: VisibleRow) => (Number(row.id) * 7919) % 10_007
  const sign = sort?.descending ? -1 : 1
  return found.sort((a, b) => {
    const [left, right] = [keys.get(a)!, keys.get(b)!]
    return left < right ? -sign : left > right ? sign : scattered(a) - scattered(b)
  })
}
