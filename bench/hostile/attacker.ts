import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { HOSTILE } from './documents.ts'

// Runs on its own thread, so that the cost of attacking does not slow down the measurement.

export interface Attack {
  url: string
  /** The sockets use the first token, the documents use the others. */
  tokens: string[]
  requests: number
  perSecond: number
  /**
   * Number of sockets of each kind: bodies and headers sent at a byte a second, and responses that
   * nobody reads.
   */
  sockets: number
}
export type ResponseCounts = Record<string, number>

const { url, tokens, requests, perSecond, sockets } = workerData as Attack
const at = new URL(url)
const counts: ResponseCounts = {}
const note = (what: string) => {
  counts[what] = (counts[what] ?? 0) + 1
}
const header = (length: number) =>
  `POST /graphql HTTP/1.1\r\nHost: ${at.host}\r\nContent-Type: application/json\r\nAuthorization: Bearer ${tokens[0]}\r\nContent-Length: ${length}\r\n`
const large = JSON.stringify({
  query: `{ customers(first: 200) { nodes { id ${Array.from({ length: 60 }, (_, i) => `n${i}: name`).join(' ')} } } }`,
})

/** Requests that wait for a response; more would only use the attacker's own memory. */
const unansweredMax = 1_000

let over = false
const open = new Set<Socket>()
/** Keeps this many sockets of a kind open; a closed one is replaced. */
async function keep(
  kind: string,
  n: number,
  begin: (socket: Socket) => void,
  drip: string,
): Promise<void> {
  while (!over) {
    const socket = connect(Number(at.port), at.hostname)
    open.add(socket)
    socket.once('error', () => {})
    if (drip === '') socket.pause()
    else socket.on('data', (chunk) => note(`${kind}: ${String(chunk).slice(9, 12)}`))
    begin(socket)
    const timer = setInterval(() => socket.write(drip), 1_000)
    await new Promise((resolve) => socket.once('close', resolve))
    clearInterval(timer)
    open.delete(socket)
    note(`${kind}: closed`)
    await sleep(1_000 + n)
  }
}
const kept = Array.from({ length: sockets }, (_, n) => [
  keep('slow body', n, (s) => s.write(`${header(5_000)}\r\n{`), ' '),
  keep('slow headers', n, (s) => s.write('POST /graphql HTTP/1.1\r\n'), 'x'),
  keep('nothing read', n, (s) => s.write(`${header(large.length)}\r\n${large}`.repeat(20)), ''),
]).flat()

const kinds = Object.entries(HOSTILE)
const began = performance.now()
const sent = new Set<Promise<void>>()
for (let n = 0; n < requests; n++) {
  const [kind, make] = kinds[n % kinds.length] as (typeof kinds)[number]
  const one = attack(kind, make(n), n).then(() => void sent.delete(one))
  sent.add(one)
  if (sent.size >= unansweredMax) await Promise.race(sent)
  const ahead = (n / perSecond) * 1_000 - (performance.now() - began)
  if (ahead > 1) await sleep(ahead)
}
await Promise.all(sent)
over = true
for (const socket of open) socket.destroy()
await Promise.all(kept)
parentPort?.postMessage(counts)

async function attack(kind: string, body: string, n: number): Promise<void> {
  try {
    const headers = {
      'content-type': 'application/json',
      authorization: `Bearer ${tokens[1 + (n % (tokens.length - 1))]}`,
    }
    const res = await fetch(url, { method: 'POST', headers, body })
    const text = await res.text()
    note(`${kind}: ${/"code":"([A-Z_]+)"/.exec(text)?.[1] ?? res.status}`)
  } catch (e) {
    // The server refused it before all of it was sent.
    const { cause } = e as { cause?: { code?: string; message?: string } }
    note(`${kind}: ${cause?.code ?? cause?.message ?? e}`)
  }
}
