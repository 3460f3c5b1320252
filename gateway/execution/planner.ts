import type { QueryPlanner } from '@graphql-hive/router-query-planner'
import { unifiedGraphHandler } from '@graphql-hive/router-runtime'
import type { LocalExecutors } from '../federation/localTransport.ts'
import { compilingHandler } from './planHandler.ts'

/**
 * The query planner: Rust, loaded as a native module. Where that has no build for the platform, or the platform refuses
 * to load it, the runtime's JavaScript planner does the same more slowly; `reason` then says why.
 */
export async function loadPlanner(
  supergraph: string,
  local: LocalExecutors | null = new Map(),
  load: () => Promise<{ QueryPlanner: new (sdl: string) => QueryPlanner }> = () =>
    import('@graphql-hive/router-query-planner'),
): Promise<{ handler: typeof unifiedGraphHandler } | { handler: undefined; reason: string }> {
  try {
    const { QueryPlanner } = await load()
    if (!local) return { handler: unifiedGraphHandler }
    return { handler: compilingHandler(new QueryPlanner(supergraph), supergraph, local) }
  } catch (e) {
    return { handler: undefined, reason: e instanceof Error ? e.message : String(e) }
  }
}
