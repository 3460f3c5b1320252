import { ownValue } from '../../../schema/kit/dictionary.ts'
import { type Received, Refused, type Reply } from '../kit/exchange.ts'
import type { Written } from '../kit/store.ts'
import { NotUnique } from '../kit/writes.ts'
import { bodyOf } from './body.ts'
import type { Environment } from './environment.ts'
import { badRequest, errorReply } from './errors.ts'
import { queryOf } from './request.ts'
import type { Fields } from './rules.ts'
import { GOLDEN_ID, type Table } from './tables.ts'

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** A row by its id, or by its alternate key. */
export type Address = { id: string } | { key: string }

/** The requests that create, change, upsert and delete rows. */
export class WriteApi {
  readonly #environment: Environment
  readonly #url: () => string
  /** Shows a row as a read of it does. */
  readonly #show: (version: string, table: Table, id: string, request: Received) => Reply

  constructor(
    environment: Environment,
    url: () => string,
    show: (version: string, table: Table, id: string, request: Received) => Reply,
  ) {
    this.#environment = environment
    this.#url = url
    this.#show = show
  }

  create(version: string, table: Table, request: Received): Reply {
    checkTag(request)
    const { fields, ignored } = bodyOf(this.#environment, table, request)
    const id = ownValue(fields, table.idColumn)
    if (typeof id === 'string' && this.#environment.store.table(table.set).get(id))
      throw duplicate('A record with matching key values already exists.')
    return this.#answer(version, table, this.#write(table, fields, request), request, ignored)
  }

  /** Changes a row, or creates it where the address leads to none: the conditions prevent either. */
  upsert(version: string, table: Table, address: Address, request: Received): Reply {
    checkTag(request)
    const { store } = this.#environment
    const { 'if-match': match, 'if-none-match': noneMatch } = request.headers
    const id = this.#idOf(table, address)
    const row = id === undefined ? undefined : store.table(table.set).get(id)
    const exists = row !== undefined && !row.deleted
    if (!exists && match !== undefined) throw this.missing(table, address)
    if (exists && noneMatch === '*')
      throw duplicate('A record with matching key values already exists.')
    if (noneMatch !== undefined && noneMatch !== '*')
      throw badRequest('If-None-Match takes * alone in a change.', true)
    if (exists && match !== undefined && match !== '*' && match !== row.record['@odata.etag'])
      throw new Refused(
        errorReply(
          412,
          '0x80060882',
          "The version of the existing record doesn't match the RowVersion property provided.",
        ),
      )
    const { fields, ignored } = bodyOf(this.#environment, table, request)
    const own = ownValue(fields, table.idColumn)
    if (typeof own === 'string' && own !== id)
      throw badRequest('The id in the body is another one.')
    if (!exists && 'key' in address && fields.touchstone_id !== undefined)
      throw new Refused(errorReply(400, '0x80040216', 'An unexpected error occurred.'))
    const key = 'key' in address && !exists ? { [GOLDEN_ID]: address.key } : {}
    const named = exists || 'id' in address ? { [table.idColumn]: id } : {}
    const written = this.#write(table, { ...fields, ...key, ...named }, request)
    return this.#answer(version, table, written, request, ignored)
  }

  remove(table: Table, address: Address, request: Received): Reply {
    checkTag(request)
    const { store } = this.#environment
    const id = this.#idOf(table, address)
    const row = id === undefined ? undefined : store.table(table.set).get(id)
    if (!row || row.deleted) throw this.missing(table, address)
    const match = request.headers['if-match']
    if (match !== undefined && match !== '*' && match !== row.record['@odata.etag'])
      throw new Refused(errorReply(412, '0x80060882', 'The version does not match.'))
    if (!store.deletes(table.set))
      throw new Refused(errorReply(403, '0x80040220', `${table.logical} cannot be deleted`))
    this.#as(request, () => store.remove(table.set, id!))
    return { status: 204, headers: { 'odata-version': '4.0' } }
  }

  /** Returns the id that an address leads to; undefined where an alternate key leads to none. */
  #idOf(table: Table, address: Address): string | undefined {
    return 'id' in address ? address.id.toLowerCase() : this.#environment.idOf(table, address.key)
  }

  missing(table: Table, address: Address): Refused {
    return new Refused(
      'id' in address
        ? errorReply(
            404,
            '0x80040217',
            `Entity '${table.logical}' With Id = ${address.id} Does Not Exist`,
          )
        : errorReply(
            404,
            '0x80060891',
            `A record with the specified key values does not exist in ${table.logical} entity`,
          ),
    )
  }

  #write(table: Table, fields: Fields, request: Received): Written {
    const { store } = this.#environment
    try {
      return this.#as(request, () => store.write(table.set, fields))
    } catch (error) {
      if (!(error instanceof NotUnique)) throw error
      throw duplicate(
        'Entity Key Touchstone Id violated. A record with the same value for Touchstone Id already exists. A duplicate record cannot be created. Select one or more unique values and try again.',
        '0x80060892',
      )
    }
  }

  #as<T>({ method, path }: Received, work: () => T): T {
    return this.#environment.store.asApi(`${method} ${path}`, work)
  }

  #answer(
    version: string,
    table: Table,
    { id, action }: Written,
    request: Received,
    unknown: boolean,
  ): Reply {
    const location = `${this.#url()}/api/data/v${version}/${table.set}(${id})`
    const headers = { 'odata-version': '4.0', 'odata-entityid': location }
    if (!/\breturn=representation\b/.test(String(request.headers.prefer ?? '')))
      return { status: 204, headers, unknown }
    const shown = this.#show(version, table, id, request)
    const status = action === 'created' ? 201 : 200
    const applied = { 'preference-applied': 'return=representation' }
    return { ...shown, status, headers: { ...shown.headers, ...headers, ...applied }, unknown }
  }
}

const duplicate = (message: string, code = '0x80040237') =>
  new Refused(errorReply(412, code, message))

/** A write may carry a tag, which webhooks and plug-ins see, and a selection. */
function checkTag(request: Received): void {
  const query = queryOf(request)
  query.text('tag')
  query.text('$select')
  query.end()
}

/** Returns the address of a row; undefined if the text is no id and no key. */
export function addressOf(text: string, key: string | undefined): Address | undefined {
  if (key !== undefined) return { key }
  return GUID.test(text.toLowerCase()) ? { id: text.toLowerCase() } : undefined
}
