/** A scheme and a host with an optional port, as browsers send it: `https://app.example:8443`. */
const FORM = /^[a-z][a-z0-9+.-]*:\/\/[^/?#@\s,*]+$/

/**
 * Returns an origin in the form in which browsers send it: in lower case, without the default port
 * and without a slash at the end. Returns null for anything else: a wildcard, `null`, a path.
 */
export function canonicalOrigin(text: string): string | null {
  const bare = text.trim().toLowerCase().replace(/\/$/, '')
  if (!FORM.test(bare) || !URL.canParse(bare)) return null
  const { origin } = new URL(bare)
  // Schemes of apps, such as capacitor://localhost, have no origin for URL.
  return origin === 'null' ? bare : origin
}

/** Returns true if a web page of this origin is on the host that it sends the request to. */
export function isSameHost(origin: string, host: string): boolean {
  // "null" of a sandboxed page is not a URL.
  return URL.canParse(origin) && new URL(origin).host === host
}
