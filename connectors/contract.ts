import { CodedError } from '../schema/kit/codedError.ts'
import type { SourceSystem } from '../schema/sourceSystem.ts'
import type { Json } from './connection/contract.ts'

export type { SourceSystem } from '../schema/sourceSystem.ts'

/** A change of one source record as its message states it, before mapping. */
export interface RecordChange {
  /** Name of the object in the mapping: Account, customer … */
  object: string
  sourceId: string
  /** Microseconds since 1970 by the source system's clock; null where the message gives none. */
  version: bigint | null
  deleted: boolean
  /**
   * True when `raw` holds only the changed fields (Salesforce CDC); they are merged into the stored
   * ones.
   */
  partial: boolean
  raw: Record<string, unknown>
  /**
   * The place among changes of the same version, as far as the message states it. Without it the
   * order of arrival counts.
   */
  order?: StatedOrder
}

/**
 * SEQUENCE: numbers that grow within the version, the most significant first. CONTENT: whole
 * statements that arrive in any order and name what they replaced.
 */
export type StatedOrder =
  | { by: 'SEQUENCE'; numbers: readonly bigint[] }
  | {
      by: 'CONTENT'
      /** The former values of what changed; null where the message does not state them. */
      before: Record<string, unknown> | null
      /** Statements of a higher stage are later where the contents do not show otherwise. */
      stage: number
    }

/** A value that the mapping could not use. In a required field it makes the record incomplete. */
export interface Issue {
  field: string
  code: string
  detail: string
}

/**
 * A record in canonical form: fields of a golden type or an operational object; references are
 * record keys.
 */
export interface Canonical {
  type: string
  fields: Record<string, unknown>
  issues: Issue[]
  /** False when a required field is missing or malformed. */
  complete: boolean
}

/** How the mapping made one field of a record. */
export interface MappingStep {
  field: string
  /**
   * Line in the mapping file (`connectors/stripe/mapping.yaml:42`); null for a required field
   * without a usable value.
   */
  line: string | null
  /** The rule as written there. */
  rule: unknown
  /** The paths that the rule read, with their values. */
  reads: { path: string; values: unknown[] }[]
  /** The canonical value; undefined where the rule gave none. */
  value: unknown
  issues: Issue[]
}

/**
 * Thrown for a message that cannot be applied as it is. The message says what is wrong and what
 * would be right.
 */
export class MessageError extends CodedError {
  readonly at: {
    object?: string | undefined
    sourceId?: string | undefined
    field?: string | undefined
  }
  constructor(
    code: string,
    detail: string,
    at: { object?: string; sourceId?: string; field?: string } = {},
  ) {
    super(code, detail)
    this.at = at
  }
}

/**
 * Returns the ids that a source system has for the records of one thing; `value` is a canonical
 * reference, a golden id or a record key.
 */
export type OwnIds = (source: string, object: string, value: string) => readonly string[]

/** Why a value cannot be written. */
export interface WriteRefusal {
  code:
    | 'NOT_MAPPED'
    | 'NO_INVERSE'
    | 'REQUIRED'
    | 'IDENTITY'
    | 'NO_CODE'
    | 'NO_ELEMENT'
    | 'SEVERAL_ELEMENTS'
    | 'NOT_AN_OBJECT'
    | 'UNKNOWN_FORM'
    | 'NO_RECORD'
    | 'TOO_MANY_VALUES'
    | 'TOO_LONG'
    | 'NO_REMOVAL'
    | 'NOT_WRITABLE'
    | 'NOT_THE_VALUE'
  detail: string
}

/** How a canonical value is written into a raw record, or why it cannot be. */
export type Inverted =
  | {
      /** New values by path in the raw record; null empties a place. None where nothing differs. */
      values: ReadonlyMap<string, Json>
      /** Other fields that the record would give then: `name`, or `ContactPerson.name`. */
      also: string[]
    }
  | { refused: WriteRefusal }

/** Whether a rule of a mapping has an inverse. */
export interface FieldWriting {
  /** Paths that a write may change, as the mapping writes them; below `each:` with its path. */
  paths: string[]
  /** The same by part of a group, each of which is written by itself; one for any other field. */
  parts: string[][]
  /** Why the field cannot be written, with the line of the rule; null where it can. */
  obstacle: { line: string; why: string } | null
}

/** One message as it is put into the inbox. */
export interface InboundMessage {
  /** Idempotency key: the event's own id, else the delivery's, else a hash of the content. */
  messageId: string
  object: string | null
  format: 'event' | 'row'
  body: string
  /** Records that are read again in place of the message, which only names them. */
  hints?: readonly RecordHint[]
}

