import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

/** A message of the protocol of Postgres. */
export function message(type: string, body: Buffer | string): Buffer {
  const bytes = Buffer.from(body)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length + 4)
  return Buffer.concat([Buffer.from(type), length, bytes])
}

/** A request or a reply of the server about authentication. */
export function authentication(code: number, body: Buffer | string = ''): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(code)
  return message('R', Buffer.concat([bytes, Buffer.from(body)]))
}

export const OK = authentication(0)
export const READY = message('Z', 'I')
/** A row that a statement must never return: the server has not proven who it is. */
export const FORGED_ROW = Buffer.concat([
  message('1', ''),
  message('2', ''),
  message('T', Buffer.from('0001780000000000000000000019ffffffffffff0000', 'hex')),
  message('D', Buffer.from('0001000000066f776e656421', 'hex')),
  message('C', 'SELECT 1\0'),
  READY,
])
export const SASL = authentication(10, 'SCRAM-SHA-256\0\0')

/** Replies to each message of a client, which it counts from the startup message on. */
export type Script = (received: Buffer, n: number, socket: Socket) => Buffer | null

export interface Impostor {
  port: number
  received(): string
}

/** Starts a server that follows the script, as a process that has taken the place of Postgres. */
export async function impostor(t: TestContext, script: Script): Promise<Impostor> {
  const chunks: Buffer[] = []
  const server = createServer((socket) => {
    let n = 0
    socket.on('error', () => {}) // The client closes the connection, as the test expects.
    socket.on('data', (chunk) => {
      chunks.push(chunk)
      const reply = script(chunk, n++, socket)
      if (reply) socket.write(reply)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return {
    port: (server.address() as AddressInfo).port,
    received: () => Buffer.concat(chunks).toString('latin1'),
  }
}

export interface ScramChanges {
  nonce?: (client: string) => string
  salt?: string
  iterations?: string
  /** Replaces the message that proves the server. */
  final?: (right: string) => Buffer | null
  /** Sent directly behind the server's first message. */
  early?: (right: string) => Buffer
}

/** A server that knows the password and follows SCRAM, but for the changes. */
export function scramServer(password: string, changes: ScramChanges = {}): Script {
  let right = ''
  return (received, n) => {
    if (n === 0) return SASL
    if (n === 1) {
      const [, bare = '', client = ''] = /(n=\*,r=(\S+))$/.exec(received.toString('latin1')) ?? []
      const nonce = (changes.nonce ?? ((c) => `${c}server`))(client)
      const salt = changes.salt ?? Buffer.from('salt of the test').toString('base64')
      const iterations = changes.iterations ?? '4096'
      const first = `r=${nonce},s=${salt},i=${iterations}`
      // An impostor may ask for what no honest server can compute.
      const rounds = Math.min(Math.max(Math.trunc(Number(iterations)) || 1, 1), 10_000)
      const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), rounds, 32, 'sha256')
      const key = createHmac('sha256', salted).update('Server Key').digest()
      const auth = `${bare},${first},c=biws,r=${nonce}`
      right = createHmac('sha256', key).update(auth).digest('base64')
      const reply = authentication(11, first)
      return changes.early ? Buffer.concat([reply, changes.early(right)]) : reply
    }
    if (n === 2) {
      const final = changes.final ? changes.final(right) : authentication(12, `v=${right}`)
      return Buffer.concat([...(final ? [final] : []), OK, READY])
    }
    return FORGED_ROW
  }
}

export function md5Answer(password: string, user: string, salt: Buffer): string {
  const md5 = (...parts: (string | Buffer)[]) => {
    const hash = createHash('md5')
    for (const part of parts) hash.update(part)
    return hash.digest('hex')
  }
  return `md5${md5(md5(password, user), salt)}`
}
