import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { DATABASE } from '../../cli/embeddedPostgres/roles.ts'
import { serverUrl } from '../../cli/embeddedPostgres/server.ts'
import { type RunningCommand, runs, touchstone } from '../cli/process.ts'
import { eventually } from '../e2e/eventually.ts'

/** The parts of an installation that can be killed with SIGKILL. */
export const VICTIMS = ['everything', 'postgres', 'ingest', 'a backend', 'gateway'] as const
export type Victim = (typeof VICTIMS)[number]

export interface Installation {
  origin: string
  start(): Promise<void>
  /** Kills the victim and waits until its processes are gone. */
  kill(victim: Victim, random: () => number): Promise<void>
  /** Stops the commands gracefully and returns their output. */
  stop(): Promise<string>
  /**
   * Kills the roles that still run. After a failed test they would restart its database forever.
   */
  abandon(): void
}

/**
 * Starts Touchstone as in production, on the embedded database of `dir`. The roles run in one
 * process each, or both in one if `together` returns true; killing either role then kills that
 * process.
 */
export async function installation(
  dir: string,
  together: () => boolean,
  env: Record<string, string> = {},
): Promise<Installation> {
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const roles = new Map<string, RunningCommand>()
  let written = ''

  async function start(): Promise<void> {
    const wanted = roles.size === 0 && together() ? ['gateway,ingest'] : ['gateway', 'ingest']
    for (const names of wanted) {
      if ([...roles.keys()].some((k) => k === names || k === 'gateway,ingest')) continue
      const options = [
        'serve',
        '--roles',
        names,
        '--port',
        // Only the gateway is reached at the known port.
        names.includes('gateway') ? String(port) : '0',
        '--workers',
        '2',
        '--batch-rows-max',
        '100',
      ]
      roles.set(names, touchstone([...options, '--log-level', 'info'], dir, env))
    }
    await Promise.all([...roles.values()].map((command) => command.says(/"started"/)))
  }

  async function end(command: RunningCommand, signal: NodeJS.Signals): Promise<number | string> {
    command.child.kill(signal)
    const how = await command.ended
    written += command.output()
    return how
  }

  return {
    origin,
    start,
    async kill(victim, random) {
      const postmaster = pidOf(dir)
      const database = [postmaster, ...childrenOf(postmaster)]
      const doomed =
        victim === 'everything'
          ? [...roles.keys()]
          : [...roles.keys()].filter((names) => names.includes(victim))
      // Kills all at the same moment, before one can notify another.
      for (const names of doomed) roles.get(names)?.child.kill('SIGKILL')
      if (victim === 'everything') for (const pid of database) killIfThere(pid)
      if (victim === 'postgres') killIfThere(postmaster)
      if (victim === 'a backend') {
        const backends = database.slice(1)
        const one = backends[Math.floor(random() * backends.length)]
        if (one) killIfThere(one)
      }
      for (const names of doomed) {
        const command = roles.get(names)
        roles.delete(names)
        if (command) await end(command, 'SIGKILL')
      }
      if (victim === 'postgres') await eventually(() => !runs(postmaster))
      if (victim === 'everything') await eventually(() => database.every((pid) => !runs(pid)))
    },
    async stop() {
      for (const [names, command] of roles) {
        const how = await end(command, 'SIGTERM')
        if (how !== 0)
          throw new Error(`serve --roles ${names} ended with ${how}:\n${command.output()}`)
      }
      roles.clear()
      return written
    },
    abandon() {
      for (const { child } of roles.values()) child.kill('SIGKILL')
    },
  }
}

/** Returns the URL of the embedded database in a data directory. */
export function databaseUrl(dir: string): string {
  return serverUrl(dir, DATABASE)
}

export function pidOf(dir: string): number {
  return Number(readFileSync(join(dir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0])
}

export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((n) => {
      try {
        const stat = readFileSync(`/proc/${n}/stat`, 'utf8')
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid
      } catch {
        return false // no process, or gone since
      }
    })
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (e) {
    if (!(e instanceof Error && 'code' in e && e.code === 'ESRCH')) throw e
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
