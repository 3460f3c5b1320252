import { ownValue, setOwn } from '../../../schema/kit/dictionary.ts'
import { type Received, Refused, type Reply } from '../kit/server.ts'
import type { Written } from '../kit/store.ts'
import { NotUnique } from '../kit/writes.ts'
import type { Account } from './account.ts'
import { associatedObject } from './associationTypes.ts'
import { badRequest, errorReply, invalidValues, notFound } from './errors.ts'
import type { ObjectType } from './objects.ts'
import { jsonOf, queryOf } from './objectsApi.ts'
import type { HubspotRecord } from './records.ts'
import { invalidProperties, storedValue } from './values.ts'

type Fields = Record<string, unknown>

const batchMax = 100
const traceIdLengthMax = 64

/** One record of a write. */
interface Input {
  /** The value of `idProperty`; absent at a create. */
  id?: string
  idProperty?: string
  properties: ReadonlyMap<string, unknown>
  associations: Fields
  trace: string | undefined
}

type Act = 'create' | 'update' | 'upsert'
const FIELDS: ReadonlyMap<Act, readonly string[]> = new Map<Act, readonly string[]>([
  ['create', ['properties', 'associations', 'objectWriteTraceId']],
  ['update', ['properties', 'id', 'idProperty', 'objectWriteTraceId']],
  ['upsert', ['properties', 'id', 'idProperty', 'objectWriteTraceId']],
])

/** The endpoints that create, change and archive records. */
export class WriteApi {
  readonly #account: Account

  constructor(account: Account) {
    this.#account = account
  }

