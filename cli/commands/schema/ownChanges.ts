import { composeSupergraph } from '../../../gateway/federation/compose.ts'
import type { JoinedGraph } from '../../../gateway/federation/own/joinGraph.ts'
import { publicSchema } from '../../../gateway/federation/publicSchema.ts'
import { supergraphChanges } from '../../../gateway/federation/supergraphChanges.ts'
import {
  type GraphVersion,
  graphVersionOf,
  publishedGraph,
  servedGraph,
} from '../../../mdm/access/graphVersions.ts'
import { listOperations } from '../../../mdm/access/operations.ts'
import type { Sql } from '../../../mdm/db/database.ts'
import { activePolicy } from '../../../mdm/policy/policies.ts'
import { type BrokenOperation, brokenOperations } from '../../../schema/brokenOperations.ts'
import type { ContractChange } from '../../../schema/graphChanges.ts'
import { schemasOf } from '../../../subgraphs/all.ts'
import type { Subgraph } from '../../../subgraphs/contract.ts'
import { openInstallation } from '../../config/installation.ts'
import { parseStoredPolicy } from '../../config/policyFiles.ts'
import { readSupergraph } from '../../config/supergraph.ts'
import { joinApart } from '../../server/graphJobs.ts'
import type { Candidate } from '../../server/ownGraph.ts'

/** A graph with other own subgraphs, compared with the one that is served. */
export interface OwnChanges {
  joined: JoinedGraph
  version: string
  /** The number of the last publication; null if nothing was published. */
  expected: number | null
  /** The version that is served now; null if it has no own subgraphs. */
  before: string | null
  changes: ContractChange[]
  brokenOperations: BrokenOperation[]
}

/** Returns Touchstone's subgraphs under the active policy, for their schemas only. */
export async function activeSubgraphs(sql: Sql, sources: string | undefined): Promise<Subgraph[]> {
  const { policy } = openInstallation(sources)
  const stored = await activePolicy(sql)
  return schemasOf(stored ? parseStoredPolicy(stored, null) : policy)
}

/** Returns the graph that gateways serve now, and the number of its publication. */
export async function currentGraph(
  sql: Sql,
  shipped: readonly Subgraph[],
): Promise<{ supergraph: string; id: number | null; graph: GraphVersion | null }> {
  const published = await publishedGraph(sql)
  const graph = published ?? (await servedGraph(sql))
  const own = [...(graph?.sdls ?? [])].map(([name, sdl]) => ({ name, sdl }))
  const id = published?.id ?? null
  try {
    const supergraph =
      own.length === 0 ? readSupergraph(shipped, () => {}) : composeSupergraph([...shipped, ...own])
    return { supergraph, id, graph }
  } catch (e) {
    // Touchstone's own part has changed since: the graph as it was composed then.
    if (!graph) throw e
    return { supergraph: graph.supergraph, id, graph }
  }
}

/** Returns the supergraph against which clients write operations. */
export async function clientGraph(sql: Sql, sources: string | undefined): Promise<string> {
  return (await currentGraph(sql, await activeSubgraphs(sql, sources))).supergraph
}

/** Composes the candidates and compares. Throws JoinError. */
export async function ownChanges(
  sql: Sql,
  sources: string | undefined,
  candidates: readonly Candidate[],
): Promise<OwnChanges> {
  const shipped = await activeSubgraphs(sql, sources)
  const { supergraph: before, id, graph } = await currentGraph(sql, shipped)
  const joined = await joinApart(shipped, candidates)
  const operations = await listOperations(sql, { standing: true })
  return {
    joined,
    version: graphVersionOf(joined.sdls),
    expected: id,
    before: graph?.version ?? null,
    changes: supergraphChanges(before, joined.supergraph, new Date().toISOString().slice(0, 10)),
    brokenOperations: brokenOperations(
      operations,
      publicSchema(before),
      publicSchema(joined.supergraph),
    ),
  }
}

export function breaks({ changes, brokenOperations: broken }: OwnChanges): boolean {
  return broken.length > 0 || changes.some((c) => c.level === 'BREAKING')
}

export function changesInWords({
  changes,
  brokenOperations: broken,
  version,
  before,
}: OwnChanges): string[] {
  const count = (level: ContractChange['level']) => changes.filter((c) => c.level === level).length
  return [
    `${version} against ${before ?? 'the graph without own subgraphs'}: ${count('BREAKING')} breaking, ${count('DANGEROUS')} dangerous, ${count('SAFE')} safe`,
    ...changes.map((c) => `${c.level.padEnd(9)} ${c.coordinate}: ${c.text}`),
    ...broken.map(
      (o) =>
        `REFUSED   ${o.names.join(', ') || '-'} (${o.hash.slice(0, 12)}) of ${o.client}: ${o.reasons.join(' ')}`,
    ),
  ]
}
