import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'

/** The result of an attack: the code of the first error, or the response text. */
export interface AttackResult {
  status: number
  code: string | undefined
  text: string
}

export interface Request {
  query?: string
  variables?: object
  operationName?: string
  headers?: Record<string, string>
  method?: string
  /** The part after the path, from `?`. */
  search?: string
  body?: string
}

/** Sends one request over HTTP. Event streams are read up to their first event or their end. */
export async function over(url: string, request: Request): Promise<AttackResult> {
  const { method = 'POST', query, variables, operationName, search = '' } = request
  const abort = new AbortController()
  const given =
    request.body ??
    (method === 'POST' ? JSON.stringify({ query, variables, operationName }) : undefined)
  const res = await fetch(`${url}${search}`, {
    method,
    headers: { 'content-type': 'application/json', ...request.headers },
    body: given,
    redirect: 'manual',
    signal: abort.signal,
  })
  if (!res.headers.get('content-type')?.startsWith('text/event-stream'))
    return attackResult(res.status, await res.text())
  let text = ''
  for await (const chunk of res.body ?? []) {
    text += Buffer.from(chunk).toString()
    if (text.includes('event: ')) break
  }
  abort.abort()
  return attackResult(res.status, text)
}

/** Returns the first result over graphql-ws, or how the socket was closed. */
export async function overSocket(
  url: string,
  query: string,
  connectionParams?: Record<string, unknown>,
  headers: Record<string, string> = {},
): Promise<AttackResult> {
  class WithHeaders extends WebSocket {
    constructor(address: string, protocols: string) {
      super(address, protocols, { headers })
    }
  }
  const client = createClient({
    url: url.replace('http', 'ws'),
    webSocketImpl: WithHeaders,
    retryAttempts: 0,
    connectionParams,
  })
  try {
    const { value } = await client.iterate({ query }).next()
    return attackResult(200, JSON.stringify(value ?? {}))
  } catch (e) {
    if (Array.isArray(e)) return attackResult(200, JSON.stringify({ errors: e }))
    const { code, reason, message } = e as { code?: number; reason?: string; message?: string }
    return { status: code ?? 0, code: reason, text: `${code} ${reason ?? ''} ${message ?? ''}` }
  } finally {
    await client.dispose()
  }
}

function attackResult(status: number, text: string): AttackResult {
  return { status, text, code: /"code":"([A-Z_]+)"/.exec(text)?.[1] }
}
