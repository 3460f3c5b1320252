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

/** A value without this holds no address. */
const MAYBE_ADDRESS = /\d\.\d+\.\d+\.\d|:[^,]*:/

/** Verdicts by name: the expression above takes longer than the rest of the check. */
const byName = new Map<string, boolean>()
/** Senders choose the names: those beyond this are judged each time. */
const namesMax = 200

/**
 * Returns the name of a header by which a proxy or a tunnel passed this request on, or null. A
 * header of any name counts if its value is the address of a sender. A proxy may add no header at
 * all: the secret of the start protects against that.
 */
export function forwardedBy(headers: IncomingHttpHeaders): string | null {
  for (const [name, value] of Object.entries(headers)) {
    if (isOfProxy(name)) return name
    const text = typeof value === 'string' ? value : String(value)
    if (!MAYBE_ADDRESS.test(text) || OWN_ADDRESS.has(name)) continue
    if (text.split(',').some(isAddress)) return name
  }
  return null
}

function isOfProxy(name: string): boolean {
  let verdict = byName.get(name)
  if (verdict === undefined) {
    verdict = FORWARDED_NAME.test(name)
    if (byName.size < namesMax) byName.set(name, verdict)
  }
  return verdict
}

function isAddress(text: string): boolean {
  const bare = text.trim().replace(/^"|"$/g, '')
  return isIP(bare) !== 0 || isIP(bare.replace(/^\[?(.*?)\]?:\d+$/, '$1')) !== 0
}
