import ipaddr from 'ipaddr.js'

/** A non-public network that requests may reach. */
export type Network = [address: ipaddr.IPv4 | ipaddr.IPv6, prefixBits: number]

/**
 * Global unicast as the registries assign it (RFC 4291); the rest has IPv4-compatible and
 * unassigned addresses.
 */
const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3')
/** Public addresses that nevertheless belong to the host: Azure's wire server. */
const ownHost = new Set(['168.63.129.16'])

/** Returns whether a text is a network or one address. */
export function isNetwork(text: string): boolean {
  return ipaddr.isValid(text) || ipaddr.isValidCIDR(text)
}

/** Parses a network as `10.1.0.0/16`, or one address. Throws if the text is neither. */
export function parseNetwork(text: string): Network {
  if (text.includes('/')) return ipaddr.parseCIDR(text)
  const address = ipaddr.parse(text)
  return [address, address.kind() === 'ipv4' ? 32 : 128]
}

/**
 * Returns whether a request may be sent to an address: a public unicast one, or one of an allowed
 * network. Everything that the registries reserve is rejected: loopback, private, link-local (with
 * the metadata services of clouds), carrier-grade NAT, multicast, reserved, benchmarking,
 * documentation, and addresses that wrap an IPv4 address (NAT64, 6to4, Teredo). An IPv4-mapped
 * address is treated as its IPv4 address. Unreadable text is rejected.
 */
export function isReachable(text: string, allowed: readonly Network[]): boolean {
  if (!ipaddr.isValid(text)) return false
  const address = ipaddr.process(text)
  if (
    allowed.some((n) => n[0].kind() === address.kind() && address.match(n as [ipaddr.IPv4, number]))
  )
    return true
  if (address.kind() === 'ipv6' && !address.match(globalUnicast)) return false
  return address.range() === 'unicast' && !ownHost.has(address.toString())
}
