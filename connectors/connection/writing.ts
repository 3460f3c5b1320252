import type { Json, PulledRow } from './row.ts'

/**
 * How a system notices that a record has changed since it was read. ETAG, SINCE: it compares by
 * itself. VERSION, NONE: it does not, so the record is read just before, and its version, or the
 * values that are to be replaced, are compared.
 */
export type WriteGuard = 'ETAG' | 'SINCE' | 'VERSION' | 'NONE'

export type WriteAction = 'create' | 'update'

/** What the definition says about writing one object. */
export interface WriteAbility {
  create: boolean
  update: boolean
  /** Path, in the record as it is read, of the field that holds the golden id; null: there is none. */
  goldenId: string | null
  /** Whether a record is found by its golden id, and how long after its creation a search misses it. */
  find: { lagMs: number } | null
  guard: WriteGuard
  /**
   * Why a repeated create makes no second record. KEY: the system keeps the key of a request for
   * `onceMs`, and repeats its first answer, which may be a failure. UPSERT: the golden id decides.
   * NONE: the record is looked for first.
   */
  once: { by: 'KEY'; onceMs: number } | { by: 'UPSERT' } | { by: 'NONE' }
  /** Values that each new record has, by path. */
  given: Readonly<Record<string, Json>>
  /** Paths without whose values no record is created. */
  needs: readonly string[]
  /** Whether null may be written. */
  empties: boolean
  /**
   * Returns why a path of the record cannot be written; null where it can. With the record as it
   * would be, also whether it has a place for an element.
   */
  refusalOf(
    path: string,
    action?: WriteAction,
    record?: Readonly<Record<string, unknown>>,
  ): string | null
  /** Whether a value at a path is another element of a list: sent twice, it may be there twice. */
  addsElement(path: string): boolean
}

/** One change of one record. */
export interface RecordWrite {
  object: string
  /** Null for a record that the system does not have yet. */
  id: string | null
  /** New values by path in the record as it is read (`properties.name`); null empties a field. */
  values: Readonly<Record<string, Json>>
  /**
   * It is stored in a record that is created. In one that exists, only where `values` has it at the
   * path of the golden id.
   */
  goldenId: string
  /**
   * The same for every attempt of one write. A write that was not applied, as a read showed, needs
   * another key: a system repeats its answer to a known one.
   */
  key: string
  /** The record on which the change was planned; null for a create alone. */
  expected: PulledRow | null
}

export interface WrittenRecord {
  id: string
  /** False where a create found a record with the golden id. */
  created: boolean
  /**
   * Whether something was sent. False where a create found a record, which is left as it is, and
   * where an update found that the record has the values already.
   */
  written: boolean
  /** The record after the write, where the system returns it or it was read. */
  row: PulledRow | null
}

/**
 * The half of a connection that writes. Every method throws ConnectionError. CONFLICT: the record
 * has changed since it was read. An error with `outcome` UNKNOWN may have been applied, whatever its
 * verdict: read before anything is tried again.
 */
export interface Writing {
  /** Null where the definition has no `write:` for the object. */
  abilityOf(object: string): WriteAbility | null
  /** Sends one write. One attempt only where a repetition could make a second record. */
  write(write: RecordWrite, signal: AbortSignal): Promise<WrittenRecord>
  /** Finds the record that bears a golden id; null where none does. */
  find(object: string, goldenId: string, signal: AbortSignal): Promise<PulledRow | null>
}
