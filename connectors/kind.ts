import type { DeliveryHeaders, RecordChange } from './contract.ts'
import type { Mapping } from './mapping/compileMapping.ts'
import type { Verify } from './signature.ts'

/** The delivery around a message. */
export interface Delivery {
  headers: DeliveryHeaders
  /** The whole body, parsed. */
  body: unknown
}

/** A record that an event names. Without an id it names the object alone. */
export interface NamedRecord {
  object: string
  id: string | null
  /** Whether the event states that the record is gone. */
  deleted: boolean
}

/** A kind of source systems: how its systems differ from others beyond their mapping. */
export interface Kind {
  name: string
  /** Verifies who sent a delivery. */
  verify: Verify
  /**
   * Whether the kind ships connectors/<name>/mapping.yaml; a generic system has only its own
   * mapping.
   */
  hasMapping: boolean
  /** Whether its own code reads its events, so that a mapping defines none. */
  hasOwnEvents: boolean
  /**
   * Returns whether an object is an event of the kind rather than a record. `delivery` is null for
   * an element of a file, here and below.
   */
  isEvent(value: Record<string, unknown>, delivery: Delivery | null): boolean
  /** Returns the event's own id, used as idempotency key; null where it has none. */
  eventId(event: Record<string, unknown>, delivery: Delivery | null): string | null
  /** Returns the object that an event or a record names, or null. */
  objectOf(value: Record<string, unknown>, delivery: Delivery | null): string | null
  /**
   * Returns the messages of a body that holds several; null for a body that is one message. Without
   * it a body that is a list holds several.
   */
  messagesIn?(body: unknown): unknown[] | null
  /** Returns the text to store for an event, with the facts of its delivery that reading needs. */
  storedText?(text: string, delivery: Delivery): string
  /**
   * Returns the records that an event names, to be read again; null where it names none. Throws
   * MessageError.
   */
  named?(
    mapping: Mapping,
    event: Record<string, unknown>,
    object: string | null,
    delivery: Delivery,
  ): NamedRecord[] | null
  /** Returns whether the event does not state what changed, whatever `then:` says. */
  isHint?(event: Record<string, unknown>): boolean
  /** Throws MessageError. */
  readEvent(mapping: Mapping, event: Record<string, unknown>, object: string | null): RecordChange[]
  readRow(mapping: Mapping, row: Record<string, unknown>, object: string | null): RecordChange[]
}
