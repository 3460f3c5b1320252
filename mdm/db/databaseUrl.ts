import { readFile, stat } from 'node:fs/promises'
import { isIP } from 'node:net'
import { sep } from 'node:path'
import { checkServerIdentity } from 'node:tls'
import { untrustedPart } from '../../schema/kit/trustedPath.ts'

/** Options of the driver, which reads neither Unix sockets nor password files from the URL. */
export interface DriverTarget {
  url: string
  options: {
    path?: string
    host?: string
    port?: number
    user?: string
    password?: string | (() => Promise<string>)
    ssl?: false | { checkServerIdentity: typeof checkServerIdentity }
  }
}

const portDefault = 5432
/** Parameters of a URL that libpq reads as parts of the address, and the driver would send on. */
const ADDRESS = ['host', 'port', 'user', 'password', 'passfile'] as const

/**
 * Returns what the driver opens for a database URL. As with libpq, a host that begins with a slash
 * is the folder of a Unix socket, in `?host=` or percent-encoded as the host. `?passfile=` names a
 * file in the format of .pgpass, which is read for each connection, so that a new password needs no
 * new URL. The driver sends parameters that it does not know to the server, before that has proven
 * who it is, so those with a password are taken out or refused here.
 */
export function driverTarget(text: string): DriverTarget {
  const url = new URL(text)
  const given = new Map(ADDRESS.map((name) => [name, url.searchParams.get(name) ?? '']))
  for (const name of ADDRESS) url.searchParams.delete(name)
  for (const name of url.searchParams.keys())
    if (/pass/i.test(name))
      throw new Error(`the parameter ${name} of a database URL is not supported: leave it out`)
  const part = (name: (typeof ADDRESS)[number]) => given.get(name) ?? ''
  const { socket } = place(text)
  const hostname = part('host') || decodeURIComponent(url.hostname)
  const port = Number(part('port') || url.port || portDefault)
  const user = part('user') || decodeURIComponent(url.username)
  const password = part('password') || decodeURIComponent(url.password)
  const passfile = part('passfile')
  const address = hostname.replace(/^\[(.*)\]$/, '$1')
  const isVerified = /^verify-/.test(url.searchParams.get('sslmode') ?? '')
  const database = decodeURIComponent(url.pathname.slice(1)) || user
  return {
    url: url.href,
    options: {
      ...(part('port') ? { port } : {}),
      ...(user ? { user } : {}),
      // TLS is for networks; libpq leaves it out on a Unix socket too.
      ...(socket ? { path: `${socket}/.s.PGSQL.${port}`, ssl: false } : {}),
      ...(!socket && part('host') ? { host: part('host') } : {}),
      // The driver would compare the certificate of an address with the name localhost.
      ...(!socket && isVerified && isIP(address)
        ? { ssl: { checkServerIdentity: (_, peer) => checkServerIdentity(address, peer) } }
        : {}),
      ...(password ? { password } : {}),
      ...(!password && passfile
        ? {
            password: () =>
              passwordOf(passfile, [socket ?? hostname, String(port), database, user]),
          }
        : {}),
    },
  }
}

/** Returns the server of a database URL for people: host and port, or the folder of the socket. */
export function databaseHost(text: string): string {
  const { host, socket } = place(text)
  return socket ?? host
}

function place(text: string): { host: string; socket: string | null } {
  const url = new URL(text)
  const host = url.searchParams.get('host') ?? decodeURIComponent(url.host)
  return { host, socket: host.startsWith(sep) ? host : null }
}

/**
 * Returns the password of the first line of a file in the format of .pgpass
 * (host:port:database:user:password) that fits. Throws if none does, or if others may read or
 * replace the file.
 */
async function passwordOf(file: string, wanted: string[]): Promise<string> {
  const { mode, uid } = await stat(file)
  if (mode & 0o077)
    throw new Error(`other users may read the password file ${file}: take that right from them`)
  // Another user who may replace the file could name a server and a password of his own.
  const untrusted = untrustedPart(file)
  if (untrusted) throw new Error(`the password file ${file} is not safe: ${untrusted}`)
  if (process.getuid && uid !== process.getuid() && uid !== 0)
    throw new Error(`the password file ${file} belongs to user ${uid}: change its owner (chown)`)
  for (const line of (await readFile(file, 'utf8')).split('\n')) {
    if (line.startsWith('#')) continue
    const fields = [...line.matchAll(/((?:[^\\:]|\\.)*)(?::|$)/g)].map(([, text = '']) =>
      text.replace(/\\(.)/g, '$1'),
    )
    const fits = wanted.every((value, n) => fields[n] === '*' || fields[n] === value)
    const password = fields[wanted.length]
    if (fits && password) return password
  }
  throw new Error(`the password file ${file} has no line for user ${wanted.at(-1)}`)
}
