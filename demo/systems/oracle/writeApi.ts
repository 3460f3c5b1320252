import { ownValue, setOwn } from '../../../schema/kit/dictionary.ts'
import { type Received, Refused, type Reply } from '../kit/exchange.ts'
import type { Store } from '../kit/store.ts'
import type { UniqueValues } from '../kit/uniqueValues.ts'
import { NotUnique } from '../kit/writes.ts'
import { badRequest, errorReply, notFound } from './errors.ts'
import { queryOf, type ResourceApi, tagOf } from './resourceApi.ts'
import { type Attribute, type Resource, resourceNamed } from './resources.ts'
import type { Fields } from './rules.ts'

const MEDIA_TYPES = ['application/json', 'application/vnd.oracle.adf.resourceitem+json']
const textLengthMax = 360

/** Attributes that Fusion makes of others. */
const DERIVED: ReadonlyMap<string, readonly string[]> = new Map([
  [
    'accounts',
    [
      ...['PartyUniqueName', 'PartyType', 'ParentAccountName', 'OwnerName', 'FormattedAddress'],
      ...['AddressNumber', 'PrimaryContactName', 'OrganizationProfileId'],
    ],
  ],
  [
    'contacts',
    [
      ...['ContactName', 'PartyUniqueName', 'PartyType', 'AccountName', 'OwnerName'],
      ...['FormattedAddress', 'AddressNumber', 'PersonProfileId'],
    ],
  ],
  ['opportunities', ['TargetPartyName', 'OwnerResourcePartyName', 'PrimaryContactPartyName']],
])
const REQUIRED: ReadonlyMap<string, readonly string[]> = new Map([
  ['accounts', ['OrganizationName']],
  ['contacts', ['FirstName', 'LastName']],
  ['opportunities', ['Name']],
])
/** Attributes that name an account: by its id, or by its number. */
const ACCOUNTS: ReadonlyMap<string, { id: string; number?: string; name: string }> = new Map([
  [
    'accounts',
    {
      ...{ id: 'ParentAccountPartyId', number: 'ParentAccountPartyNumber' },
      name: 'ParentAccountName',
    },
  ],
  ['contacts', { id: 'AccountPartyId', number: 'AccountPartyNumber', name: 'AccountName' }],
  ['opportunities', { id: 'TargetPartyId', name: 'TargetPartyName' }],
])

const message = (code: string, text: string, unknown = false) =>
  new Refused(errorReply(400, 'Bad Request', `${code}: ${text}`), unknown)

/** Creates, changes and upserts of accounts, contacts and opportunities. */
export class WriteApi {
  readonly #store: Store
  readonly #references: UniqueValues
  readonly #api: ResourceApi

  constructor(store: Store, references: UniqueValues, api: ResourceApi) {
    this.#store = store
    this.#references = references
    this.#api = api
  }

  /** Returns undefined for a resource or method that the model does not write. */
  handle(resource: Resource, key: string | undefined, request: Received): Reply | undefined {
    if (!REQUIRED.has(resource.name)) return undefined
    if (request.method === 'POST' && key === undefined) return this.#create(resource, request)
    if (request.method === 'PATCH' && key !== undefined)
      return this.#update(resource, this.#existing(resource, key), request)
    return undefined
  }

  /** Adds the reference of a source system to a party. */
  addReference(resource: Resource, key: string, request: Received): Reply {
    queryOf(request).end()
    const party = this.#existing(resource, key)
    const { SourceSystem, SourceSystemReferenceValue, ...rest } = bodyOf(request)
    const [unknown] = Object.keys(rest)
    if (unknown !== undefined) throw noAttribute('SourceSystemReference', unknown)
    for (const value of [SourceSystem, SourceSystemReferenceValue])
      if (typeof value !== 'string' || value === '')
        throw message('JBO-27014', 'Attribute SourceSystemReferenceValue is required.')
    const reference = { SourceSystem, SourceSystemReferenceValue }
    this.#put(resource, { ...reference, [resource.key]: idOf(resource, party) }, request)
    return { status: 201, body: reference }
  }

