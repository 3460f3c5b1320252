import { CodedError } from '../schema/kit/codedError.ts'
import type { SourceSystem } from '../schema/sourceSystem.ts'

export type { SourceSystem } from '../schema/sourceSystem.ts'

/** What a delivery says of one source record, before it is mapped. */
export interface RecordChange {
  /** The object's name as the mapping has it: Account, customer … */
  object: string
  sourceId: string
  /** Microseconds since 1970 as the source system counts; null where the message gives none. */
  version: bigint | null
  deleted: boolean
  /** True when `raw` holds only the fields that changed (Salesforce CDC); they are laid over what is known. */
  partial: boolean
  raw: Record<string, unknown>
}

/** A value that the mapping could not use. A required one makes the record incomplete. */
export interface Issue {
  field: string
  code: string
  detail: string
}

/** The canonical form: fields of a golden type or of an operational object; references as record keys. */
export interface Canonical {
  type: string
  fields: Record<string, unknown>
  issues: Issue[]
  /** False when a required field is missing or malformed. */
  complete: boolean
}

/** How one field of a record came about. */
export interface MappingStep {
  field: string
  /** The line of the mapping file, `connectors/stripe/mapping.yaml:42`; null for a required field without a usable value. */
  line: string | null
  /** The rule as it is written there. */
  rule: unknown
  /** Which paths it read, and what was there. */
  reads: { path: string; values: unknown[] }[]
  /** The canonical value; undefined where there is none. */
  value: unknown
  issues: Issue[]
}

/** A message that cannot be applied as it is. `code` is stable, `detail` names what was wrong and what would be right. */
export class MessageError extends CodedError {
  readonly at: { object?: string | undefined; sourceId?: string | undefined; field?: string | undefined }
  constructor(code: string, detail: string, at: { object?: string; sourceId?: string; field?: string } = {}) {
    super(code, detail)
    this.at = at
  }
}

/** One message as the inbox keeps it. */
export interface Message {
  /** Idempotency key: the system's own, else the delivery's, else a hash of the content. */
  messageId: string
  object: string | null
  format: 'event' | 'row'
  body: string
}

export type Headers = Readonly<Record<string, string | string[] | undefined>>

/** Whether a delivery comes from who it says. `id` is the delivery's own, where its scheme has one. */
export type Verdict =
  | { ok: true; id: string | null }
  | {
      ok: false
      code: 'NO_SECRET' | 'NO_SIGNATURE' | 'WRONG_SIGNATURE' | 'STALE_TIMESTAMP' | 'FUTURE_TIMESTAMP'
      detail: string
    }

/** What the pipeline needs of a source system: read a message, map a record. Made by connectors/open.ts. */
export interface Connector {
  system: SourceSystem
  /** Of its mapping and code lists, by content. */
  mappingVersion: string
  /** Message (the body as received) to the changes it holds. Throws MessageError. `object` is given for rows of a file. */
  read(format: 'event' | 'row', body: string, object: string | null): RecordChange[]
  /** One record's raw form to its canonical form. Never throws for bad values: they are issues. */
  map(object: string, raw: Record<string, unknown>): Canonical
  /** The same mapping step by step, for people who look for what is wrong. Throws MessageError for an unknown object. */
  explain(object: string, raw: Record<string, unknown>): MappingStep[]
  /** The objects of its mapping, and what each is here: a golden type, an operational object or `Kept`. */
  objects: { name: string; as: string }[]
  /** The object's name in record keys, from any of its names (`inventoryItem` is `item`); null where there is none. */
  objectName(name: string): string | null
  /** Checks the signature over the raw bytes of a delivery. `now` in ms since 1970. */
  verify(headers: Headers, body: Uint8Array, now: number): Verdict
  /**
   * A delivered body, or one element of a file, to messages, one for each event or record. `deliveryId` names the
   * delivery; without it a message without an id of its own is named by its content. Throws MessageError for a body that
   * is no JSON or beyond the bounds; what the JSON says is judged later, by `read`.
   */
  split(body: string, object: string | null, deliveryId: string | null): Message[]
}