/** A record to be read, as a connection names it. Without an id the object is read on at once. */
export interface RecordHint {
  object: string
  id: string | null
  /** Whether the event states that the record is gone: then it is deleted if it is not there. */
  gone: boolean
}

export type DeliveryHeaders = Readonly<Record<string, string | string[] | undefined>>

/**
 * The result of checking a delivery's signature. `id` is the delivery's own id, where the scheme
 * has one.
 */
export type SignatureVerdict =
  | { ok: true; id: string | null }
  | {
      ok: false
      code:
        | 'NO_SECRET'
        | 'NO_SIGNATURE'
        | 'WRONG_SIGNATURE'
        | 'STALE_TIMESTAMP'
        | 'FUTURE_TIMESTAMP'
      detail: string
      /** Value of the header WWW-Authenticate, for senders that wait to be asked for a password. */
      challenge?: string
    }

/** The golden ids in the records of one source system. */
export interface GoldenIds {
  /**
   * Returns the golden id that a raw record bears: null for none, or for a text that is no golden id;
   * undefined where its object has no place for one.
   */
  of(object: string, raw: Record<string, unknown>): string | null | undefined
  /**
   * Returns the text that stands in the place of the golden id and is none; null where nothing or a
   * golden id stands there, or the place is the id of the record itself.
   */
  foreignOf(object: string, raw: Record<string, unknown>): string | null
  /** The path of that place by object. */
  places: ReadonlyMap<string, string>
}

/**
 * A source system as the pipeline uses it: reads messages and maps records. Created by
 * openConnectors.ts.
 */
export interface Connector {
  system: SourceSystem
  /**
   * Content hash of its mapping and code lists, and of the fields they fill where a policy changed
   * them.
   */
  mappingVersion: string
  /**
   * The mistake in its mapping, where it has one: its messages are stored and wait as exceptions.
   */
  held?: string
  /**
   * Reads the changes in a message's body. `object` is given for rows of a file. Throws
   * MessageError.
   */
  read(format: 'event' | 'row', body: string, object: string | null): RecordChange[]
  /** Maps a raw record to canonical form. Never throws for bad values: they become issues. */
  map(object: string, raw: Record<string, unknown>): Canonical
  /**
   * Returns the golden id that a raw record bears; null where it bears none, undefined where its
   * object has no place for one. Absent for a system that is not asked.
   */
  goldenIdOf?(object: string, raw: Record<string, unknown>): string | null | undefined
  /** What stands in the place of golden ids and is none. Absent for a system that is not asked. */
  foreignGoldenIds?: Pick<GoldenIds, 'foreignOf' | 'places'>
  /**
   * Maps step by step, for people who look for a mistake. Throws MessageError for an unknown
   * object.
   */
  explain(object: string, raw: Record<string, unknown>): MappingStep[]
  /**
   * Returns the values that make the raw record give `value` for a field of a golden type; null
   * empties it. The result is mapped again, and refused where it gives another value. Of several
   * places only those are used that `canWrite`; without it all. Throws MessageError for an unknown
   * object.
   */
  invert(
    object: string,
    field: string,
    value: unknown,
    raw: Readonly<Record<string, unknown>>,
    ownIds: OwnIds,
    canWrite?: (path: string) => boolean,
  ): Inverted
  /** Returns which mapped fields of a golden type can be written. Throws as `invert` does. */
  writings(object: string): ReadonlyMap<string, FieldWriting>
  /** The objects of its mapping; `as` is a golden type, an operational object or `Kept`. */
  objects: { name: string; as: string }[]
  /**
   * Returns the object's name in record keys from any of its names (`inventoryItem` is `item`), or
   * null.
   */
  objectName(name: string): string | null
  /** Verifies the signature over the raw bytes of a delivery. `now` in ms since 1970. */
  verify(headers: DeliveryHeaders, body: Uint8Array, now: number): SignatureVerdict
  /**
   * Splits a delivered body, or one element of a file, into one message for each event or record.
   * The key of a message is its event's id, else made from `deliveryId`, else from its content.
   * `headers` are those of a delivery; an element of a file has none. An event that is only a hint
   * gets the records that it names, where the system can be asked for them. Throws MessageError for a body
   * that is not JSON or beyond the bounds; `read` checks the content later.
   */
  split(
    body: string,
    object: string | null,
    deliveryId: string | null,
    headers?: DeliveryHeaders,
  ): InboundMessage[]
}
