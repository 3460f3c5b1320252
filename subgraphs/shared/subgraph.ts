import { readFileSync } from 'node:fs'
import { buildSubgraphSchema } from '@apollo/subgraph'
import { concatAST, type DocumentNode, Kind, parse, print } from 'graphql'
import { ownValue, setOwn } from '../../schema/kit/dictionary.ts'
import type { Subgraph } from '../contract.ts'
import { withConnectionArguments } from './connectionArguments.ts'
import { RequestContext, type SqlOf } from './context.ts'
import { decimalOf } from './money.ts'
import { presentReference } from './pastId.ts'
import { scalars } from './scalars.ts'
import { openCursorArguments } from './sealedCursors.ts'
import { SharedReads } from './sharedReads.ts'

/** Resolvers by type and field, as buildSubgraphSchema takes them. */
export type Resolvers = Record<
  string,
  Record<string, unknown> | (typeof scalars)[keyof typeof scalars]
>

/** Reads the SDL next to the code: `readSdl(import.meta.url, 'schema.graphql')`. */
export function readSdl(here: string, file: string): string {
  return readFileSync(new URL(file, here), 'utf8')
}

const shared = readSdl(import.meta.url, 'shared.graphql')

/** Returns the object types that other subgraphs refer to by key. */
function keyedTypes({ definitions }: DocumentNode): string[] {
  return definitions.flatMap((d) =>
    d.kind === Kind.OBJECT_TYPE_DEFINITION && d.directives?.some((x) => x.name.value === 'key')
      ? [d.name.value]
      : [],
  )
}

/**
 * Creates a subgraph from its parts: SDL, preceded by the shared definitions, and its resolvers.
 */
export function makeSubgraph(
  name: string,
  sdl: string[],
  resolvers: Resolvers,
  sqlOf: SqlOf,
): Subgraph {
  const typeDefs = withConnectionArguments(concatAST([shared, ...sdl].map((text) => parse(text))))
  const all: Resolvers = {
    ...scalars,
    Money: { decimal: decimalOf },
    Node: { __resolveType: (node: { __typename: string }) => node.__typename },
    ...resolvers,
  }
  for (const name of keyedTypes(typeDefs)) {
    const own = ownValue(all, name)
    if (own && '__resolveReference' in own) continue
    setOwn<Resolvers[string]>(all, name, {
      ...(own as object | undefined),
      __resolveReference: presentReference,
    })
  }
  const schema = buildSubgraphSchema([{ typeDefs, resolvers: all as never }])
  openCursorArguments(schema)
  const reads = new SharedReads()
  return {
    name,
    sdl: print(typeDefs),
    schema,
    context: (request) => new RequestContext(request, sqlOf, reads),
  }
}
