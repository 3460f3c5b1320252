import type { RecordChange } from './contract.ts'
import type { Mapping } from './mapping/compileMapping.ts'
import type { Scheme } from './signature.ts'

/** A kind of source systems: how its systems differ from others beyond their mapping. */
export interface Kind {
  name: string
  /** The signature scheme of its deliveries. */
  scheme: Scheme
  /**
   * Whether the kind ships connectors/<name>/mapping.yaml; a generic system has only its own
   * mapping.
   */
  hasMapping: boolean
  /** Returns whether an object is an event of the kind rather than a record. */
  isEvent(value: Record<string, unknown>): boolean
  /** Returns the event's own id, used as idempotency key; null where it has none. */
  eventId(event: Record<string, unknown>): string | null
  /** Returns the object that an event or a record names, or null. */
  objectOf(value: Record<string, unknown>): string | null
  /** Throws MessageError. */
  readEvent(mapping: Mapping, event: Record<string, unknown>, object: string | null): RecordChange[]
  readRow(mapping: Mapping, row: Record<string, unknown>, object: string | null): RecordChange[]
}
