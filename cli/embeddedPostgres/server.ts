import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import {
  chownSync,
  closeSync,
  existsSync,
  fchmodSync,
  fchownSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { platform } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { openConnection } from '../../mdm/db/database.ts'
import { childEnvironment } from '../../schema/kit/childEnvironment.ts'
import { type PostgresBinaries, postgresBinaries } from './binaries.ts'
import { DataDirectoryError } from './dataDirectory.ts'
import { newPassword, replaceFile, writePasswords } from './passwords.ts'
import { powerless } from './powerless.ts'
import { processIdentity, serverMark, servesDataDirectory } from './processIdentity.ts'
import { reachableBinaries } from './reachableBinaries.ts'
import { APPLICATION, DATABASE, newPasswords, rolesSql, SUPERUSER, setUpDatabase } from './roles.ts'
import { findServerUser, giveTo, isReachable, type ServerUser } from './serverUser.ts'
import { removeSocketFolder, socketFolder } from './socketFolder.ts'

const startMsMax = 60_000
const stopMsMax = 30_000
const betweenAttemptsMs = 200
/** Part of the socket's name; nothing listens on it unless TCP is asked for. */
const portDefault = 5432

export interface ServerOptions {
  /**
   * The folder that holds `postgres/` (the data and the Unix socket), `postgres.json` (where the
   * server listens), `postgres.passwords` and `postgres.log`.
   */
  dir: string
  /** False: no fsync, for tests with temporary data. */
  durable: boolean
  /** Other binaries than those of this installation. */
  binaries?: PostgresBinaries
  /**
   * Port of loopback on which the server listens as well; 0 takes any free one. Left out: none.
   * Only the Unix socket is safe from a user of this machine who takes the port of a dead server.
   */
  tcpPort?: number | undefined
  /**
   * True: the superuser may connect, and there are no other roles and no database of Touchstone.
   * For tests and benches, which create databases.
   */
  superuser?: boolean
  /**
   * Called before a running server that cannot be used is stopped: one that an earlier version
   * started, or whose password is not ours. May throw to leave it alone.
   */
  beforeReplacing?: () => void
}

export interface PostgresServer {
  /**
   * Returns the URL of one of the server's databases. It names the file of the password. The user
   * is that of the running program, unless another is named or the server was started for the
   * superuser.
   */
  url(database: string, user?: string): string
  pid: number
  /** The port of loopback on which it listens, or null. */
  tcpPort: number | null
  /**
   * True if its URL still leads to the socket. A link in the folder for temporary files is restored
   * if somebody has cleaned that up.
   */
  isReachable(): boolean
  /** Ends the sessions, writes a checkpoint, and waits until the process has ended. */
  stop(): Promise<void>
}

/** The content of postgres.json. Earlier versions had no socket, and the password there. */
const settingsSchema = z.object({
  socket: z.string(),
  port: z.int(),
  tcp: z.boolean(),
  superuser: z.boolean(),
  /** False while a start sets the server up: one that was killed meanwhile is started again. */
  complete: z.boolean(),
})
type Settings = z.infer<typeof settingsSchema>

/**
 * Starts the server on its data, which are created if missing. A server that already runs on them
 * is used as it is. Every start sets new passwords: those of a server that was lost may be known to
 * the process that took its place.
 */
export async function startServer(options: ServerOptions): Promise<PostgresServer> {
  if (platform() === 'win32' && options.tcpPort === undefined)
    throw new Error(
      'the embedded Postgres has no Unix socket on Windows: give it a port with TOUCHSTONE_EMBEDDED_PORT, or set DATABASE_URL',
    )
  mkdirSync(options.dir, { recursive: true, mode: 0o700 })
  const dir = realpathSync(options.dir)
  const data = join(dir, 'postgres')
  const pid = serverProcess(data)
  if (pid !== null) {
    const found = await usable(dir, pid)
    if (found) return found
    options.beforeReplacing?.()
    await stop(pid)
  }
  const user = findServerUser()
  const binaries = reachableBinaries(options.binaries ?? (await postgresBinaries()), user)
  if (!existsSync(join(data, 'PG_VERSION'))) initialise(data, binaries.initdb, user)
  else if (user) giveTo(user, realpathSync(data))
  removeStaleLock(data)
  writeAccessRules(data, user, options.tcpPort !== undefined)
  const settings = await newSettings(dir, options)
  const place: Place = { dir, data, user, program: binaries.postgres, durable: options.durable }
  rmSync(join(dir, 'postgres.log'), { force: true })
  for (const until = Date.now() + startMsMax; ; await sleep(betweenAttemptsMs)) {
    const password = newPassword()
    const why = await setPasswords(place, password, settings.superuser)
    const started = why === null ? await spawnServer(place, settings, password) : { pid: 0, why }
    if (started.why === null) {
      try {
        if (!settings.superuser)
          await setUpDatabase((database) => withPassword(url(dir, settings, database), password))
      } catch (e) {
        await stop(started.pid)
        throw e
      }
      writeSettings(dir, { ...settings, complete: true })
      return handle(dir, started.pid, settings)
    }
    const log = tail(join(dir, 'postgres.log'))
    // Processes of a killed server outlive it by a moment; a new server beside them would corrupt
    // the data. So does a start that was killed while it set the passwords.
    const occupied = /shared memory block|lock file "postmaster.pid" already exists/.test(log)
    if (occupied && Date.now() < until) continue
    throw new Error(`the embedded Postgres did not start (${started.why}):\n${log}`)
  }
}

/** Where a server runs, and as whom. */
interface Place {
  dir: string
  data: string
  user: ServerUser | null
  program: string
  durable: boolean
}

/**
 * Sets new passwords while nothing listens: in the single-user mode of Postgres, which needs none.
 * That of the superuser stands in no file, unless he is the user of all connections. Returns null,
 * or why it failed.
 */
async function setPasswords(
  place: Place,
  password: string,
  superuser: boolean,
): Promise<string | null> {
  const passwords = superuser ? new Map([[SUPERUSER, password]]) : newPasswords()
  const args = [...flags(place.durable), 'postgres']
  const child = launch(place, ['--single'], args, 'pipe')
  const ended = ending(child)
  // A process that has ended already does not read; its exit code says why.
  child.stdin?.on('error', () => {})
  child.stdin?.end(rolesSql(new Map([...passwords, [SUPERUSER, password]])))
  const why = await ended
  if (why !== 'ended with code 0') return why
  writePasswords(join(place.dir, 'postgres.passwords'), passwords)
  return null
}

async function spawnServer(
  place: Place,
  settings: Settings,
  password: string,
): Promise<{ pid: number; why: string | null }> {
  const listen = {
    // Relative to the data directory, which the server enters.
    unix_socket_directories: platform() === 'win32' ? '' : '.',
    unix_socket_permissions: '0700',
    listen_addresses: settings.tcp ? '127.0.0.1' : '',
    port: String(settings.port),
  }
  const args = [...assignments(listen), ...flags(place.durable)]
  const child = launch(place, [], args, 'ignore')
  child.unref()
  const waiting = new AbortController()
  const superuser = withPassword(url(place.dir, settings, 'postgres'), password)
  const why = await Promise.race([ending(child), ready(superuser, waiting.signal)])
  waiting.abort()
  if (why !== null) child.kill('SIGQUIT')
  return { pid: child.pid ?? 0, why }
}

/** Starts a program of Postgres as its user, with its output in the log. */
function launch(
  place: Place,
  mode: readonly string[],
  args: readonly string[],
  input: 'pipe' | 'ignore',
): ChildProcess {
  const { dir, data, user, program } = place
  const log = openSync(join(dir, 'postgres.log'), 'a', 0o600)
  fchmodSync(log, 0o600)
  const { cwd, path } = entered(data, user)
  const where = ['-D', path, ...serverMark(data)]
  const command = powerless(user, program, [...mode, ...where, ...args])
  // A process group and a log file of its own. Ctrl-C in the terminal reaches only us, and we drain
  // before we stop the server. If we are killed, it continues until the next start takes it over.
  const child = spawn(command.program, command.args, {
    detached: true,
    stdio: [input, log, log],
    cwd,
    ...(command.uid === undefined ? {} : { uid: command.uid, gid: command.gid }),
    env: childEnvironment([], { LC_ALL: 'C' }),
  })
  closeSync(log)
  return child
}

/**
 * Returns the working directory of the server and the path by which it finds its data. A server of
 * root has another user, who may not enter the folders above. So root enters them and the server
 * starts inside.
 */
function entered(data: string, user: ServerUser | null): { cwd: string; path: string } {
  if (!user) return { cwd: '/', path: data }
  if (platform() === 'linux') return { cwd: data, path: '/proc/self/cwd' }
  if (isReachable(data, user)) return { cwd: data, path: data }
  throw new Error(
    `the user that runs Postgres may not enter ${data}: name a data directory that all may enter ` +
      'with --data-dir or TOUCHSTONE_DATA_DIR, or run Touchstone as another user than root',
  )
}

function ending(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (e) => resolve(e.message))
    child.once('exit', (code, signal) => resolve(`ended with ${signal ?? `code ${code}`}`))
  })
}

