import { createHash, randomBytes } from 'node:crypto'
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { POSTGRES_MAJOR, type PostgresBinaries } from './binaries.ts'
import { isReachable, type ServerUser } from './serverUser.ts'

/** Where root has copies of programs that lie in folders that only root may enter. */
const COPIES = '/var/cache/touchstone'

/**
 * Returns binaries that this user can execute. Programs in a folder that only root may enter, as
 * those of a checkout in /root, are copied once to a folder of root that all may read: they are not
 * secret. The other way, a server with the capability to read every file, is worse. Throws if there
 * is no place for a copy.
 */
export function reachableBinaries(
  binaries: PostgresBinaries,
  user: ServerUser | null,
): PostgresBinaries {
  if (!user) return binaries
  const { postgres, initdb } = binaries
  if ([postgres, initdb].every((p) => isReachable(p, user) && isExecutable(p))) return binaries
  const native = dirname(dirname(postgres))
  try {
    const copy = copied(native)
    return {
      postgres: join(copy, 'bin', basename(postgres)),
      initdb: join(copy, 'bin', basename(initdb)),
    }
  } catch (e) {
    throw new Error(
      `the user that runs Postgres may not enter ${native}, and a copy in ${COPIES} cannot be made ` +
        `(${e instanceof Error ? e.message : e}): install Touchstone in a folder that all may enter, or run it as another user than root`,
      { cause: e },
    )
  }
}

function isExecutable(file: string): boolean {
  return (statSync(file).mode & 0o005) === 0o005
}

function copied(native: string): string {
  mkdirSync(COPIES, { recursive: true, mode: 0o755 })
  const { uid, mode } = lstatSync(COPIES)
  if (uid !== 0 || (mode & 0o022) !== 0) throw new Error('others than root may write there')
  chmodSync(COPIES, 0o755)
  const copy = join(COPIES, `postgres-${POSTGRES_MAJOR}-${contentsOf(native)}`)
  if (existsSync(copy)) return copy
  const partial = `${copy}.${randomBytes(6).toString('hex')}`
  try {
    cpSync(native, partial, { recursive: true, verbatimSymlinks: true })
    letAllRead(partial)
    renameSync(partial, copy)
  } catch (e) {
    rmSync(partial, { recursive: true, force: true })
    if (!existsSync(copy)) throw e // otherwise another process was faster
  }
  return copy
}

/** Returns a short hash of the names, sizes and times of all files. */
function contentsOf(folder: string): string {
  const hash = createHash('sha256')
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()
  for (const name of names) {
    const s = lstatSync(join(folder, name))
    hash.update(`${name}\0${s.isFile() ? `${s.size} ${s.mtimeMs}` : ''}\0`)
  }
  return hash.digest('hex').slice(0, 16)
}

function letAllRead(path: string): void {
  const s = lstatSync(path)
  if (s.isSymbolicLink()) return
  if (s.isDirectory()) for (const name of readdirSync(path)) letAllRead(join(path, name))
  chmodSync(path, s.isDirectory() || s.mode & 0o100 ? 0o755 : 0o644)
}
