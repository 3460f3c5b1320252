import type { RecordChange } from './contract.ts'
import type { Mapping } from './mapping/compile.ts'
import type { Scheme } from './signature.ts'

/** What differs between kinds of source systems beyond their mapping. */
export interface Kind {
  name: string
  /** How its deliveries are signed. */
  scheme: Scheme
  /** The mapping that comes with the kind is connectors/<name>/mapping.yaml; a generic system has only its own. */
  hasMapping: boolean
  /** Whether an object is an event of the kind, and not a record. */
  isEvent(value: Record<string, unknown>): boolean
  /** The event's own id, the idempotency key; null where it has none. */
  eventId(event: Record<string, unknown>): string | null
  /** The object that an event or a record names itself. */
  objectOf(value: Record<string, unknown>): string | null
  /** Throws MessageError. */
  readEvent(mapping: Mapping, event: Record<string, unknown>, object: string | null): RecordChange[]
  readRow(mapping: Mapping, row: Record<string, unknown>, object: string | null): RecordChange[]
}
