import { ownValue, setOwn } from '../../../schema/kit/dictionary.ts'
import type { Received, Reply } from '../kit/server.ts'
import type { VisibleRow } from '../kit/table.ts'
import { failedCondition, hasTag, refuseConditions, tagOf } from './conditions.ts'
import { refused } from './errors.ts'
import {
  type Field,
  findObjectType,
  GOLDEN_ID,
  isExternalId,
  isUnique,
  OBJECT_TYPES,
  type ObjectType,
} from './objects.ts'
import { modifiedAt, type Org } from './org.ts'
import { queryOf } from './parameters.ts'
import { addressOf, type Fields, moment } from './records.ts'
import { attributes } from './rules.ts'
import { isDerived } from './values.ts'
import { keyOf, preconditionFailed, severalMatch } from './writeApi.ts'

const dayMs = 86_400_000
const spanMsMax = 30 * dayMs
const reachMsMax = 15 * dayMs

/** Kinds by the names of a describe. */
const TYPES = new Map([
  ['text', 'textarea'],
  ['number', 'double'],
])

/** The resources below `sobjects`. */
export class ObjectsApi {
  readonly #org: Org

  constructor(org: Org) {
    this.#org = org
  }

  list(request: Received): Reply {
    queryOf(request).end()
    const sobjects = OBJECT_TYPES.map(({ name, prefix }) => ({
      name,
      keyPrefix: prefix,
      queryable: true,
    }))
    return { status: 200, body: { encoding: 'UTF-8', maxBatchSize: 200, sobjects } }
  }

  describe(type: ObjectType, request: Received): Reply {
    queryOf(request).end()
    const fields = [...type.fields.values()].map((field) => ({
      name: field.name,
      type: TYPES.get(field.kind) ?? field.kind,
      custom: field.name.endsWith('__c'),
      filterable: isPlain(field),
      sortable: isPlain(field),
      createable: !isDerived(type, field),
      updateable: !isDerived(type, field),
      externalId: field.name === GOLDEN_ID,
      idLookup: field.kind === 'id' || isExternalId(type, field),
      unique: isUnique(field),
      referenceTo: field.target === undefined ? [] : [field.target],
      relationshipName: field.relationship ?? null,
    }))
    const body = { name: type.name, keyPrefix: type.prefix, queryable: true, fields }
    return { status: 200, body }
  }

  read(type: ObjectType, id: string, request: Received): Reply {
    const query = queryOf(request)
    const names = query.text('fields')?.split(',')
    query.end()
    return this.#show(type, this.#org.wholeId(type, id), names, request)
  }

  /** Reads a record by a field by which an upsert finds it. */
  readBy(type: ObjectType, name: string, value: string, request: Received): Reply {
    const query = queryOf(request)
    const names = query.text('fields')?.split(',')
    query.end()
    refuseConditions(request)
    const ids = this.#org.idsOf(type, keyOf(type, name).name, value)
    if (ids.length > 1) return severalMatch(type, ids, request)
    return this.#show(type, ids[0] ?? '', names, request)
  }

  #show(
    type: ObjectType,
    id: string,
    names: readonly string[] | undefined,
    request: Received,
  ): Reply {
    const row = this.#org.find(type.name, id)
    if (!row) throw refused(404, 'NOT_FOUND', 'The requested resource does not exist')
    if (row.deleted) throw refused(404, 'ENTITY_IS_DELETED', 'entity is deleted')
    const failed = failedCondition(type, row.record, request)
    if (failed === 304) return { status: 304 }
    if (failed === 412) return preconditionFailed()
    const fields = names?.map((name) => fieldOf(type, name)) ?? [...type.fields.values()]
    const shown: Fields = { ...attributes(type, row.id) }
    for (const { name, kind } of fields) {
      const value = kind === 'address' ? addressOf(row.record, name) : ownValue(row.record, name)
      setOwn<unknown>(shown, name, value ?? null)
    }
    const etag = hasTag(type) && { headers: { etag: tagOf(row.record) } }
    return { status: 200, ...etag, body: shown }
  }

  deleted(type: ObjectType, request: Received): Reply {
    const { from, to, within } = this.#window(request)
    const rows = this.#org.rows(type, true).filter((row) => row.deleted && within(row))
    const body = {
      deletedRecords: rows.map((row) => ({ id: row.id, deletedDate: row.record.SystemModstamp })),
      earliestDateAvailable: moment(from - dayMs),
      latestDateCovered: moment(to),
    }
    return { status: 200, body }
  }

  updated(type: ObjectType, request: Received): Reply {
    const { to, within } = this.#window(request)
    const rows = this.#org.rows(type, false).filter(within)
    return { status: 200, body: { ids: rows.map(({ id }) => id), latestDateCovered: moment(to) } }
  }

  #window(request: Received) {
    const query = queryOf(request)
    const [from, to] = ['start', 'end'].map((name) => Date.parse(query.text(name) ?? ''))
    query.end()
    if (!(from! < to!) || to! - from! > spanMsMax)
      throw refused(400, 'INVALID_REPLICATION_DATE', 'startDate and endDate are not valid')
    if (from! < this.#org.clock.now() - reachMsMax)
      throw refused(400, 'INVALID_REPLICATION_DATE', 'startDate is too far in the past')
    const within = (row: VisibleRow) => modifiedAt(row) >= from! && modifiedAt(row) < to!
    return { from: from!, to: to!, within }
  }
}

const isPlain = ({ kind }: Field) => kind !== 'text' && kind !== 'address'

function fieldOf(type: ObjectType, name: string): Field {
  const field = type.fields.get(name.toLowerCase())
  if (!field)
    throw refused(
      400,
      'INVALID_FIELD',
      `No such column '${name}' on sobject of type ${type.name}`,
      true,
    )
  return field
}

export function typeOf(name: string): ObjectType {
  const type = findObjectType(name)
  if (!type) throw refused(404, 'NOT_FOUND', 'The requested resource does not exist', true)
  return type
}
