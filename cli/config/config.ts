import { type Command, InvalidArgumentError, Option } from 'commander'
import { z } from 'zod'
import { canonicalOrigin } from '../../gateway/identity/origins.ts'
import { secureUrl } from '../../gateway/identity/remoteKeys.ts'
import { ALGORITHMS } from '../../gateway/identity/token.ts'
import { canonicalLocale, ROOT_LOCALE } from '../../mdm/db/nameOrder.ts'
import { ConfigError } from '../../schema/kit/configError.ts'
import { ownValue } from '../../schema/kit/dictionary.ts'
import { isNetwork, parseNetwork } from '../../schema/kit/networkAddress.ts'

interface Entry<T> {
  env: string
  /** Parses the text of the flag or the variable. */
  schema: z.ZodType<T, string>
  /** The default as text, parsed like a given value. Left out: not set. */
  default?: string
  /** The default in words, if the text above does not state it. */
  shown?: string
  /** The allowed values, to follow "It must be". */
  allowed: string
  help: string
  /** The secret part: all of it, or the password of a URL. Such a flag is refused. */
  secret?: 'ALL' | 'PASSWORD'
}

type Setting<T> = Entry<T> & { default: string }
const setting = <T>(e: Setting<T>): Setting<T> => e
const optional = <T>(e: Omit<Entry<T>, 'default'>): Entry<T> => e

const text = z.string().min(1)
const whole = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,12}$/)
    .transform(Number)
    .pipe(z.number().int().min(min).max(max))

const databaseUrl = text
  .regex(/^postgres(ql)?:\/\/([^/]|\/.*[?&]host=)/)
  .refine((url) => URL.canParse(url))

function number(
  min: number,
  max: number,
  e: Omit<Setting<number>, 'schema' | 'allowed'>,
): Setting<number> {
  return setting({ ...e, schema: whole(min, max), allowed: `a whole number from ${min} to ${max}` })
}

