import { unifiedGraphHandler } from '@graphql-hive/router-runtime'

/**
 * The query planner: Rust, loaded as a native module. Where that has no build for the platform, or the platform refuses
 * to load it, the runtime's JavaScript planner does the same more slowly; `reason` then says why.
 */
export async function loadPlanner(
  supergraph: string,
  load: () => Promise<{ QueryPlanner: new (sdl: string) => unknown }> = () =>
    import('@graphql-hive/router-query-planner'),
): Promise<{ handler: typeof unifiedGraphHandler } | { handler: undefined; reason: string }> {
  try {
    const { QueryPlanner } = await load()
    new QueryPlanner(supergraph)
    return { handler: unifiedGraphHandler }
  } catch (e) {
    return { handler: undefined, reason: e instanceof Error ? e.message : String(e) }
  }
}
