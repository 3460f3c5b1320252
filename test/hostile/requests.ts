import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { developerHeaders } from '../developer.ts'

export interface Answer {
  status: number
  text: string
  ms: number
}

const socketsMax = 24
const agent = new Agent({ keepAlive: true, maxSockets: socketsMax })
const answerMsMax = 60_000
/** In place of the status of a response that did not come in time. */
export const NO_RESPONSE = 599

/** Sends a request and returns its response; the status is 0 where the connection was closed. */
export function send(
  origin: string,
  at: {
    method?: string
    path: string
    headers?: Record<string, string | string[]>
    body?: string | Buffer
  },
): Promise<Answer> {
  const began = performance.now()
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(origin)
    const req = request(
      {
        ...{ hostname, port, agent, path: at.path, method: at.method ?? 'POST' },
        headers: {
          ...(at.body === undefined ? {} : { 'content-length': Buffer.byteLength(at.body) }),
          ...developerHeaders(origin),
          ...at.headers,
        },
      },
      (res) => {
        const chunks: Buffer[] = []
        res.on('data', (chunk: Buffer) => chunks.push(chunk))
        const end = () =>
          resolve({
            status: res.statusCode ?? 0,
            text: Buffer.concat(chunks).toString('utf8'),
            ms: performance.now() - began,
          })
        res.on('end', end)
        res.on('error', end)
        // A stream goes on for ever: its beginning is enough.
        if (res.headers['content-type']?.startsWith('text/event-stream'))
          setTimeout(() => res.destroy(), streamMsMax)
      },
    )
    req.setTimeout(answerMsMax, () => {
      req.destroy()
      resolve({ status: NO_RESPONSE, text: '', ms: performance.now() - began })
    })
    req.on('error', (e: NodeJS.ErrnoException) => {
      // The server closed an idle connection while it was used again.
      if (req.reusedSocket && e.code === 'ECONNRESET') return resolve(send(origin, at))
      // A server that refuses a body closes the connection while it is sent.
      if (e.code === 'EPIPE' || e.code === 'ECONNRESET')
        resolve({ status: 0, text: '', ms: performance.now() - began })
      else reject(e)
    })
    req.end(at.body)
  })
}

const streamMsMax = 100
const rawMsMax = 1_000

/** Writes bytes to a new socket and returns the statuses of what comes back. */
export function sendBytes(origin: string, bytes: Buffer): Promise<number[]> {
  const { hostname, port } = new URL(origin)
  return new Promise((resolve) => {
    let text = ''
    const socket = connect(Number(port), hostname, () => socket.write(bytes))
    const end = () => {
      socket.destroy()
      resolve([...text.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map((m) => Number(m[1])))
    }
    const timer = setTimeout(end, rawMsMax)
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      if (!text.includes('\r\n\r\n')) return
      // Everything that one write causes comes within this time, or never.
      clearTimeout(timer)
      setTimeout(end, 20)
    })
    socket.on('error', end)
    socket.on('close', end)
  })
}

/** Runs work on all items, so many at a time. */
export async function inParallel<T>(
  items: Iterable<T>,
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]()
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let next = iterator.next(); !next.done; next = iterator.next()) await work(next.value)
    }),
  )
}
