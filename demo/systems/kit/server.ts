import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import type { Clock } from './clock.ts'
import { type Received, Refused, type Reply } from './exchange.ts'
import type { Fault, PlannedFaults } from './faults.ts'
import { type Begun, type Idempotency, StoredReplies } from './idempotency.ts'
import type { Requests } from './model.ts'
import type { RateLimit } from './rateLimit.ts'

export { type Received, Refused, type Reply } from './exchange.ts'

/** A vendor's behaviour: how it handles requests, and the forms of its refusals. */
export interface Behaviour {
  /** Returns undefined for a path or method that the vendor does not have. Throws `Refused`. */
  handle(request: Received): Reply | undefined | Promise<Reply | undefined>
  notFound(request: Received): Reply
  failure(status: number, request: Received): Reply
  forbidden(request: Received): Reply
  /** Returns undefined if the request carries nothing that could have expired. */
  expired(what: 'cursor' | 'token', request: Received): Reply | undefined
  /** Returns undefined if the request asks about no job that could fail. Absent without jobs. */
  failedJob?(request: Received): Reply | undefined
  /** The reply to too many requests. */
  limited(waitMs: number, request: Received): Reply
  /** Headers of each reply, for example the requests that are left. */
  headers?(request: Received): Record<string, string>
  /** Absent if the vendor has no idempotency keys. */
  idempotency?: Idempotency
}

export interface ModelServer {
  url: string
  requests(): Requests
  close(): Promise<void>
}

const bodyBytesMax = 10_000_000

export async function openServer(options: {
  clock: Clock
  faults: PlannedFaults
  rateLimit: RateLimit
  behaviour: Behaviour
}): Promise<ModelServer> {
  const { clock, faults, rateLimit, behaviour } = options
  const unknown: string[] = []
  const closing = new AbortController()
  const stored = new StoredReplies(behaviour.idempotency, clock)
  let count = 0

  /** Executes a request. An error that is no refusal is a fault of the model: 500 and unknown. */
  const execute = async (request: Received): Promise<Reply> => {
    try {
      const reply = await behaviour.handle(request)
      if (!reply || reply.unknown) unknown.push(describe(request))
      if (reply) return reply
      return behaviour.notFound(request)
    } catch (error) {
      if (!(error instanceof Refused)) {
        unknown.push(`${describe(request)}\n${error instanceof Error ? error.stack : error}`)
        return behaviour.failure(500, request)
      }
      if (error.unknown) unknown.push(describe(request))
      return error.reply
    }
  }

  /** Executes a request once for its idempotency key. `last` makes the reply that is stored. */
  const executeOnce = async (
    request: Received,
    last: (reply: Reply) => Reply | Promise<Reply> = (reply) => reply,
  ): Promise<Reply> => {
    const begun = begin(request)
    if (begun.reply) return last(begun.reply)
    const reply = await last(await execute(request))
    begun.finish(reply)
    return reply
  }

  const begin = (request: Received): Begun => {
    try {
      return stored.begin(request)
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      if (error.unknown) unknown.push(describe(request))
      return { reply: error.reply }
    }
  }

  const answer = async (message: IncomingMessage, response: ServerResponse) => {
    const request = await receive(message)
    count += 1
    const waitMs = rateLimit.take(clock.now())
    if (waitMs > 0)
      return send(response, request, withHeaders(behaviour.limited(waitMs, request), request))
    const fault = faults.take(describe(request), (planned) => applies(planned, request))
    if (fault?.kind === 'slow') await wait(fault.ms, undefined, { signal: closing.signal })
    if (fault?.kind === 'cut' && fault.after === 'nothing') return void message.socket.destroy()
    if (fault?.kind === 'twice') await executeOnce(request)
    const executed =
      refusalOf(fault, request) ?? (await executeOnce(request, lastOf(fault, request)))
    const reply = withHeaders(executed, request)
    if (fault?.kind === 'noAnswer') return
    if (fault?.kind === 'cut' && fault.after === 'execution') return void message.socket.destroy()
    if (fault?.kind === 'invalidJson' || fault?.kind === 'cut') {
      const text = textOf(reply.body)
      const half = text.slice(0, Math.floor(text.length / 2))
      if (fault.kind === 'invalidJson') return send(response, request, { ...reply, body: half })
      response.writeHead(reply.status, { ...json, 'content-length': Buffer.byteLength(text) })
      return void response.write(half, () => message.socket.destroy())
    }
    send(response, request, reply)
  }

  /** Returns what a fault makes of the reply to an executed request. */
  const lastOf = (fault: Fault | undefined, request: Received) => async (reply: Reply) => {
    if (fault?.kind === 'afterWrite') return behaviour.failure(fault.status, request)
    if (fault?.kind === 'lateAnswer') await wait(fault.ms, undefined, { signal: closing.signal })
    return reply
  }

  const applies = (fault: Fault, request: Received) => {
    if (fault.kind === 'expired') return behaviour.expired(fault.what, request) !== undefined
    return fault.kind !== 'failedJob' || behaviour.failedJob?.(request) !== undefined
  }

  const refusalOf = (fault: Fault | undefined, request: Received): Reply | undefined => {
    if (fault?.kind === 'forbidden') return behaviour.forbidden(request)
    if (fault?.kind === 'expired') return behaviour.expired(fault.what, request)
    if (fault?.kind === 'failedJob') return behaviour.failedJob?.(request)
    if (fault?.kind !== 'status') return undefined
    const reply = behaviour.failure(fault.status, request)
    if (fault.retryAfterSeconds === undefined) return reply
    return { ...reply, headers: { ...reply.headers, 'retry-after': `${fault.retryAfterSeconds}` } }
  }

  const withHeaders = (reply: Reply, request: Received): Reply => ({
    ...reply,
    headers: { ...behaviour.headers?.(request), ...reply.headers },
  })

  const send = (response: ServerResponse, request: Received, reply: Reply) => {
    const text = textOf(reply.body)
    response.writeHead(reply.status, {
      ...json,
      date: new Date(clock.now()).toUTCString(),
      'content-length': Buffer.byteLength(text),
      ...reply.headers,
    })
    response.end(request.method === 'HEAD' ? '' : text)
  }

  const server = createServer((message, response) => {
    answer(message, response).catch((error: unknown) => {
      if (!closing.signal.aborted) unknown.push(`${message.method} ${message.url}\n${error}`)
      message.socket.destroy()
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    requests: () => ({ count, unknown: [...unknown], mostInAWindow: rateLimit.mostInAWindow }),
    close() {
      closing.abort()
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      return closed
    },
  }
}

const json = { 'content-type': 'application/json;charset=utf-8' }

const textOf = (body: unknown): string =>
  typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body)

async function receive(message: IncomingMessage): Promise<Received> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > bodyBytesMax) throw new Error(`a body of more than ${bodyBytesMax} bytes`)
    chunks.push(chunk)
  }
  const [path = '', query = ''] = (message.url ?? '').split(/\?(.*)/s)
  return {
    method: message.method ?? '',
    path,
    query: new URLSearchParams(query),
    headers: message.headers,
    body: Buffer.concat(chunks).toString('utf8'),
  }
}

/** Returns the method, the path with its decoded query, and the body on a line of its own. */
function describe({ method, path, query, body }: Received): string {
  const pairs = [...query].map(([name, value]) => `${name}=${value}`).join('&')
  return `${method} ${path}${pairs && `?${pairs}`}${body && `\n${body}`}`
}
