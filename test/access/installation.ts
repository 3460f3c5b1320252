import { buildSchema, type GraphQLSchema } from 'graphql'
import pino from 'pino'
import { composeSupergraph } from '../../gateway/federation/compose.ts'
import { type Gateway, startGateway } from '../../gateway/gateway.ts'
import { accessOf, readAccess } from '../../gateway/identity/access.ts'
import { authenticatedCallers } from '../../gateway/identity/callers.ts'
import { keyVerifier } from '../../gateway/identity/keys.ts'
import { remoteKeys } from '../../gateway/identity/remoteKeys.ts'
import { tokenVerifier } from '../../gateway/identity/token.ts'
import { createIngest } from '../../gateway/ingest/deliveries.ts'
import type { QueryBounds } from '../../gateway/limits/bounds.ts'
import { verifyKey } from '../../mdm/access/apiKeys.ts'
import { openRowReaders, type RowReaders, type RowRights } from '../../mdm/access/rowReaders.ts'
import { setUpRowRights } from '../../mdm/access/rowRights.ts'
import { startTailer } from '../../mdm/feed/tailer.ts'
import { createEngines } from '../../mdm/resolution/resolve.ts'
import { readServiceLevels } from '../../mdm/serviceLevels/objectives.ts'
import { readRules } from '../../mdm/tasks/rules.ts'
import { createSubgraphs, type GraphDeps } from '../../subgraphs/all.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { policy, systems } from '../fixtures/store.ts'
import { AUDIENCE, type Issuer, startIssuer } from '../gateway/issuer.ts'
import { ingestRecords, type WorldRecord, world } from '../subgraphs/world.ts'

export interface Installation {
  db: TestDatabase
  issuer: Issuer
  gateway: Gateway
  url: string
  /** The public schema, without introspection. */
  schema: GraphQLSchema
  supergraph: string
  logged: string[]
  /** Returns a token of a person with these roles. */
  token(...roles: string[]): Promise<string>
  /** Returns a token of a person who is bound to some rows. */
  bound(
    claims: { regions?: unknown; legal_entities?: unknown },
    ...roles: string[]
  ): Promise<string>
  rows: RowReaders | undefined
  close(): Promise<void>
}

const BOUNDS: QueryBounds = {
  documentBytesMax: 1_000_000,
  tokensMax: 200_000,
  depthMax: 30,
  aliasesMax: 30_000,
  fieldsMax: 30_000,
  costMax: 1_000_000_000,
  bodyBytesMax: 1_500_000,
  queryMsMax: 60_000,
}

/**
 * Starts the whole graph over a small world in a database, with authentication. Besides the shipped
 * roles there are two more. `blind` has every scope but those of the model; `stranger` has none.
 */
export async function startInstallation(
  more: {
    rights?: RowRights
    records?: WorldRecord[]
    targets?: GraphDeps['targets']
    reads?: GraphDeps['reads']
  } = {},
): Promise<Installation> {
  const db = await testDatabase()
  if (more.rights) await setUpRowRights(db.sql, policy)
  const rows = more.rights && openRowReaders(db.url, more.rights)
  await ingestRecords(db.sql, [...world, ...(more.records ?? [])])
  const issuer = await startIssuer()
  const tailer = await startTailer({ sql: db.sql, log: () => {} })
  const rules = readRules('config/stewardship.yaml')
  const steward = {
    sql: db.sql,
    policy,
    engines: createEngines(policy),
    systems: new Map(systems.map((s) => [s.name, s])),
    rules,
  }
  const subgraphs = createSubgraphs({
    sql: db.sql,
    policy,
    sources: systems,
    tailer,
    steward,
    rows,
    levels: readServiceLevels('config/service-levels.yaml'),
    targets: more.targets,
    ...(more.reads ? { reads: more.reads } : {}),
  })
  const supergraph = composeSupergraph(subgraphs)
  const logged: string[] = []
  const sensitive = new Set(policy.types.flatMap((t) => t.fields.flatMap((f) => f.sensitive ?? [])))
  const access = withRoles({
    blind: { scopes: [...scopesIn(supergraph), 'schema:read'].filter((s) => !sensitive.has(s)) },
    stranger: {},
  })
  const gateway = await startGateway({
    metrics: async () => ({ type: 'text/plain', text: 'up 1\n' }),
    host: '127.0.0.1',
    port: 0,
    supergraph,
    subgraphs,
    bounds: { ...BOUNDS, callerOperationsPerMinuteMax: 1_000_000_000 },
    log: pino({ level: 'info' }, { write: (line: string) => void logged.push(line) }),
    recheckMs: 100,
    mcp: true,
    ingest: createIngest({
      sources: new Map(),
      isSecret: () => false,
      accept: async () => ({ accepted: 0, duplicates: 0 }),
      now: Date.now,
      report: () => {},
    }),
    callers: authenticatedCallers({
      token: tokenVerifier(
        {
          issuer: issuer.url,
          audience: AUDIENCE,
          keys: remoteKeys({ issuer: issuer.url, refetchMsMin: 0 }),
          algorithms: ['RS256', 'ES256'],
          clockSkewSecondsMax: 5,
          rolesClaim: 'roles',
        },
        access,
      ),
      key: keyVerifier({ find: (text) => verifyKey(db.sql, text), ageMsMax: 0 }, access),
    }),
  })
  return {
    db,
    issuer,
    gateway,
    url: gateway.url,
    schema: publicSchema(supergraph),
    supergraph,
    logged,
    rows,
    bound: (claims, ...roles) => issuer.sign({ sub: `a-${roles.join('-')}`, roles, ...claims }),
    token: (...roles) => issuer.sign({ sub: `a-${roles.join('-') || 'nobody'}`, roles }),
    async close() {
      await gateway.close(0)
      await tailer.stop()
      await rows?.close()
      await issuer.close()
      await db.drop()
    },
  }
}

/** Returns the shipped roles and further ones. */
function withRoles(more: Parameters<typeof accessOf>[0]) {
  const shipped = readAccess('config/access.yaml')
  const own = accessOf(more)
  return {
    roles: [...shipped.roles, ...own.roles],
    rightsOf: (roles: readonly string[], scopes?: readonly string[]) =>
      roles.some((r) => own.roles.includes(r))
        ? own.rightsOf(roles, scopes)
        : shipped.rightsOf(roles, scopes),
  }
}

function scopesIn(supergraph: string): string[] {
  return [...new Set([...supergraph.matchAll(/"([a-z]+:[a-z]+)"/g)].map((m) => m[1] ?? ''))]
}

function publicSchema(supergraph: string): GraphQLSchema {
  return buildSchema(supergraph, { assumeValidSDL: true })
}
