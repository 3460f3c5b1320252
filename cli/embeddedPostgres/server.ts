import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openConnection } from '../../mdm/db/database.ts'
import { type PostgresBinaries, postgresBinaries } from './binaries.ts'
import { processIdentity, servesDataDirectory } from './processIdentity.ts'
import { commandAsUser, findServerUser, type ServerUser } from './serverUser.ts'

const startMsMax = 60_000
const stopMsMax = 30_000

export interface ServerOptions {
  /**
   * The folder that holds `postgres/` (the data), `postgres.json` (port and password) and
   * `postgres.log`.
   */
  dir: string
  /** False: no fsync, for tests with temporary data. */
  durable: boolean
  /** Other binaries than those of this installation. */
  binaries?: PostgresBinaries
}

export interface PostgresServer {
  /** Returns the URL of one of the server's databases. */
  url(database: string): string
  pid: number
  /** Ends the sessions, writes a checkpoint, and waits until the process has ended. */
  stop(): Promise<void>
}

interface Settings {
  port: number
  password: string
}

/**
 * Starts the server on its data, which are created if missing. A server that already runs on them
 * is used as it is.
 */
export async function startServer(options: ServerOptions): Promise<PostgresServer> {
  mkdirSync(options.dir, { recursive: true })
  const dir = realpathSync(options.dir)
  const data = join(dir, 'postgres')
  const running = await runningServer(dir)
  if (running) return running
  const user = findServerUser()
  const binaries = options.binaries ?? (await postgresBinaries())
  if (!existsSync(join(data, 'PG_VERSION'))) initialise(dir, data, binaries.initdb, user)
  removeStaleLock(data)
  const settings = readSettings(dir)
  if (!(await free(settings.port))) {
    settings.port = await freePort()
    writeSettings(dir, settings)
  }
  for (const until = Date.now() + startMsMax; ; await sleep(200)) {
    const { pid, why } = await spawnServer(
      dir,
      data,
      settings,
      binaries.postgres,
      user,
      options.durable,
    )
    if (why === null) return handle(pid, settings)
    const log = tail(join(dir, 'postgres.log'))
    // Processes of a killed server outlive it by a moment; a new server beside them would corrupt
    // the data.
    if (log.includes('shared memory block') && Date.now() < until) continue
    throw new Error(`the embedded Postgres did not start (${why}):\n${log}`)
  }
}

async function spawnServer(
  dir: string,
  data: string,
  settings: Settings,
  program: string,
  user: ServerUser | null,
  durable: boolean,
): Promise<{ pid: number; why: string | null }> {
  const log = openSync(join(dir, 'postgres.log'), 'w')
  const args = ['-D', data, '-p', String(settings.port), ...flags(durable)]
  const command = commandAsUser(user, program, args, [data, program])
  // A process group and a log file of its own. Ctrl-C in the terminal reaches only us, and we drain
  // before we stop the server. If we are killed, it continues until the next start takes it over.
  const child = spawn(command.program, command.args, {
    detached: true,
    stdio: ['ignore', log, log],
    cwd: '/',
    ...(command.uid === undefined ? {} : { uid: command.uid, gid: command.gid }),
    env: { ...process.env, LC_ALL: 'C', PGDATA: data },
  })
  closeSync(log)
  child.unref()
  const ended = new Promise<string>((resolve) => {
    child.once('error', (e) => resolve(e.message))
    child.once('exit', (code, signal) => resolve(`ended with ${signal ?? `code ${code}`}`))
  })
  const waiting = new AbortController()
  const why = await Promise.race([ended, ready(settings, waiting.signal)])
  waiting.abort()
  if (why !== null) child.kill('SIGQUIT')
  return { pid: child.pid ?? 0, why }
}

/**
 * Removes the lock of a server that is gone. Postgres usually does so itself. It cannot if the
 * machine or container went down and the process id now belongs to another process. An uncollected
 * zombie of the server blocks it too.
 */
function removeStaleLock(data: string): void {
  const file = join(data, 'postmaster.pid')
  if (!existsSync(file)) return
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0])
  if (existsSync(`/proc/${pid}`) && servesDataDirectory(pid, data) === false) rmSync(file)
}

/** Returns the server that runs on the data of this folder, or null. */
export async function runningServer(dir: string): Promise<PostgresServer | null> {
  if (!existsSync(join(dir, 'postgres.json'))) return null
  const data = join(realpathSync(dir), 'postgres')
  let pid: number
  try {
    pid = Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0])
  } catch {
    return null // no such file: it was stopped in order
  }
  if (servesDataDirectory(pid, data) === false) return null
  const settings = readSettings(dir)
  const why = await ready(settings)
  if (why !== null)
    throw new Error(`a Postgres (process ${pid}) holds ${data} but does not respond: ${why}`)
  return handle(pid, settings)
}

