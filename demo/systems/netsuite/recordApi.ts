import { ownValue, setOwn } from '../../../schema/kit/dictionary.ts'
import { type Received, Refused, type Reply } from '../kit/exchange.ts'
import { Query } from '../kit/query.ts'
import type { Store } from '../kit/store.ts'
import type { UniqueValues } from '../kit/uniqueValues.ts'
import { NotUnique } from '../kit/writes.ts'
import { errorReply } from './errors.ts'
import { findRecordType, type RecordType } from './recordTypes.ts'
import { type Fields, removeRecord } from './rules.ts'
import { type Column, tableNamed } from './tables.ts'

const textLengthMax = 999
const PATH = /^\/services\/rest\/record\/v1\/(\w+)(?:\/(\d+|eid:[^/]+))?$/
const READ_ONLY = ['id', 'dateCreated', 'lastModifiedDate', 'links', 'refName']
const ADDRESS = [
  'addressee',
  'attention',
  'addr1',
  'addr2',
  'addr3',
  'city',
  'state',
  'zip',
  'addrPhone',
]

/** The records of the REST API: reads of one, creates, changes, upserts by external id. */
export class RecordApi {
  readonly #store: Store
  readonly #externalIds: UniqueValues
  readonly #url: () => string

  constructor(store: Store, externalIds: UniqueValues, url: () => string) {
    this.#store = store
    this.#externalIds = externalIds
    this.#url = url
  }

  /** Returns undefined for a path or method that the model has not. */
  handle(request: Received): Reply | undefined {
    const [, name = '', encoded] = PATH.exec(request.path) ?? []
    const type = findRecordType(name)
    if (!type) return undefined
    if (request.headers.prefer !== undefined)
      throw invalid('The preference is not modelled.', 'INVALID_HEADER', 'prefer', true)
    const key = encoded === undefined ? undefined : decodeURIComponent(encoded)
    const query = new Query(request.query, (parameter, problem) =>
      invalid(
        `The parameter ${parameter} is ${problem}.`,
        'INVALID_PARAMETER',
        parameter,
        problem === 'unknown',
      ),
    )
    const replaced = request.method === 'GET' ? undefined : query.text('replace')
    if (replaced !== undefined && (replaced !== 'addressBook' || type.name !== 'customer'))
      throw query.invalid('replace')
    query.end()
    const as = <T>(work: () => T) => this.#store.asApi(`${request.method} ${request.path}`, work)
    if (key === undefined)
      return request.method === 'POST' ? as(() => this.#create(type, request, {})) : undefined
    const id = this.#idOf(type, key)
    switch (request.method) {
      case 'GET':
        return { status: 200, body: this.#show(type, this.#existing(type, id)) }
      case 'PATCH':
        this.#existing(type, id)
        return as(() => this.#change(type, id!, request, replaced !== undefined))
      case 'PUT': {
        if (!key.startsWith('eid:')) return undefined
        if (id === undefined)
          return as(() => this.#create(type, request, { externalId: key.slice('eid:'.length) }))
        return as(() => this.#change(type, id, request, replaced !== undefined))
      }
      case 'DELETE':
        this.#existing(type, id)
        return as(() => this.#remove(type, id!))
      default:
        return undefined
    }
  }

  /** Returns the id of a record; undefined if no record has the external id. */
  #idOf(type: RecordType, key: string): string | undefined {
    if (!key.startsWith('eid:')) return key
    return this.#externalIds.find(type.table, 'externalid', key.slice('eid:'.length))
  }

  #existing(type: RecordType, id: string | undefined): Fields {
    const row = id === undefined ? undefined : this.#store.table(type.table).get(id)
    const isOfType = Object.entries(type.only).every(
      ([column, value]) => row && ownValue(row.record, column) === value,
    )
    if (row && !row.deleted && isOfType) return row.record
    throw new Refused(
      errorReply(
        404,
        'Not Found',
        'NONEXISTENT_ID',
        'The record instance does not exist. Provide a valid record instance ID.',
      ),
    )
  }

  #create(type: RecordType, request: Received, key: Fields): Reply {
    const { addressBook, ...given } = bodyOf(request)
    const fields = { ...this.#fields(type, { ...given, ...key }), ...type.only }
    this.#complete(type, fields)
    const addresses = addressesOf(type, addressBook)
    const id = this.#put(type, fields)
    this.#writeAddresses(id, addresses)
    return this.#done(type, id)
  }

  #change(type: RecordType, id: string, request: Received, replacesAddresses: boolean): Reply {
    const { addressBook, ...given } = bodyOf(request)
    if (addressBook !== undefined && !replacesAddresses)
      throw invalid(
        'The lines of addressBook are changed by replace=addressBook only.',
        'INVALID_CONTENT',
        'addressBook',
        true,
      )
    const fields = this.#fields(type, given)
    this.#checkNames(type, { ...this.#existing(type, id), ...fields })
    const addresses = addressesOf(type, addressBook)
    this.#put(type, { ...fields, rowid: id })
    if (replacesAddresses) this.#removeAddresses(id)
    this.#writeAddresses(id, addresses)
    return this.#done(type, id)
  }

  #remove(type: RecordType, id: string): Reply {
    try {
      removeRecord(this.#store, type.table, id)
    } catch (error) {
      throw invalid(
        (error as Error).message,
        'THIS_RECORD_CANNOT_BE_DELETED_BECAUSE_IT_HAS_DEPENDENT_RECORDS',
      )
    }
    return { status: 204 }
  }

  #put(type: RecordType, fields: Fields): string {
    try {
      return this.#store.put(type.table, fields)
    } catch (error) {
      if (!(error instanceof NotUnique)) throw error
      throw invalid('This entity already exists.', 'DUP_ENTITY', 'externalId')
    }
  }

  #done(type: RecordType, id: string): Reply {
    const location = `${this.#url()}/services/rest/record/v1/${type.name}/${id}`
    return { status: 204, headers: { location } }
  }

  /** Returns the columns that the fields of a body set. */
  #fields(type: RecordType, given: Fields): Fields {
    const fields: Fields = {}
    for (const [name, value] of Object.entries(given)) {
      const column = type.fields.get(name)
      if (!column || READ_ONLY.includes(name))
        throw invalid(
          `Invalid content in the request body: the field ${name} does not exist or cannot be set.`,
          'INVALID_CONTENT',
          name,
          !column && !READ_ONLY.includes(name),
        )
      setOwn<unknown>(fields, column.name, this.#value(column, name, value))
    }
    return fields
  }

  #value(column: Column, name: string, value: unknown): unknown {
    if (value === null || value === '') return null
    const wrong = () =>
      invalid(
        `Invalid value for the field ${name}: ${JSON.stringify(value)}.`,
        'INVALID_CONTENT',
        name,
      )
    if (column.target !== undefined) return this.#reference(column.target, name, value)
    if (column.isFlag) {
      if (typeof value !== 'boolean') throw wrong()
      return value ? 'T' : 'F'
    }
    if (column.type === 'numeric' || column.type === 'integer') {
      if (typeof value !== 'number') throw wrong()
      return value
    }
    if (typeof value !== 'string') throw wrong()
    if (column.type === 'date' && !/^\d{4}-\d\d-\d\d$/.test(value)) throw wrong()
    if (value.length > textLengthMax)
      throw invalid(
        `The field ${name} contained more than the maximum number ( ${textLengthMax} ) of characters allowed.`,
        'EXCEEDED_MAX_FIELD_LENGTH',
        name,
      )
    if (/email$/i.test(name) && !/^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/.test(value))
      throw invalid(`Invalid email (must match x@y.z): ${value}`, 'INVALID_EMAIL', name)
    return value
  }

