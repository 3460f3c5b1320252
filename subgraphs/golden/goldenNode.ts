import type { GoldenRow } from '../../mdm/golden/read/list.ts'
import type { GoldenAsOf } from '../../mdm/golden/read/versions.ts'

/** A golden record as resolvers pass it on. */
export type GoldenNode = GoldenRow & Partial<GoldenAsOf> & { redirectedFrom?: string }
