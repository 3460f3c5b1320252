import { dataNumber, dataText } from '../../schema/kit/dataText.ts'
import { ownValue } from '../../schema/kit/dictionary.ts'
import { changesOf } from '../changesOf.ts'
import { MessageError, type RecordChange, type StatedOrder } from '../contract.ts'
import type { NamedRecord } from '../kind.ts'
import type { Mapping } from '../mapping/compileMapping.ts'
import { fieldNames, unwrapRecord } from './avro.ts'
import { columnOfPart, columnsOf } from './compound.ts'

type Fields = Record<string, unknown>

/** The empty record id of overflow events, and wildcards such as `001*`: they name no record. */
const NO_RECORD = /^0+(AAA)?$|\*/

/**
 * Reads a change event into one change for each of its records. Compound fields
 * (`BillingAddress.City`) become the columns of rows (`BillingCity`), so that parts which change at
 * different times are merged one by one. An UPDATE is partial; CREATE and UNDELETE are whole. A GAP
 * event only reports that something changed: it is an exception until the record is loaded again.
 * `schema` is the Avro schema of the payload, where the relay sends it.
 */
export function changeDataCapture(
  mapping: Mapping,
  header: Fields,
  payload: Fields,
  schema: unknown,
): RecordChange[] {
  const object = dataText(header.entityName ?? '')
  const change = dataText(header.changeType ?? '')
  const ids = (Array.isArray(header.recordIds) ? header.recordIds : []).map(dataText)
  if (change.startsWith('GAP_')) throw gap(mapping, object, change, header)
  if (ids.length === 0)
    throw new MessageError(
      'MISSING_ID',
      'ChangeEventHeader.recordIds is empty: it must name a record',
      { object },
    )
  const placeholder = ids.find((id) => NO_RECORD.test(id))
  if (placeholder !== undefined)
    throw new MessageError(
      'MISSING_ID',
      `ChangeEventHeader.recordIds holds "${placeholder.slice(0, 40)}", which names no record`,
      { object },
    )
  const version = versionOf(header, object)
  const order = orderOf(header)
  const columns = () => columnsOfPayload(payload, header, object, schema)
  switch (change) {
    case 'CREATE':
    case 'UNDELETE':
      return ids.flatMap((id) =>
        changesOf(
          mapping,
          object,
          { Id: id, ...columns() },
          { id, version, order, deleted: false },
        ),
      )
    case 'UPDATE':
      return ids.flatMap((id) =>
        changesOf(mapping, object, columns(), {
          id,
          version,
          order,
          deleted: false,
          partial: true,
        }),
      )
    case 'DELETE':
      return ids.flatMap((id) =>
        changesOf(mapping, object, {}, { id, version, order, deleted: true, partial: true }),
      )
    default:
      throw new MessageError(
        'UNKNOWN_CHANGE',
        `changeType is "${change}"; allowed are CREATE, UPDATE, DELETE, UNDELETE and GAP_*`,
        { object },
      )
  }
}

/**
 * Returns the records that a change event names; the object alone where it names none. Null where it
 * names no object either.
 */
export function namedInChange(header: Fields): NamedRecord[] | null {
  const object = dataText(header.entityName ?? '')
  if (object === '') return null
  const change = dataText(header.changeType ?? '')
  const records = recordIdsOf(header, change)
  const deleted = change.endsWith('DELETE') && !change.endsWith('UNDELETE')
  return records.length === 0
    ? [{ object, id: null, deleted: false }]
    : records.map((id) => ({ object, id, deleted }))
}

/** An overflow event names no record, and neither do empty ids and wildcards. */
function recordIdsOf(header: Fields, change: string): string[] {
  const ids = Array.isArray(header.recordIds) ? header.recordIds.map(dataText) : []
  return change === 'GAP_OVERFLOW' ? [] : ids.filter((id) => !NO_RECORD.test(id))
}