/** All settings: `--name` on the command line, else the variable, else the default. */
export const CONFIG = {
  databaseUrl: optional({
    env: 'DATABASE_URL',
    secret: 'PASSWORD',
    schema: databaseUrl,
    shown: 'an embedded Postgres 18 in the data directory',
    allowed: 'a URL like postgres://user:password@host:5432/database',
    help: 'your own Postgres, 15 or later, with SCRAM passwords; add ?require_auth=md5 to allow MD5 ones, ?host=/folder for a Unix socket',
  }),
  databaseOwnerUrl: optional({
    env: 'DATABASE_OWNER_URL',
    secret: 'PASSWORD',
    schema: databaseUrl,
    shown: 'DATABASE_URL, whose user then owns the tables',
    allowed: 'a URL like postgres://owner:password@host:5432/database',
    help: 'the database of DATABASE_URL as the owner of its tables, for migrations, row rights and expire; the user of DATABASE_URL then needs no such rights',
  }),
  databaseWaitSecondsMax: number(0, 86_400, {
    env: 'TOUCHSTONE_DATABASE_WAIT_SECONDS_MAX',
    default: '60',
    help: 'how long a command waits for the database to answer',
  }),
  dataDir: setting({
    env: 'TOUCHSTONE_DATA_DIR',
    schema: text,
    default: './data',
    allowed: 'a directory',
    help: 'directory of the embedded Postgres and of generated keys',
  }),
  embeddedPort: optional({
    env: 'TOUCHSTONE_EMBEDDED_PORT',
    schema: whole(0, 65_535),
    shown: 'none: only the Unix socket in the data directory',
    allowed: 'a whole number from 0 to 65535',
    help: 'port of 127.0.0.1 on which the embedded Postgres listens as well when it starts, for tools without Unix sockets; 0 takes any free one',
  }),
  sortLocale: setting({
    env: 'TOUCHSTONE_SORT_LOCALE',
    schema: z.string().transform(canonicalLocale).pipe(z.string('a locale that ICU knows')),
    default: ROOT_LOCALE,
    allowed: 'a locale with an order of its own, as sv, de-u-co-phonebk or und, the root order',
    help: 'locale by which lists sort names; the same for all processes of a database',
  }),
  sources: optional({
    env: 'TOUCHSTONE_SOURCES',
    schema: text,
    shown: 'config/sources.yaml',
    allowed: 'a file',
    help: 'file of the source systems',
  }),
  host: setting({
    env: 'TOUCHSTONE_HOST',
    schema: z.string().regex(/^[a-z0-9.:-]+$/i),
    default: '127.0.0.1',
    allowed: 'an address or a name of this machine, as 127.0.0.1, 0.0.0.0 or ::',
    help: 'address to listen on; beyond this machine only with authentication',
  }),
  port: number(0, 65_535, {
    env: 'TOUCHSTONE_PORT',
    default: '4000',
    help: 'port to listen on; 0 takes any free one',
  }),
  healthPort: optional({
    env: 'TOUCHSTONE_HEALTH_PORT',
    schema: whole(0, 65_535),
    shown: 'with the role ingest --port if given, else 4001; with deliver alone none',
    allowed: 'a whole number from 0 to 65535',
    help: 'port of a process without the role gateway: /health, /metrics, and /ingest with the role ingest; 0 takes any free one',
  }),
  gatewayIngest: setting({
    env: 'TOUCHSTONE_GATEWAY_INGEST',
    schema: z.enum(['on', 'off']),
    default: 'on',
    allowed: 'on or off',
    help: 'whether a gateway accepts deliveries (/ingest); processes with the role ingest always do',
  }),
  hostsAllowed: optional({
    env: 'TOUCHSTONE_HOSTS_ALLOWED',
    schema: z
      .string()
      .regex(/^[a-z0-9.-]+(,[a-z0-9.-]+)*$/i)
      .transform((t) => t.split(',')),
    shown: 'only localhost, 127.0.0.1 and [::1], with the own port',
    allowed: 'names without port, separated by commas',
    help: 'further names by which callers may address a gateway without authentication (Host header), through a proxy too',
  }),
  originsAllowed: optional({
    env: 'TOUCHSTONE_ORIGINS_ALLOWED',
    schema: z
      .string()
      .transform((t) => t.split(',').map(canonicalOrigin))
      .refine((origins) => origins.every((o) => o !== null))
      .transform((origins) => origins.filter((o) => o !== null)),
    shown: 'none',
    allowed:
      'origins separated by commas, each a scheme and a host with an optional port, as https://app.example; no wildcards and no paths',
    help: 'web pages of these origins may use the gateway, over HTTP, event streams and WebSockets, and embed GraphiQL',
  }),
  contractHide: optional({
    env: 'TOUCHSTONE_CONTRACT_HIDE',
    schema: z
      .string()
      .regex(/^[a-z0-9_-]+(,[a-z0-9_-]+)*$/i)
      .transform((t) => t.split(',')),
    shown: 'the whole graph',
    allowed: 'tags, separated by commas',
    help: 'tags of the graph whose fields are left out of it, as internal',
  }),
  subgraphs: setting({
    env: 'TOUCHSTONE_SUBGRAPHS',
    schema: z
      .string()
      .regex(/^(local|[a-z]+=https?:\/\/[^,\s]+(,[a-z]+=https?:\/\/[^,\s]+)*)$/)
      .transform((t) =>
        t === 'local'
          ? new Map<string, string>()
          : new Map(t.split(',').map((p) => p.split(/=(.*)/s) as [string, string])),
      ),
    default: 'local',
    allowed:
      '"local", or name=URL pairs separated by commas, as customer=http://127.0.0.1:4101/graphql',
    help: 'subgraphs that run as services; those not named run in the gateway’s process',
  }),
  ownSubgraphs: optional({
    env: 'TOUCHSTONE_OWN_SUBGRAPHS',
    schema: text,
    shown: 'config/subgraphs.yaml',
    allowed: 'a file',
    help: 'file of your own subgraphs: services whose types and fields join the graph',
  }),
  supergraph: optional({
    env: 'TOUCHSTONE_SUPERGRAPH',
    schema: text,
    shown: 'that of this version, composed of its own subgraphs',
    allowed: 'a file',
    help: 'supergraph to serve; reloaded when the file changes, and on SIGHUP',
  }),
  authentication: setting({
    env: 'TOUCHSTONE_AUTHENTICATION',
    schema: z.enum(['auto', 'required']),
    default: 'auto',
    allowed:
      '"auto" or "required"; auto requires it with an issuer or beyond loopback, and else serves our own user on this machine, and who knows the secret of the start',
    help: 'whether callers need credentials; "required" without an issuer accepts API keys alone',
  }),
  developmentAccess: setting({
    env: 'TOUCHSTONE_DEVELOPMENT_ACCESS',
    schema: z.enum(['user', 'secret']),
    default: 'user',
    allowed:
      '"user" or "secret"; user: processes of our own user need no secret if they come directly (Linux), secret: every request needs it',
    help: 'who is the development caller without authentication, besides holders of the secret of the start',
  }),
  authIssuer: optional({
    env: 'TOUCHSTONE_AUTH_ISSUER',
    schema: text.refine(secureUrl),
    shown: 'no tokens but those of the built-in development issuer, on this machine',
    allowed: 'the issuer as its tokens name it, a URL with https (http on this machine)',
    help: 'issuer whose tokens (JWT) are accepted; its keys are found by OpenID Connect discovery',
  }),
  authJwks: optional({
    env: 'TOUCHSTONE_AUTH_JWKS',
    schema: text.refine(secureUrl),
    shown: 'what discovery at the issuer names',
    allowed: 'a URL with https (http on this machine)',
    help: 'where the issuer’s public keys are',
  }),
  authAudience: setting({
    env: 'TOUCHSTONE_AUTH_AUDIENCE',
    schema: text,
    default: 'touchstone',
    allowed: 'a text',
    help: 'audience that tokens must be meant for',
  }),
  authAlgorithms: setting({
    env: 'TOUCHSTONE_AUTH_ALGORITHMS',
    schema: z
      .string()
      .transform((t) => t.split(','))
      .pipe(z.array(z.enum(ALGORITHMS)).min(1)),
    default: 'RS256,PS256,ES256,EdDSA',
    allowed: `one or several of ${ALGORITHMS.join(', ')}, separated by commas`,
    help: 'algorithms that may sign tokens',
  }),
  authClockSkewSecondsMax: number(0, 300, {
    env: 'TOUCHSTONE_AUTH_CLOCK_SKEW_SECONDS_MAX',
    default: '30',
    help: 'how far the issuer’s clock may be from ours',
  }),
  authRolesClaim: setting({
    env: 'TOUCHSTONE_AUTH_ROLES_CLAIM',
    schema: z.string().regex(/^[^.\s]+(\.[^.\s]+)*$/),
    default: 'roles',
    allowed: 'the name of a claim, or a path as realm_access.roles',
    help: 'claim that holds the roles of a token',
  }),
  consoleClientId: optional({
    env: 'TOUCHSTONE_CONSOLE_CLIENT_ID',
    schema: text,
    shown: 'none: people enter a token or an API key',
    allowed: 'a text',
    help: 'client (public, code flow with PKCE) as which the console signs people in at the issuer; its redirect address is /console/signed-in',
  }),
  consoleScopes: setting({
    env: 'TOUCHSTONE_CONSOLE_SCOPES',
    schema: text,
    default: 'openid profile',
    allowed: 'scopes of OAuth, with a blank between',
    help: 'scopes that the console requests from the issuer; with offline_access the sign-in is renewed without the person',
  }),
  access: optional({
    env: 'TOUCHSTONE_ACCESS',
    schema: text,
    shown: 'config/access.yaml',
    allowed: 'a file',
    help: 'file of roles, each a set of scopes',
  }),
  internalSecret: optional({
    env: 'TOUCHSTONE_INTERNAL_SECRET',
    secret: 'ALL',
    schema: z.string().min(32),
    shown: 'one in the data directory, for processes that share it',
    allowed: 'a text of 32 characters or more, the same for gateway and services',
    help: 'secret by which subgraphs that run as services authenticate their gateway',
  }),
  webhookNetworks: optional({
    env: 'TOUCHSTONE_WEBHOOK_NETWORKS',
    schema: text
      .transform((t) => t.split(','))
      .pipe(z.array(z.string().refine(isNetwork).transform(parseNetwork))),
    shown: 'public addresses only',
    allowed: 'networks or addresses separated by commas, as 10.1.0.0/16,127.0.0.1',
    help: 'addresses that webhooks may be sent to although they are not public',
  }),
  webhookPorts: setting({
    env: 'TOUCHSTONE_WEBHOOK_PORTS',
    schema: text
      .transform((t) => t.split(',').map(Number))
      .pipe(z.array(z.number().int().min(1).max(65_535)).min(1).max(100)),
    default: '443,8443',
    allowed: 'port numbers separated by commas',
    help: 'ports that webhooks may be sent to',
  }),
  webhookHttp: setting({
    env: 'TOUCHSTONE_WEBHOOK_HTTP',
    schema: z.enum(['never', 'allowed']),
    default: 'never',
    allowed: 'never or allowed',
    help: 'whether webhooks may be sent without TLS',
  }),
  webhookTimeoutMs: number(100, 120_000, {
    env: 'TOUCHSTONE_WEBHOOK_TIMEOUT_MS',
    default: '15000',
    help: 'how long an endpoint may take to answer a delivery, in milliseconds',
  }),
  webhookKey: optional({
    env: 'TOUCHSTONE_WEBHOOK_KEY',
    secret: 'ALL',
    schema: z
      .string()
      .transform((t) => t.split(','))
      .pipe(z.array(z.string().min(32)).max(10)),
    shown: 'one in the data directory, for processes that share it',
    allowed:
      'texts of 32 characters or more, separated by commas: the first one seals, all of them open',
    help: 'what seals the secrets of webhooks in the database, and the cursors of callers with row rights; the same for all processes',
  }),
  webhookCa: optional({
    env: 'TOUCHSTONE_WEBHOOK_CA',
    schema: text,
    shown: 'the public ones of Node alone',
    allowed: 'a file of certificates in PEM',
    help: 'certificate authorities of your own that endpoints may have their certificates from',
  }),
  auditKeys: optional({
    env: 'TOUCHSTONE_AUDIT_KEYS',
    secret: 'ALL',
    // The keys are checked where they are opened, because the errors here repeat the value.
    schema: text.transform((t) => t.split(',')),
    shown: 'those of the key file',
    allowed:
      'id:secret pairs separated by commas, as 2026-11:…, with secrets of 32 characters or more: the first one signs, all of them verify',
    help: 'keys of the audit log; the same for all processes of a database, and never in the database',
  }),
  auditKeyFile: optional({
    env: 'TOUCHSTONE_AUDIT_KEY_FILE',
    schema: text,
    shown: 'audit-key in the data directory, made if the log has no key yet',
    allowed: 'a file with one id:secret a line, the first one signs',
    help: 'file of the keys of the audit log',
  }),
  auditHeadSecondsMax: number(1, 86_400, {
    env: 'TOUCHSTONE_AUDIT_HEAD_SECONDS_MAX',
    default: '60',
    help: 'how long a changed head of the audit log may wait until it is sent out (role deliver)',
  }),
  auditHeadEntriesMax: number(1, 1_000_000, {
    env: 'TOUCHSTONE_AUDIT_HEAD_ENTRIES_MAX',
    default: '100',
    help: 'entries of the audit log after which its head is sent out at once',
  }),
  auditHeadFile: optional({
    env: 'TOUCHSTONE_AUDIT_HEAD_FILE',
    schema: text,
    shown: 'only the log of the process',
    allowed: 'a file, on a disk that the owner of the database cannot write',
    help: 'file that heads of the audit log are appended to, for "touchstone audit verify --against"',
  }),
  auditHeadUrl: optional({
    env: 'TOUCHSTONE_AUDIT_HEAD_URL',
    schema: text.refine((t) => URL.canParse(t)),
    shown: 'none',
    allowed: 'a URL that webhooks may be sent to',
    help: 'endpoint that heads of the audit log are sent to, signed as webhooks are',
  }),
  auditHeadSecret: optional({
    env: 'TOUCHSTONE_AUDIT_HEAD_SECRET',
    schema: text,
    shown: 'none; needed with the endpoint',
    allowed: 'whsec_ and base64 of 24 to 64 bytes',
    help: 'secret that signs the heads sent to the endpoint',
  }),
  natsUrl: optional({
    env: 'TOUCHSTONE_NATS_URL',
    secret: 'PASSWORD',
    schema: text
      .transform((t) => t.split(','))
      .pipe(z.array(z.string().regex(/^(nats|tls):\/\/[^/\s]+$/)).max(20)),
    shown: 'changes are not published to NATS',
    allowed:
      'URLs like nats://user:password@host:4222 or tls://host:4222, separated by commas, of one cluster',
    help: 'NATS servers with JetStream, to publish changes to (role deliver) or to tail them from (feed-from)',
  }),
  natsCredentials: optional({
    env: 'TOUCHSTONE_NATS_CREDENTIALS',
    schema: text,
    shown: 'what the URL says',
    allowed: 'a .creds file',
    help: 'credentials for NATS',
  }),
  natsStream: setting({
    env: 'TOUCHSTONE_NATS_STREAM',
    schema: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
    default: 'TOUCHSTONE',
    allowed: 'letters, digits, _ and -',
    help: 'the JetStream stream of the changes; made where there is none',
  }),
  natsSubject: setting({
    env: 'TOUCHSTONE_NATS_SUBJECT',
    schema: z.string().regex(/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/),
    default: 'touchstone.changes',
    allowed: 'names separated by full stops',
    help: 'what subjects begin with, before type and golden id',
  }),
  natsReplicas: number(1, 5, {
    env: 'TOUCHSTONE_NATS_REPLICAS',
    default: '1',
    help: 'replicas of a stream that is made',
  }),
  natsScopes: optional({
    env: 'TOUCHSTONE_NATS_SCOPES',
    schema: text
      .transform((t) => t.split(','))
      .pipe(z.array(z.string().regex(/^[a-z][a-z0-9_:-]*$/)).max(100)),
    shown: 'fields that need a scope are left out of what is published',
    allowed: 'scopes separated by commas, as pii:read',
    help: 'what messages may show to everybody who may read the stream',
  }),
  feedFrom: setting({
    env: 'TOUCHSTONE_FEED_FROM',
    schema: z.enum(['postgres', 'nats']),
    default: 'postgres',
    allowed: 'postgres or nats',
    help: 'where a gateway takes live events from; from NATS it reads the database only for what is older or late',
  }),
  otlpUrl: optional({
    env: 'TOUCHSTONE_OTLP_URL',
    secret: 'PASSWORD',
    schema: text.refine((t) => URL.canParse(t) && /^https?:$/.test(new URL(t).protocol)),
    shown: 'no spans',
    allowed: 'a URL like http://127.0.0.1:4318',
    help: 'OpenTelemetry collector to send spans to (OTLP over HTTP)',
  }),
  tracePercent: number(0, 100, {
    env: 'TOUCHSTONE_TRACE_PERCENT',
    default: '100',
    help: 'how many of the traces that begin here are recorded; others follow their caller',
  }),
  workers: number(1, 64, {
    env: 'TOUCHSTONE_WORKERS',
    default: '1',
    help: 'ingest workers, each a thread',
  }),
  gatewayWorkers: number(1, 64, {
    env: 'TOUCHSTONE_GATEWAY_WORKERS',
    default: '1',
    help: 'gateway processes that share the port, each with its own connections and caches; one a core',
  }),
  batchRowsMax: number(1, 10_000, {
    env: 'TOUCHSTONE_BATCH_ROWS_MAX',
    default: '1000',
    help: 'messages that a worker applies in one transaction',
  }),
  pullBacklogMax: number(1_000, 10_000_000, {
    env: 'TOUCHSTONE_PULL_BACKLOG_MAX',
    default: '50000',
    help: 'messages that may wait in the inbox; while more wait, no further rows are pulled',
  }),
  writesDaysMax: number(30, 10_000, {
    env: 'TOUCHSTONE_WRITES_DAYS_MAX',
    default: '400',
    help: 'how long writes to source systems are stored after their end; what waits for a person stays',
  }),
  attemptsMax: number(1, 100, {
    env: 'TOUCHSTONE_ATTEMPTS_MAX',
    default: '5',
    help: 'attempts before a message that fails becomes an exception',
  }),
  queryMsMax: number(100, 600_000, {
    env: 'TOUCHSTONE_QUERY_MS_MAX',
    default: '30000',
    help: 'how long a query may take; then it fails with TIMEOUT, and the database stops working on it',
  }),
  queryConnectionsMax: number(1, 80, {
    env: 'TOUCHSTONE_QUERY_CONNECTIONS_MAX',
    default: '10',
    help: 'connections to the database for queries',
  }),
  sensitiveAccessDaysMax: number(1, 10_000, {
    env: 'TOUCHSTONE_SENSITIVE_ACCESS_DAYS_MAX',
    default: '400',
    help: 'how long the record of who read or changed sensitive fields is stored',
  }),
  slowStatementMs: number(0, 600_000, {
    env: 'TOUCHSTONE_SLOW_STATEMENT_MS',
    default: '1000',
    help: 'log reads of queries that take this long, with their plan and without values; 0 for none',
  }),
  drainSecondsMax: number(0, 600, {
    env: 'TOUCHSTONE_DRAIN_SECONDS_MAX',
    default: '10',
    help: 'how long a stop waits for requests in progress',
  }),
  bodyBytesMax: number(1_000, 100_000_000, {
    env: 'TOUCHSTONE_BODY_BYTES_MAX',
    default: '1048576',
    help: 'bytes of a GraphQL request',
  }),
  documentBytesMax: number(100, 10_000_000, {
    env: 'TOUCHSTONE_DOCUMENT_BYTES_MAX',
    default: '65536',
    help: 'bytes of a GraphQL document, its variables not counted',
  }),
  tokensMax: number(10, 1_000_000, {
    env: 'TOUCHSTONE_TOKENS_MAX',
    default: '5000',
    help: 'tokens of a GraphQL document',
  }),
  depthMax: number(1, 100, {
    env: 'TOUCHSTONE_DEPTH_MAX',
    default: '15',
    help: 'depth of an operation: fields below each other',
  }),
  aliasesMax: number(0, 10_000, {
    env: 'TOUCHSTONE_ALIASES_MAX',
    default: '100',
    help: 'aliases in an operation',
  }),
  fieldsMax: number(1, 100_000, {
    env: 'TOUCHSTONE_FIELDS_MAX',
    default: '1000',
    help: 'fields in an operation',
  }),
  costMax: number(1, 1_000_000_000, {
    env: 'TOUCHSTONE_COST_MAX',
    default: '20000',
    help: 'estimated upper bound of objects in the result of an operation, by its page sizes',
  }),
  cacheMegabytesMax: number(0, 100_000, {
    env: 'TOUCHSTONE_CACHE_MEGABYTES_MAX',
    default: '0',
    help: 'memory for cached responses of golden records, invalidated when one of them changes; 0 for no cache',
  }),
  operationsMax: number(1, 100_000, {
    env: 'TOUCHSTONE_OPERATIONS_MAX',
    default: '512',
    help: 'concurrent GraphQL operations over HTTP; further ones get 503 and Retry-After',
  }),
  callerOperationsPerMinuteMax: number(1, 10_000_000, {
    env: 'TOUCHSTONE_CALLER_OPERATIONS_PER_MINUTE_MAX',
    default: '12000',
    help: 'operations that one caller may begin in a minute, at all gateways of the database together; further ones get 429 and Retry-After',
  }),
  callerOperationsMax: number(1, 100_000, {
    env: 'TOUCHSTONE_CALLER_OPERATIONS_MAX',
    default: '128',
    help: 'concurrent operations of one caller, in each process',
  }),
  callerStreamsMax: number(1, 100_000, {
    env: 'TOUCHSTONE_CALLER_STREAMS_MAX',
    default: '1000',
    help: 'event streams and WebSockets that one caller may have open, in each process',
  }),
  operations: setting({
    env: 'TOUCHSTONE_OPERATIONS',
    schema: z.enum(['any', 'published']),
    default: 'any',
    allowed: 'any or published',
    help: 'which operations are executed: any, or only those of "touchstone operations publish"',
  }),
  graphiql: setting({
    env: 'TOUCHSTONE_GRAPHIQL',
    schema: z.enum(['auto', 'on', 'off']),
    default: 'auto',
    allowed: 'auto, on or off; auto gives it without authentication',
    help: 'whether browsers get GraphiQL',
  }),
  mcp: setting({
    env: 'TOUCHSTONE_MCP',
    schema: z.enum(['auto', 'on', 'off']),
    default: 'auto',
    allowed: 'auto, on or off; auto serves it without authentication',
    help: 'whether agents are served on /mcp (Model Context Protocol)',
  }),
  streamsMax: number(1, 100_000, {
    env: 'TOUCHSTONE_STREAMS_MAX',
    default: '5000',
    help: 'open event streams, and as many WebSockets',
  }),
  connectionsMax: number(100, 1_000_000, {
    env: 'TOUCHSTONE_CONNECTIONS_MAX',
    default: '20000',
    help: 'open connections of a gateway, those of streams and WebSockets too; beyond it the one without a request for longest is closed',
  }),
  addressConnectionsMax: number(10, 1_000_000, {
    env: 'TOUCHSTONE_ADDRESS_CONNECTIONS_MAX',
    default: '4000',
    help: 'open connections from one address (IPv6: one /64) without a valid credential so far; not without authentication',
  }),
  bodiesMegabytesMax: number(1, 100_000, {
    env: 'TOUCHSTONE_BODIES_MEGABYTES_MAX',
    default: '64',
    help: 'memory for request bodies that still arrive; beyond it the slowest get 503 and Retry-After',
  }),
  unreadMegabytesMax: number(1, 100_000, {
    env: 'TOUCHSTONE_UNREAD_MEGABYTES_MAX',
    default: '256',
    help: 'memory for responses, events and messages that clients have not read; beyond it the slowest are disconnected',
  }),
  logLevel: setting({
    env: 'TOUCHSTONE_LOG_LEVEL',
    schema: z.enum(['debug', 'info', 'warn', 'error', 'silent']),
    default: 'info',
    allowed: 'debug, info, warn, error or silent',
    help: 'least severe lines of the log (JSON, to the standard error)',
  }),
} as const

