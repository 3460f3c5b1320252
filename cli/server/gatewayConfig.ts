import { AUTHENTICATION_CONFIG } from './authentication.ts'
import { NATS_CONFIG } from './openNats.ts'
import { WEBHOOK_CONFIG } from './openWebhooks.ts'

/**
 * The settings of the role `gateway`. Apart from the role itself, which a process without it does not
 * load: it is half of the program.
 */
export const GATEWAY_CONFIG = [
  'host',
  'port',
  'gatewayIngest',
  'hostsAllowed',
  'originsAllowed',
  ...AUTHENTICATION_CONFIG,
  'subgraphs',
  'ownSubgraphs',
  'supergraph',
  'internalSecret',
  'queryConnectionsMax',
  'slowStatementMs',
  'contractHide',
  'drainSecondsMax',
  'sensitiveAccessDaysMax',
  'bodyBytesMax',
  'documentBytesMax',
  'tokensMax',
  'depthMax',
  'aliasesMax',
  'fieldsMax',
  'costMax',
  'queryMsMax',
  'cacheMegabytesMax',
  'operationsMax',
  'callerOperationsPerMinuteMax',
  'callerOperationsMax',
  'callerStreamsMax',
  'operations',
  'graphiql',
  'consoleClientId',
  'consoleScopes',
  'mcp',
  'streamsMax',
  'connectionsMax',
  'addressConnectionsMax',
  'bodiesMegabytesMax',
  'unreadMegabytesMax',
  'feedFrom',
  ...NATS_CONFIG,
  ...WEBHOOK_CONFIG,
] as const
