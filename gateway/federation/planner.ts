import type { QueryPlanner } from '@graphql-hive/router-query-planner'
import { unifiedGraphHandler } from '@graphql-hive/router-runtime'
import { compiledPlans } from './compiledPlans.ts'
import { completeResults } from './completeResults.ts'
import type { LocalExecutors } from './localTransport.ts'

/**
 * Loads the query planner, a native module written in Rust. If the platform cannot load it, the
 * runtime uses its slower JavaScript planner, and `reason` states why. With `local`, plans are
 * compiled.
 */
export async function loadPlanner(
  supergraph: string,
  local: LocalExecutors | null,
  load: () => Promise<{ QueryPlanner: new (sdl: string) => QueryPlanner }> = () =>
    import('@graphql-hive/router-query-planner'),
): Promise<{ handler: typeof unifiedGraphHandler } | { handler: undefined; reason: string }> {
  try {
    const { QueryPlanner } = await load()
    if (!local) return { handler: completeResults(unifiedGraphHandler) }
    return { handler: compiledPlans(new QueryPlanner(supergraph), supergraph, local) }
  } catch (e) {
    return { handler: undefined, reason: e instanceof Error ? e.message : String(e) }
  }
}
