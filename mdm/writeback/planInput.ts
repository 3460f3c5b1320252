import type { TypePolicy } from '../../schema/policy.ts'
import type { Provenance } from '../golden/survive.ts'
import type { PastWrite } from './stop.ts'
import type { Raw, Target } from './target.ts'

/** A record of a golden record in the target. */
export interface TargetRecord {
  key: string
  object: string
  sourceId: string
  /** What the system holds: what it states, with what was written over it. */
  held: Raw
  /** Canonical fields of what it states itself, and of what it holds. */
  ownFields: Readonly<Record<string, unknown>>
  heldFields: Readonly<Record<string, unknown>>
}

export interface PlannedGolden {
  id: string
  type: TypePolicy
  values: Record<string, unknown>
  provenance: Readonly<Record<string, Provenance>>
}

/** The facts of one golden record and one target that its writes depend on. */
export interface PlanInput {
  golden: PlannedGolden
  target: Pick<Target, 'source' | 'role' | 'types' | 'mapping' | 'replacesGoldenIds'>
  /** The live records of the golden record in the target. */
  records: readonly TargetRecord[]
  /** Whether a record is being created there. */
  isBeingCreated: boolean
  /** Another golden record that may be the same thing, and that has or gets a record there. */
  mayBe: MayBe | null
  /** Returns whether it is known which records the target has in an object. */
  isLoaded(object: string): boolean
  /** The record that it had there, and that was deleted or is one of another thing now. */
  former: string | null
  /** Returns the system of a source record of the golden record. */
  systemOf(key: string): { source: string; role: string } | undefined
  /** Returns the golden record that a reference names. */
  goldenOf(key: string): string | undefined
  /** Returns the records of a golden record in the target. */
  recordsOf(goldenId: string): readonly { key: string; object: string; sourceId: string }[]
  /** Returns the earlier writes of a record, or of the golden record where it has none, oldest first. */
  historyOf(object: string, sourceId: string | null): readonly PastWrite[]
}

/** A golden record that may be the same thing, by a task that is open. */
export interface MayBe {
  goldenId: string
  taskId: string
  /** Its record in the target; null where one is to be created. */
  record: { object: string; sourceId: string } | null
}
