import { setOwn } from '../../../schema/kit/dictionary.ts'
import { type Received, Refused, type Reply } from '../kit/exchange.ts'
import { NotUnique } from '../kit/writes.ts'
import { failedCondition, refuseConditions } from './conditions.ts'
import { errorReply, refused } from './errors.ts'
import { type Field, findObjectType, isExternalId, type ObjectType } from './objects.ts'
import type { Org } from './org.ts'
import { queryOf } from './parameters.ts'
import type { Fields } from './records.ts'
import { type Problem, problemsOf, valuesOf } from './values.ts'

const collectionMax = 200

/** A record that Salesforce does not accept. */
class Invalid extends Error {
  readonly status: number
  readonly problems: readonly Problem[]
  constructor(status: number, problems: readonly Problem[]) {
    super(problems.map(({ message }) => message).join('; '))
    this.status = status
    this.problems = problems
  }

  toRefused(): Refused {
    const body = this.problems.map(({ unknown: _, ...problem }) => problem)
    return new Refused({ status: this.status, body }, this.isUnknown)
  }

  get isUnknown(): boolean {
    return this.problems.some(({ unknown }) => unknown)
  }
}

const invalid = (status: number, errorCode: string, message: string) =>
  new Invalid(status, [{ errorCode, message, fields: [] }])

interface Saved {
  id: string
  created: boolean
}

/** The resources that create, change, upsert and delete records. */
export class WriteApi {
  readonly #org: Org

  constructor(org: Org) {
    this.#org = org
  }

  create(type: ObjectType, request: Received): Reply {
    queryOf(request).end()
    refuseConditions(request)
    const { id } = this.#one(() => this.#save(type, undefined, bodyOf(request), request))
    return {
      status: 201,
      headers: { location: `${request.path.replace(/\/$/, '')}/${id}` },
      body: { id, success: true, errors: [] },
    }
  }

