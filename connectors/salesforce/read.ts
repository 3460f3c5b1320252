import { dataText } from '../../schema/kit/dataText.ts'
import { changesOf } from '../changesOf.ts'
import { MessageError, type RecordChange } from '../contract.ts'
import type { Kind } from '../kind.ts'
import { standardWebhooks } from '../signature.ts'
import { unwrapAvro, unwrapRow } from './avro.ts'
import { changeDataCapture, namedInChange } from './changeDataCapture.ts'

type Fields = Record<string, unknown>

/**
 * Salesforce has no signed webhooks: a relay of the Pub/Sub API posts its change events, signed
 * with Standard Webhooks. Rows are SObjects of the REST and Bulk APIs, of tree exports and of
 * warehouses.
 */
export const salesforce: Kind = {
  name: 'salesforce',
  verify: standardWebhooks,
  hasMapping: true,
  hasOwnEvents: true,
  isEvent: (value) => headerOf(value) !== null,
  eventId: (event) => {
    const id = (unwrapAvro(inner(event).event) as Fields | null | undefined)?.EventUuid
    return typeof id === 'string' ? id : null
  },
  objectOf: (value) => {
    const name =
      headerOf(value)?.entityName ?? (value.attributes as Fields | null | undefined)?.type
    return typeof name === 'string' ? name : null
  },
  isHint: (event) => dataText(headerOf(event)?.changeType ?? '').startsWith('GAP_'),
  named: (_, event) => namedInChange(headerOf(event) ?? {}),
  readEvent: (mapping, event): RecordChange[] => {
    const header = headerOf(event)
    if (!header)
      throw new MessageError(
        'NOT_AN_EVENT',
        'payload.ChangeEventHeader is missing: this is not a change event',
      )
    const { payload, schema } = inner(event)
    return changeDataCapture(mapping, header, unwrapAvro(payload) as Fields, schema)
  },
  readRow: (mapping, row, object) => {
    const name = salesforce.objectOf(row, null) ?? object
    if (!name)
      throw new MessageError(
        'NO_OBJECT',
        'the object is not named: neither in attributes.type nor with the load',
      )
    return changesOf(mapping, name, unwrapRow(row))
  },
}

/** Streaming clients wrap the event in `data`. */
function inner(event: Fields): Fields {
  return event.payload === undefined && event.data !== null && typeof event.data === 'object'
    ? (event.data as Fields)
    : event
}

function headerOf(value: Fields): Fields | null {
  const payload = unwrapAvro(inner(value).payload)
  if (payload === null || typeof payload !== 'object') return null
  const header = (payload as Fields).ChangeEventHeader
  return header !== null && typeof header === 'object' ? (header as Fields) : null
}
