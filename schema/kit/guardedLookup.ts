import { lookup as dnsLookup } from 'node:dns/promises'
import type { LookupFunction } from 'node:net'

/** Finds the addresses of a name. */
export type Resolve = (host: string) => Promise<{ address: string; family: number }[]>

/**
 * Returns a lookup for connections that refuses a name with an address that is not allowed. The
 * checked address is the one that is connected to, so a name that changes between check and
 * connection (DNS rebinding) gains nothing. `resolve` replaces the system's resolver.
 */
export function guardedLookup(
  isAllowed: (address: string) => boolean,
  resolve: Resolve = resolveAll,
): LookupFunction {
  return (host, options, callback) => {
    resolve(host).then(
      (found) => {
        const [first] = found
        if (!first) return callback(new Error('the name has no address'), '')
        // One address that is not allowed is enough: the connection might use any of them.
        if (!found.every((a) => isAllowed(a.address))) return callback(new Error(notPublic), '')
        if (options.all) callback(null, found)
        else callback(null, first.address, first.family)
      },
      (e) => callback(e, ''),
    )
  }
}

/** The message of the error that a refused name has. */
export const notPublic = 'the name leads to an address that is not public'

async function resolveAll(host: string): Promise<{ address: string; family: number }[]> {
  return await dnsLookup(host, { all: true })
}
