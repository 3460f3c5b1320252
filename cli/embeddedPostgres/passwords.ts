import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import { renameSync, rmSync, writeFileSync } from 'node:fs'

/** Default of Postgres and RFC 7677. Our passwords are random: more would only cost time. */
const iterations = 4096

export function newPassword(): string {
  return randomBytes(24).toString('base64url')
}

/**
 * Returns what Postgres stores of a password. Statements with it show the password to nobody, in no
 * log and no view.
 */
export function scramVerifier(password: string): string {
  const salt = randomBytes(16)
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256')
  const keyed = (text: string) => createHmac('sha256', salted).update(text).digest()
  const stored = createHash('sha256').update(keyed('Client Key')).digest('base64')
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${stored}:${keyed('Server Key').toString('base64')}`
}

/**
 * Writes a file in the format of .pgpass, for our driver and for the tools of Postgres. It is
 * replaced in one step: a connection that opens meanwhile reads the old or the new one.
 */
export function writePasswords(file: string, passwords: ReadonlyMap<string, string>): void {
  const lines = [...passwords].map(([user, password]) => `*:*:*:${user}:${password}\n`)
  replaceFile(file, lines.join(''))
}

/**
 * Replaces a file that its owner alone may read. Never writes through a link that is in its place.
 */
export function replaceFile(file: string, text: string): void {
  const next = `${file}.new`
  rmSync(next, { recursive: true, force: true })
  writeFileSync(next, text, { mode: 0o600, flag: 'wx' })
  renameSync(next, file)
}
