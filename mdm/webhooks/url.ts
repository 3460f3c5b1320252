import { isIP } from 'node:net'
import { isReachable, type Network } from '../../schema/kit/networkAddress.ts'

/** Allowed destinations of webhooks; settings of the installation. */
export interface Reach {
  /** Non-public networks that are allowed. */
  networks: readonly Network[]
  /** True if http is allowed as well as https. */
  http: boolean
  ports: readonly number[]
}

const urlCharsMax = 2_048

/** A URL that webhooks must not use; the message says why and what would be right. */
export class UrlError extends Error {
  override name = 'UrlError'
}

/**
 * Returns the URL of an endpoint in its canonical form, as a browser reads it: 0x7f.1, 2130706433
 * and full-width digits become 127.0.0.1. Throws UrlError. A name can resolve to any address, so
 * the address is checked again at every connection (post.ts).
 */
export function checkedUrl(text: string, reach: Reach): URL {
  if (text.length > urlCharsMax)
    throw new UrlError(`the URL has ${text.length} characters; at most ${urlCharsMax}`)
  // The parser drops these silently, so the parsed URL would differ from the written one.
  if (/[\s\p{Cc}\\]/u.test(text))
    throw new UrlError('the URL has a space, a control character or a backslash in it')
  if (!URL.canParse(text))
    throw new UrlError('this is not a URL; use one like https://hooks.example.com/touchstone')
  const url = new URL(text)
  if (url.protocol !== 'https:' && !(reach.http && url.protocol === 'http:'))
    throw new UrlError(
      `the URL is ${url.protocol.slice(0, 10)} and must be https:${reach.http ? ' or http:' : ''}`,
    )
  if (url.username !== '' || url.password !== '')
    throw new UrlError(
      'the URL contains a user or a password; deliveries are authenticated by their signature',
    )
  if (url.hash !== '') throw new UrlError('the URL has a fragment, which is never sent')
  const port = portOf(url)
  if (!reach.ports.includes(port))
    throw new UrlError(`the URL's port is ${port}; allowed are ${reach.ports.join(', ')}`)
  const host = hostOf(url)
  if (isIP(host)) {
    if (!isReachable(host, reach.networks)) throw new UrlError(`the address ${host} is not public`)
  } else if (reach.networks.length === 0 && !isPublicName(host))
    throw new UrlError(`the name ${host} is not a public name`)
  return url
}

export function portOf(url: URL): number {
  return url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port)
}

/** The host without the brackets of an IPv6 address. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1')
}

/**
 * Returns false for names that by their form belong to this machine or this network; for other
 * names the address decides.
 */
function isPublicName(host: string): boolean {
  const name = host.replace(/\.$/, '')
  return (
    name.includes('.') &&
    !/\.(localhost|local|internal|intranet|lan|home|corp|home\.arpa|localdomain)$/.test(name)
  )
}