  #create(resource: Resource, request: Received): Reply {
    queryOf(request).end()
    const mode = request.headers['upsert-mode']
    if (mode !== undefined && mode !== 'true' && mode !== 'false')
      throw badRequest('Upsert-Mode must be true or false.')
    const fields = this.#fields(resource, bodyOf(request))
    const found = mode === 'true' ? this.#match(resource, fields) : undefined
    if (found) return this.#save(resource, fields, found, request)
    for (const name of REQUIRED.get(resource.name)!)
      if ((ownValue(fields, name) ?? null) === null)
        throw message('JBO-27014', `Attribute ${name} in ${resource.name} is required.`)
    return this.#save(
      resource,
      { ...this.#defaults(resource, fields), ...fields },
      undefined,
      request,
    )
  }

  #update(resource: Resource, before: Fields, request: Received): Reply {
    queryOf(request).end()
    const match = request.headers['if-match']
    if (match !== undefined && match !== '*' && match !== tagOf(before))
      throw new Refused(errorReply(412, 'Precondition Failed', 'The resource was changed.'))
    return this.#save(resource, this.#fields(resource, bodyOf(request)), before, request)
  }

  /** Finds the record that an upsert means: by its reference, else by its number. */
  #match(resource: Resource, fields: Fields): Fields | undefined {
    const { SourceSystem, SourceSystemReferenceValue: value } = fields
    if (typeof SourceSystem === 'string' && typeof value === 'string') {
      const place = `${SourceSystem} ${value}`
      const id = this.#references.find(resource.name, 'SourceSystemReferenceValue', place)
      if (id !== undefined) return this.#store.table(resource.name).get(id)!.record
    }
    const number = ownValue(fields, resource.pathKey)
    return number === undefined ? undefined : this.#find(resource, String(number))
  }

  #find(resource: Resource, key: string): Fields | undefined {
    for (const { record, deleted } of this.#store.table(resource.name).rows())
      if (!deleted && String(ownValue(record, resource.pathKey)) === key) return record
    return undefined
  }

  #existing(resource: Resource, key: string): Fields {
    const found = this.#find(resource, key)
    if (!found) throw new Refused(notFound())
    return found
  }

  #save(resource: Resource, fields: Fields, before: Fields | undefined, request: Received): Reply {
    const status = ownValue({ ...before, ...fields }, 'PartyStatus')
    if (before && resource.pathKey === 'PartyNumber' && status !== 'A')
      throw message('ZCA-1', 'Inactive records cannot be updated.')
    const number = ownValue(fields, resource.pathKey)
    const own = before && ownValue(before, resource.pathKey)
    if (number !== undefined && number !== own && this.#find(resource, String(number)))
      throw message('JBO-25013', `Too many objects match the primary key ${String(number)}.`)
    const key = before ? { [resource.key]: idOf(resource, before) } : {}
    const id = this.#put(
      resource,
      { ...fields, ...this.#names(resource, { ...before, ...fields }), ...key },
      request,
    )
    const { record } = this.#store.table(resource.name).get(id)!
    return this.#api.answer(resource, record, before ? 200 : 201, request)
  }

  #put(resource: Resource, fields: Fields, { method, path }: Received): string {
    try {
      return this.#store.asApi(`${method} ${path}`, () => this.#store.put(resource.name, fields))
    } catch (error) {
      if (!(error instanceof NotUnique)) throw error
      throw message(
        'HZ-120061',
        `The source system reference ${error.value} is that of the party ${error.id} already.`,
      )
    }
  }

  #defaults(resource: Resource, fields: Fields): Fields {
    const next = 100_000 + [...this.#store.table(resource.name).rows()].length
    if (resource.name === 'opportunities') return { OptyNumber: `API_${next}`, StatusCode: 'OPEN' }
    const type = resource.name === 'accounts' ? 'ORGANIZATION' : 'PERSON'
    return {
      ...{ PartyNumber: `API_${resource.name}_${next}`, PartyType: type, PartyStatus: 'A' },
      ...(resource.name === 'accounts' && fields.Type === undefined && { Type: 'ZCA_CUSTOMER' }),
    }
  }

  /** Returns the names that Fusion makes of parts and references. */
  #names(resource: Resource, fields: Fields): Fields {
    const names: Fields = {}
    if (resource.name === 'accounts')
      names.PartyUniqueName = fields.City
        ? `${fields.OrganizationName} (${fields.City})`
        : fields.OrganizationName
    if (resource.name === 'contacts')
      names.ContactName = [fields.FirstName, fields.LastName].filter(Boolean).join(' ')
    const of = ACCOUNTS.get(resource.name)!
    const id = ownValue(fields, of.id) ?? null
    const account = id === null ? undefined : this.#store.table('accounts').get(String(id))?.record
    setOwn<unknown>(names, of.name, account?.OrganizationName ?? null)
    if (of.number !== undefined) setOwn<unknown>(names, of.number, account?.PartyNumber ?? null)
    return names
  }

  /** Reads the attributes of a body. The number of an account stands for its id. */
  #fields(resource: Resource, given: Fields): Fields {
    const fields: Fields = {}
    for (const [name, value] of Object.entries(given)) {
      const attribute = resource.attributes.get(name)
      if (!attribute) throw noAttribute(resource.name, name)
      if (attribute.readOnly || DERIVED.get(resource.name)!.includes(name))
        throw message('JBO-27008', `Attribute ${name} in ${resource.name} cannot be set.`)
      setOwn(fields, name, checked(resource, attribute, value))
    }
    const of = ACCOUNTS.get(resource.name)!
    const number = of.number === undefined ? undefined : ownValue(fields, of.number)
    if (typeof number === 'string') {
      const account = this.#find(resourceNamed('accounts'), number)
      if (!account) throw message('JBO-27010', `${of.number} ${number} is not valid.`)
      setOwn<unknown>(fields, of.id, account.PartyId)
    }
    const id = ownValue(fields, of.id) ?? null
    if (id !== null && !this.#store.table('accounts').get(String(id)))
      throw message('JBO-27010', `${of.id} ${String(id)} is not valid.`)
    return fields
  }
}

