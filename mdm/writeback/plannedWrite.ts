import type { Json } from '../../connectors/connection/row.ts'
import { NOT_LOADED } from './loaded.ts'
import type { FieldRefusal } from './stop.ts'
import { POSSIBLE_MATCH } from './undecided.ts'

export interface FieldChange {
  /** Canonical values; a reference is a record key. */
  before: unknown
  after: unknown
  paths: string[]
}

/** One write that would bring a record in line with its golden record. */
export interface PlannedWrite {
  operation: 'CREATE' | 'UPDATE'
  object: string
  sourceId: string | null
  changes: Record<string, FieldChange>
  values: Record<string, Json>
  former: Record<string, Json>
  /** Fields that cannot be written. Without values the write is a refusal as a whole. */
  refused: FieldRefusal[]
  /** The golden record that the target has to hold before; without it nothing waits. */
  waitsFor: string | null
  hash: string
  /** Whether it was refused before, or in conflict too often, so that it is not planned again. */
  isStopped: boolean
}

export const WAITS_FOR_REFERENCE = 'WAITS_FOR_REFERENCE'
/** Codes of what ends by itself. */
export const WAITS: ReadonlySet<string> = new Set([WAITS_FOR_REFERENCE, NOT_LOADED, POSSIBLE_MATCH])
const CREATES_WAIT: ReadonlySet<string> = new Set([NOT_LOADED, POSSIBLE_MATCH])

/**
 * Returns whether a write waits: until the target has another record, was read as a whole, or people
 * decided whether it has the thing already.
 */
export function isWaiting({ operation, values, waitsFor, refused }: PlannedWrite): boolean {
  if (operation === 'CREATE' && refused.some((r) => CREATES_WAIT.has(r.code))) return true
  return waitsFor !== null && (operation === 'CREATE' || Object.keys(values).length === 0)
}