export type ConfigName = keyof typeof CONFIG
type Value<N extends ConfigName> =
  (typeof CONFIG)[N] extends Entry<infer T>
    ? (typeof CONFIG)[N] extends { default: string }
      ? T
      : T | undefined
    : never
export type Config<N extends ConfigName = ConfigName> = { [K in N]: Value<K> }

/**
 * Adds these settings to a command as options. Commander reads the variable, then the default, if
 * no flag is given.
 */
export function withConfig<N extends ConfigName>(command: Command, names: readonly N[]): Command {
  for (const name of new Set(names)) {
    // Commander would reject an empty variable; here it counts as not set, as everywhere.
    const { env } = CONFIG[name]
    // dictionary: variables are named in CONFIG
    if (ownValue(process.env, env) === '') delete process.env[env]
    command.addOption(option(name))
  }
  return command.hook('preAction', () => {
    for (const name of new Set(names)) refuseSecretFlag(command, name)
  })
}

function refuseSecretFlag(command: Command, name: ConfigName): void {
  const { env, secret } = CONFIG[name] as Entry<unknown>
  if (secret === undefined) return
  const values = [command.getOptionValue(name)].flat().map(String)
  if (secret === 'ALL' || values.some(hasPassword)) requireVariable(command, name, env)
}

/**
 * Throws ConfigError if a secret was given as a flag instead of the variable. Every user of the
 * machine can read command lines (ps), also those of npx and of the shell, which stay until the
 * end.
 */
