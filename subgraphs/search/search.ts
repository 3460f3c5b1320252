import type { SortTerm } from '../../mdm/db/keyset.ts'
import { find, type Hit, typesNotReady } from '../../mdm/search/find.ts'
import { searchCharsMax } from '../../mdm/search/rank.ts'
import type { Policy, TypePolicy } from '../../schema/policy.ts'
import {
  connection,
  type MemoryOrder,
  memoryConnection,
  type PageArguments,
} from '../shared/connection.ts'
import type { RequestContext } from '../shared/context.ts'
import { inputError } from '../shared/errors.ts'
import type { Resolvers } from '../shared/subgraph.ts'

const order: SortTerm[] = [
  { column: { name: 'score', sql: 'score', type: 'float8', nullable: false }, descending: true },
  {
    column: { name: 'goldenId', sql: 'goldenId', type: 'uuid', nullable: false },
    descending: false,
  },
]
const bestHits: MemoryOrder<Hit> = { order, valuesOf: (h) => [h.score, h.goldenId] }

interface SearchArguments extends PageArguments {
  text: string
  types?: readonly string[] | null
}

export function searchResolvers(policy: Policy): Resolvers {
  return {
    Query: {
      search: async (_: unknown, args: SearchArguments, context: RequestContext) => {
        const { text, types: names, ...page } = args
        const characters = [...text].length
        if (characters > searchCharsMax)
          throw inputError(
            'BAD_FILTER',
            `the text to search for has ${characters} characters; at most ${searchCharsMax}`,
          )
        const types = typesNamed(policy, names ?? null)
        const waiting = await typesNotReady(
          context.sql,
          types.map((t) => t.name),
        )
        if (waiting.length > 0)
          throw inputError(
            'SEARCH_NOT_READY',
            `search over ${waiting.join(', ')} is being prepared, which needs some minutes after an update`,
          )
        const { sql, bound, scopes } = context
        const hits = memoryConnection(
          page,
          await find(sql, policy, types, text, { scopes, bound }),
          bestHits,
        )
        // A hit says that the record has a value like the text: those on the page are recorded.
        return connection(hits.request, hits.page, hits.totalCount, (hit) => {
          if (hit.value && hit.value.field.scopes.length > 0)
            context.shows('SEARCH', hit.type, hit.value.field.path.slice(0, 1), hit.goldenId)
          return hit
        })
      },
    },
    SearchHit: {
      record: (h: Hit) => ({ __typename: h.type, id: h.goldenId }),
      field: (h: Hit) => h.value?.field.path.join('.') ?? null,
      value: (h: Hit) => h.value?.text ?? null,
      sourceRecord: (h: Hit) => h.source && { ...h.source, id: h.source.key },
    },
  }
}

function typesNamed(policy: Policy, names: readonly string[] | null): TypePolicy[] {
  for (const name of names ?? [])
    if (!policy.types.some((t) => t.name === name))
      throw inputError(
        'BAD_FILTER',
        `there is no golden type ${name}; there are ${policy.types.map((t) => t.name).join(', ')}`,
      )
  return policy.types.filter((t) => names === null || names.includes(t.name))
}
