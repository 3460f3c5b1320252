import { dataNumber } from '../../../schema/kit/dataText.ts'
import { compilePath, scopeOf } from '../../mapping/path.ts'
import { ConnectionError } from '../contract.ts'
import type { OAuthDefinition } from '../definition/auth.ts'

interface TokenAnswer {
  token: string
  refreshToken: string | null
  expiresAt: number | null
  values: ReadonlyMap<string, string>
}

const expiresIn = compilePath('expires_in')
const refreshToken = compilePath('refresh_token')

/** Reads the answer of a token endpoint. Throws ConnectionError INVALID_TOKEN_ANSWER. */
export function readToken(
  auth: OAuthDefinition,
  answer: unknown,
  { source, now }: { source: string; now: number },
): TokenAnswer {
  const scope = scopeOf(answer)
  const token = auth.answer.first(scope)
  const invalid = (what: string): never => {
    throw new ConnectionError(
      'INVALID',
      'INVALID_TOKEN_ANSWER',
      `${source}: sign-in: the answer of the token endpoint ${what}; see auth: in connection.yaml`,
    )
  }
  if (typeof token !== 'string') return invalid(`has no ${auth.answer.text}`)
  const seconds = dataNumber(expiresIn.first(scope))
  const lifetimeMs = Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : auth.lifetimeMs
  const refresh = refreshToken.first(scope)
  const values = [...auth.take].map(([name, path]): [string, string] => {
    const value = path.first(scope)
    return [`auth.${name}`, typeof value === 'string' ? value : invalid(`has no ${path.text}`)]
  })
  return {
    token,
    refreshToken: typeof refresh === 'string' ? refresh : null,
    expiresAt: lifetimeMs === null ? null : now + lifetimeMs,
    values: new Map(values),
  }
}
