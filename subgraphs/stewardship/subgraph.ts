import type { Stewardship } from '../../mdm/stewardship/steward.ts'
import { ownValue, setOwn } from '../../schema/kit/dictionary.ts'
import type { Policy } from '../../schema/policy.ts'
import type { Subgraph } from '../contract.ts'
import { connectionResolvers } from '../shared/connection.ts'
import type { SqlOf } from '../shared/context.ts'
import { type ConnectionSdl, connectionSdl } from '../shared/listSdl.ts'
import { makeSubgraph, type Resolvers, readSdl } from '../shared/subgraph.ts'
import { tagRoots } from '../shared/tagRoots.ts'
import { actionResolvers } from './actions.ts'
import { consoleResolvers } from './console.ts'
import { figureResolvers } from './figures.ts'
import { labelResolvers } from './labels.ts'
import { matchingResolvers } from './matching.ts'
import { policyResolvers } from './policy.ts'
import { resolvers } from './resolvers.ts'
import type { Policies } from './whatIf.ts'

const CONNECTIONS: ConnectionSdl[] = [
  { type: 'Task', plural: 'tasks' },
  { type: 'TaskComment', plural: 'comments' },
  { type: 'StewardAction', plural: 'actions' },
  { type: 'AuditEntry', plural: 'rows of the audit log' },
  // Every read of a sensitive field is a row: there are too many to count within a request.
  { type: 'SensitiveAccess', plural: 'accesses', counted: false },
  { type: 'Publication', plural: 'publications' },
  { type: 'MatchModel', plural: 'models' },
  { type: 'PossibleMatch', plural: 'possible matches' },
  { type: 'MatchCandidate', plural: 'candidates' },
  { type: 'PossiblyRelated', plural: 'golden records that are possibly related' },
  { type: 'ComparedRecord', plural: 'source records' },
  { type: 'ClusterLink', plural: 'links' },
  { type: 'ClusterJoin', plural: 'joins' },
  { type: 'ClusterEvent', plural: 'changes' },
  { type: 'MatchAssertion', plural: 'assertions' },
]

/** Creates the subgraph of stewardship: open tasks, the audit log, and stewards' actions. */
export function createStewardshipSubgraph(
  steward: Stewardship,
  sqlOf: SqlOf,
  policies?: Policies,
): Subgraph {
  return makeSubgraph(
    'stewardship',
    [
      stubs(steward.policy),
      tagRoots(readSdl(import.meta.url, 'schema.graphql'), 'internal'),
      tagRoots(readSdl(import.meta.url, 'matching.graphql'), 'internal'),
      tagRoots(readSdl(import.meta.url, 'labels.graphql'), 'internal'),
      tagRoots(readSdl(import.meta.url, 'console.graphql'), 'internal'),
      tagRoots(readSdl(import.meta.url, 'actions.graphql'), 'internal'),
      tagRoots(readSdl(import.meta.url, 'policy.graphql'), 'internal'),
      tagRoots(readSdl(import.meta.url, 'figures.graphql'), 'internal'),
      ...CONNECTIONS.map(connectionSdl),
    ],
    {
      ...mergeResolvers(
        resolvers(steward, policies),
        matchingResolvers(steward),
        labelResolvers(steward),
        consoleResolvers(steward),
        actionResolvers(steward),
        policyResolvers(steward),
        figureResolvers(steward),
      ),
      ...Object.fromEntries(
        CONNECTIONS.map(({ type }) => [`${type}Connection`, connectionResolvers]),
      ),
    },
    sqlOf,
  )
}

/**
 * Returns stubs of the golden types that this subgraph references. The owning subgraphs resolve the
 * rest.
 */
function stubs(policy: Policy): string {
  return policy.types
    .map(
      (t) => `
${JSON.stringify(t.description)}
type ${t.name} implements Node @key(fields: "id", resolvable: false) {
  "The golden id."
  id: ID!
}`,
    )
    .join('\n')
}

/** Merges sets of resolvers. Several may have fields of one type, and no field twice. */
function mergeResolvers(...sets: Resolvers[]): Resolvers {
  const merged: Resolvers = {}
  for (const set of sets)
    for (const [type, fields] of Object.entries(set))
      setOwn<Resolvers[string]>(merged, type, {
        ...(ownValue(merged, type) as object | undefined),
        ...(fields as object),
      })
  return merged
}
