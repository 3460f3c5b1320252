import type { Policy } from '../../schema/policy.ts'
import type { SourceSystem } from '../../schema/sourceSystem.ts'
import type { SqlOf } from './context.ts'

/** The dependencies of a subgraph. */
export interface SubgraphDeps {
  /** Connections that read with the rights of a caller. */
  sqlOf: SqlOf
  policy: Policy
  /** The configured source systems. Without them, kind and role of a source record are unknown. */
  sources?: readonly SourceSystem[]
}
