import { setTimeout as sleep } from 'node:timers/promises'
import { Command } from 'commander'
import { type FormattedExecutionResult, GraphQLError } from 'graphql'
import { createClient } from 'graphql-ws'
import WebSocket from 'ws'
import { Backoff } from '../../schema/kit/backoff.ts'
import { boundedText } from '../../schema/kit/boundedResponse.ts'
import { requireVariable, withConfig } from '../config/config.ts'
import { printError, printJsonSlowly, printSlowly } from '../terminal/print.ts'
import {
  credentials,
  portOption,
  TOKEN_VARIABLE,
  tokenOption,
  webUrl,
} from './input/gatewayAddress.ts'
import { formatTailItem, type TailItem } from './output/tailItem.ts'

const SUBSCRIPTION = `subscription Tail($after: String, $types: [GoldenType!], $ids: [ID!], $ops: [ChangeOp!], $systems: [String!], $fields: [String!], $snapshot: Boolean) {
  changes(after: $after, types: $types, ids: $ids, ops: $ops, systems: $systems, changedFields: $fields, snapshot: $snapshot) {
    __typename
    ... on CaughtUp { cursor position }
    ... on Lagged { cursor missed reason }
    ... on Snapshot { cursor goldenId type version position values }
    ... on Change {
      cursor position op goldenId type version before after changedFields redirect policyVersion at
      cause { system object recordId messageId correlationId }
    }
  }
}`
/** Bounds of one response of the gateway, or of whatever else responds at its address. */
const responseMsMax = 60_000
const responseBytesMax = 1_000_000
const retryMsMin = 250
const retryMsMax = 10_000

interface Flags {
  url?: string
  port: number
  token?: string
  dataDir: string
  from?: string
  snapshot: boolean
  type?: string[]
  id?: string[]
  op?: string[]
  system?: string[]
  field?: string[]
  json: boolean
  once: boolean
}

interface Options extends Flags {
  url: string
}

export const command = withConfig(new Command('tail'), ['dataDir'])
  .description('follow the change feed in the terminal')
  .option(
    '--url <url>',
    'GraphQL address of the gateway (default: the gateway of this machine at --port)',
    webUrl,
  )
  .addOption(portOption())
  .addOption(tokenOption())
  .option(
    '--from <cursor>',
    'start after this cursor; "oldest" for the oldest event that is stored (default: from now on)',
  )
  .option('--snapshot', 'start with a snapshot of every golden record', false)
  .option('--type <types...>', 'golden types, e.g. CUSTOMER')
  .option('--id <ids...>', 'golden ids; each is followed through merges')
  .option('--op <ops...>', 'CREATED, UPDATED, MERGED, SPLIT, DELETED')
  .option('--system <names...>', 'source systems that caused the change')
  .option('--field <names...>', 'at least one of these fields changed')
  .option('--json', 'print one JSON object a line, with its cursor', false)
  .option('--once', 'exit when caught up', false)
  .addHelpText(
    'after',
    `
It reconnects by itself and resumes where it was. When it exits, it prints the --from with which to resume. With --json
and --once the last line is the item CaughtUp, whose cursor is that --from.

Exit codes: 0 stopped, or caught up with --once; 1 rejected, or the gateway does not respond.

Examples:
  npx touchstone tail --type CUSTOMER --field name legalName
  npx touchstone tail --snapshot --once --json > golden.ndjson`,
  )
  .action(async (flags: Flags, self: Command) => {
    requireVariable(self, 'token', TOKEN_VARIABLE)
    process.exitCode = await tail({
      ...flags,
      url: flags.url ?? `http://127.0.0.1:${flags.port}/graphql`,
    })
  })

