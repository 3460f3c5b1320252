import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startServer } from '../../../cli/embeddedPostgres/server.ts'

export interface CrashingServer {
  url(database: string): string
  /** Kills every backend without a checkpoint. Resolves when the server is gone. */
  crash(): Promise<void>
  /** Restarts it on its data and port; it replays its log. */
  start(): Promise<void>
  /** Stops it and deletes its data. */
  stop(): Promise<void>
}

/** Starts a server for one test that can be crashed instead of stopped. */
export async function crashingServer(): Promise<CrashingServer> {
  const dir = mkdtempSync(join(tmpdir(), 'touchstone-test-'))
  let server = await startServer({ dir, durable: false, superuser: true })
  const { url } = server
  const abandon = () => {
    if (isRunning(server.pid)) process.kill(server.pid, 'SIGQUIT')
    rmSync(dir, { recursive: true, force: true })
  }
  process.once('exit', abandon)
  return {
    url,
    async crash() {
      process.kill(server.pid, 'SIGQUIT')
      while (isRunning(server.pid)) await sleep(10)
    },
    async start() {
      server = await startServer({ dir, durable: false, superuser: true })
      if (server.url('postgres') !== url('postgres'))
        throw new Error('the server came back on another port')
    },
    async stop() {
      process.off('exit', abandon)
      await server.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