  /** Reads `{"id": "1"}` or `{"externalId": "x"}`. */
  #reference(table: string, name: string, value: unknown): number {
    const { id, externalId } = Object(value) as { id?: unknown; externalId?: unknown }
    const found =
      typeof externalId === 'string'
        ? this.#externalIds.find(table, 'externalid', externalId)
        : id === undefined
          ? undefined
          : String(id)
    const row = found === undefined ? undefined : this.#store.table(table).get(found)
    if (row && !row.deleted) return Number(found)
    throw invalid(
      `Invalid reference key ${String(externalId ?? id)} for ${name}.`,
      'INVALID_KEY_OR_REF',
      name,
    )
  }

  /** A new record needs names; NetSuite numbers a customer without an id of its own. */
  #complete(type: RecordType, fields: Fields): void {
    this.#checkNames(type, fields)
    if (type.table === 'item') return
    const isPerson = fields.isperson === 'T' || type.table === 'contact'
    const person = [fields.firstname, fields.lastname].filter(Boolean).join(' ')
    const name = isPerson ? person : String(fields.companyname)
    fields.entityid ??= type.table === 'contact' ? name : this.#nextNumber(name)
    if (type.table === 'customer') fields.altname ??= name
    fields.subsidiary ??= 1
    const taken = [...this.#store.table(type.table).rows()].some(
      ({ record, deleted }) => !deleted && record.entityid === fields.entityid,
    )
    if (type.table === 'customer' && taken)
      throw invalid(
        'A customer record with this ID already exists. You must enter a unique customer ID for each record you create.',
        'UNIQUE_CUST_ID_REQD',
        'entityId',
      )
  }

  #checkNames(type: RecordType, fields: Fields): void {
    const [column, label] =
      type.table === 'item'
        ? ['itemid', 'Item Name/Number']
        : type.table === 'customer' && fields.isperson !== 'T'
          ? ['companyname', 'Company Name']
          : type.table === 'contact' && fields.entityid
            ? ['entityid', 'Name']
            : ['lastname', 'Last Name']
    if ((ownValue(fields, column!) ?? null) === null)
      throw invalid(`Please enter value(s) for: ${label}`, 'USER_ERROR', label)
  }

  #nextNumber(name: string): string {
    return `CUST${10_000 + this.#store.table('customer').live.length} ${name}`
  }

  #writeAddresses(customer: string, addresses: readonly Address[]): void {
    for (const { line, address } of addresses) {
      const nkey = this.#store.put('customeraddressbookentityaddress', address)
      this.#store.put('customeraddressbook', {
        ...line,
        entity: Number(customer),
        addressbookaddress: Number(nkey),
      })
    }
  }

  #removeAddresses(customer: string): void {
    const lines = this.#store.table('customeraddressbook')
    for (const id of [...lines.live]) {
      const { record } = lines.get(id)!
      if (record.entity !== Number(customer)) continue
      this.#store.remove('customeraddressbook', id)
      this.#store.remove('customeraddressbookentityaddress', String(record.addressbookaddress))
    }
  }

  #show(type: RecordType, record: Fields): Fields {
    const shown: Fields = { links: [], id: String(record.id) }
    for (const [name, column] of type.fields) {
      const value = ownValue(record, column.name) ?? null
      if (value === null) continue
      const shownValue = column.isFlag
        ? value === 'T'
        : column.target === undefined
          ? value
          : this.#shownReference(column.target, String(value))
      setOwn<unknown>(shown, name, shownValue)
    }
    return { ...shown, lastModifiedDate: record.lastmodifieddate }
  }

  #shownReference(table: string, id: string): Fields {
    const row = this.#store.table(table).get(id)
    const refName = row && ownValue(row.record, tableNamed(table).display)
    return { links: [], id, ...(refName === undefined ? {} : { refName }) }
  }
}

