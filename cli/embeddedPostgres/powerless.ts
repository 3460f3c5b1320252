import { existsSync, readFileSync } from 'node:fs'
import { platform } from 'node:os'
import type { ServerUser } from './serverUser.ts'

export interface Command {
  program: string
  args: string[]
  uid?: number
  gid?: number
}

const SETPRIV = ['/usr/bin/setpriv', '/bin/setpriv']
const CAP_SETPCAP = 8n

/**
 * Returns the command that starts a program as that user and without any power of ours: no
 * capability, no further groups, no way to gain privileges by a set-user-id program, no core dump
 * (it would hold data). Without setpriv (util-linux) the kernel itself takes the capabilities of
 * root away when the user changes.
 */
export function powerless(user: ServerUser | null, program: string, args: string[]): Command {
  if (platform() === 'win32') return { program, args }
  const setpriv = SETPRIV.find(existsSync)
  const withoutCore = ['-c', 'ulimit -c 0; umask 077; exec "$@"', 'sh']
  if (setpriv === undefined)
    return { program: '/bin/sh', args: [...withoutCore, program, ...args], ...user }
  return {
    program: '/bin/sh',
    args: [
      ...withoutCore,
      setpriv,
      ...(user ? [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'] : []),
      '--inh-caps=-all',
      '--ambient-caps=-all',
      ...(mayChangeBounds() ? ['--bounding-set=-all'] : []),
      '--no-new-privs',
      program,
      ...args,
    ],
  }
}

/** Returns true if this process may give capabilities up for all of its descendants. */
function mayChangeBounds(): boolean {
  try {
    const [, effective] =
      /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
    return effective !== undefined && (BigInt(`0x${effective}`) >> CAP_SETPCAP) % 2n === 1n
  } catch {
    return false // no /proc: not Linux
  }
}
