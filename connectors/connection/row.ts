/** A value that JSON can hold. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

/** One row of a page. */
export interface PulledRow {
  /** The object of the mapping. */
  object: string
  id: string
  /** The time of the row's last change, as the system states it; null where it states none. */
  version: string | null
  /** True for a row that the system reports as deleted. Its `record` may be null then. */
  deleted: boolean
  record: Record<string, unknown> | null
}
