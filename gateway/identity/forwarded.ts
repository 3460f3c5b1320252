import type { IncomingHttpHeaders } from 'node:http'
import { isIP } from 'node:net'

/**
 * Names of headers that proxies, tunnels and content networks add. Families rather than a list: a
 * product that is not known here names its headers as the others do.
 */
const FORWARDED_NAME = new RegExp(
  [
    'forward',
    'prox(y|ied)',
    'tunnel',
    '^via$',
    '(client|real|remote|source|connecting|peer|sender|visitor|user|origin|true|viewer)[-_]?(ip|addr)',
    '^x-(original|real|client-ip|remote|rewrite|cluster|envoy|amzn?|azure|arr|appengine|goog|cloud|vercel|railway|render|fastly|akamai|edge|nginx|varnish|haproxy|traefik|ngrok|replit|host|scheme|url-scheme|port|ssl|https|tls|auth-request|webauth|ms)(-|$)',
    '^(cf|cdn|fly|fastly|akamai|ngrok|tailscale|do|front-end|cloudfront|incap|ali|eagleeye|sl|wl|bigip)-',
  ].join('|'),
)
/** Headers in which a direct client may name an address. */
const OWN_ADDRESS = new Set(['host', 'origin', 'referer', 'authorization', 'x-touchstone-actor'])

/**
 * Returns the name of a header by which a proxy or a tunnel passed this request on, or null. A
 * header of any name counts if its value is the address of a sender. A proxy may add no header at
 * all: the secret of the start protects against that.
 */
export function forwardedBy(headers: IncomingHttpHeaders): string | null {
  for (const [name, value] of Object.entries(headers)) {
    if (FORWARDED_NAME.test(name)) return name
    if (!OWN_ADDRESS.has(name) && String(value).split(',').some(isAddress)) return name
  }
  return null
}

function isAddress(text: string): boolean {
  const bare = text.trim().replace(/^"|"$/g, '')
  return isIP(bare) !== 0 || isIP(bare.replace(/^\[?(.*?)\]?:\d+$/, '$1')) !== 0
}