/**
 * Writes who may connect. Whatever an earlier version or an operator wrote is replaced: everybody
 * proves a password, on the socket too, and nobody replicates.
 */
function writeAccessRules(data: string, user: ServerUser | null, tcp: boolean): void {
  const lines = ['# Written by Touchstone at each start.', 'local all all scram-sha-256']
  if (tcp) lines.push('host all all 127.0.0.1/32 scram-sha-256')
  const next = join(data, 'pg_hba.conf.new')
  rmSync(next, { recursive: true, force: true })
  // Not through a link: the folder belongs to the server's user, and we may be root.
  const file = openSync(next, 'wx', 0o600)
  writeFileSync(file, `${lines.join('\n')}\n`)
  if (user) fchownSync(file, user.uid, user.gid)
  closeSync(file)
  renameSync(next, join(data, 'pg_hba.conf'))
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

/** Returns the server that runs on the data of this folder and is ours, or null. */
export async function runningServer(dir: string): Promise<PostgresServer | null> {
  const real = realpathSync(dir)
  const pid = serverProcess(join(real, 'postgres'))
  return pid === null ? null : await usable(real, pid)
}

/** Stops the server of this folder, also one that another process started. */
export async function stopServer(dir: string): Promise<void> {
  const real = realpathSync(dir)
  const data = join(real, 'postgres')
  const pid = serverProcess(data)
  if (pid !== null) await stop(pid)
  const settings = readSettings(real)
  if (settings) removeSocketFolder(settings.socket, data)
}

/** Returns the URL of a database of the server of this folder, running or not. */
export function serverUrl(dir: string, database: string, user?: string): string {
  const real = realpathSync(dir)
  const settings = readSettings(real)
  if (!settings) throw new Error(`${join(dir, 'postgres.json')} names no socket`)
  return url(real, settings, database, user)
}

/** Returns the process that serves this data directory, or null. */
function serverProcess(data: string): number | null {
  let pid: number
  try {
    pid = Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0])
  } catch (e) {
    // Stopped in order, or never started. A file that cannot be read does not say that none runs.
    if (e instanceof Error && 'code' in e && (e.code === 'ENOENT' || e.code === 'ENOTDIR'))
      return null
    throw e
  }
  // A negative number is that of a single-user process, which serves nobody.
  return pid > 0 && servesDataDirectory(pid, data) !== false ? pid : null
}

