import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Debian installs it in a folder that is only in root's PATH. */
const PROGRAM = ['nats-server', '/usr/sbin/nats-server', '/usr/local/bin/nats-server'].find((p) =>
  p.startsWith('/') ? existsSync(p) : spawnSync(p, ['--version']).status === 0,
)
/** The reason for a test's `skip` if there is no server. */
export const withoutNats = PROGRAM
  ? false
  : 'SKIPPED: there is no nats-server here (apt-get install nats-server)'

export interface NatsServer {
  url: string
  /** kill -9. */
  kill(): Promise<void>
  start(): Promise<void>
  /** Stops it and deletes its data. */
  stop(): Promise<void>
}

/** Starts a real server with JetStream in its own directory. */
export async function natsServer(): Promise<NatsServer> {
  const dir = mkdtempSync(join(tmpdir(), 'touchstone-nats-'))
  const port = await freePort()
  let child: ChildProcess | null = null
  const abandon = () => child?.kill('SIGKILL')
  process.once('exit', abandon)
  const kill = async () => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
  }
  const server: NatsServer = {
    url: `nats://127.0.0.1:${port}`,
    kill,
    async start() {
      child = spawn(PROGRAM ?? '', ['-js', '-a', '127.0.0.1', '-p', String(port), '-sd', dir], {
        stdio: 'ignore',
      })
      while (!(await isListening(port))) {
        if (child.exitCode !== null) throw new Error(`nats-server ended with ${child.exitCode}`)
        await sleep(20)
      }
    },
    async stop() {
      process.off('exit', abandon)
      await kill()
      rmSync(dir, { recursive: true, force: true })
    },
  }
  await server.start()
  return server
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'data')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address ? address.port : 0
}
