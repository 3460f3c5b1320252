import { readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The begin of the name of a folder with a copy: the number of its process follows. */
const prefix = 'touchstone-files-'

/** Returns the begin of the name of a folder for a copy of this process. */
export function copyPrefix(): string {
  return join(tmpdir(), `${prefix}${process.pid}-`)
}

let removed: Promise<void> | null = null

/** Removes, once in a process, the copies that killed processes of this machine have left. */
export async function removeLeftCopies(): Promise<void> {
  removed ??= remove()
  await removed
}

async function remove(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const [, pid] = new RegExp(`^${prefix}(\\d+)-`).exec(name) ?? []
    if (pid !== undefined && !isAlive(Number(pid)))
      await rm(join(tmpdir(), name), { recursive: true, force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (e) {
    // A process of another user may not be asked, but it is there.
    return !(e instanceof Error && 'code' in e && e.code === 'ESRCH')
  }
}
