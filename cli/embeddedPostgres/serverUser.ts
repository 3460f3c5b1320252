import { execFileSync } from 'node:child_process'
import { lchownSync, lstatSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { childEnvironment } from '../../schema/kit/childEnvironment.ts'

export interface ServerUser {
  uid: number
  gid: number
}

/** The user that runs the server of a program that was started as root. */
const NAME = 'touchstone-postgres'
/** Two processes that create it at once wait for each other here. */
const attemptsMax = 20
const betweenAttemptsMs = 100

/**
 * Returns the user that runs the server. Postgres refuses root, so root uses a user of its own,
 * which is created if missing; where users cannot be created, the user `postgres`. `nobody` is not
 * used: it is everybody's. Returns null for any other user, who runs the server himself.
 */
export function findServerUser(): ServerUser | null {
  if (process.getuid?.() !== 0) return null
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const known = lookUp(NAME)
    if (known) return known
    const why = create()
    const made = lookUp(NAME) ?? (why === 'LOCKED' ? null : lookUp('postgres'))
    if (made) return made
    if (why !== 'LOCKED') break
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, betweenAttemptsMs)
  }
  throw new Error(
    `Postgres does not run as root, and its user cannot be created here: add one with "useradd --system ${NAME}", ` +
      'or run Touchstone as another user than root',
  )
}

function create(): 'CREATED' | 'LOCKED' | 'IMPOSSIBLE' {
  try {
    execFileSync(
      'useradd',
      ['--system', '--user-group', '--home-dir', '/nonexistent', '--shell', '/bin/false', NAME],
      { stdio: 'ignore', env: childEnvironment() },
    )
    return 'CREATED'
  } catch (e) {
    // 1: another process changes /etc/passwd; 9: it has created the user meanwhile.
    const status = e instanceof Error && 'status' in e ? e.status : null
    // Otherwise a read-only /etc, or an image without useradd.
    return status === 1 || status === 9 ? 'LOCKED' : 'IMPOSSIBLE'
  }
}

function lookUp(name: string): ServerUser | null {
  try {
    const id = (flag: string) =>
      Number(
        execFileSync('id', [flag, name], {
          stdio: ['ignore', 'pipe', 'ignore'],
          env: childEnvironment(),
        }),
      )
    return { uid: id('-u'), gid: id('-g') }
  } catch {
    return null
  }
}

/**
 * Gives a folder and all in it to the server's user: the data of an older version, or of a backup
 * that was made on another machine.
 */
export function giveTo(user: ServerUser, path: string): void {
  const s = lstatSync(path)
  if (s.uid === user.uid && s.gid === user.gid) return
  giveAll(user, path)
}

function giveAll(user: ServerUser, path: string): void {
  const s = lstatSync(path)
  // The former owner may have linked a file of somebody else's into the folder.
  if (s.isFile() && s.nlink > 1)
    throw new Error(`${path} has a second name elsewhere: it is not given to the user ${NAME}`)
  if (s.isDirectory()) for (const name of readdirSync(path)) giveAll(user, join(path, name))
  lchownSync(path, user.uid, user.gid)
}

/** Returns true if this user may enter all folders above this path. */
export function isReachable(path: string, user: ServerUser): boolean {
  for (let dir = dirname(path); ; dir = dirname(dir)) {
    const s = statSync(dir)
    const bit = s.uid === user.uid ? 0o100 : s.gid === user.gid ? 0o010 : 0o001
    if (!(s.mode & bit)) return false
    if (dir === dirname(dir)) return true
  }
}