/** Follows the feed. Returns 0 if interrupted, or caught up with --once; returns 1 if rejected. */
async function tail(options: Options): Promise<number> {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  // `tail | head` closes the pipe: the normal end. Other errors are reported by main.ts.
  process.stdout.once('error', () => stop.abort())
  const colour = !options.json && process.stdout.isTTY && process.env.NO_COLOR === undefined
  const at: { cursor: string | null } = { cursor: null }
  let connectedOnce = false
  const backoff = new Backoff(retryMsMin, retryMsMax)
  try {
    if (options.from === 'oldest') at.cursor = await oldestCursor(options)
    else if (options.from !== undefined) at.cursor = options.from
    while (!stop.signal.aborted) {
      const client = createClient({
        url: options.url.replace(/^http/, 'ws'),
        webSocketImpl: WebSocket,
        retryAttempts: 0,
        connectionParams: credentials(options),
      })
      // A refused upgrade ends the stream with a close event that does not state the reason.
      const refused: HttpRefusal[] = []
      client.on('error', (e) => refused.push(...refusalOf(e)))
      client.on('connected', () => {
        connectedOnce = true
        backoff.reset()
      })
      const results = client.iterate<{ changes: TailItem }>({
        query: SUBSCRIPTION,
        variables: variables(options, at.cursor),
      })
      const leave = () => void results.return?.()
      stop.signal.addEventListener('abort', leave)
      try {
        for await (const result of results) {
          const item = itemOf(result)
          at.cursor = item.cursor
          if (options.json) await printJsonSlowly(item)
          else await printSlowly(formatTailItem(item), colour)
          if (options.once && item.__typename === 'CaughtUp') return 0
        }
      } catch (e) {
        if (stop.signal.aborted) break
        const [refusal] = refused
        if (refusal && !(connectedOnce && passingStatus.has(refusal.status))) throw refusal
        if (isRejected(e) || isUnauthenticated(e) || !connectedOnce) throw e
      } finally {
        stop.signal.removeEventListener('abort', leave)
        await client.dispose()
      }
      if (stop.signal.aborted) break
      const retryMs = backoff.next()
      printError(`connection lost; retrying in ${(retryMs / 1000).toFixed(1)} s`)
      await sleep(retryMs, undefined, { signal: stop.signal }).catch(() => printError('stopping'))
    }
  } catch (e) {
    printError(explain(e, options.url))
    return 1
  } finally {
    if (at.cursor !== null && !options.json) printError(`go on with --from ${at.cursor}`)
  }
  return 0
}

function variables(options: Options, after: string | null): Record<string, unknown> {
  return {
    after,
    types: options.type?.map((t) => t.toUpperCase()),
    ids: options.id,
    ops: options.op?.map((o) => o.toUpperCase()),
    systems: options.system,
    fields: options.field,
    snapshot: options.snapshot,
  }
}

function itemOf(result: FormattedExecutionResult<{ changes: TailItem }, unknown>): TailItem {
  const [error] = result.errors ?? []
  if (error) throw error
  if (!result.data) throw new Error('the gateway sent a response without data')
  return result.data.changes
}

async function oldestCursor(options: Options): Promise<string | null> {
  const response = await fetch(options.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...credentials(options) },
    body: JSON.stringify({ query: '{ feed { beginning } }' }),
    signal: AbortSignal.timeout(responseMsMax),
  })
  const body = asResponse(await boundedText(response, responseBytesMax))
  const beginning = body.data?.feed?.beginning
  if (beginning === undefined)
    throw new HttpRefusal(response.status, body.errors?.[0]?.message ?? 'no reason given')
  return beginning
}

interface FeedResponse {
  data?: { feed?: { beginning?: string } }
  errors?: { message: string }[]
}

/** A proxy may respond with something else than JSON; the status then says enough. */
function asResponse(text: string): FeedResponse {
  try {
    const body: unknown = JSON.parse(text)
    return body instanceof Object ? (body as FeedResponse) : {}
  } catch {
    return {}
  }
}

/** The gateway, or a proxy before it, responded and refused. */
class HttpRefusal extends Error {
  override name = 'HttpRefusal'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** Returns the status with which a WebSocket was refused, from the message of its error. */
function refusalOf(e: unknown): HttpRefusal[] {
  const message = e instanceof Object && 'message' in e ? String(e.message) : ''
  const status = /^Unexpected server response: (\d{3})$/.exec(message)?.[1]
  return status === undefined ? [] : [new HttpRefusal(Number(status), 'the WebSocket was refused')]
}

/** A proxy reports these while the gateway behind it starts: worth another attempt. */
const passingStatus = new Set([502, 503, 504])

/** Returns true for GraphQL errors that a retry would repeat. */
function isRejected(e: unknown): boolean {
  return Array.isArray(e) || e instanceof GraphQLError || (e instanceof Object && 'extensions' in e)
}

/** Returns true if the gateway refused the credentials: by status 401, or by closing the socket. */
function isUnauthenticated(e: unknown): boolean {
  if (e instanceof HttpRefusal) return e.status === 401
  return e instanceof Object && 'code' in e && e.code === 4401
}

function explain(e: unknown, url: string): string {
  if (isUnauthenticated(e))
    return `rejected: 401: ${url} requires authentication: set ${TOKEN_VARIABLE} to a valid token or API key, or give --data-dir with the data directory of a gateway without authentication`
  if (e instanceof HttpRefusal) return `rejected: ${e.status}: ${url}: ${e.message}`
  const error = Array.isArray(e) ? e[0] : e
  const message =
    error instanceof Object && 'message' in error ? String(error.message) : String(error)
  if (isRejected(e)) {
    const extensions = error instanceof Object && 'extensions' in error ? error.extensions : null
    const code =
      extensions instanceof Object && 'code' in extensions ? ` (${String(extensions.code)})` : ''
    return `refused: ${message}${code}`
  }
  return `no gateway responds at ${url}: start it with "npm start", or name another gateway with --url${message ? ` (${message})` : ''}`
}
