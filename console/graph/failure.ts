import type { CombinedError } from '@urql/core'

/**
 * Why an operation gave nothing, or less than was requested.
 * AWAY: the server does not respond. EXPIRED: it does not know the caller any more. REFUSED: the
 * caller may not. PART: a part of the graph failed, and the rest is there. BROKEN: everything else.
 */
export interface Failure {
  kind: 'AWAY' | 'EXPIRED' | 'REFUSED' | 'PART' | 'BROKEN'
  message: string
  code: string | null
  /** By which the log of the server names the request. */
  correlationId: string | null
}

/** Codes of refusals for want of a right. */
const REFUSALS = ['MISSING_SCOPE', 'FORBIDDEN', 'UNAUTHORIZED_FIELD_OR_TYPE', 'ROW_RIGHTS']

export function failureOf(error: CombinedError, hasData: boolean): Failure {
  const [first] = error.graphQLErrors
  const code = (first?.extensions?.code as string | undefined) ?? null
  const correlationId = (first?.extensions?.correlationId as string | undefined) ?? null
  const message = first?.message ?? error.networkError?.message ?? error.message
  const status = (error.response as Response | undefined)?.status
  const of = (kind: Failure['kind'], text = message): Failure => ({
    kind,
    message: text,
    code,
    correlationId,
  })
  if (code === 'UNAUTHENTICATED' || status === 401) return of('EXPIRED')
  if (code !== null && REFUSALS.includes(code)) return of(hasData ? 'PART' : 'REFUSED')
  if (error.networkError && status === undefined)
    return of('AWAY', 'The server does not respond. Nothing was changed.')
  if (hasData) return of('PART')
  return of('BROKEN')
}
