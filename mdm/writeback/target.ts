import type { Json } from '../../connectors/connection/row.ts'
import type { WriteAbility } from '../../connectors/connection/writing.ts'

export type WriteMode = 'SHADOW' | 'APPROVE' | 'ON'

/** Which fields of a golden type are written to a source system. */
export interface TargetType {
  /** The objects that hold records of the type, the one for new records first. */
  objects: readonly string[]
  update: readonly string[]
  /** Values of golden fields that a golden record must have to be created; null: none is created. */
  createWhen: ReadonlyMap<string, readonly string[]> | null
}

/** Bounds of what is written to one source system. */
export interface WriteLimits {
  perMinute: number
  perDay: number
  /** Records changed within one planning window. Beyond it, writes are held and a person is asked. */
  changedRecordsMax: number
}

export type Raw = Readonly<Record<string, unknown>>

/**
 * Returns the ids that a source system has for the records of one thing; `value` is a canonical
 * reference.
 */
export type OwnIds = (source: string, object: string, value: string) => readonly string[]

/** How a canonical value is written into a raw record, or why it cannot be. */
export type Inverted =
  | { values: ReadonlyMap<string, Json>; also: string[] }
  | { refused: { code: string; detail: string } }

/** The mapping of a source system, in both directions. */
export interface TargetMapping {
  /** Returns the canonical fields of a raw record. */
  map(object: string, raw: Raw): Readonly<Record<string, unknown>>
  /** Returns the raw values by path that state a canonical value, or why there are none. */
  invert(object: string, field: string, value: unknown, raw: Raw, ownIds: OwnIds): Inverted
  /** Returns what the connection can write of an object; null where it can write nothing. */
  abilityOf(object: string): Pick<WriteAbility, 'needs' | 'empties' | 'refusalOf'> | null
}

/** A source system that is written to. */
export interface Target {
  source: string
  role: string
  mode: WriteMode
  types: ReadonlyMap<string, TargetType>
  limits: WriteLimits
  mapping: TargetMapping
  /** Of its configuration, its mapping and the policy. */
  version: string
}
