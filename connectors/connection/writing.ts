import type { Json, PulledRow } from './contract.ts'

/** How a system notices that a record has changed since it was read. NONE: it does not. */
export type WriteGuard = 'ETAG' | 'SINCE' | 'VERSION' | 'NONE'

/** What the definition says about writing one object. */
export interface WriteAbility {
  create: boolean
  update: boolean
  /** Path, in the record as it is read, of the field that holds the golden id; null: there is none. */
  goldenId: string | null
  guard: WriteGuard
  /**
   * Why a repeated create makes no second record. KEY: the system keeps the key of a request for
   * `onceMs`. UPSERT: the golden id decides. NONE: the record is looked for first.
   */
  once: { by: 'KEY'; onceMs: number } | { by: 'UPSERT' } | { by: 'NONE' }
  /** Returns why a path of the record cannot be written; null where it can. */
  refusalOf(path: string): string | null
}

/** One change of one record. */
export interface RecordWrite {
  object: string
  /** Null for a record that the system does not have yet. */
  id: string | null
  /** New values by path in the record as it is read (`properties.name`); null empties a field. */
  values: Readonly<Record<string, Json>>
  goldenId: string
  /** The same for every attempt of one write. */
  key: string
  /** The record on which the change was planned; null for a create. */
  expected: PulledRow | null
}

export interface WrittenRecord {
  id: string
  /** False where a create found a record with the golden id. */
  created: boolean
  /** The record after the write, where the system returns it or it was read. */
  row: PulledRow | null
}

/**
 * The half of a connection that writes. Every method throws ConnectionError. CONFLICT: the record
 * has changed since it was read. An error with `outcome` UNKNOWN may have been applied: read before
 * anything is tried again.
 */
export interface Writing {
  /** Null where the definition has no `write:` for the object. */
  abilityOf(object: string): WriteAbility | null
  /** Sends one write. One attempt only where a repetition could make a second record. */
  write(write: RecordWrite, signal: AbortSignal): Promise<WrittenRecord>
  /** Finds the record that bears a golden id; null where none does. */
  find(object: string, goldenId: string, signal: AbortSignal): Promise<PulledRow | null>
}