/** Returns the commit time in microseconds. */
function versionOf(header: Fields, object: string): bigint {
  const ms = dataNumber(header.commitTimestamp)
  if (!Number.isSafeInteger(ms) || ms <= 0)
    throw new MessageError(
      'INVALID_VERSION',
      `ChangeEventHeader.commitTimestamp is ${JSON.stringify(header.commitTimestamp)}; it must be milliseconds since 1970`,
      {
        object,
        field: 'commitTimestamp',
      },
    )
  return BigInt(ms) * 1000n
}

/**
 * Returns the order of changes of one commit time: commitNumber grows from transaction to
 * transaction, sequenceNumber within one. The sequence has no upper bound, so it cannot stand in the
 * digits below the millisecond.
 */
function orderOf(header: Fields): StatedOrder {
  return {
    by: 'SEQUENCE',
    numbers: [count(header.commitNumber), count(header.sequenceNumber)],
  }
}

/** Numbers beyond 2^53 arrive as text. */
function count(value: unknown): bigint {
  return /^\d{1,20}$/.test(dataText(value)) ? BigInt(dataText(value)) : 0n
}

/**
 * Returns the exception of a gap event. It names the records to load again. An overflow event names
 * none, only the object and the time of the transaction: Salesforce sends one for each object of a
 * transaction with too many changes.
 */
function gap(mapping: Mapping, object: string, change: string, header: Fields): MessageError {
  const ms = dataNumber(header.commitTimestamp)
  const at = new Date(Number.isSafeInteger(ms) && ms > 0 ? ms : Number.NaN)
  const since = Number.isNaN(at.getTime())
    ? 'at a time that commitTimestamp does not state'
    : `on ${at.toISOString()}`
  const records = recordIdsOf(header, change)
  const [first] = records
  if (first === undefined)
    return new MessageError(
      'GAP',
      `${change}: Salesforce could not send all changes of ${object || 'an unnamed object'} that were committed ${since}; load the records of ${object || 'every object'} that changed since then again`,
      { object },
    )
  return new MessageError(
    'GAP',
    `${change}: Salesforce could not send the changes of ${records.join(', ')} of ${object}, committed ${since}; load these records again`,
    { object, sourceId: mapping.idForm(first) },
  )
}

/**
 * Returns the payload as columns. A field that an UPDATE names as changed but does not carry was
 * set to null; of a compound field that it names as a whole, each part that it does not carry.
 */
function columnsOfPayload(
  payload: Fields,
  header: Fields,
  object: string,
  schema: unknown,
): Fields {
  const whole = header.changeType !== 'UPDATE'
  const names = (list: string) =>
    whole ? [] : fieldNames(list, ownValue(header, list), schema, object)
  const changed = new Set([...names('changedFields'), ...names('nulledFields')])
  // Named parts say more than the name of their compound field.
  const inParts = new Set([...changed].filter((n) => n.includes('.')).map((n) => n.split('.')[0]))
  const isWhole = (field: string) => changed.has(field) && !inParts.has(field)
  // A long text may come as a difference to the text before, which cannot be applied to an unknown
  // value.
  const differences = new Set(names('diffFields'))
  const out = new Map<string, unknown>()
  const set = (column: string, value: unknown, states: boolean) => {
    if (value !== null || (states && !out.has(column))) out.set(column, value)
  }
  for (const [field, wrapped] of Object.entries(payload)) {
    if (field === 'ChangeEventHeader' || differences.has(field)) continue
    const value = unwrapRecord(wrapped)
    if (field.includes('.')) set(columnOfPart(field), value, whole || changed.has(field))
    else
      for (const [column, part] of columnsOf(object, field, value, isWhole(field)))
        set(column, part, whole || isWhole(field))
  }
  for (const field of changed) {
    if (differences.has(field) || Object.hasOwn(payload, field)) continue
    if (field.includes('.')) set(columnOfPart(field), null, true)
    else if (isWhole(field))
      for (const [column] of columnsOf(object, field, null, true)) set(column, null, true)
  }
  // Only rows carry the owner's name, in Owner or as a column of a file; beside a new OwnerId the old
  // name would be wrong.
  if (out.has('OwnerId')) for (const column of ['Owner', 'Owner.Name']) set(column, null, true)
  return Object.fromEntries(out)
}
