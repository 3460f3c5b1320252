import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { untrustedPart } from '../../schema/kit/trustedPath.ts'

/** The file in the data directory that holds the secret of the latest start. */
export const DEVELOPMENT_SECRET_FILE = 'development-secret'
/** Prefix of the secret; neither a token nor an API key has it. */
export const DEVELOPMENT_SECRET_PREFIX = 'tsd_'
/** How long a secret is accepted after another process on the data directory has replaced it. */
const ageMsMax = 1_000

/**
 * Replaces the secret of a server without authentication, and returns it. Every start makes its
 * own: a link in a terminal, a log or a browser's history is void after the next one. Processes on
 * one data directory share the secret of the latest start.
 */
export function renewDevelopmentSecret(dataDir: string): string {
  const secret = `${DEVELOPMENT_SECRET_PREFIX}${randomBytes(32).toString('base64url')}`
  const untrusted = untrustedPart(join(dataDir, DEVELOPMENT_SECRET_FILE))
  if (untrusted) throw new Error(`the data directory ${dataDir} is not safe: ${untrusted}`)
  mkdirSync(dataDir, { recursive: true })
  // Renaming a new file leaves nobody else's file, mode or link in place.
  const whole = join(dataDir, `.${DEVELOPMENT_SECRET_FILE}.${randomUUID()}`)
  try {
    writeFileSync(whole, `${secret}\n`, { mode: 0o600, flag: 'wx' })
    renameSync(whole, join(dataDir, DEVELOPMENT_SECRET_FILE))
  } finally {
    rmSync(whole, { force: true })
  }
  return secret
}

/**
 * Returns the secret in the file, or null if there is none. Throws if the file is a link, or if
 * another user owns, reads or writes it.
 */
export function readDevelopmentSecret(dataDir: string): string | null {
  const file = join(dataDir, DEVELOPMENT_SECRET_FILE)
  let opened: number
  try {
    opened = openSync(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0))
  } catch (e) {
    if (e instanceof Error && 'code' in e && e.code === 'ENOENT') return null
    throw e
  }
  try {
    const { mode, uid } = fstatSync(opened)
    const user = process.getuid?.()
    // root may read the files of every user.
    const isForeign = user !== undefined && user !== 0 && uid !== user
    if (process.platform !== 'win32' && (isForeign || (mode & 0o077) !== 0))
      throw new Error(`${file} is not a file of its owner alone: remove it and start again`)
    return readFileSync(opened, 'utf8').trim()
  } finally {
    closeSync(opened)
  }
}

/** Makes a secret for processes of the data directory that start before one that renews it. */
export function ensureDevelopmentSecret(dataDir: string): void {
  let secret: string | null
  try {
    secret = readDevelopmentSecret(dataDir)
  } catch {
    secret = null // A link, or a file of another user: it is replaced, as at every start.
  }
  if (secret === null) renewDevelopmentSecret(dataDir)
}

/** Returns a function that returns true for the secret that the data directory holds now. */
export function developmentSecretCheck(
  dataDir: string,
  report: (error: unknown) => void,
): (text: string) => boolean {
  let current: Buffer | null = null
  let readAt = Number.NEGATIVE_INFINITY
  const read = () => {
    readAt = performance.now()
    try {
      const secret = readDevelopmentSecret(dataDir)
      current = secret?.startsWith(DEVELOPMENT_SECRET_PREFIX) ? digest(secret) : null
    } catch (e) {
      current = null
      report(e)
    }
  }
  return (text) => {
    const given = digest(text)
    const isCurrent = () => current !== null && timingSafeEqual(current, given)
    if (performance.now() - readAt < ageMsMax && isCurrent()) return true
    read()
    return isCurrent()
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
