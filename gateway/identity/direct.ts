import type { IncomingMessage } from 'node:http'
import type { Refusal } from './caller.ts'
import { forwardedBy } from './forwarded.ts'
import { isLoopback } from './loopback.ts'

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']

/**
 * Returns why a request does not come directly from this machine, or null. Its Host header must be
 * a name of loopback with the port of this server: a page whose name leads here (DNS rebinding)
 * sends its own name, and many proxies theirs. The operator may allow further names, and so a
 * proxy that uses them.
 */
export function refuseIndirect(
  req: IncomingMessage,
  hostsAllowed: ReadonlySet<string>,
): Refusal | null {
  const [, name = '', port = '80'] =
    /^(.*?)(?::(\d{1,5}))?$/.exec(req.headers.host?.toLowerCase() ?? '') ?? []
  const { localPort, remoteAddress = '' } = req.socket
  const isAllowed = hostsAllowed.has(name)
  const isOwn = LOOPBACK.includes(name) && Number(port) === localPort
  if (!(isAllowed || isOwn) || !isLoopback(remoteAddress))
    return {
      status: 421,
      code: 'HOST_NOT_ALLOWED',
      message: `Without authentication this server accepts only the host names ${[...LOOPBACK, ...hostsAllowed].join(', ')}, those of loopback with port ${localPort}; allow others with TOUCHSTONE_HOSTS_ALLOWED`,
    }
  // A proxy or tunnel on this machine that uses our own name makes every sender look local.
  const header = isAllowed ? null : forwardedBy(req.headers)
  if (header === null) return null
  return {
    status: 403,
    code: 'FORWARDED',
    message: `Without authentication only direct requests from this machine are accepted, none through a proxy (header ${header}): set TOUCHSTONE_AUTHENTICATION=required`,
  }
}
