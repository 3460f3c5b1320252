import { execFileSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

export interface ServerUser {
  uid: number
  gid: number
}

/**
 * Returns the user that runs the server. Postgres refuses root, so root uses the user `postgres`,
 * which is created if missing, or `nobody` if users cannot be created. Returns null for any other
 * user, who runs the server himself.
 */
export function findServerUser(): ServerUser | null {
  if (process.getuid?.() !== 0) return null
  const known = lookUp('postgres')
  if (known) return known
  try {
    execFileSync('groupadd', ['--system', 'postgres'], { stdio: 'ignore' })
    execFileSync('useradd', ['--system', '-g', 'postgres', '-d', '/nonexistent', 'postgres'], {
      stdio: 'ignore',
    })
  } catch {
    // A read-only /etc, or an image without useradd: `nobody` exists everywhere.
  }
  const made = lookUp('postgres') ?? lookUp('nobody')
  if (!made)
    throw new Error(
      'Postgres does not run as root and there is no user for it: add one with "useradd postgres"',
    )
  return made
}

/**
 * Returns the command that starts `program` as that user. A folder that only root may enter (/root,
 * mktemp -d) becomes accessible through the one capability that reads past permissions, by setpriv
 * of util-linux. The files stay in place.
 */
export function commandAsUser(
  user: ServerUser | null,
  program: string,
  args: string[],
  paths: string[],
): { program: string; args: string[]; uid?: number; gid?: number } {
  if (!user) return { program, args }
  if (paths.every((p) => reachable(p, user))) return { program, args, ...user }
  if (!existsSync('/usr/bin/setpriv') && !existsSync('/bin/setpriv'))
    throw new Error(
      `the user postgres may not enter ${paths.find((p) => !reachable(p, user))}: run Touchstone as another user than root, or in a folder that all may enter`,
    )
  const capability = '+dac_override'
  return {
    program: 'setpriv',
    args: [
      `--reuid=${user.uid}`,
      `--regid=${user.gid}`,
      '--clear-groups',
      `--inh-caps=${capability}`,
      `--ambient-caps=${capability}`,
      // Otherwise access(2), which initdb uses to find its server, still checks the user alone.
      '--securebits=+no_setuid_fixup',
      program,
      ...args,
    ],
  }
}

function reachable(path: string, user: ServerUser): boolean {
  for (let dir = dirname(path); ; dir = dirname(dir)) {
    const s = statSync(dir)
    const bit = s.uid === user.uid ? 0o100 : s.gid === user.gid ? 0o010 : 0o001
    if (!(s.mode & bit)) return false
    if (dir === dirname(dir)) return true
  }
}

function lookUp(name: string): ServerUser | null {
  try {
    const id = (flag: string) =>
      Number(execFileSync('id', [flag, name], { stdio: ['ignore', 'pipe', 'ignore'] }))
    return { uid: id('-u'), gid: id('-g') }
  } catch {
    return null
  }
}
