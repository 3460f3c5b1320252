import { createHash } from 'node:crypto'
import { storableJson } from '../../schema/storable.ts'
import type { graphPublication, graphVersion } from '../../schema/tables/access.ts'
import type { Sql, Transaction } from '../db/database.ts'

/** The schemas of own subgraphs, with the graph that was composed of them. */
export interface GraphVersion
  extends Pick<typeof graphVersion.$inferSelect, 'version' | 'supergraph'> {
  /** The federation schema of each own subgraph. */
  sdls: ReadonlyMap<string, string>
}

export type GraphPublication = typeof graphPublication.$inferSelect & {
  subgraphs: string[]
  servedAt: Date | null
}

/** Another graph was published since the one that the caller compared with. */
export class GraphConflict extends Error {
  override name = 'GraphConflict'
}

/** Notification channel: another graph was published. */
export const graphChannel = 'touchstone_graph'

/** Returns the version of these schemas: a hash of their content, 16 hex digits. */
export function graphVersionOf(sdls: ReadonlyMap<string, string>): string {
  const sorted = [...sdls].sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 16)
}

/** Returns the published graph with the number of its publication; null while none was published. */
export async function publishedGraph(
  sql: Sql | Transaction,
): Promise<(GraphVersion & { id: number }) | null> {
  const [row] = await sql<(Row & { id: number })[]>`
    select p.id, v.version, v.subgraphs, v.supergraph
    from graph_publication p join graph_version v on v.version = p.version order by p.id desc limit 1`
  return row ? { id: row.id, ...versionOf(row) } : null
}

/** Returns the graph that a gateway last began to serve; null if none was. */
export async function servedGraph(sql: Sql): Promise<GraphVersion | null> {
  const [row] = await sql<Row[]>`
    select version, subgraphs, supergraph from graph_version
    where served_at is not null order by served_at desc limit 1`
  return row ? versionOf(row) : null
}

/** Returns the schema with which a subgraph was last served; null if it never was. */
export async function lastServedSdl(sql: Sql, subgraph: string): Promise<string | null> {
  const [row] = await sql<{ sdl: string }[]>`
    select subgraphs->>${subgraph}::text as sdl from graph_version
    where served_at is not null and subgraphs->>${subgraph}::text is not null
    order by served_at desc limit 1`
  return row?.sdl ?? null
}

/** Finds a version by the beginning of its hash. Throws if there is none, or several. */
export async function findGraphVersion(sql: Sql, beginning: string): Promise<GraphVersion> {
  const rows = await sql<Row[]>`
    select version, subgraphs, supergraph from graph_version where starts_with(version, ${beginning}) limit 2`
  const [row, another] = rows
  if (!row) throw new Error(`there is no graph ${beginning}: "schema versions" lists them`)
  if (another) throw new Error(`several graphs begin with ${beginning}: give more of the version`)
  return versionOf(row)
}

/** Returns publications, the latest first. */
export async function listGraphPublications(sql: Sql, limit: number): Promise<GraphPublication[]> {
  return await sql<GraphPublication[]>`
    select p.id, p.version, p.actor, p.reason, p.published_at as "publishedAt", v.served_at as "servedAt",
      array(select jsonb_object_keys(v.subgraphs) order by 1) as subgraphs
    from graph_publication p join graph_version v on v.version = p.version
    order by p.id desc limit ${limit}`
}

/** Stores a graph and that a gateway serves it from now on. */
export async function storeServedGraph(
  sql: Sql,
  graph: Omit<GraphVersion, 'version'>,
): Promise<void> {
  await sql.begin(async (tx) => {
    const version = await storeVersion(tx, graph)
    await tx`update graph_version set served_at = clock_timestamp() where version = ${version}`
  })
}

/**
 * Publishes a graph; gateways follow within seconds. `expected` is the number of the publication
 * with which the caller compared, null for none. Throws GraphConflict if there is a later one.
 */
export async function publishGraph(
  sql: Sql,
  graph: Omit<GraphVersion, 'version'>,
  by: { actor: string; reason: string; expected: number | null },
): Promise<{ id: number; version: string }> {
  return await sql.begin(async (tx) => {
    // Two publications at once would each replace a graph that the other has not seen.
    await tx`lock table graph_publication in exclusive mode`
    const last = await publishedGraph(tx)
    if ((last?.id ?? null) !== by.expected)
      throw new GraphConflict(
        `another graph was published meanwhile (${last?.version}): check again, then publish`,
      )
    const version = await storeVersion(tx, graph)
    const [row] = await tx<{ id: number }[]>`
      insert into graph_publication (version, actor, reason)
      values (${version}, ${by.actor}, ${by.reason}) returning id`
    await tx`select pg_notify(${graphChannel}, ${version})`
    return { id: row?.id ?? 0, version }
  })
}

async function storeVersion(
  tx: Transaction,
  { sdls, supergraph }: Omit<GraphVersion, 'version'>,
): Promise<string> {
  const version = graphVersionOf(sdls)
  await tx`insert into graph_version (version, subgraphs, supergraph)
    values (${version}, ${storableJson(Object.fromEntries(sdls))}::text::jsonb, ${supergraph})
    on conflict do nothing`
  return version
}

type Row = Pick<typeof graphVersion.$inferSelect, 'version' | 'supergraph' | 'subgraphs'>

function versionOf({ version, supergraph, subgraphs }: Row): GraphVersion {
  return { version, supergraph, sdls: new Map(Object.entries(subgraphs)) }
}
