import { dataText } from '../../schema/kit/dataText.ts'
import { changesOf } from '../changesOf.ts'
import { MessageError } from '../contract.ts'
import type { Kind } from '../kind.ts'
import { parseMoment } from '../mapping/time.ts'
import { namedRecord } from '../namedRecord.ts'
import { stripeSignature } from '../signature.ts'

type Fields = Record<string, unknown>

/** Events that end in `.deleted` although the object still exists, with another status. */
const ENDED_NOT_DELETED = new Set(['customer.subscription.deleted'])

/**
 * Stripe sends events with the whole object, in no particular order; `created` of the event is the
 * version. An object of the API has no time of its last change: a row counts from its arrival. Rows
 * are objects as the API lists them, or a warehouse's columns.
 */
export const stripe: Kind = {
  name: 'stripe',
  verify: stripeSignature,
  hasMapping: true,
  hasOwnEvents: true,
  isEvent,
  eventId: (event) => (typeof event.id === 'string' ? event.id : null),
  objectOf: (value) => {
    const subject = isEvent(value) ? objectIn(value) : value
    return typeof subject?.object === 'string' ? subject.object : null
  },
  named: (mapping, event) => {
    const subject = objectIn(event)
    return typeof subject?.object === 'string'
      ? namedRecord(mapping, subject.object, {
          id: subject.id,
          record: null,
          deleted: isDeletion(dataText(event.type ?? '')),
        })
      : null
  },
  readEvent: (mapping, event) => {
    const subject = objectIn(event)
    const type = dataText(event.type ?? '')
    if (!subject)
      throw new MessageError(
        'NO_DATA',
        `the event ${type} has no data.object; configure Stripe to send snapshot events, not thin ones`,
      )
    if (typeof subject.object !== 'string')
      throw new MessageError(
        'NO_OBJECT',
        `data.object of the event ${type} has no object: with its type`,
      )
    const version = parseMoment(event.created)
    if (version === null)
      throw new MessageError(
        'INVALID_VERSION',
        `created is ${JSON.stringify(event.created)}; it must be seconds since 1970`,
        {
          object: subject.object,
          field: 'created',
        },
      )
    const deleted = isDeletion(type)
    return changesOf(mapping, subject.object, subject, {
      version,
      order: { by: 'CONTENT', before: previousIn(event), stage: stageOf(type) },
      ...(deleted ? { deleted } : {}),
    })
  },
  readRow: (mapping, row, object) => {
    const name = typeof row.object === 'string' ? row.object : object
    if (!name)
      throw new MessageError(
        'NO_OBJECT',
        'the object is not named: neither in object: of the row nor with the load',
      )
    // A deleted object is listed as {id, object, deleted}, without its fields.
    if (row.deleted === true && Object.keys(row).length <= 3)
      return changesOf(mapping, name, row, { deleted: true }).map((c) => ({
        ...c,
        raw: {},
        partial: true,
      }))
    return changesOf(mapping, name, row)
  },
}

function isDeletion(type: string): boolean {
  return type.endsWith('.deleted') && !ENDED_NOT_DELETED.has(type)
}

function isEvent(value: Fields): boolean {
  return value.object === 'event' || value.object === 'v2.core.event'
}

/** Final events of an object; others of the same second come before them. */
const FINAL =
  /\.(paid|succeeded|payment_succeeded|voided|marked_uncollectible|canceled|failed|expired)$/

/**
 * Stripe counts seconds and sends events in any order. `previous_attributes` of an event shows what
 * was before it. Where that is missing, the type gives the order of events of one second: created,
 * any other, final, deleted.
 */
function stageOf(type: string): number {
  if (type.endsWith('.created')) return 0
  if (type.endsWith('.deleted')) return 3
  return FINAL.test(type) ? 2 : 1
}

function previousIn(event: Fields): Fields | null {
  const data = event.data as Fields | null | undefined
  const previous = data?.previous_attributes
  return previous !== null && typeof previous === 'object' && !Array.isArray(previous)
    ? (previous as Fields)
    : null
}

function objectIn(event: Fields): Fields | null {
  const data = event.data as Fields | null | undefined
  const subject = data !== null && typeof data === 'object' ? data.object : undefined
  return subject !== null && typeof subject === 'object' && !Array.isArray(subject)
    ? (subject as Fields)
    : null
}
