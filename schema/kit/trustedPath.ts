import {
  existsSync,
  lstatSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  type Stats,
} from 'node:fs'
import { dirname, join, parse, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** As the kernel: a chain of more links than this leads nowhere. */
const linksMax = 40
const GROUP_WRITES = 0o020
const ALL_WRITE = 0o002
const STICKY = 0o1000

interface Step {
  path: string
  found: Stats
}

/**
 * Returns which folder or link on the way to a path lets another user put something else in its
 * place, and what to do; null if none does. The way includes where links lead. Trusted are root and
 * the user of this process. A folder of everybody is trusted if it is sticky, as /tmp is. The path
 * itself may be missing. Windows has other rights; there nothing is checked.
 *
 * Folders above this program count as trusted: their writers can replace the program itself, and
 * machines for builds often open them (`weakProgramFolder` finds them).
 */
export function untrustedPart(path: string): string | null {
  for (const step of way(path)) {
    const weakness = isAboveProgram(step.path) ? null : weaknessOf(step)
    if (weakness) return weakness
  }
  return null
}

/** Returns which folder above this program lets another user replace the program, or null. */
export function weakProgramFolder(): string | null {
  for (const step of way(join(programFolder(), 'x'))) {
    const weakness = weaknessOf(step)
    if (weakness) return weakness
  }
  return null
}

/**
 * Returns a warning for each folder on the way whose group has other members: they may replace what
 * is in it. That is often meant, so it is no reason to refuse.
 */
export function groupWarnings(path: string): string[] {
  return [...way(path)].flatMap(({ path: folder, found }) =>
    found.isDirectory() &&
    (found.mode & GROUP_WRITES) !== 0 &&
    (found.mode & STICKY) === 0 &&
    hasOtherMembers(found.gid)
      ? [`the members of group ${found.gid} may replace what is in ${described(folder, found)}`]
      : [],
  )
}

/**
 * Returns why every user of this machine may change a file, and what to do; null if not every user
 * may. The file may be missing. Files of this program are left out: they are as safe as the program.
 */
export function openToAll(path: string): string | null {
  if (!process.getuid) return null
  const file = existsSync(path) ? realpathSync(path) : resolve(path)
  if (file.startsWith(programFolder() + sep)) return null
  const found = lstatSync(file, { throwIfNoEntry: false })
  if (found && (found.mode & ALL_WRITE) !== 0)
    return `every user of this machine may write ${described(path, found)}: chmod o-w it`
  for (const step of way(path)) {
    const weakness = isAboveProgram(step.path) ? null : openFolder(step)
    if (weakness) return weakness
  }
  return null
}

function weaknessOf(step: Step): string | null {
  const { path, found } = step
  if (!isForeign(found.uid)) return openFolder(step)
  return (
    `user ${found.uid} owns ${described(path, found)} and may replace what is in it: ` +
    `run Touchstone as that user, change the owner (chown), or name a place elsewhere`
  )
}

function openFolder({ path, found }: Step): string | null {
  if (!found.isDirectory() || (found.mode & ALL_WRITE) === 0 || (found.mode & STICKY) !== 0)
    return null
  return (
    `every user of this machine may replace what is in ${described(path, found)}: ` +
    `take that right away (chmod o-w ${path}), or name a place elsewhere`
  )
}

function described(path: string, { mode, uid }: Stats): string {
  return `${path} (owner ${uid}, mode ${(mode & 0o7777).toString(8).padStart(4, '0')})`
}

/** The folders that hold a part of the path, and the links on it, from the root on. */
function* way(path: string): Generator<Step> {
  if (!process.getuid) return
  let links = 0
  let parts = partsOf(resolve(path))
  let at = parse(resolve(path)).root
  yield { path: at, found: lstatSync(at) }
  while (parts.length > 0) {
    const [name = '', ...rest] = parts
    const next = join(at, name)
    const found = lstatSync(next, { throwIfNoEntry: false })
    if (!found) return
    parts = rest
    if (found.isSymbolicLink()) {
      if (++links > linksMax) throw new Error(`${path} leads through more than ${linksMax} links`)
      yield { path: next, found }
      const target = resolve(at, readlinkSync(next))
      parts = [...partsOf(target), ...rest]
      at = parse(target).root
    } else {
      if (rest.length > 0) yield { path: next, found }
      at = next
    }
  }
}

function partsOf(absolute: string): string[] {
  return absolute
    .slice(parse(absolute).root.length)
    .split(sep)
    .filter((part) => part !== '')
}

function isForeign(uid: number): boolean {
  return uid !== 0 && uid !== process.getuid?.() && uid !== unmappedUser()
}

/**
 * Returns the user that stands for all users outside of this user namespace, for root too; null
 * where every user has a number of its own.
 */
function unmappedUser(): number | null {
  try {
    const isWhole = /^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'utf8'))
    return isWhole ? null : Number(readFileSync('/proc/sys/kernel/overflowuid', 'utf8'))
  } catch {
    return null // not Linux
  }
}

/**
 * Returns whether a group has members beside root and our own user, by the files of users and
 * groups. A group that they do not know is private only if it is our own one.
 */
function hasOtherMembers(gid: number): boolean {
  if (gid === 0) return false
  try {
    const users = linesOf('/etc/passwd')
    const known = linesOf('/etc/group').filter((fields) => Number(fields[2]) === gid)
    if (known.length === 0) return gid !== process.getgid?.()
    const names = new Set(known.flatMap((fields) => (fields[3] ?? '').split(',')))
    const isMember = (fields: string[]) => names.has(fields[0] ?? '') || Number(fields[3]) === gid
    return users.some((fields) => isMember(fields) && isForeign(Number(fields[2])))
  } catch {
    return gid !== process.getgid?.()
  }
}

function linesOf(file: string): string[][] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(':'))
}

function programFolder(): string {
  return realpathSync(fileURLToPath(new URL('../../', import.meta.url)))
}

function isAboveProgram(folder: string): boolean {
  for (let at = programFolder(); ; at = dirname(at)) {
    if (at === folder) return true
    if (at === dirname(at)) return false
  }
}
