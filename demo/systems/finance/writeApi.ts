import { ownValue, setOwn } from '../../../schema/kit/dictionary.ts'
import { type Received, Refused, type Reply } from '../kit/exchange.ts'
import { WrongValue } from '../kit/writes.ts'
import { type Entity, typeName } from './entities.ts'
import type { Environment } from './environment.ts'
import { badRequest, errorReply, noResource, writeFailed } from './errors.ts'
import type { ReadApi } from './readApi.ts'
import { keyOf, pageRowsOf, queryOf } from './request.ts'
import type { Fields } from './rules.ts'
import { validate } from './validation.ts'
import { storedValue } from './values.ts'

/** The requests that create, change and delete records. Each is one transaction. */
export class WriteApi {
  readonly #environment: Environment
  readonly #read: ReadApi

  constructor(environment: Environment, read: ReadApi) {
    this.#environment = environment
    this.#read = read
  }

  /** Returns undefined for a method that the service does not have. */
  handle(entity: Entity, key: string | undefined, request: Received): Reply | undefined {
    const { method } = request
    if (key === undefined ? method !== 'POST' : method !== 'PATCH' && method !== 'DELETE')
      return undefined
    if (!entity.writable)
      throw new Refused(errorReply(405, `The entity set ${entity.set} is read only.`))
    if (key === undefined) return this.#create(entity, request)
    return method === 'PATCH'
      ? this.#update(entity, key, request)
      : this.#remove(entity, key, request)
  }

  #create(entity: Entity, request: Received): Reply {
    this.#companies(request)
    const fields = this.#environment.numbered(entity, this.#fields(entity, request))
    validate(this.#environment, entity, fields)
    if (this.#environment.idOf(entity, fields) !== undefined)
      // Recorded: the failure of an insert is a failure of the service.
      throw writeFailed(
        entity.view,
        `Info: Cannot create a record in ${entity.set}. The record already exists`,
        500,
      )
    const { store } = this.#environment
    const id = String(fields.id)
    // The number of a deleted record may be used again.
    if (store.table(entity.set).get(id)?.deleted) store.table(entity.set).purge(id)
    this.#as(request, () => store.write(entity.set, fields))
    return this.#read.created(entity, store.table(entity.set).get(id)!.record)
  }

  #update(entity: Entity, key: string, request: Received): Reply {
    const { id, record } = this.#addressed(entity, key, request)
    this.#match(record, request)
    const fields = this.#fields(entity, request)
    const changed = entity.keys.find(
      (name) =>
        Object.hasOwn(fields, name) &&
        String(ownValue(fields, name)).toLowerCase() !==
          String(ownValue(record, name)).toLowerCase(),
    )
    if (changed !== undefined)
      throw writeFailed(entity.view, `Warning: Field '${changed}' does not allow editing`)
    const others = Object.entries(fields).filter(([name]) => !entity.keys.includes(name))
    const given: Fields = Object.fromEntries(others)
    validate(this.#environment, entity, { ...record, ...given })
    this.#as(request, () => this.#environment.store.write(entity.set, { ...given, id }))
    return { status: 204, headers: { 'odata-version': '4.0' } }
  }

  #remove(entity: Entity, key: string, request: Received): Reply {
    const { id, record } = this.#addressed(entity, key, request)
    this.#match(record, request)
    this.#as(request, () => this.#environment.store.remove(entity.set, id))
    return { status: 204, headers: { 'odata-version': '4.0' } }
  }

  /** Finds the record of a key, in the user's legal entity unless the request crosses them. */
  #addressed(entity: Entity, key: string, request: Received): { id: string; record: Fields } {
    const crosses = this.#companies(request)
    const id = this.#environment.idOf(entity, keyOf(entity, key))
    const record = id && this.#environment.store.table(entity.set).get(id)!.record
    const seen = crosses || !entity.perCompany
    if (!id || !record || (!seen && record.dataAreaId !== this.#environment.company))
      throw noResource()
    return { id, record }
  }

  #companies(request: Received): boolean {
    const query = queryOf(request)
    const crosses = query.flag('cross-company') ?? false
    query.end()
    return crosses
  }

  #match(record: Fields, { headers }: Received): void {
    const match = headers['if-match']
    if (match === undefined || match === '*' || match === record['@odata.etag']) return
    throw new Refused(
      errorReply(412, 'The record was changed: the entity tag of the request does not match.'),
    )
  }

  #fields(entity: Entity, request: Received): Fields {
    const fields: Fields = {}
    for (const [name, value] of Object.entries(bodyOf(request))) {
      if (name === '@odata.type' && value === `#${typeName(entity)}`) continue
      if (name === '@odata.etag') continue
      const field = entity.fields.get(name)
      if (!field)
        throw badRequest(
          `The property '${name}' does not exist on type '${typeName(entity)}'. Make sure to only use property names that are defined by the type.`,
          true,
        )
      if (field.readOnly)
        throw writeFailed(entity.view, `Warning: Field '${name}' does not allow editing`)
      try {
        setOwn(fields, name, storedValue(entity, field, value))
      } catch (error) {
        if (!(error instanceof WrongValue)) throw error
        throw badRequest(
          `Cannot convert the value of property '${name}' to the target type '${error.expected}'.`,
        )
      }
    }
    return fields
  }

  #as<T>({ method, path }: Received, work: () => T): T {
    return this.#environment.store.asApi(`${method} ${path}`, work)
  }
}

function bodyOf(request: Received): Fields {
  if (!request.headers['content-type']?.startsWith('application/json'))
    throw new Refused(errorReply(415, 'The content type is not application/json.'))
  pageRowsOf(request)
  try {
    const body: unknown = JSON.parse(request.body)
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Fields
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw badRequest('An unexpected token was found when reading the JSON of the request.')
}
