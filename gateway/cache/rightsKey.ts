import type { RequestInfo } from '../../subgraphs/contract.ts'

/** Properties of a request that do not change what its caller may see. */
const NOT_A_RIGHT = new Set([
  'actor',
  'correlationId',
  'traceparent',
  'operation',
  'signal',
  'via',
  'expiresAt',
  'bearer',
])

/**
 * Returns a text that is equal for requests with equal rights. Every other property counts as a
 * right, so a new one separates callers until it is named above.
 */
export function rightsKey(request: RequestInfo): string {
  return Object.entries(request)
    .filter(([name]) => !NOT_A_RIGHT.has(name))
    .map(
      ([name, value]) => `${name}=${value instanceof Set ? namesOf(value) : JSON.stringify(value)}`,
    )
    .sort()
    .join(';')
}

function namesOf(set: ReadonlySet<string> & { names?: string }): string {
  return set.names ?? (set.has('*') ? '*' : [...set].sort().join(' '))
}
