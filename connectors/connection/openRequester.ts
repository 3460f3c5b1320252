import type { Resolve } from '../../schema/kit/guardedLookup.ts'
import { CredentialCache } from './auth/credential.ts'
import { signIn } from './auth/signIn.ts'
import { createTokenEndpoint } from './auth/tokenEndpoint.ts'
import type { RequestCounts } from './contract.ts'
import type { LimitDefinition } from './definition/limits.ts'
import type { Template } from './definition/template.ts'
import { Limiter } from './limits/limiter.ts'
import { credentialOf, limitMax } from './limits/limitsOf.ts'
import type { SharedRates } from './limits/sharedRates.ts'
import { createExchange } from './request/exchange.ts'
import { RETRY_DEFAULTS, Requester, type RetryPolicy } from './request/requester.ts'
import { SystemClock } from './request/systemClock.ts'
import { resolveSecret } from './secrets.ts'
import type { SourceConnection } from './sourceConnection.ts'

export interface RequesterOptions {
  env?: Readonly<Record<string, string | undefined>>
  /** Milliseconds since 1970. */
  now?: () => number
  retry?: Partial<RetryPolicy>
  /** Certificate authorities (PEM) trusted beside those of Node. */
  authorities?: readonly string[] | undefined
  /** Replaces the system's resolver. */
  resolve?: Resolve | undefined
  answerBytesMax?: number
  /** Counts the requests of other processes too; without it only those of this one count. */
  rates?: SharedRates | undefined
}

export interface OpenRequester {
  requester: Requester
  limiter: Limiter
  clock: SystemClock
  credentials: CredentialCache
  counts: RequestCounts
}

interface Shared {
  limiter: Limiter
  clock: SystemClock
  credentials: CredentialCache
}

/**
 * Parts that all connections with one credential share in this process, by what counts its requests
 * or else by environment.
 */
const sharedParts = new WeakMap<object, Map<string, Shared>>()

/** Opens the requester of a source system. Reads secrets at the first sign-in, not here. */
export function openRequester(
  source: string,
  connection: SourceConnection,
  options: RequesterOptions = {},
): OpenRequester {
  const { definition, values, secrets, privateAddresses } = connection
  const { env = process.env, now = Date.now } = options
  const retry = { ...RETRY_DEFAULTS, ...options.retry }
  const counts: RequestCounts = { requests: 0, retries: 0, waits: 0, bytes: 0 }
  const auth = definition.auth[connection.auth]
  if (!auth) throw new Error(`${source}: no way to sign in`)
  const exchange = createExchange({
    privateAddresses,
    authorities: options.authorities,
    resolve: options.resolve,
    ...(options.answerBytesMax === undefined ? {} : { bytesMax: options.answerBytesMax }),
  })
  const read = new Set<string>()
  const ask = createTokenEndpoint({
    source,
    exchange,
    msMin: retry.msMin,
    now,
    counts,
    secrets: read,
  })
  const refreshed: { token: string | null } = { token: null }
  const write = async (template: Template): Promise<string> => {
    const found = new Map(values)
    for (const name of template.names) {
      const reference = secrets.get(name)
      if (!reference) continue
      const secret = await resolveSecret(reference, `${source}: connection.${name}`, env)
      read.add(secret)
      found.set(name, secret)
    }
    const times = { text: 'iso', zone: 'UTC' }
    return template.render({ get: (name) => found.get(name), times }) ?? ''
  }
  const maxOf = (limit: LimitDefinition) => limitMax(limit, values)
  const key = JSON.stringify([
    definition.file,
    connection.auth,
    ...[...values].sort(),
    ...[...secrets].sort(),
  ])
  const { rates } = options
  const owner = rates ?? env
  const shared = sharedParts.get(owner) ?? new Map<string, Shared>()
  sharedParts.set(owner, shared)
  const count = rates && {
    ...{ rates, credential: credentialOf(connection), answerMsMax: definition.http.timeoutMs },
  }
  const parts = shared.get(key) ?? {
    limiter: new Limiter(definition.limits.limits, maxOf, undefined, count),
    clock: new SystemClock(),
    credentials: new CredentialCache(
      () => signIn(auth, { source, write, ask, secrets: read, now: now(), refreshed }),
      now,
    ),
  }
  shared.set(key, parts)
  const requester = new Requester({
    source,
    http: definition.http,
    session: definition.session,
    limitHeaders: definition.limits.headers,
    exchange,
    ...parts,
    settings: values,
    retry,
    now,
    counts,
  })
  return { requester, ...parts, counts }
}