  create(type: ObjectType, request: Received): Reply {
    queryOf(request).end()
    const input = this.#input(type, 'create', jsonOf(request))
    return { status: 201, body: shown(this.#apply(type, 'create', input, request)) }
  }

  update(type: ObjectType, id: string, request: Received): Reply {
    const query = queryOf(request)
    const idProperty = query.text('idProperty')
    query.end()
    const body = fieldsOf(jsonOf(request), ['properties', 'objectWriteTraceId'])
    const input = this.#input(type, 'update', { ...body, id, ...(idProperty && { idProperty }) })
    return { status: 200, body: shown(this.#apply(type, 'update', input, request)) }
  }

  archive(type: ObjectType, id: string, request: Received): Reply {
    queryOf(request).end()
    this.#archive(type, id, request)
    return { status: 204 }
  }

  batchArchive(type: ObjectType, request: Received): Reply {
    queryOf(request).end()
    for (const input of inputsOf(request)) {
      const { id } = fieldsOf(input, ['id'])
      if (typeof id !== 'string') throw badRequest('an input has no id')
      this.#archive(type, id, request)
    }
    return { status: 204 }
  }

  /** Archiving a record that is archived or missing changes nothing and is no error. */
  #archive(type: ObjectType, id: string, request: Received): void {
    const { store } = this.#account
    const row = this.#account.find(type, id)
    if (row && !row.deleted) this.#as(request, () => store.remove(type.name, row.id))
  }

  /**
   * Writes a batch. Without a trace id on each input one invalid input refuses all of them; with
   * them the others are written and the status is 207.
   */
  batch(type: ObjectType, act: Act, request: Received): Reply {
    queryOf(request).end()
    const bodies = inputsOf(request)
    const traces = bodies.map((body) => Object(body).objectWriteTraceId as unknown)
    const partial = traces.every((trace) => typeof trace === 'string')
    if (partial && new Set(traces).size < traces.length)
      throw badRequest('objectWriteTraceId must be unique for each input')
    const run = (body: unknown) => {
      const input = this.#input(type, act, body)
      this.#check(type, act, input)
      return input
    }
    if (!partial) {
      const inputs = bodies.map(run)
      checkRepeated(type, act, inputs, (field) => this.#account.isUnique(type, field))
      const written = inputs.map((input) => this.#write(type, act, input, request))
      return this.#done(act, written, [], false)
    }
    const written: Shown[] = []
    const errors: Fields[] = []
    let unknown = false
    for (const body of bodies) {
      try {
        written.push(this.#write(type, act, run(body), request))
      } catch (error) {
        if (!(error instanceof Refused)) throw error
        unknown ||= error.unknown
        const { correlationId: _, ...reply } = error.reply.body as Fields
        const trace = String(Object(body).objectWriteTraceId)
        errors.push({
          ...reply,
          context: { ...Object(reply.context), objectWriteTraceId: [trace] },
        })
      }
    }
    return this.#done(act, written, errors, unknown)
  }

  #done(act: Act, written: readonly Shown[], errors: readonly Fields[], unknown: boolean): Reply {
    const time = new Date(this.#account.store.clock.now()).toISOString()
    const body = {
      status: 'COMPLETE',
      results: written.map((one) => ({
        ...shown(one),
        ...(act === 'upsert' && { new: one.written.action === 'created' }),
        ...(one.trace !== undefined && { objectWriteTraceId: one.trace }),
      })),
      startedAt: time,
      completedAt: time,
    }
    if (errors.length > 0)
      return { status: 207, body: { ...body, numErrors: errors.length, errors }, unknown }
    return { status: act === 'create' ? 201 : 200, body }
  }

  #input(type: ObjectType, act: Act, body: unknown): Input {
    const input = fieldsOf(body, FIELDS.get(act)!)
    const { id, idProperty, objectWriteTraceId: trace } = input
    if (trace !== undefined && (typeof trace !== 'string' || trace.length > traceIdLengthMax))
      throw badRequest('objectWriteTraceId is not valid')
    if (act !== 'create' && typeof id !== 'string') throw badRequest('an input has no id')
    if (idProperty !== undefined && typeof idProperty !== 'string')
      throw badRequest('idProperty is not valid')
    const given = input.properties
    if (typeof given !== 'object' || given === null || Array.isArray(given))
      throw badRequest('properties are required')
    for (const [name, value] of Object.entries(given))
      if (typeof value === 'object' && value !== null)
        throw badRequest(`Invalid input JSON: the value of "${name}" is no text`)
    return {
      properties: new Map(Object.entries(given)),
      associations: this.#associations(type, input.associations),
      trace: trace as string | undefined,
      ...(typeof id === 'string' && { id }),
      ...(idProperty !== undefined && { idProperty }),
    }
  }

  /** Returns ids by object. */
  #associations(type: ObjectType, given: unknown): Fields {
    const found = new Map<string, string[]>()
    if (given === undefined) return {}
    if (!Array.isArray(given)) throw badRequest('associations must be an array')
    for (const each of given) {
      const { to, types } = fieldsOf(each, ['to', 'types'])
      const id = String(fieldsOf(to, ['id']).id)
      if (!Array.isArray(types) || types.length === 0) throw badRequest('types are required')
      for (const one of types) {
        const known = ['associationCategory', 'associationTypeId']
        const { associationCategory, associationTypeId } = fieldsOf(one, known)
        const other = associatedObject(type.name, Number(associationTypeId))
        if (associationCategory !== 'HUBSPOT_DEFINED' || other === undefined)
          throw badRequest(`No association type ${associationTypeId} of ${type.name}`, true)
        const row = this.#account.store.table(other).find(id)
        if (!row || row.deleted) throw badRequest(`${other} ${id} does not exist`)
        found.set(other, [...new Set([...(found.get(other) ?? []), id])])
      }
    }
    return Object.fromEntries(found)
  }

  #apply(type: ObjectType, act: Act, input: Input, request: Received): Shown {
    this.#check(type, act, input)
    return this.#write(type, act, input, request)
  }

  /** Throws if HubSpot refuses the write. */
  #check(type: ObjectType, act: Act, input: Input): void {
    const invalid = invalidProperties(type, input.properties)
    if (invalid.length > 0) throw invalidValues(invalid)
    const target = this.#target(type, act, input)
    for (const [name, value] of this.#values(type, act, input)) {
      const owner = typeof value === 'string' ? this.#account.ownerOf(type, name, value) : undefined
      if (owner !== undefined && owner !== target) throw this.#conflict(type, name, value, owner)
    }
  }

  /** Returns the id of the record to change; undefined if the write creates one. */
  #target(type: ObjectType, act: Act, { id, idProperty }: Input): string | undefined {
    if (act === 'create' || id === undefined) return undefined
    if (idProperty === undefined || idProperty === 'hs_object_id') {
      const row = this.#account.find(type, id)
      if (!row || row.deleted) throw notFound(`Object not found. objectId: ${id}`)
      return row.id
    }
    if (!this.#account.isUnique(type, idProperty))
      throw badRequest(`Property "${idProperty}" does not have unique values`, true)
    const owner = this.#account.ownerOf(type, idProperty, id)
    if (owner === undefined && act === 'update')
      throw notFound(`Object not found. ${idProperty}: ${id}`)
    return owner
  }

  /** Returns the properties of a write; an upsert sets its `idProperty` too. */
  #values(type: ObjectType, act: Act, input: Input): Map<string, string | null> {
    const values = new Map<string, string | null>()
    const { id, idProperty } = input
    if (act === 'upsert' && idProperty !== undefined && idProperty !== 'hs_object_id')
      values.set(idProperty, id!)
    for (const [name, value] of input.properties)
      values.set(name, storedValue(type.properties.get(name)!, value))
    return values
  }

  #write(type: ObjectType, act: Act, input: Input, request: Received): Shown {
    const values = this.#values(type, act, input)
    const id = this.#target(type, act, input)
    const fields: Fields = { ...(id !== undefined && { id }) }
    for (const [name, value] of values) setOwn<unknown>(fields, name, value)
    if (Object.keys(input.associations).length > 0) fields.associations = input.associations
    try {
      const { store } = this.#account
      const written = this.#as(request, () => store.write(type.name, fields))
      return { written, names: [...values.keys()], trace: input.trace }
    } catch (error) {
      if (!(error instanceof NotUnique)) throw error
      throw this.#conflict(type, error.field, error.value, error.id)
    }
  }

