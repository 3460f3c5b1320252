import { readFileSync, readlinkSync } from 'node:fs'

/** Names one process for ever: its id alone is given out again after a restart of the machine or the container. */
export function processMark(pid: number): string | null {
  try {
    process.kill(pid, 0)
  } catch (e) {
    if (!(e instanceof Error && 'code' in e && e.code === 'EPERM')) return null
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The command name is in brackets and may hold anything; the start time is the 20th field after it.
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
  return processMark(Number(mark.split(' ')[0])) === mark
}

/** Whether a process works in that folder: a Postgres server's working directory is its data. Null where one cannot know. */
export function worksIn(pid: number, dir: string): boolean | null {
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === dir
  } catch (e) {
    return e instanceof Error && 'code' in e && e.code === 'ENOENT' && processMark(pid) === null ? false : null
  }
}