function handle(pid: number, settings: Settings): PostgresServer {
  return { url: (database) => url(settings, database), pid, stop: () => stop(pid) }
}

async function stop(pid: number): Promise<void> {
  const mark = processIdentity(pid)
  if (!mark) return
  process.kill(pid, 'SIGINT') // "fast": sessions end, data are flushed
  const until = Date.now() + stopMsMax
  while (processIdentity(pid) === mark) {
    if (Date.now() > until) {
      process.kill(pid, 'SIGQUIT') // at once; the next start replays the log
      return
    }
    await sleep(20)
  }
}

function flags(durable: boolean): string[] {
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '100',
    // A transaction of ingest locks every blocking key and golden id of its batch.
    max_locks_per_transaction: '1024',
    shared_buffers: '256MB',
    max_wal_size: '4GB',
    checkpoint_timeout: '15min',
    fsync: durable ? 'on' : 'off',
    full_page_writes: durable ? 'on' : 'off',
    synchronous_commit: 'on',
    // Parallel plans need /dev/shm, of which a container has 64 MB; no query here gains from them.
    max_parallel_workers_per_gather: '0',
    timezone: 'UTC',
    log_min_messages: 'warning',
    log_min_error_statement: 'panic', // statements may hold personal data
  }
  return Object.entries(settings).flatMap(([k, v]) => ['-c', `${k}=${v}`])
}

/**
 * Creates the data in a temporary place and moves them when they are complete, so that a kill
 * leaves none or all.
 */
function initialise(dir: string, place: string, initdb: string, user: ServerUser | null): void {
  const password = randomBytes(24).toString('base64url')
  const data = `${place}.new`
  for (const left of [data, place]) rmSync(left, { recursive: true, force: true })
  mkdirSync(data, { mode: 0o700 })
  const passwordFile = join(dir, 'postgres.initial-password')
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 })
  if (user) for (const path of [data, passwordFile]) chownSync(path, user.uid, user.gid)
  const args = [
    `--pgdata=${data}`,
    '--auth=scram-sha-256',
    '--username=touchstone',
    `--pwfile=${passwordFile}`,
    '--encoding=UTF8',
    // Gives every machine the same collation.
    '--no-locale',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    // The first checkpoint flushes everything.
    '--no-sync',
    '--no-instructions',
  ]
  const command = commandAsUser(user, initdb, args, [data, initdb])
  const done = spawnSync(command.program, command.args, {
    cwd: '/',
    encoding: 'utf8',
    ...(command.uid === undefined ? {} : { uid: command.uid, gid: command.gid }),
    env: { ...process.env, LC_ALL: 'C' },
  })
  rmSync(passwordFile, { force: true })
  if (done.status !== 0) {
    rmSync(data, { recursive: true, force: true })
    throw new Error(`initdb failed in ${data}: ${done.error?.message ?? done.stderr.trim()}`)
  }
  writeSettings(dir, { port: 0, password })
  renameSync(data, place)
}

function readSettings(dir: string): Settings {
  return JSON.parse(readFileSync(join(dir, 'postgres.json'), 'utf8')) as Settings
}

function writeSettings(dir: string, settings: Settings): void {
  const file = join(dir, 'postgres.json')
  writeFileSync(file, `${JSON.stringify(settings)}\n`, { mode: 0o600 })
  chmodSync(file, 0o600)
}

function url(settings: Settings, database: string): string {
  return `postgres://touchstone:${settings.password}@127.0.0.1:${settings.port}/${database}`
}

/** Returns null once the server accepts connections, otherwise the reason why it does not. */
async function ready(settings: Settings, signal?: AbortSignal): Promise<string | null> {
  const until = Date.now() + startMsMax
  for (;;) {
    const sql = openConnection(url(settings, 'postgres'), { connectSecondsMax: 5 })
    try {
      await sql`select 1`
      return null
    } catch (e) {
      const code = e instanceof Error && 'code' in e ? String(e.code) : ''
      if (code === '28P01') return `the password in postgres.json is not the server's`
      if (Date.now() > until || signal?.aborted) return e instanceof Error ? e.message : String(e)
    } finally {
      await sql.end({ timeout: 1 })
    }
    await sleep(30)
  }
}

function free(port: number): Promise<boolean> {
  if (port === 0) return Promise.resolve(false)
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

function tail(file: string): string {
  return readFileSync(file, 'utf8').split('\n').slice(-12).join('\n')
}
