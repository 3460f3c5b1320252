import { createHash } from 'node:crypto'
import { ownValue, setOwn } from '../../../schema/kit/dictionary.ts'
import { Query } from '../kit/query.ts'
import type { Received, Reply } from '../kit/server.ts'
import type { Store } from '../kit/store.ts'
import type { VisibleRow } from '../kit/table.ts'
import { badRequest, notFound } from './errors.ts'
import type { Resource } from './resources.ts'
import type { Fields } from './rules.ts'
import { filterOf, orderOf } from './selection.ts'

const limitDefault = 25
/** More are not returned, although the answer repeats the limit that was asked for. */
const pageRowsMax = 499
/** Without `fields`, a page is cut where it becomes too large. */
const wideRowsMax = 200
const newestVersion = 9

/** Returns the version of the framework; 1 is the default. */
export function versionOf(request: Received): number {
  const text = request.headers['rest-framework-version'] ?? '1'
  const version = /^\d$/.test(String(text)) ? Number(text) : 0
  if (version < 1 || version > newestVersion)
    throw badRequest(`The REST framework version ${String(text)} is not supported.`)
  return version
}

export const queryOf = (request: Received) =>
  new Query(request.query, (name, problem) =>
    badRequest(`URL request parameter ${name} is ${problem}.`, problem === 'unknown'),
  )

/** Returns the tag of a version of a record. */
export const tagOf = (record: Fields): string =>
  `"${createHash('sha1').update(JSON.stringify(record)).digest('hex').toUpperCase()}"`

/** The collections of Fusion. */
export class ResourceApi {
  readonly #store: Store
  readonly #url: () => string

  constructor(store: Store, url: () => string) {
    this.#store = store
    this.#url = url
  }

  list(resource: Resource, request: Received): Reply {
    const version = versionOf(request)
    const query = queryOf(request)
    const limit = query.integer('limit', 1, 100_000, limitDefault)
    const offset = query.integer('offset', 0, 1_000_000_000, 0)
    const counts = query.flag('totalResults') ?? false
    const filter = filterOf(resource, query.text('q'), version)
    const order = orderOf(resource, query.text('orderBy'))
    const { show, isWide } = this.#shown(resource, query)
    query.end()
    const rows = this.#rows(resource).filter((row) => !row.deleted && filter(row))
    rows.sort(order)
    const most = Math.min(limit, isWide ? wideRowsMax : pageRowsMax)
    const items = rows.slice(offset, offset + most).map(show)
    const end = isWide ? offset + items.length : offset + limit
    const body = {
      items,
      ...(counts && { totalResults: limit > pageRowsMax ? limit : rows.length }),
      count: items.length,
      hasMore: end < rows.length,
      limit,
      offset,
      links: [
        { rel: 'self', href: this.#address(resource), name: resource.name, kind: 'collection' },
      ],
    }
    return this.#reply(request, 'collection', version, body)
  }

  read(resource: Resource, key: string, request: Received): Reply {
    const version = versionOf(request)
    const query = queryOf(request)
    const { show } = this.#shown(resource, query)
    query.end()
    const row = this.#rows(resource).find(
      ({ deleted, record }) => !deleted && String(ownValue(record, resource.pathKey)) === key,
    )
    if (!row) return notFound()
    const reply = this.#reply(request, 'item', version, show(row))
    return { ...reply, headers: { ...reply.headers, etag: tagOf(row.record) } }
  }

  /** Answers a write with the record that it made. */
  answer(resource: Resource, record: Fields, status: number, request: Received): Reply {
    const { show } = this.#shown(resource, queryOf({ ...request, query: new URLSearchParams() }))
    const reply = this.#reply(request, 'item', versionOf(request), show({ record }))
    const key = String(ownValue(record, resource.pathKey))
    const location = `${this.#address(resource)}/${encodeURIComponent(key)}`
    const headers = { ...reply.headers, etag: tagOf(record), location }
    return { ...reply, status, headers }
  }

  #rows(resource: Resource): readonly VisibleRow[] {
    return this.#store.table(resource.name).sorted('number')
  }

  /** Returns how records are shown: `fields`, and `links` unless only data is asked for. */
  #shown(resource: Resource, query: Query) {
    const names = query
      .text('fields')
      ?.split(',')
      .map((name) => name.trim())
    const unknown = names?.find((name) => !resource.attributes.has(name))
    if (unknown !== undefined)
      throw badRequest(`URL request parameter fields: ${unknown} is no attribute.`, true)
    const onlyData = query.flag('onlyData') ?? false
    const show = (row: Pick<VisibleRow, 'record'>): Fields => {
      const shown: Fields = {}
      for (const name of names ?? resource.attributes.keys())
        setOwn<unknown>(shown, name, ownValue(row.record, name) ?? null)
      if (onlyData) return shown
      const key = String(ownValue(row.record, resource.pathKey))
      const href = `${this.#address(resource)}/${encodeURIComponent(key)}`
      const properties = { changeIndicator: tagOf(row.record).slice(1, -1) }
      return {
        ...shown,
        links: [{ rel: 'self', href, name: resource.name, kind: 'item', properties }],
      }
    }
    return { show, isWide: names === undefined }
  }

  #address({ api, name }: Resource): string {
    return `${this.#url()}/${api}/resources/11.13.18.05/${name}`
  }

  #reply(request: Received, kind: 'collection' | 'item', version: number, body: Fields): Reply {
    const json = request.headers.accept?.includes('application/json')
    const type = json ? 'application/json' : `application/vnd.oracle.adf.resource${kind}+json`
    return {
      status: 200,
      headers: { 'content-type': type, 'rest-framework-version': String(version) },
      body,
    }
  }
}
