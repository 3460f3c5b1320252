import { buildSubgraphSchema } from '@apollo/subgraph'
import { composeServices } from '@theguild/federation-composition'
import { type DocumentNode, GraphQLError, parse } from 'graphql'
import { calledSubgraphs } from './calledSubgraphs.ts'
import { checkOwnSdl, type OwnSdl } from './checkOwnSdl.ts'
import { JoinError } from './joinError.ts'
import { lineOfMessage, parseSdl, sdlText } from './readSdl.ts'
import { shippedGraph } from './shippedGraph.ts'

/** The schema of a subgraph that is to join the graph. */
export interface Joining extends Omit<OwnSdl, 'document'> {
  sdl: string
  /** Where the schema is, for messages: a file, or an address. */
  at: string
  /** Where the subgraph is configured, with its line. */
  configuredAt: string
}

export interface JoinedGraph {
  supergraph: string
  /** The schemas as composed, by subgraph. */
  sdls: Map<string, string>
}

/**
 * Composes Touchstone's subgraphs with those of the installation. Throws JoinError if a schema is
 * invalid, changes what Touchstone defines, does not compose, or is never called.
 */
export function joinGraph(
  shipped: readonly { name: string; sdl: string }[],
  joining: readonly Joining[],
): JoinedGraph {
  const ours = shippedGraph(shipped)
  const problems: string[] = []
  const documents = new Map<Joining, DocumentNode>()
  for (const own of joining) {
    const found = (line: number, text: string) => problems.push(`${own.at}:${line}: ${text}`)
    if (ours.subgraphs.has(own.name))
      problems.push(`${own.configuredAt}: "${own.name}" is a subgraph of Touchstone`)
    try {
      const document = parseSdl(own.sdl, own.at)
      documents.set(own, document)
      for (const p of checkOwnSdl({ ...own, document }, ours)) found(p.line, p.text)
      if (problems.length === 0) buildSubgraphSchema([{ typeDefs: document }])
    } catch (e) {
      for (const { message, line } of located(e, documents.get(own))) found(line, message)
    }
  }
  if (problems.length > 0) throw new JoinError(problems)

  const result = composeServices(
    [
      ...shipped.map(({ name, sdl }) => ({
        name,
        url: `subgraph://${name}`,
        typeDefs: parse(sdl),
      })),
      ...joining.map((own) => ({
        name: own.name,
        url: `subgraph://${own.name}`,
        typeDefs: documents.get(own) ?? parse(own.sdl),
      })),
    ].sort((a, b) => (a.name < b.name ? -1 : 1)),
  )
  for (const { message } of result.errors ?? []) {
    const own = joining.find((o) => message.includes(o.name)) ?? joining[0]
    const document = own && documents.get(own)
    problems.push(
      own && document ? `${own.at}:${lineOfMessage(document, message)}: ${message}` : message,
    )
  }
  if (problems.length > 0) throw new JoinError(problems)
  const supergraph = result.supergraphSdl
  if (!supergraph) throw new JoinError(['the composer gives no graph and no reason'])

  const called = calledSubgraphs(supergraph)
  for (const own of joining)
    if (!called.has(own.name))
      problems.push(
        `${own.configuredAt}: the subgraph ${own.name} is never called: its schema (${own.at}) adds no field to the graph`,
      )
  if (problems.length > 0) throw new JoinError(problems)
  return {
    supergraph: `${supergraph.trim()}\n`,
    sdls: new Map([...documents].map(([own, document]) => [own.name, sdlText(document)])),
  }
}

function located(
  e: unknown,
  document: DocumentNode | undefined,
): { message: string; line: number }[] {
  if (!(e instanceof Error)) throw e
  const line = e instanceof GraphQLError ? e.locations?.[0]?.line : undefined
  if (line !== undefined) return [{ message: e.message, line }]
  return e.message
    .split('\n\n')
    .map((message) => ({ message, line: document ? lineOfMessage(document, message) : 1 }))
}