const idOf = (resource: Resource, record: Fields) => String(ownValue(record, resource.key))

const noAttribute = (resource: string, name: string) =>
  message('JBO-25058', `Definition ${name} of type Attribute is not found in ${resource}.`, true)

function checked(resource: Resource, { name, kind }: Attribute, value: unknown): unknown {
  if (value === null || value === '') return null
  const isRight =
    kind === 'integer'
      ? Number.isSafeInteger(value)
      : kind === 'number'
        ? typeof value === 'number'
        : kind === 'boolean'
          ? typeof value === 'boolean'
          : typeof value === 'string' && (kind !== 'date' || /^\d{4}-\d\d-\d\d$/.test(value))
  if (!isRight)
    throw message(
      'JBO-25009',
      `Cannot create an object of type ${kind} of ${name} from ${String(value)}.`,
    )
  if (typeof value === 'string' && value.length > textLengthMax)
    throw message(
      'JBO-27010',
      `Attribute ${name} in ${resource.name} has a value that is too long.`,
    )
  if (name === 'Country' && !/^[A-Z]{2}$/.test(String(value)))
    throw message('HZ-120072', `The value ${String(value)} of Country is not valid.`)
  if (name === 'EmailAddress' && !/^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/.test(String(value)))
    throw message('HZ-120073', `The value ${String(value)} of EmailAddress is not valid.`)
  return value
}

function bodyOf(request: Received): Fields {
  const type = request.headers['content-type']?.split(';')[0]
  if (type === undefined || !MEDIA_TYPES.includes(type))
    throw new Refused(
      errorReply(415, 'Unsupported Media Type', `The media type ${String(type)} is not supported.`),
    )
  try {
    const body: unknown = JSON.parse(request.body)
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Fields
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw badRequest('The request payload is no JSON object.')
}