  update(type: ObjectType, given: string, request: Received): Reply {
    queryOf(request).end()
    return this.#one(() => {
      const id = this.#existing(type, given)
      const body = bodyOf(request)
      const record = this.#org.store.table(type.name).get(id)!.record
      if (failedCondition(type, record, request) !== undefined) return preconditionFailed()
      this.#save(type, id, body, request)
      return { status: 204 }
    })
  }

  remove(type: ObjectType, given: string, request: Received): Reply {
    queryOf(request).end()
    refuseConditions(request)
    return this.#one(() => {
      const id = this.#existing(type, given)
      if (!this.#org.store.deletes(type.name))
        throw invalid(400, 'DELETE_FAILED', `${type.name} cannot be deleted`)
      this.#as(request, () => this.#org.store.remove(type.name, id))
      return { status: 204 }
    })
  }

  upsert(type: ObjectType, name: string, value: string, request: Received): Reply {
    queryOf(request).end()
    refuseConditions(request)
    const body = bodyOf(request)
    const key = keyOf(type, name)
    if (Object.keys(body).some((field) => field.toLowerCase() === key.name.toLowerCase()))
      throw refused(
        400,
        'INVALID_FIELD',
        `The ${key.name} field should not be specified in the sobject data.`,
      )
    const ids = this.#org.idsOf(type, key.name, value)
    if (ids.length > 1) return severalMatch(type, ids, request)
    return this.#one(() => {
      const { id, created } = this.#save(type, ids[0], withKey(body, key.name, value), request)
      return { status: created ? 201 : 200, body: { id, success: true, errors: [], created } }
    })
  }

  /** Saves up to 200 records; each has its own result, unless `allOrNone` is true. */
  collection(act: 'create' | 'update', request: Received): Reply {
    return this.#collect(request, (record) => {
      const [type, { Id, id = Id, ...fields }] = typed(record)
      if (act === 'create' && id !== undefined)
        throw invalid(400, 'INVALID_FIELD', 'cannot specify Id in an insert call')
      if (act === 'update' && typeof id !== 'string')
        throw invalid(400, 'MISSING_ARGUMENT', 'Id not specified in an update call')
      const existing = act === 'update' ? this.#existing(type, String(id)) : undefined
      return { saved: this.#save(type, existing, fields, request) }
    })
  }

  upsertCollection(type: ObjectType, name: string, request: Received): Reply {
    const key = keyOf(type, name)
    return this.#collect(request, (record) => {
      const [own, fields] = typed(record)
      if (own !== type) throw invalid(400, 'INVALID_TYPE', `the records are not of ${type.name}`)
      const value = new Map(Object.entries(fields)).get(key.name)
      if (typeof value !== 'string' || value === '')
        throw invalid(400, 'MISSING_ARGUMENT', `${key.name} not specified`)
      const ids = this.#org.idsOf(type, key.name, value)
      if (ids.length > 1)
        throw invalid(
          400,
          'DUPLICATE_EXTERNAL_ID',
          `${key.name}: more than one record found for external id field: [${ids.join(', ')}]`,
        )
      const saved = this.#save(type, ids[0], fields, request)
      return { saved, created: saved.created }
    })
  }

  #collect(
    request: Received,
    save: (record: unknown) => { saved: Saved; created?: boolean },
  ): Reply {
    queryOf(request).end()
    refuseConditions(request)
    const { allOrNone = false, records, ...rest } = bodyOf(request)
    const [unknown] = Object.keys(rest)
    if (unknown !== undefined)
      throw refused(400, 'JSON_PARSER_ERROR', `Unrecognized field "${unknown}"`, true)
    if (!Array.isArray(records) || typeof allOrNone !== 'boolean')
      throw refused(400, 'JSON_PARSER_ERROR', 'records must be a list')
    if (records.length === 0 || records.length > collectionMax)
      throw refused(
        400,
        'LIMIT_EXCEEDED',
        `record limit reached. cannot submit more than ${collectionMax} records`,
      )
    // Nothing is rolled back here, so a batch that has to be whole is no batch of this model.
    if (allOrNone) throw refused(400, 'INVALID_INPUT', 'allOrNone is not modelled', true)
    let isUnknown = false
    const body = records.map((record) => {
      try {
        const { saved, created } = save(record)
        return {
          id: saved.id,
          success: true,
          errors: [],
          ...(created === undefined ? {} : { created }),
        }
      } catch (error) {
        if (!(error instanceof Invalid)) throw error
        isUnknown ||= error.isUnknown
        const errors = error.problems.map(({ errorCode, message, fields }) => ({
          ...{ statusCode: errorCode, message, fields },
        }))
        return { success: false, errors }
      }
    })
    return { status: 200, body, unknown: isUnknown }
  }

  #one<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw error instanceof Invalid ? error.toRefused() : error
    }
  }

  #existing(type: ObjectType, given: string): string {
    const id = this.#org.wholeId(type, given)
    const row = this.#org.store.table(type.name).get(id)
    if (!row)
      throw invalid(
        404,
        'NOT_FOUND',
        'Provided external ID field does not exist or is not accessible',
      )
    if (row.deleted) throw invalid(404, 'ENTITY_IS_DELETED', 'entity is deleted')
    return id
  }

  #save(type: ObjectType, id: string | undefined, given: Fields, request: Received): Saved {
    if (Object.keys(given).some((name) => name.toLowerCase() === 'id'))
      throw invalid(
        400,
        'INVALID_FIELD',
        'The Id field should not be specified in the sobject data.',
      )
    const { store } = this.#org
    const before = id === undefined ? undefined : store.table(type.name).get(id)?.record
    const problems = problemsOf(this.#org, type, given, before)
    if (problems.length > 0) throw new Invalid(400, problems)
    const fields: Fields = id === undefined ? {} : { Id: id }
    for (const [name, value] of valuesOf(type, given)) setOwn(fields, name, value)
    try {
      const written = this.#as(request, () => store.write(type.name, fields))
      return { id: written.id, created: written.action === 'created' }
    } catch (error) {
      if (!(error instanceof NotUnique)) throw error
      const message = `duplicate value found: ${error.field} duplicates value on record with id: ${error.id.slice(0, 15)}`
      throw invalid(400, 'DUPLICATE_VALUE', message)
    }
  }

  #as<T>({ method, path }: Received, work: () => T): T {
    return this.#org.store.asApi(`${method} ${path}`, work)
  }
}

/** Returns the field that an upsert names. */
export function keyOf(type: ObjectType, name: string): Field {
  const field = type.fields.get(name.toLowerCase())
  if (field && isExternalId(type, field)) return field
  throw refused(
    404,
    'NOT_FOUND',
    'Provided external ID field does not exist or is not accessible: '.concat(name),
    true,
  )
}

export const severalMatch = (
  type: ObjectType,
  ids: readonly string[],
  { path }: Received,
): Reply => ({
  status: 300,
  body: ids.map((id) => `${path.split('/').slice(0, 4).join('/')}/sobjects/${type.name}/${id}`),
})

export const preconditionFailed = (): Reply =>
  errorReply(412, 'PRECONDITION_FAILED', 'The requested resource has been modified')

const withKey = (body: Fields, name: string, value: string): Fields => {
  const fields = { ...body }
  setOwn<unknown>(fields, name, value)
  return fields
}

function bodyOf(request: Received): Fields {
  if (!request.headers['content-type']?.startsWith('application/json'))
    throw refused(415, 'UNSUPPORTED_MEDIA_TYPE', 'the content type is not supported')
  try {
    const body: unknown = JSON.parse(request.body)
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Fields
  } catch {
    throw refused(400, 'JSON_PARSER_ERROR', 'the body is no JSON')
  }
  throw refused(400, 'JSON_PARSER_ERROR', 'the body is no object')
}

/** Returns the object that a record of a collection names, and its fields. */
function typed(record: unknown): [ObjectType, Fields] {
  const { attributes, ...fields } = Object(record) as Fields
  const { type: name } = Object(attributes) as { type?: unknown }
  const type = typeof name === 'string' ? findObjectType(name) : undefined
  if (!type) throw invalid(400, 'INVALID_TYPE', `sObject type '${String(name)}' is not supported.`)
  return [type, fields]
}
