import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { systemUser } from '../../schema/kit/systemUser.ts'
import { untrustedPart } from '../../schema/kit/trustedPath.ts'
import { POSTGRES_MAJOR } from './binaries.ts'

/** The data directory cannot be used. The message names it and states what would be right. */
export class DataDirectoryError extends Error {
  override name = 'DataDirectoryError'
}

/**
 * Returns the absolute path of a usable data directory. With `create` it may be missing or empty,
 * and is created; otherwise it has to hold a database, and nothing is written. Throws
 * DataDirectoryError if it cannot be used.
 */
export function openDataDirectory(dataDir: string, { create }: { create: boolean }): string {
  const path = resolve(dataDir)
  try {
    refuseUntrusted(path)
    const found = statSync(path, { throwIfNoEntry: false })
    if (found && !found.isDirectory())
      throw new DataDirectoryError(`${path} is a file, not a data directory`)
    const version = found ? readVersion(path) : null
    if (version === null && !create)
      throw new DataDirectoryError(missing(path, found !== undefined))
    if (version !== null && version !== POSTGRES_MAJOR)
      throw new DataDirectoryError(
        `the data in ${path} are of Postgres ${version}, and this version of Touchstone runs Postgres ${POSTGRES_MAJOR}: ` +
          'use the version of Touchstone that made them, or move them with pg_dump and pg_restore',
      )
    if (!found) {
      mkdirSync(path, { recursive: true, mode: 0o700 })
      // In a folder of everybody, as /tmp, somebody may have made a part of the way meanwhile.
      refuseUntrusted(path)
    }
    accessSync(path, constants.W_OK)
    refuseOtherWriters(path)
    return realpathSync(path)
  } catch (e) {
    throw e instanceof DataDirectoryError
      ? e
      : new DataDirectoryError(unusable(path, e), { cause: e })
  }
}

/** Throws if another user could put another directory in the place of this one. */
function refuseUntrusted(path: string): void {
  const untrusted = untrustedPart(path)
  if (untrusted)
    throw new DataDirectoryError(`the data directory ${path} is not safe: ${untrusted}`)
}

/**
 * Takes the right to write the directory from all but the owner: another user could replace the
 * files of the database and of the keys. Throws if the directory is not ours, or is shared by its
 * purpose, as /tmp.
 */
function refuseOtherWriters(path: string): void {
  const { mode, uid } = statSync(path)
  const me = process.getuid?.()
  if (me !== undefined && me !== 0 && uid !== me && uid !== 0)
    throw new DataDirectoryError(
      `the data directory ${path} belongs to user ${uid}, who could replace what is in it: ` +
        'run Touchstone as that user, or name another directory with --data-dir or TOUCHSTONE_DATA_DIR',
    )
  if (me === 0 && uid !== 0) {
    if (readdirSync(path).length > 0)
      throw new DataDirectoryError(
        `the data directory ${path} belongs to user ${uid}, who could replace what root writes there: ` +
          'run Touchstone as that user, or give the directory to root (chown)',
      )
    chownSync(path, 0, 0)
    chmodSync(path, 0o700)
    return
  }
  if ((mode & 0o022) === 0) return
  const shared = (mode & 0o002) !== 0 && (mode & 0o1000) !== 0
  if (uid === me && !shared) chmodSync(path, mode & 0o7755)
  else if ((mode & 0o002) !== 0)
    throw new DataDirectoryError(
      `every user of this machine may replace what is in the data directory ${path}: ` +
        `take that right away (chmod o-w), or name a directory in it with --data-dir or TOUCHSTONE_DATA_DIR`,
    )
}

function missing(path: string, exists: boolean): string {
  const what = !exists
    ? 'does not exist'
    : readdirSync(path).length === 0
      ? 'is empty'
      : 'holds no Touchstone database'
  return (
    `no database here: ${path} ${what}. Name the right directory with --data-dir or TOUCHSTONE_DATA_DIR, ` +
    'or your own Postgres with DATABASE_URL. To create a database, run "npx touchstone start" or "npx touchstone migrate"'
  )
}

/**
 * Returns the major version of the Postgres that created the data, or null if there are none. Throws
 * DataDirectoryError if the file does not say, as after a full disk or an interrupted restore.
 */
function readVersion(path: string): number | null {
  const file = join(path, 'postgres', 'PG_VERSION')
  try {
    const text = readFileSync(file, 'utf8')
    if (/^\d{1,4}\s*$/.test(text)) return Number(text)
    throw new DataDirectoryError(
      `${file} ${text.trim() === '' ? 'is empty' : 'holds no version of Postgres'}, so the database is not whole: restore the data directory from the backup`,
    )
  } catch (e) {
    if (codeOf(e) === 'ENOENT') return null
    throw e
  }
}

function unusable(path: string, e: unknown): string {
  const code = codeOf(e)
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return (
      `user ${systemUser()} cannot read and write the data directory ${path} (${code}): ` +
      'change its owner, or name another directory with --data-dir or TOUCHSTONE_DATA_DIR'
    )
  if (code === 'ENOTDIR') return `${path} cannot be a data directory: a part of the path is a file`
  return `${path} cannot be a data directory: ${e instanceof Error ? e.message : String(e)}`
}

function codeOf(e: unknown): string {
  return e instanceof Error && 'code' in e ? String(e.code) : ''
}
