import ipaddr from 'ipaddr.js'

/** Part of the internet that webhooks may reach although it is not public. */
export type Network = [address: ipaddr.IPv4 | ipaddr.IPv6, prefixBits: number]

/**
 * What the registries give out as global unicast (RFC 4291); the rest holds IPv4-compatible and
 * unassigned addresses.
 */
const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3')
/** Addresses that are public by their number and yet belong to the host: Azure's wire server. */
const ownHost = new Set(['168.63.129.16'])

/** Whether a text is a network, or one address. */
export function isNetwork(text: string): boolean {
  return ipaddr.isValid(text) || ipaddr.isValidCIDR(text)
}

/** A network as `10.1.0.0/16`, or one address. Throws where the text is none. */
export function parseNetwork(text: string): Network {
  if (text.includes('/')) return ipaddr.parseCIDR(text)
  const address = ipaddr.parse(text)
  return [address, address.kind() === 'ipv4' ? 32 : 128]
}

/**
 * Whether a webhook may be sent to an address: a public unicast one, or one of an allowed network.
 * Everything that the registries set aside is not: loopback, private, link-local (with the metadata
 * services of clouds), carrier-grade NAT, multicast, reserved, benchmarking, documentation, and
 * what wraps an IPv4 address (NAT64, 6to4, Teredo). An IPv4-mapped address is judged as the IPv4
 * address that it is. What cannot be read is not reachable.
 */
export function isReachable(text: string, allowed: readonly Network[]): boolean {
  if (!ipaddr.isValid(text)) return false
  const address = ipaddr.process(text)
  if (allowed.some((n) => n[0].kind() === address.kind() && address.match(n as [ipaddr.IPv4, number]))) return true
  if (address.kind() === 'ipv6' && !address.match(globalUnicast)) return false
  return address.range() === 'unicast' && !ownHost.has(address.toString())
}