export function requireVariable(command: Command, name: string, env: string): void {
  if (command.getOptionValueSource(name) !== 'cli') return
  throw new ConfigError(
    `${flagOf(name)} shows a secret to every user of this machine: set ${env} instead, and replace the secret`,
  )
}

function hasPassword(url: string): boolean {
  if (!URL.canParse(url)) return false
  const { protocol, username, password, searchParams } = new URL(url)
  // NATS takes a user without a password as a token.
  const token = /^(nats|tls):$/.test(protocol) ? username : ''
  return password !== '' || token !== '' || searchParams.has('password')
}

function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`
}

/** Reads settings from the environment, for a process without flags. Throws ConfigError. */
export function configFromEnv<N extends ConfigName>(
  names: readonly N[],
  env: Readonly<Record<string, string | undefined>> = process.env,
): Config<N> {
  const values = names.map((name) => {
    const { env: variable, default: fallback } = CONFIG[name] as Entry<unknown>
    const given = ownValue(env, variable) || undefined
    const value = given ?? fallback
    if (value === undefined) return [name, undefined]
    try {
      return [name, parse(name, value)]
    } catch (e) {
      throw new ConfigError(`${variable} is "${value}". ${e instanceof Error ? e.message : e}`)
    }
  })
  return Object.fromEntries(values) as Config<N>
}

/**
 * Returns variables that look like settings but are not, such as misspelt ones. Secrets of sources
 * have their own names.
 */
export function unknownVariables(
  env: Readonly<Record<string, string | undefined>> = process.env,
): string[] {
  const known = new Set(['TOUCHSTONE_TOKEN', ...Object.values(CONFIG).map((c) => c.env)])
  return Object.keys(env).filter(
    (n) => n.startsWith('TOUCHSTONE_') && !n.endsWith('_SECRET') && !known.has(n),
  )
}

/** Logs a warning for each environment variable that looks like a setting but is not. */
export function warnAboutUnknownVariables(log: { warn(at: object, message: string): void }): void {
  for (const variable of unknownVariables())
    log.warn(
      { variable },
      'this environment variable is not a setting; "touchstone serve --help" lists the settings',
    )
}

function option(name: ConfigName): Option {
  const { env, help, shown, secret, default: fallback } = CONFIG[name] as Entry<unknown>
  const only =
    secret === undefined
      ? ''
      : secret === 'ALL'
        ? '; only as a variable, because all users can read flags'
        : '; with a password only as a variable, because all users can read flags'
  const made = new Option(
    `${flagOf(name)} <value>`,
    `${help}${only}${shown ? ` (default: ${shown})` : ''}`,
  )
    .env(env)
    .argParser((value: string) => parse(name, value))
  return fallback === undefined ? made : made.default(parse(name, fallback), fallback)
}

function parse(name: ConfigName, value: string): unknown {
  const { schema, allowed } = CONFIG[name] as Entry<unknown>
  const result = schema.safeParse(value)
  if (!result.success) throw new InvalidArgumentError(`It must be ${allowed}.`)
  return result.data
}
