import { readFileSync } from 'node:fs'

/**
 * Names one process for ever: its id alone is given out again after a restart of the machine or the
 * container.
 */
export function processIdentity(pid: number): string | null {
  try {
    process.kill(pid, 0)
  } catch (e) {
    if (!(e instanceof Error && 'code' in e && e.code === 'EPERM')) return null
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The command name is in brackets and may hold anything; the start time is the 20th field after
    // it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // A zombie has ended; only its parent has not asked yet.
    if (fields[0] === 'Z') return null
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${pid} ${fields[19]} ${boot}`
  } catch {
    return `${pid}` // no /proc: not Linux
  }
}

/** Whether the mark's process still runs. */
export function alive(mark: string): boolean {
  return processIdentity(Number(mark.split(' ')[0])) === mark
}

/**
 * Whether a process was started on that data directory: its number may belong to anyone by now. By
 * its command line, which all may read (its working directory only those who may trace it). Null
 * where one cannot know.
 */
export function serves(pid: number, data: string): boolean | null {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(data)
  } catch {
    return processIdentity(pid) === null ? false : null
  }
}