/** Returns null if an earlier version started this server or our password is not the server's. */
async function usable(dir: string, pid: number): Promise<PostgresServer | null> {
  const data = join(dir, 'postgres')
  const before = readSettings(dir)
  if (!before?.complete) return null
  const settings = { ...before, socket: socketFolder(data, before.port, before.socket) }
  if (settings.socket !== before.socket) writeSettings(dir, settings)
  const why = await ready(url(dir, settings, settings.superuser ? 'postgres' : DATABASE))
  if (why === UNKNOWN_PASSWORD) return null
  if (why !== null)
    throw new Error(`a Postgres (process ${pid}) holds ${data} but does not respond: ${why}`)
  return handle(dir, pid, settings)
}

function handle(dir: string, pid: number, settings: Settings): PostgresServer {
  const data = join(dir, 'postgres')
  return {
    url: (database, user) => url(dir, settings, database, user),
    pid,
    tcpPort: settings.tcp ? settings.port : null,
    isReachable: () => socketFolder(data, settings.port, settings.socket) === settings.socket,
    async stop() {
      await stop(pid)
      removeSocketFolder(settings.socket, data)
    },
  }
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
    password_encryption: 'scram-sha-256',
    allow_alter_system: 'off',
  }
  return assignments(settings)
}

function assignments(settings: Record<string, string>): string[] {
  return Object.entries(settings).flatMap(([k, v]) => ['-c', `${k}=${v}`])
}

