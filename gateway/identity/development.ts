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
import { untrustedPart } from '../../schema/kit/trustedPath.ts'
import type { TokenIssuer } from './token.ts'

/** The issuer of development tokens. No real issuer can have this name, because it is not a URL. */
export const DEVELOPMENT_ISSUER = 'touchstone-development'
const algorithm = 'ES256'
/** The name of the key file in the data directory. */
export const DEVELOPMENT_KEY_FILE = 'development-key.json'

/**
 * Creates the built-in issuer, with one key pair for each data directory. The pair is generated
 * when it is first needed, and only its owner can read it. It is valid on its own machine only: a
 * gateway with a configured issuer, or one that listens beyond loopback, does not accept it.
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

/** Signs a token of the built-in issuer. */
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
 * Returns the text of a file that only its owner may read; creates the file if it is missing. If
 * several processes create it at once, one wins and all read the same text. Throws if others could
 * read or replace it.
 */
export async function secretFile(
  dir: string,
  name: string,
  make: () => Promise<string> | string,
): Promise<string> {
  const file = join(dir, name)
  const untrusted = untrustedPart(file)
  if (untrusted) throw new Error(`${file} is not safe: ${untrusted}`)
  if (!existsSync(file)) {
    mkdirSync(dir, { recursive: true })
    // A file or link that already exists under this name would keep its mode or lead elsewhere.
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
  const { mode, uid } = statSync(file)
  if (process.platform !== 'win32' && (mode & 0o077) !== 0)
    throw new Error(
      `${file} can be read by others than its owner: chmod 600 it, or remove it for a new one`,
    )
  if (process.getuid && uid !== process.getuid() && uid !== 0)
    throw new Error(
      `${file} belongs to user ${uid}, who knows it: remove it for a new one, or change its owner (chown)`,
    )
  return readFileSync(file, 'utf8')
}
