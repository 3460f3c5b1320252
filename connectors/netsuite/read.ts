import { dataText } from '../../schema/kit/dataText.ts'
import { changesOf } from '../changesOf.ts'
import { MessageError } from '../contract.ts'
import type { Kind } from '../kind.ts'
import { namedRecord } from '../namedRecord.ts'
import { standardWebhooks } from '../signature.ts'

type Fields = Record<string, unknown>

const TYPES = ['create', 'edit', 'xedit', 'delete']

/**
 * NetSuite sends no webhooks: the SuiteScript user event in README.md posts each saved record,
 * signed with Standard Webhooks. Rows are records of the REST API, of SuiteQL or of a warehouse.
 */
export const netsuite: Kind = {
  name: 'netsuite',
  verify: standardWebhooks,
  hasMapping: true,
  hasOwnEvents: true,
  isEvent,
  // The user event gives its events no id: the delivery's webhook-id is the key.
  eventId: () => null,
  objectOf: (value) => (isEvent(value) ? dataText(value.recordType) : null),
  named: (mapping, { recordType, type, id, record }) =>
    TYPES.includes(dataText(type ?? ''))
      ? namedRecord(mapping, dataText(recordType ?? ''), { id, record, deleted: type === 'delete' })
      : null,
  readEvent: (mapping, event) => {
    const object = dataText(event.recordType ?? '')
    const type = dataText(event.type ?? '')
    const id =
      typeof event.id === 'string' || typeof event.id === 'number' ? String(event.id) : null
    const at = { object, ...(id ? { sourceId: id } : {}) }
    if (!TYPES.includes(type))
      throw new MessageError(
        'UNKNOWN_CHANGE',
        `type is "${type}"; allowed are ${TYPES.join(', ')}`,
        at,
      )
    const version = mapping.momentOf(event.lastModified, { ...at, field: 'lastModified' })
    if (type === 'delete')
      return changesOf(mapping, object, {}, { id, version, deleted: true, partial: true })
    if (event.record === null || typeof event.record !== 'object' || Array.isArray(event.record))
      throw new MessageError('NO_DATA', `the event ${type} carries no record`, at)
    return changesOf(mapping, object, event.record as Fields, { id, version, deleted: false })
  },
  readRow: (mapping, row, object) => {
    if (!object)
      throw new MessageError('NO_OBJECT', 'the object is not named: give it with the load')
    return changesOf(mapping, object, row)
  },
}

function isEvent(value: Fields): boolean {
  return typeof value.recordType === 'string' && 'record' in value
}
