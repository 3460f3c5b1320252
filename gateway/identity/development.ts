import { randomUUID } from 'node:crypto'
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose'
import type { TokenIssuer } from './token.ts'

/** Of development tokens; no real issuer can have this name, which is no address. */
export const DEVELOPMENT_ISSUER = 'touchstone-development'
const algorithm = 'ES256'
/** In the data directory. */
export const DEVELOPMENT_KEY_FILE = 'development-key.json'

/**
 * The built-in issuer: one key pair a data directory, made when it is first needed and readable by
 * its owner alone. It is for the machine it lies on: a gateway with a configured issuer, or one
 * that listens beyond loopback, does not know it.
 */
export async function developmentIssuer(dataDir: string, audience: string): Promise<TokenIssuer> {
  const { d: _, ...publicKey } = await developmentKey(dataDir)
  const key = await importJWK(publicKey, algorithm)
  return {
    issuer: DEVELOPMENT_ISSUER,
    audience,
    keys: async () => key as CryptoKey,
    algorithms: [algorithm],
    clockSkewSecondsMax: 0,
    rolesClaim: 'roles',
  }
}

/** A token of the built-in issuer. */
export async function developmentToken(
  dataDir: string,
  audience: string,
  claims: {
    actor: string
    roles: readonly string[]
    seconds: number
    regions?: string[]
    legalEntities?: string[]
  },
): Promise<string> {
  const key = await importJWK(await developmentKey(dataDir), algorithm)
  return await new SignJWT({
    roles: claims.roles,
    ...(claims.regions ? { regions: claims.regions } : {}),
    ...(claims.legalEntities ? { legal_entities: claims.legalEntities } : {}),
  })
    .setProtectedHeader({ alg: algorithm, typ: 'JWT' })
    .setIssuer(DEVELOPMENT_ISSUER)
    .setAudience(audience)
    .setSubject(claims.actor)
    .setIssuedAt()
    .setExpirationTime(`${claims.seconds} seconds`)
    .sign(key)
}

async function developmentKey(dataDir: string): Promise<JWK> {
  return JSON.parse(
    await secretFile(dataDir, DEVELOPMENT_KEY_FILE, async () => {
      const pair = await generateKeyPair(algorithm, { extractable: true })
      return JSON.stringify(await exportJWK(pair.privateKey))
    }),
  ) as JWK
}

/**
 * The text of a file that only its owner may read, made where it is not there. Of several processes
 * that make it at once one wins, and all read the same. Throws where others could read it.
 */
export async function secretFile(
  dir: string,
  name: string,
  make: () => Promise<string> | string,
): Promise<string> {
  const file = join(dir, name)
  if (!existsSync(file)) {
    mkdirSync(dir, { recursive: true })
    // A file or link that somebody left under this name would keep its mode, or lead elsewhere.
    const whole = join(dir, `.${name}.${randomUUID()}`)
    writeFileSync(whole, await make(), { mode: 0o600, flag: 'wx' })
    try {
      linkSync(whole, file)
    } catch (e) {
      if (!(e instanceof Error && 'code' in e && e.code === 'EEXIST')) throw e
    } finally {
      rmSync(whole, { force: true })
    }
  }
  if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0)
    throw new Error(
      `${file} can be read by others than its owner: chmod 600 it, or remove it for a new one`,
    )
  return readFileSync(file, 'utf8')
}