  #as<T>({ method, path }: Received, work: () => T): T {
    return this.#account.store.asApi(`${method} ${path}`, work)
  }

  #conflict(type: ObjectType, name: string, value: unknown, owner: string): Refused {
    if (type.name === 'contacts' && name === 'email')
      return new Refused(
        errorReply(409, `Contact already exists. Existing ID: ${owner}`, { category: 'CONFLICT' }),
      )
    const message = `Cannot set PropertyValueCoordinates{portalId=${this.#account.portalId}, objectTypeId=ObjectTypeId{${type.typeId}}, propertyName=${name}, value=${value}}. ${owner} already has that value.`
    const code = 'CONFLICTING_UNIQUE_VALUE'
    return new Refused(
      errorReply(400, message, {
        category: 'VALIDATION_ERROR',
        errors: [{ message, code, context: { propertyName: [name] } }],
      }),
    )
  }
}

interface Shown {
  written: Written
  names: readonly string[]
  trace: string | undefined
}

/** Returns a record as a write answers it: with the properties that were written. */
function shown({ written: { record }, names }: Shown): Fields {
  const { properties, ...rest } = record as HubspotRecord
  const seen: Fields = {}
  const always = ['hs_object_id', 'createdate', 'hs_createdate', 'lastmodifieddate']
  for (const name of [...names, ...always, 'hs_lastmodifieddate'].sort()) {
    const value = ownValue(properties, name)
    if (value !== undefined) setOwn<unknown>(seen, name, value)
  }
  return { ...rest, properties: seen }
}

function inputsOf(request: Received): readonly unknown[] {
  const { inputs } = fieldsOf(jsonOf(request), ['inputs'])
  if (!Array.isArray(inputs) || inputs.length === 0) throw badRequest('inputs are required')
  if (inputs.length > batchMax) throw badRequest(`A batch has at most ${batchMax} inputs`)
  return inputs
}

function fieldsOf(value: unknown, known: readonly string[]): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw badRequest('Invalid input JSON: an object is required')
  const unknown = Object.keys(value).find((name) => !known.includes(name))
  if (unknown !== undefined)
    throw badRequest(`Invalid input JSON: unrecognized field "${unknown}"`, true)
  return value as Fields
}

/** Refuses a batch of which two inputs name one record or have one unique value. */
function checkRepeated(
  type: ObjectType,
  act: Act,
  inputs: readonly Input[],
  isUnique: (field: string) => boolean,
): void {
  const seen = new Set<string>()
  for (const { id, idProperty, properties } of inputs) {
    const places = [...properties].flatMap(([name, value]) =>
      isUnique(name) ? [`${name} ${value}`] : [],
    )
    if (act !== 'create') places.push(`${idProperty ?? 'hs_object_id'} ${id}`)
    for (const place of new Set(places)) {
      if (seen.has(place)) throw badRequest(`Duplicate IDs found in batch input of ${type.name}`)
      seen.add(place)
    }
  }
}
