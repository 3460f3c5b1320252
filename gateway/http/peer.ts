import { isIPv6 } from 'node:net'

/** Groups of an IPv6 address that a network assigns to one subscriber: a /64. */
const networkGroups = 4
const groupsOfAddress = 8

/**
 * Returns the peer that an address stands for: the address itself, and of IPv6 its network, because
 * one subscriber has all its addresses.
 */
export function peerOf(address = ''): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  if (!isIPv6(address)) return address
  const [plain = ''] = address.split('%', 1)
  const [head = '', tail] = plain.split('::')
  const groups = (text = '') => (text === '' ? [] : text.split(':'))
  const [first, last] = [groups(head), groups(tail)]
  const zeros = tail === undefined ? 0 : groupsOfAddress - first.length - last.length
  const all = [...first, ...Array<string>(Math.max(0, zeros)).fill('0'), ...last]
  const network = all.slice(0, networkGroups).map((g) => Number.parseInt(g, 16).toString(16))
  return `${network.join(':')}::/64`
}
