import { Writable } from 'node:stream'
import pino from 'pino'
import { composeSupergraph } from '../../gateway/federation/compose.ts'
import { type Gateway, type GatewayOptions, startGateway } from '../../gateway/gateway.ts'
import { type QueryBounds, SERVER_BOUNDS, type ServerBounds } from '../../gateway/limits/bounds.ts'
import { developerHeaders } from '../developer.ts'
import { type Fixture, fixture } from './fixture.ts'
import { openCallers } from './openCallers.ts'

export const BOUNDS: QueryBounds & ServerBounds = {
  ...SERVER_BOUNDS,
  operationsMax: 100,
  streamsMax: 100,
  documentBytesMax: 10_000,
  tokensMax: 300,
  depthMax: 8,
  aliasesMax: 10,
  fieldsMax: 60,
  costMax: 5_000,
  bodyBytesMax: 20_000,
  queryMsMax: 60_000,
}

/**
 * Starts a gateway over the fixture's subgraphs on a free port and returns it with its log entries.
 */
export async function testGateway(
  options: Partial<GatewayOptions> & {
    fixture?: Fixture
    originsAllowed?: readonly string[]
  } = {},
): Promise<{ gateway: Gateway; fixture: Fixture; url: string; logged: Record<string, unknown>[] }> {
  const made = options.fixture ?? fixture()
  const logged: Record<string, unknown>[] = []
  const sink = new Writable({
    write(line, _encoding, done) {
      logged.push(JSON.parse(String(line)))
      done()
    },
  })
  const gateway = await startGateway({
    host: '127.0.0.1',
    port: 0,
    supergraph: composeSupergraph(made.subgraphs),
    subgraphs: made.subgraphs,
    bounds: BOUNDS,
    log: pino({ level: 'warn' }, sink),
    callers: openCallers({ origins: options.originsAllowed }),
    ...options,
  })
  return { gateway, fixture: made, url: gateway.url, logged }
}

export interface Answer {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests read responses of any shape
  body: any
}

export async function ask(
  url: string,
  query: string,
  options: { variables?: object; headers?: Record<string, string>; operationName?: string } = {},
): Promise<Answer> {
  const { variables, headers, operationName } = options
  const res = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...developerHeaders(url), ...headers },
    body: JSON.stringify({ query, variables, operationName }),
  })
  return { status: res.status, headers: res.headers, body: await res.json() }
}
