import type { Logger } from 'pino'
import type { ConsoleSignIn } from '../../gateway/http/consolePages.ts'
import { describeError } from '../../gateway/http/describeError.ts'
import { type Access, readAccess } from '../../gateway/identity/access.ts'
import type { Callers } from '../../gateway/identity/caller.ts'
import {
  authenticatedCallers,
  type CallersOptions,
  localCallers,
} from '../../gateway/identity/callers.ts'
import { developmentIssuer } from '../../gateway/identity/development.ts'
import { developmentSecretCheck } from '../../gateway/identity/developmentSecret.ts'
import { keyVerifier } from '../../gateway/identity/keys.ts'
import { isLoopback } from '../../gateway/identity/loopback.ts'
import { remoteKeys } from '../../gateway/identity/remoteKeys.ts'
import { tokenVerifier } from '../../gateway/identity/token.ts'
import { countValidKeys, keyVerification } from '../../mdm/access/apiKeys.ts'
import type { Sql } from '../../mdm/db/database.ts'
import { ConfigError } from '../../schema/kit/configError.ts'
import type { Config } from '../config/config.ts'
import { packagePath } from '../config/packagePath.ts'

export const AUTHENTICATION_CONFIG = [
  'authentication',
  'developmentAccess',
  'authIssuer',
  'authJwks',
  'authAudience',
  'authAlgorithms',
  'authClockSkewSecondsMax',
  'authRolesClaim',
  'access',
] as const

export type AuthenticationConfig = Config<
  (typeof AUTHENTICATION_CONFIG)[number] | 'host' | 'hostsAllowed' | 'originsAllowed' | 'dataDir'
>

/** Opens the roles of this installation. Throws with file, path and the allowed values. */
export function openAccess(config: Pick<AuthenticationConfig, 'access'>): Access {
  return readAccess(config.access ?? packagePath('config/access.yaml'))
}

/** Returns whether the secret of a start is no credential, but only tokens and API keys are. */
export function authenticationRequired(
  config: Pick<AuthenticationConfig, 'authentication' | 'authIssuer' | 'host'>,
) {
  return (
    config.authentication === 'required' ||
    config.authIssuer !== undefined ||
    !isLoopback(config.host)
  )
}

/**
 * Creates the authentication of callers: by tokens of the configured issuer and by API keys.
 * Without configuration it serves this machine only. Callers may then also use development tokens,
 * and our own user and holders of the secret of the start are the development caller. Throws
 * ConfigError if a listener beyond this machine would have no caller to accept.
 */
export async function authentication(at: {
  config: AuthenticationConfig
  sql: Sql
  log: Logger
}): Promise<Callers> {
  const { config, sql, log } = at
  const origins = config.originsAllowed
  const access = openAccess(config)
  if (config.authJwks && !config.authIssuer)
    throw new ConfigError(
      'TOUCHSTONE_AUTH_JWKS names keys without their issuer: set TOUCHSTONE_AUTH_ISSUER as well',
    )
  const key = keyVerifier(
    {
      find: keyVerification(sql),
      report: (err) => log.error({ err: describeError(err) }, 'API keys could not be read'),
    },
    access,
  )
  if (!authenticationRequired(config)) {
    const issuer = await developmentIssuer(config.dataDir, config.authAudience)
    const isSecret = secretCheck(config.dataDir, log)
    const token = tokenVerifier(issuer, access)
    const acceptsOwnUser = config.developmentAccess === 'user'
    return localCallers({
      isSecret,
      acceptsOwnUser,
      hostsAllowed: config.hostsAllowed,
      key,
      token,
      origins,
    })
  }
  return authenticatedCallers({ key, token: await issuerOf(at, access), origins })
}

/** Returns how people sign in at the console. */
export function consoleSignIn(
  config: Pick<AuthenticationConfig, 'authentication' | 'authIssuer' | 'host'> &
    Config<'consoleClientId' | 'consoleScopes'>,
): ConsoleSignIn {
  if (!authenticationRequired(config)) return { mode: 'DEVELOPMENT' }
  const { authIssuer: issuer, consoleClientId: clientId, consoleScopes: scopes } = config
  if (issuer === undefined || clientId === undefined) return { mode: 'CREDENTIAL' }
  return { mode: 'ISSUER', issuer, clientId, scopes }
}

/** Returns a function that returns true for the secret of the latest start on a data directory. */
export function secretCheck(dataDir: string, log: Logger): (text: string) => boolean {
  return developmentSecretCheck(dataDir, (err) =>
    log.error({ err: describeError(err) }, 'the development secret could not be read'),
  )
}

async function issuerOf(
  { config, sql, log }: { config: AuthenticationConfig; sql: Sql; log: Logger },
  access: Access,
): Promise<CallersOptions['token']> {
  if (config.authIssuer) {
    const report = (why: string) => log.error({ why }, 'the keys of the issuer cannot be read')
    const issuer = {
      issuer: config.authIssuer,
      audience: config.authAudience,
      keys: remoteKeys({ issuer: config.authIssuer, jwksUrl: config.authJwks, report }),
      algorithms: config.authAlgorithms,
      clockSkewSecondsMax: config.authClockSkewSecondsMax,
      rolesClaim: config.authRolesClaim,
    }
    return tokenVerifier(issuer, access)
  }
  if ((await countValidKeys(sql)) > 0) return undefined
  const remedy =
    'set TOUCHSTONE_AUTH_ISSUER, or make an API key first: npx touchstone keys create NAME --role ROLE'
  if (!isLoopback(config.host))
    throw new ConfigError(
      `listening on ${config.host} without authentication would serve more than this machine: ${remedy}`,
    )
  log.warn(`authentication is required and no caller has credentials: ${remedy}`)
  return undefined
}
