import type { IncomingMessage, ServerResponse } from 'node:http'
import { CORRELATION_HEADER } from './correlation.ts'

/** How long a browser may remember a preflight; Chromium does so for at most 2 hours. */
const preflightSeconds = 7_200
const headerCharsMax = 2_000
const exposed = [CORRELATION_HEADER, 'retry-after'].join(', ')

/**
 * Lets pages of the allowed origins read the response (the CORS protocol of the Fetch standard).
 * The origin is named, never `*`: a proxy in front may authenticate callers by a cookie.
 */
export function allowOrigin(
  req: IncomingMessage,
  res: ServerResponse,
  origins: ReadonlySet<string>,
): void {
  if (origins.size === 0) return
  // Also for requests without an origin: a shared cache must not serve their response to a page.
  res.setHeader('vary', 'Origin')
  const { origin } = req.headers
  if (origin === undefined || !origins.has(origin)) return
  res.setHeader('access-control-allow-origin', origin)
  res.setHeader('access-control-allow-credentials', 'true')
  res.setHeader('access-control-expose-headers', exposed)
}

/** Returns true if a browser asks whether a page of an allowed origin may send a request. */
export function isPreflight(req: IncomingMessage, origins: ReadonlySet<string>): boolean {
  const { origin } = req.headers
  return (
    req.method === 'OPTIONS' &&
    origin !== undefined &&
    origins.has(origin) &&
    req.headers['access-control-request-method'] !== undefined
  )
}

/** Responds to a preflight. An allowed origin may send any header: its pages are trusted. */
export function sendPreflight(
  req: IncomingMessage,
  res: ServerResponse,
  methods: readonly string[],
): void {
  res.setHeader('access-control-allow-methods', methods.join(', '))
  const wanted = req.headers['access-control-request-headers']
  if (wanted && wanted.length <= headerCharsMax && /^[\w!#$%&'*+.^`|~, -]+$/.test(wanted))
    res.setHeader('access-control-allow-headers', wanted)
  // Chromium asks for this when a public page sends a request into a private network.
  if (req.headers['access-control-request-private-network'] === 'true')
    res.setHeader('access-control-allow-private-network', 'true')
  res.setHeader('access-control-max-age', preflightSeconds)
  res.writeHead(204).end()
}
