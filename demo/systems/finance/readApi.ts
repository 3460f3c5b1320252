import { ownValue, setOwn } from '../../../schema/kit/dictionary.ts'
import { type Received, Refused, type Reply } from '../kit/exchange.ts'
import type { Query } from '../kit/query.ts'
import { type Entity, typeName } from './entities.ts'
import type { Environment } from './environment.ts'
import { errorReply } from './errors.ts'
import type { Field } from './fields.ts'
import { keyOf, pageRowsOf, queryOf, selectOf } from './request.ts'
import type { Fields } from './rules.ts'
import { filterOf, orderOf } from './selection.ts'

const rowsMax = 1_000_000_000

/** The reads of an entity set. */
export class ReadApi {
  readonly #environment: Environment
  readonly #url: () => string
  readonly #pageRowsMax: number

  constructor(environment: Environment, url: () => string, pageRowsMax: number) {
    this.#environment = environment
    this.#url = url
    this.#pageRowsMax = pageRowsMax
  }

  /** Lists the entity sets. */
  root(request: Received): Reply {
    queryOf(request).end()
    const value = this.#environment.store.objects.map((name) => ({
      ...{ name, kind: 'EntitySet', url: name },
    }))
    return this.#reply({ '@odata.context': `${this.#url()}/data/$metadata`, value })
  }

  /** Returns a page. The next one is addressed by its offset, also while records move. */
  list(entity: Entity, request: Received): Reply {
    const pageRows = pageRowsOf(request, this.#pageRowsMax)
    const query = queryOf(request)
    const selected = selectOf(entity, query)
    const filter = filterOf(entity, query.text('$filter'))
    const order = orderOf(entity, query.text('$orderby'))
    const skip = query.integer('$skip', 0, rowsMax, 0)
    const top = query.integer('$top', 0, rowsMax, Number.POSITIVE_INFINITY)
    const counts = query.flag('$count') ?? false
    const inCompany = this.#company(entity, query)
    query.oneOf('$format', ['json'])
    query.end()
    const rows = this.#environment.store
      .table(entity.set)
      .sorted('number')
      .filter(({ deleted, record }) => !deleted && inCompany(record) && filter(record))
      .map(({ record }) => record)
      .sort(order)
    const shown = rows.slice(skip, skip + Math.min(pageRows, top))
    const body: Fields = { '@odata.context': this.#context(entity, selected) }
    if (counts) setOwn<unknown>(body, '@odata.count', rows.length)
    setOwn<unknown>(
      body,
      'value',
      shown.map((record) => shownOf(entity, selected, record)),
    )
    const left = Math.min(rows.length - skip, top) - shown.length
    if (left > 0) {
      const changed = new Map([['$skip', String(skip + shown.length)]])
      if (Number.isFinite(top)) changed.set('$top', String(top - shown.length))
      setOwn<unknown>(body, '@odata.nextLink', this.#link(entity, request, changed))
    }
    const preferred = request.headers.prefer !== undefined
    return this.#reply(
      body,
      preferred ? { 'preference-applied': `odata.maxpagesize=${pageRows}` } : {},
    )
  }

  /** Counts the records of a set; the answer is a text. */
  count(entity: Entity, request: Received): Reply {
    const query = queryOf(request)
    const filter = filterOf(entity, query.text('$filter'))
    const inCompany = this.#company(entity, query)
    query.end()
    const rows = this.#environment.store.table(entity.set).sorted('number')
    const count = rows.filter(
      ({ deleted, record }) => !deleted && inCompany(record) && filter(record),
    ).length
    return { status: 200, headers: { 'content-type': 'text/plain' }, body: String(count) }
  }

  read(entity: Entity, key: string, request: Received): Reply {
    const query = queryOf(request)
    const selected = selectOf(entity, query)
    const inCompany = this.#company(entity, query)
    query.end()
    const row = this.#environment.find(entity, keyOf(entity, key))
    if (!row || !inCompany(row.record))
      throw new Refused(
        errorReply(404, `No record of '${typeName(entity)}' was found with the key ${key}.`),
      )
    return this.#single(entity, selected, row.record)
  }

  /** Shows a record as the answer to its creation. */
  created(entity: Entity, record: Fields): Reply {
    const reply = this.#single(entity, undefined, record)
    const location = `${this.#url()}/data/${entity.set}(${keyText(entity, record)})`
    return { ...reply, status: 201, headers: { ...reply.headers, location } }
  }

  #single(entity: Entity, selected: Field[] | undefined, record: Fields): Reply {
    const context = { '@odata.context': `${this.#context(entity, selected)}/$entity` }
    return this.#reply({ ...context, ...shownOf(entity, selected, record) })
  }

  /** Returns whether a record is in a company that the request sees: by default, the user's own. */
  #company(entity: Entity, query: Query): (record: Fields) => boolean {
    const all = query.flag('cross-company') ?? false
    return all || !entity.perCompany
      ? () => true
      : ({ dataAreaId }) => dataAreaId === this.#environment.company
  }

  #context(entity: Entity, selected: Field[] | undefined): string {
    const names = selected?.map(({ name }) => name).join(',')
    return `${this.#url()}/data/$metadata#${entity.set}${names === undefined ? '' : `(${names})`}`
  }

  #link(entity: Entity, request: Received, changed: ReadonlyMap<string, string>): string {
    const link = new URL(`${this.#url()}/data/${entity.set}`)
    for (const [name, value] of request.query)
      if (!changed.has(name)) link.searchParams.append(name, value)
    for (const [name, value] of changed) link.searchParams.append(name, value)
    return link.href
  }

  #reply(body: Fields, headers: Record<string, string> = {}): Reply {
    return { status: 200, headers: { 'odata-version': '4.0', ...headers }, body }
  }
}

function shownOf(entity: Entity, selected: Field[] | undefined, record: Fields): Fields {
  const shown: Fields = { '@odata.etag': record['@odata.etag'] }
  for (const { name } of selected ?? entity.fields.values())
    setOwn<unknown>(shown, name, ownValue(record, name))
  return shown
}

const keyText = (entity: Entity, record: Fields): string =>
  entity.keys
    .map((name) => {
      const value = String(ownValue(record, name))
      const isText = entity.fields.get(name)!.kind === 'string'
      return `${name}=${isText ? `'${value.replaceAll("'", "''")}'` : value}`
    })
    .join(',')