/**
 * Creates the data in a temporary place and moves them when they are complete, so that a kill
 * leaves none or all.
 */
function initialise(place: string, initdb: string, user: ServerUser | null): void {
  const data = `${place}.new`
  // An interrupted restore or deletion, perhaps with the only data there are.
  if (existsSync(place) && readdirSync(place).length > 0)
    throw new DataDirectoryError(
      `${place} has files of a database, but no PG_VERSION, so the database is not whole: restore it from the backup; or remove ${place} to begin with an empty one`,
    )
  for (const left of [data, place]) rmSync(left, { recursive: true, force: true })
  mkdirSync(data, { mode: 0o700 })
  if (user) chownSync(data, user.uid, user.gid)
  const { cwd, path } = entered(data, user)
  const args = [
    `--pgdata=${path}`,
    // Nobody: each start writes who may connect, and sets the passwords.
    '--auth=reject',
    `--username=${SUPERUSER}`,
    '--encoding=UTF8',
    // Gives every machine the same collation.
    '--no-locale',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    // The first checkpoint flushes everything.
    '--no-sync',
    '--no-instructions',
  ]
  const command = powerless(user, initdb, args)
  const done = spawnSync(command.program, command.args, {
    cwd,
    encoding: 'utf8',
    ...(command.uid === undefined ? {} : { uid: command.uid, gid: command.gid }),
    env: childEnvironment([], { LC_ALL: 'C' }),
  })
  if (done.status !== 0) {
    rmSync(data, { recursive: true, force: true })
    throw new Error(`initdb failed in ${data}: ${done.error?.message ?? done.stderr.trim()}`)
  }
  renameSync(data, place)
}

async function newSettings(
  dir: string,
  { tcpPort, superuser = false }: ServerOptions,
): Promise<Settings> {
  const before = readSettings(dir)
  const tcp = tcpPort !== undefined
  let port = tcpPort ?? portDefault
  if (port === 0) port = before?.tcp && (await free(before.port)) ? before.port : await freePort()
  const socket = socketFolder(join(dir, 'postgres'), port, before?.socket)
  const settings = { socket, port, tcp, superuser, complete: false }
  writeSettings(dir, settings)
  return settings
}

/** Returns null if there are none, or only those of an earlier version. */
function readSettings(dir: string): Settings | null {
  const file = join(dir, 'postgres.json')
  if (!existsSync(file)) return null
  let found: unknown
  try {
    found = JSON.parse(readFileSync(file, 'utf8'))
  } catch (e) {
    if (e instanceof SyntaxError) return null // it is written again
    throw e
  }
  return settingsSchema.safeParse(found).data ?? null
}

function writeSettings(dir: string, settings: Settings): void {
  replaceFile(join(dir, 'postgres.json'), `${JSON.stringify(settings)}\n`)
}

function url(
  dir: string,
  settings: Settings,
  database: string,
  user = settings.superuser ? SUPERUSER : APPLICATION,
): string {
  const file = inQuery(join(dir, 'postgres.passwords'))
  if (platform() === 'win32')
    return `postgres://${user}@127.0.0.1:${settings.port}/${database}?passfile=${file}`
  const port = settings.port === portDefault ? '' : `&port=${settings.port}`
  return `postgres://${user}@localhost/${database}?host=${inQuery(settings.socket)}${port}&passfile=${file}`
}

/** Returns the URL of the superuser, whose password stands in no file. */
function withPassword(place: string, password: string): string {
  const made = new URL(place)
  made.username = SUPERUSER
  made.password = password
  return made.href
}

const inQuery = (path: string) => encodeURIComponent(path).replaceAll('%2F', '/')

const UNKNOWN_PASSWORD = "our password is not the server's"

/** Returns null once the server accepts connections, otherwise the reason why it does not. */
async function ready(place: string, signal?: AbortSignal): Promise<string | null> {
  const until = Date.now() + startMsMax
  for (;;) {
    const sql = openConnection(place, { connectSecondsMax: 5 })
    try {
      await sql`select 1`
      return null
    } catch (e) {
      const code = e instanceof Error && 'code' in e ? String(e.code) : ''
      if (code === '28P01' || code === 'AUTHENTICATION_REFUSED') return UNKNOWN_PASSWORD
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
