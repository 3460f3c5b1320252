import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { platform, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** Bytes of a socket's path that the system takes: sun_path without its closing zero. */
const pathBytesMax = platform() === 'linux' ? 107 : 103
const prefix = 'touchstone-'
const link = 'd'

/**
 * Returns the path by which clients reach the Unix socket of a server that listens in its data
 * directory. Postgres starts only if its user alone may enter that. A path that is too long for a
 * socket gets a link in a folder of ours in the system's folder for temporary files. `before` is
 * the path of the last time: it keeps its name where it can, so that running processes find the
 * server again. Throws if other users could replace the link.
 */
export function socketFolder(data: string, port: number, before: string | undefined): string {
  if (fits(data, port)) return data
  const base = temporaryFolder(port)
  if (before !== undefined && dirname(dirname(before)) === base) {
    if (isOurLink(before, data)) return before
    removeSocketFolder(before, data)
    try {
      mkdirSync(dirname(before), { mode: 0o700 })
      symlinkSync(data, before)
      return before
    } catch (e) {
      // Another user has taken the name meanwhile.
      if (!(e instanceof Error && 'code' in e && e.code === 'EEXIST')) throw e
    }
  }
  const made = join(mkdtempSync(join(base, prefix)), link)
  symlinkSync(data, made)
  return made
}

/** Removes the link in the folder for temporary files, if there is one and it is ours. */
export function removeSocketFolder(folder: string, data: string): void {
  if (folder !== data && isPrivate(dirname(folder)))
    rmSync(dirname(folder), { recursive: true, force: true })
}

/**
 * True if other users can neither enter the folder nor have made it, nor is it a link of theirs.
 */
export function isPrivate(folder: string): boolean {
  const found = lstatSync(folder, { throwIfNoEntry: false })
  return (
    found?.isDirectory() === true && found.uid === process.getuid?.() && (found.mode & 0o077) === 0
  )
}

function isOurLink(path: string, data: string): boolean {
  if (!isPrivate(dirname(path))) return false
  const found = lstatSync(path, { throwIfNoEntry: false })
  return found?.isSymbolicLink() === true && readlinkSync(path) === data
}

function fits(folder: string, port: number): boolean {
  return Buffer.byteLength(join(folder, `.s.PGSQL.${port}`)) <= pathBytesMax
}

/** Returns a short folder in which no user can replace what another one has created. */
function temporaryFolder(port: number): string {
  for (const base of [tmpdir(), '/tmp']) {
    if (!fits(join(base, `${prefix}XXXXXX`, link), port)) continue
    const found = statSync(base, { throwIfNoEntry: false })
    if (!found) continue
    const trusted = found.uid === 0 || found.uid === process.getuid?.()
    if (trusted && ((found.mode & 0o022) === 0 || found.mode & 0o1000)) return realpathSync(base)
  }
  throw new Error(
    'the path of the data directory is too long for a Unix socket, and there is no short folder for temporary files that is safe from other users: ' +
      'name a shorter data directory with --data-dir or TOUCHSTONE_DATA_DIR',
  )
}
