import { changesOf } from '../changesOf.ts'
import { MessageError } from '../contract.ts'
import type { Kind } from '../kind.ts'
import { namedRecord } from '../namedRecord.ts'
import { standardWebhooks } from '../signature.ts'

type Fields = Record<string, unknown>

/**
 * Any system, by its mapping alone. An event is `{object, type: "upsert" | "delete", id?, version?,
 * record}`; a bare record may also be posted to /ingest/{source}/{object}. Rows are records: lines
 * of CSV or JSON objects.
 */
export const generic: Kind = {
  name: 'generic',
  verify: standardWebhooks,
  hasMapping: false,
  hasOwnEvents: false,
  isEvent,
  eventId: () => null,
  objectOf: (value) => (isEvent(value) ? String(value.object) : null),
  named: (mapping, { object, id, record, type }) =>
    namedRecord(mapping, String(object), { id, record, deleted: type === 'delete' }),
  readEvent: (mapping, event) => {
    const object = String(event.object)
    const id =
      typeof event.id === 'string' || typeof event.id === 'number' ? String(event.id) : null
    const deleted = event.type === 'delete'
    const record =
      event.record !== null && typeof event.record === 'object' && !Array.isArray(event.record)
        ? (event.record as Fields)
        : null
    if (!record && !deleted)
      throw new MessageError(
        'NO_DATA',
        'an event of type upsert needs the whole record in record:',
        { object },
      )
    const version =
      event.version === undefined
        ? undefined
        : mapping.momentOf(event.version, { object, field: 'version' })
    return changesOf(mapping, object, record ?? {}, {
      id,
      ...(version !== undefined ? { version } : {}),
      ...(deleted ? { deleted, partial: record === null } : {}),
    })
  },
  readRow: (mapping, row, object) => {
    if (!object)
      throw new MessageError('NO_OBJECT', 'the object is not named: give it with the load')
    return changesOf(mapping, object, row)
  },
}

function isEvent(value: Fields): boolean {
  return typeof value.object === 'string' && (value.type === 'upsert' || value.type === 'delete')
}
