import { readFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Headers that clients send by themselves. A request with any other may come through a proxy that
 * is not known here.
 */
const PLAIN_HEADER =
  /^(host|connection|upgrade|content-(type|length|encoding)|transfer-encoding|expect|accept(-(encoding|language|charset))?|user-agent|authorization|x-api-key|origin|referer|cookie|cache-control|pragma|priority|te|dnt|traceparent|tracestate|baggage|last-event-id|upgrade-insecure-requests|sec-[\w-]+|(x-)?(touchstone|apollo|apollographql|graphql|apollo-operation)-[\w-]+|x-(correlation|request)-id|x-requested-with|idempotency-key|if-[\w-]+|(stripe|svix|webhook)-[\w-]+|x-[\w-]*(signature|hmac|event|topic|delivery|timestamp)[\w-]*)$/

const established = '01'
/** The user `nobody`, whom many programs share (user_namespaces(7)). */
const overflowUser = 65_534

/** Whether the process at the other end of a connection belongs to our user. */
const known = new WeakMap<Socket, Promise<boolean>>()

/**
 * Returns whether a process of our own user sent this request, and not on behalf of a page or of
 * another machine as far as its form shows. Linux alone states the user of a local connection;
 * elsewhere the result is false.
 */
export async function isFromOwnUser(req: IncomingMessage): Promise<boolean> {
  if (!looksDirect(req)) return false
  let own = known.get(req.socket)
  if (!own) {
    own = belongsToUs(req.socket)
    known.set(req.socket, own)
  }
  return await own
}

/**
 * Proxies speak HTTP/1.0 or close each connection unless they are configured otherwise, and add
 * headers. A browser that does not state the origin or the site of a request may send it for a page
 * of another site.
 */
function looksDirect({ headers, rawHeaders, httpVersion }: IncomingMessage): boolean {
  const { connection = '' } = headers
  if (httpVersion !== '1.1' || /\bclose\b/i.test(connection)) return false
  // Development servers pass WebSockets on as they came, from other machines too. Those in Node
  // write the names of headers in small letters.
  if (headers.upgrade !== undefined && !rawHeaders.includes('Host')) return false
  const isPage = headers['user-agent']?.startsWith('Mozilla/') ?? false
  const isOwnPage = headers.origin !== undefined || headers['sec-fetch-site'] === 'same-origin'
  if (isPage && !isOwnPage) return false
  return Object.keys(headers).every((name) => PLAIN_HEADER.test(name))
}

/**
 * Reads the user of the other end from the kernel's table of connections (proc_pid_net(5)). A
 * closed end has no user there, and neither has one of another network namespace: the result is
 * false.
 */
async function belongsToUs(socket: Socket): Promise<boolean> {
  const { remoteAddress, remotePort, localAddress, localPort } = socket
  const user = process.getuid?.()
  // In a container, all users that it does not know are shown as this one.
  if (user === undefined || user === overflowUser || !remoteAddress || !localAddress) return false
  const theirs = spellings(remoteAddress, remotePort ?? 0)
  const ours = spellings(localAddress, localPort ?? 0)
  const tables = await Promise.all(
    ['/proc/self/net/tcp', '/proc/self/net/tcp6'].map((file) =>
      readFile(file, 'latin1').catch(() => ''),
    ),
  )
  for (const line of tables.join('\n').split('\n')) {
    const [, local = '', remote = '', state, , , , uid, , inode] = line.trim().split(/\s+/)
    if (theirs.includes(local) && ours.includes(remote))
      return state === established && inode !== '0' && Number(uid) === user
  }
  return false
}

/** Returns the spellings of a loopback address and port in the kernel's table. */
function spellings(address: string, port: number): string[] {
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  if (address === '::1') return [`00000000000000000000000001000000${end}`]
  const bytes = address
    .replace(/^::ffff:/i, '')
    .split('.')
    .map(Number)
  const word = Buffer.from(bytes).reverse().toString('hex').toUpperCase()
  return [`${word}${end}`, `0000000000000000FFFF0000${word}${end}`]
}
