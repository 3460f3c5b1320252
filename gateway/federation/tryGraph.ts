import { parse, validate, validateSchema } from 'graphql'
import pino from 'pino'
import type { Subgraph } from '../../subgraphs/contract.ts'
import type { QueryBounds } from '../limits/bounds.ts'
import { createRuntime } from './createRuntime.ts'
import { publicSchema, withoutRules } from './publicSchema.ts'

/** No query of a client is executed here. */
const BOUNDS: QueryBounds = {
  documentBytesMax: 100_000,
  tokensMax: 10_000,
  depthMax: 15,
  aliasesMax: 30,
  fieldsMax: 2_000,
  costMax: 10_000,
  bodyBytesMax: 1_000_000,
  queryMsMax: 10_000,
}

/**
 * Loads a supergraph as a gateway would, and plans queries against it. Throws if it cannot be
 * served. Where the native planner cannot be loaded at all, no query is planned.
 */
export async function tryGraph(given: {
  supergraph: string
  subgraphs: readonly Subgraph[]
  queries: readonly string[]
}): Promise<void> {
  const { supergraph, subgraphs, queries } = given
  const schema = publicSchema(supergraph)
  const [invalid] = validateSchema(schema)
  if (invalid) throw invalid
  const planner = await openPlanner(withoutRules(supergraph))
  for (const query of queries) {
    const [wrong] = validate(schema, parse(query))
    if (wrong) throw wrong
    await planner?.planAsync(query, undefined, new Set(), 0)
  }
  const runtime = await createRuntime({
    supergraph,
    subgraphs,
    services: new Map(),
    bounds: BOUNDS,
    log: pino({ enabled: false }),
    report: () => {},
  })
  await runtime.dispose()
}

async function openPlanner(supergraph: string) {
  const native = await import('@graphql-hive/router-query-planner').catch(() => null)
  return native && new native.QueryPlanner(supergraph)
}
