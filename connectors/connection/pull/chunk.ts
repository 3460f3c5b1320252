import type { ConnectionError, PulledRow, PullPosition } from '../contract.ts'
import type { Refuse } from '../pages/pager.ts'
import type { At } from './position.ts'

/** A page of a run before its children are read. */
export interface Chunk {
  rows: PulledRow[]
  /** Where the run goes on after these rows. */
  mode: PullPosition['mode']
  at: At
  expiresAt: number | null
  /** Whether the changed rows end here. */
  last: boolean
  total: number | null
  refuse: Refuse
  /** Why the rows, or the deletions, were not read as they usually are; the run goes on. */
  note?: ConnectionError | undefined
}

export type Chunks = AsyncGenerator<Chunk, void, void>
