import { z } from 'zod'
import { failAt, type Located } from '../../mapping/document.ts'
import type { Path } from '../../mapping/path.ts'
import { pathAt } from '../../mapping/rule.ts'
import type { Setting } from './settings.ts'
import { below, duration, exactlyOne, parseAt, pathText, scalar, shape } from './shape.ts'
import { compileTemplate, type Template } from './template.ts'

const GRANTS = ['clientCredentials', 'refreshToken', 'jwtBearer', 'privateKeyJwt'] as const
const ALGORITHMS = ['RS256', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'] as const
type Grant = (typeof GRANTS)[number]

export type AuthDefinition = { names: ReadonlySet<string> } & (
  | { how: 'none' }
  | { how: 'header'; headers: ReadonlyMap<string, Template> }
  | { how: 'basic'; user: Template; password: Template }
  | OAuthDefinition
)

/** A token that is exchanged for a grant of OAuth 2. */
export interface OAuthDefinition {
  how: 'oauth2'
  grant: Grant
  /** The address of the token endpoint. */
  token: Template
  clientId: Template | null
  clientSecret: Template | null
  /** Where the client's id and secret stand. */
  clientIn: 'form' | 'basic'
  scope: Template | null
  refreshToken: Template | null
  /** A PEM. */
  privateKey: Template | null
  algorithm: (typeof ALGORITHMS)[number]
  keyId: Template | null
  claims: ReadonlyMap<string, Template>
  /** How long an assertion is valid. */
  assertionMs: number
  /** Further parts of the form. */
  form: ReadonlyMap<string, Template>
  /** How long a token is used where the answer does not say. */
  lifetimeMs: number | null
  /** Where the answer has the token, and the header that carries it. */
  answer: Path
  header: string
  prefix: string
  /** Values of the answer that become placeholders {auth.NAME}. */
  take: ReadonlyMap<string, Path>
}

const texts = z.record(z.string(), scalar)

const oneSchema = shape({
  none: z.literal(true).optional(),
  header: texts.optional(),
  basic: shape({ user: scalar, password: scalar }).optional(),
  oauth2: z.enum(GRANTS).optional(),
  token: scalar.optional(),
  clientId: scalar.optional(),
  clientSecret: scalar.optional(),
  clientIn: z.enum(['form', 'basic']).optional(),
  scope: scalar.optional(),
  refreshToken: scalar.optional(),
  privateKey: scalar.optional(),
  algorithm: z.enum(ALGORITHMS).optional(),
  keyId: scalar.optional(),
  claims: texts.optional(),
  assertion: duration.optional(),
  form: texts.optional(),
  lifetime: duration.optional(),
  answer: pathText.optional(),
  use: shape({ header: z.string().min(1), prefix: z.string().optional() }).optional(),
  take: z.record(z.string(), pathText).optional(),
})

/** The settings that each grant needs, and those that it may have. */
const PARTS: Record<Grant, { needs: string[]; may: string[] }> = {
  clientCredentials: { needs: ['clientId', 'clientSecret'], may: [] },
  refreshToken: { needs: ['clientId', 'clientSecret', 'refreshToken'], may: [] },
  jwtBearer: {
    needs: ['privateKey', 'claims'],
    may: ['clientId', 'keyId', 'algorithm', 'assertion'],
  },
  privateKeyJwt: {
    needs: ['privateKey', 'claims'],
    may: ['clientId', 'keyId', 'algorithm', 'assertion'],
  },
}
const ALWAYS = ['oauth2', 'token', 'clientIn', 'scope', 'form', 'lifetime', 'answer', 'use', 'take']

const assertionMsDefault = 180_000

/**
 * Reads `auth:` of a definition: one way to sign in, or a list of which the first is used whose
 * settings are all given. Throws ConfigError.
 */
export function readAuth(
  place: Located,
  settings: ReadonlyMap<string, Setting>,
): readonly AuthDefinition[] {
  if (place.value === undefined)
    return failAt(
      place,
      'auth: is missing; write auth: { none: true } for a system without sign-in',
    )
  const list = Array.isArray(place.value)
  const ways = [place.value].flat().map((_, i) => readOne(list ? below(place, i) : place, settings))
  return ways.length > 0 ? ways : failAt(place, 'auth: the list is empty')
}

function readOne(place: Located, settings: ReadonlyMap<string, Setting>): AuthDefinition {
  const given = parseAt(oneSchema, place, 'auth')
  const how = exactlyOne(place, 'auth:', ['none', 'header', 'basic', 'oauth2'])
  const allowed = new Set(settings.keys())
  const names = new Set<string>()
  const text = (...steps: PropertyKey[]): Template => {
    const template = compileTemplate(below(place, ...steps), allowed)
    for (const name of template.names) names.add(name)
    return template
  }
  const map = (key: string): Map<string, Template> =>
    new Map(
      Object.keys((below(place, key).value as object | undefined) ?? {}).map((name) => [
        name,
        text(key, name),
      ]),
    )
  const refuse = (allowedKeys: readonly string[]): void => {
    for (const key of Object.keys(given))
      if (!allowedKeys.includes(key))
        failAt(
          below(place, key),
          `auth: ${key}: is not for ${how === 'oauth2' ? String(given.oauth2) : how}; allowed are ${allowedKeys.join(', ')}`,
        )
  }
  if (how !== 'oauth2') {
    refuse([how])
    if (how === 'none') return { how, names }
    if (how === 'header') return { how, headers: map('header'), names }
    return { how, user: text('basic', 'user'), password: text('basic', 'password'), names }
  }

  const grant = given.oauth2 ?? 'clientCredentials'
  const { needs, may } = PARTS[grant]
  for (const key of ['token', ...needs])
    if (below(place, key).value === undefined)
      failAt(place, `auth: ${grant} needs ${key}:`, ['oauth2'])
  refuse([...ALWAYS, ...needs, ...may])
  const optional = (key: string) => (below(place, key).value === undefined ? null : text(key))
  const paths = Object.entries(given.take ?? {}).map(([name, path]): [string, Path] => [
    name,
    pathAt(path, ['take', name], (at, message) => failAt(below(place, ...at), message)),
  ])
  return {
    how,
    grant,
    names,
    token: text('token'),
    clientId: optional('clientId'),
    clientSecret: optional('clientSecret'),
    clientIn: given.clientIn ?? 'form',
    scope: optional('scope'),
    refreshToken: optional('refreshToken'),
    privateKey: optional('privateKey'),
    algorithm: given.algorithm ?? (grant === 'privateKeyJwt' ? 'PS256' : 'RS256'),
    keyId: optional('keyId'),
    claims: map('claims'),
    assertionMs: given.assertion ?? assertionMsDefault,
    form: map('form'),
    lifetimeMs: given.lifetime ?? null,
    answer: pathAt(given.answer ?? 'access_token', ['answer'], (at, message) =>
      failAt(below(place, ...at), message),
    ),
    header: given.use?.header ?? 'authorization',
    prefix: given.use?.prefix ?? (given.use ? '' : 'Bearer '),
    take: new Map(paths),
  }
}
