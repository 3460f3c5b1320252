import { createDictionary, ownValue } from '../../schema/kit/dictionary.ts'
import { changesOf } from '../changesOf.ts'
import { MessageError } from '../contract.ts'
import type { Delivery, Kind, NamedRecord } from '../kind.ts'
import type { Mapping } from '../mapping/compileMapping.ts'
import type { Located } from '../mapping/document.ts'
import type { Scope } from '../mapping/path.ts'
import { isMap } from '../mapping/rule.ts'
import { namedRecord } from '../namedRecord.ts'
import { single } from '../signature.ts'
import { compileEvents, type EventDefinition } from './eventDefinition.ts'

type Fields = Record<string, unknown>

/** The outer facts of a delivery, as paths of the definition read them: `$.header.x`, `$.body.x`. */
interface Outer {
  header: Fields
  body: unknown
}

const NO_DELIVERY: Outer = { header: {}, body: undefined }

/**
 * Returns the kind of a system whose mapping defines its webhook events. `address` is that of its
 * deliveries, for signatures that cover it. A delivery holds events;
 * rows of files are records, unless they are loaded without an object: then they are events as the
 * system sends them.
 */
export function definedEvents(
  kind: Kind,
  mapping: Mapping,
  place: Located,
  address: string | null,
): Kind {
  const definition = compileEvents(place, mapping, address)
  const stores = definition.headers.length + definition.outer.length > 0
  return {
    ...kind,
    verify: definition.verify,
    isEvent: () => true,
    eventId: (event, delivery) => definition.keyOf(scopeOf(event, delivery)),
    objectOf: (value, delivery) => {
      const named = definition.objectOf?.(scopeOf(value, delivery)) ?? null
      return named === null ? null : (mapping.find(named)?.name ?? named)
    },
    messagesIn: definition.messagesIn,
    storedText: (text, delivery) =>
      stores
        ? `{"delivery":${JSON.stringify(factsOf(definition, delivery))},"message":${text}}`
        : text,
    named: (_, event, object, delivery) =>
      namedBy(definition, mapping, scopeOf(event, delivery), object),
    readEvent: (_, stored, object) => {
      const { message, outer } = stores
        ? unwrapped(stored)
        : { message: stored, outer: NO_DELIVERY }
      if (!isMap(message))
        throw new MessageError(
          'NOT_AN_OBJECT',
          'the message is not an object: it must be one event',
        )
      return readEvent(definition, mapping, message, outer, object)
    },
  }
}

function readEvent(
  definition: EventDefinition,
  mapping: Mapping,
  message: Fields,
  outer: Outer,
  object: string | null,
) {
  const scope: Scope = { root: outer, item: message, cache: new Map() }
  const reasons: string[] = []
  const name = definition.objectOf
    ? definition.objectOf(scope, (detail) => reasons.push(detail))
    : object
  if (name === null)
    throw new MessageError(
      'NO_OBJECT',
      definition.objectOf
        ? `the event names no object of the definition of events: ${reasons[0] ?? 'there is no value at the path of object:'}`
        : 'the event names no object: send it to /ingest/{source}/{object}, or define object: for events',
    )
  const operation = definition.operationOf(scope, name)
  // What an event with `read` says is not in it: without a connection it says nothing.
  if (operation === 'ignore' || operation === 'read') return []
  mapping.require(name)
  const id = definition.idOf(scope)
  const version = versionOf(definition, scope, name)
  const record = definition.recordOf(scope, name)
  if (!record && operation !== 'delete')
    throw new MessageError(
      'NO_DATA',
      `the event holds no record at the path of record: in the definition of events`,
      { object: name, ...(id ? { sourceId: id } : {}) },
    )
  const deleted = operation === 'delete'
  return changesOf(mapping, name, record ?? {}, {
    id,
    ...(version !== undefined ? { version } : {}),
    ...(deleted ? { deleted, partial: true } : {}),
    ...(operation === 'merge' ? { partial: true } : {}),
  })
}

/** Returns the record that an event names; null where it names none or is ignored. */
function namedBy(
  definition: EventDefinition,
  mapping: Mapping,
  scope: Scope,
  address: string | null,
): NamedRecord[] | null {
  const name = definition.objectOf ? definition.objectOf(scope) : address
  if (name === null) return null
  const operation = definition.operationOf(scope, name)
  if (operation === 'ignore') return null
  return namedRecord(mapping, name, {
    id: definition.idOf(scope),
    record: definition.recordOf(scope, name),
    deleted: operation === 'delete',
  })
}

function versionOf(definition: EventDefinition, scope: Scope, object: string): bigint | undefined {
  try {
    return definition.versionOf(scope)
  } catch (e) {
    if (!(e instanceof MessageError)) throw e
    throw new MessageError(e.code, e.message, { object, ...e.at })
  }
}

function scopeOf(item: Fields, delivery: Delivery | null): Scope {
  const root = delivery ? { header: delivery.headers, body: delivery.body } : NO_DELIVERY
  return { root, item, cache: new Map() }
}

function factsOf(definition: EventDefinition, delivery: Delivery): Outer {
  const header = createDictionary<string>()
  for (const name of definition.headers) {
    const value = single(ownValue(delivery.headers, name))
    if (value !== undefined) header[name] = value
  }
  const body = createDictionary<unknown>()
  const scope = scopeOf({}, delivery)
  for (const { names, path } of definition.outer) {
    const value = path.first(scope)
    if (value === undefined || typeof value === 'object') continue
    let at = body
    for (const n of names.slice(0, -1)) {
      const inner = isMap(at[n]) ? (at[n] as typeof body) : createDictionary<unknown>()
      at[n] = inner
      at = inner
    }
    at[names.at(-1) ?? ''] = value
  }
  return { header, body }
}

/** An element of a file is stored as it stands, without a delivery. */
function unwrapped(stored: Fields): { message: unknown; outer: Outer } {
  const { delivery, message } = stored
  if (!isMap(delivery) || !('message' in stored) || Object.keys(stored).length !== 2)
    return { message: stored, outer: NO_DELIVERY }
  return {
    message,
    outer: { header: isMap(delivery.header) ? delivery.header : {}, body: delivery.body },
  }
}
