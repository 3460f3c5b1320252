import { readFileSync, statSync } from 'node:fs'

/**
 * Returns a permanent identity of a process. The process id alone is reused after a restart of the
 * machine or the container.
 */
export function processIdentity(pid: number): string | null {
  try {
    process.kill(pid, 0)
  } catch (e) {
    if (!(e instanceof Error && 'code' in e && e.code === 'EPERM')) return null
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The command name is in brackets and may hold any text; the start time is the 20th field after
    // it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // A zombie has ended; its parent has not collected it yet.
    if (fields[0] === 'Z') return null
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${pid} ${fields[19]} ${boot}`
  } catch {
    return `${pid}` // no /proc: not Linux
  }
}

/** Returns true if the process with this identity still runs. */
export function isAlive(mark: string): boolean {
  return processIdentity(Number(mark.split(' ')[0])) === mark
}

/** Returns the arguments of a server by which `servesDataDirectory` recognises it. */
export function serverMark(data: string): string[] {
  return ['-c', `touchstone.data_directory=${data}`]
}

/**
 * Returns true if a process was started on that data directory: its id may have been reused. Reads
 * the command line, which is readable for everyone; the working directory requires the right to
 * trace. Returns null if the command line cannot be read.
 */
export function servesDataDirectory(pid: number, data: string): boolean | null {
  try {
    // Any user may give a process these arguments, also one with the id of a killed server. Postgres
    // runs as the owner of its data alone.
    const [, user] = /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    if (Number(user) !== statSync(data).uid) return false
    const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    // An older version named the directory as an argument of its own.
    return args.includes(data) || serverMark(data).every((arg) => args.includes(arg))
  } catch {
    return processIdentity(pid) === null ? false : null
  }
}