interface Address {
  line: Fields
  address: Fields
}

/** Reads the lines of `addressBook`. */
function addressesOf(type: RecordType, addressBook: unknown): Address[] {
  if (addressBook === undefined) return []
  const wrong = (name: string) =>
    invalid(`Invalid content in the request body: ${name}.`, 'INVALID_CONTENT', name, true)
  const { items, ...rest } = Object(addressBook) as Fields
  if (type.name !== 'customer' || !Array.isArray(items) || Object.keys(rest).length > 0)
    throw wrong('addressBook')
  return items.map((item) => {
    const { label, defaultBilling, defaultShipping, addressBookAddress, ...more } = Object(
      item,
    ) as Fields
    const [unknown] = Object.keys(more)
    if (unknown !== undefined) throw wrong(`addressBook.items.${unknown}`)
    const address: Fields = {}
    for (const [name, value] of Object.entries(Object(addressBookAddress) as Fields)) {
      const isCountry = name === 'country'
      const text = isCountry ? (Object(value) as { id?: unknown }).id : value
      if ((!isCountry && !ADDRESS.includes(name)) || (text !== null && typeof text !== 'string'))
        throw wrong(`addressBookAddress.${name}`)
      setOwn<unknown>(address, name.toLowerCase(), text)
    }
    const flag = (value: unknown) => (value === true ? 'T' : 'F')
    const line = { defaultbilling: flag(defaultBilling), defaultshipping: flag(defaultShipping) }
    return { line: { ...line, label: label === undefined ? null : String(label) }, address }
  })
}

function bodyOf(request: Received): Fields {
  if (!request.headers['content-type']?.includes('json'))
    throw invalid('The content type is no JSON.', 'INVALID_CONTENT')
  try {
    const body: unknown = JSON.parse(request.body)
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Fields
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw invalid('The request body is no JSON object.', 'INVALID_CONTENT')
}

/** Returns a refusal that names the field in question. */
function invalid(detail: string, code: string, path?: string, unknown = false): Refused {
  const reply = errorReply(400, 'Bad Request', code, `Error while accessing a resource. ${detail}`)
  const body = reply.body as { 'o:errorDetails': Fields[] }
  const [details] = body['o:errorDetails']
  const named = { ...details, ...(path !== undefined && { 'o:errorPath': path }) }
  return new Refused({ ...reply, body: { ...body, 'o:errorDetails': [named] } }, unknown)
}
