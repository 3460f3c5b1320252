import type { Role } from '../schema/policy.ts'

/**
 * SHADOW plans and sends nothing. APPROVE asks a person about each write. ON writes. OFF does
 * nothing.
 */
export const WRITE_MODES = ['OFF', 'SHADOW', 'APPROVE', 'ON'] as const
export type WriteMode = (typeof WRITE_MODES)[number]

/** Bounds of what is written to one source system; beyond them writes wait, and a person is asked. */
export interface WriteLimits {
  perMinute: number
  perDay: number
  /** Records that may be changed within one planning window. */
  changedRecordsMax: number
}

export const WRITE_LIMITS: WriteLimits = { perMinute: 60, perDay: 5_000, changedRecordsMax: 500 }

/** What is written of one golden type. */
export interface WriteTargetType {
  /** The objects that hold records of the type, the one for new records first. */
  objects: readonly string[]
  /** Fields that have a system of record above the target at some stage. */
  update: readonly string[]
  /** Values of golden fields that a golden record must have to be created; null: none is created. */
  createWhen: ReadonlyMap<string, readonly string[]> | null
  /** Fields that a new record gets: those of `update`, and others that later writes never touch. */
  createFields: readonly string[]
}

/** A source system that golden values are written to, checked against policy, mapping, connection. */
export interface WriteTarget {
  source: string
  role: Role
  mode: WriteMode
  types: ReadonlyMap<string, WriteTargetType>
  limits: WriteLimits
  /** Whether an update may replace another text, or another id, in the place of the golden id. */
  replacesGoldenIds: boolean
  /** Of its configuration, its mapping and the policy. */
  version: string
}

/** A target, or the mistake for which nothing is written to its system. */
export type JudgedTarget =
  | { source: string; mode: WriteMode; target: WriteTarget; held: null }
  | { source: string; mode: WriteMode; target: null; held: string }
