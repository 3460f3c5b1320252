import { Command } from 'commander'
import { printSchema } from 'graphql'
import { composeSupergraph } from '../../../gateway/federation/compose.ts'
import { publicSchema } from '../../../gateway/federation/publicSchema.ts'
import { findGraphVersion } from '../../../mdm/access/graphVersions.ts'
import { schemasOf } from '../../../subgraphs/all.ts'
import { withConfig } from '../../config/config.ts'
import { openInstallation } from '../../config/installation.ts'
import { withDatabase } from '../../connect.ts'
import { printDocument } from '../../terminal/print.ts'
import { activeSubgraphs, currentGraph } from './ownChanges.ts'
import { OWN_CONFIG, type OwnConfig } from './publish.ts'

interface Options extends OwnConfig {
  subgraph?: string
  supergraph?: boolean
  active?: boolean
  graph?: string
}

interface Printed {
  supergraph: string
  /** Schemas by subgraph. */
  sdls: ReadonlyMap<string, string>
}

export const sdl = withConfig(
  new Command('sdl')
    .description('print the schema of the graph as clients see it, its supergraph, or one subgraph')
    .option('--subgraph <name>', 'the federation schema of this subgraph')
    .option('--supergraph', 'the supergraph, as a gateway serves it')
    .option('--active', 'under the policy and with the own subgraphs that the database has')
    .option('--graph <version>', 'a stored version, of "schema versions"')
    .addHelpText(
      'after',
      `
Without --active and --graph the shipped model decides, and no database is needed.

Examples:
  npx touchstone schema sdl > schema.graphql
  npx touchstone schema sdl --subgraph customer`,
    ),
  OWN_CONFIG,
).action(async (o: Options) => {
  const { supergraph, sdls } = await printed(o)
  if (o.subgraph === undefined) {
    printDocument(o.supergraph ? supergraph : printSchema(publicSchema(supergraph)))
    return
  }
  const found = sdls.get(o.subgraph)
  if (found === undefined)
    throw new Error(
      `there is no subgraph "${o.subgraph}"; there are ${[...sdls.keys()].sort().join(', ')}`,
    )
  printDocument(found)
})

async function printed(o: Options): Promise<Printed> {
  if (o.graph !== undefined && o.active) throw new Error('give one of --active and --graph')
  if (o.graph === undefined && !o.active) {
    const shipped = schemasOf(openInstallation(o.sources).policy)
    return {
      supergraph: composeSupergraph(shipped),
      sdls: new Map(shipped.map((s) => [s.name, s.sdl])),
    }
  }
  return await withDatabase({ config: o, connectionsMax: 1 }, async (sql) => {
    if (o.graph !== undefined) return await findGraphVersion(sql, o.graph)
    const shipped = await activeSubgraphs(sql, o.sources)
    const { supergraph, graph } = await currentGraph(sql, shipped)
    return {
      supergraph,
      sdls: new Map([...shipped.map((s) => [s.name, s.sdl] as const), ...(graph?.sdls ?? [])]),
    }
  })
}
