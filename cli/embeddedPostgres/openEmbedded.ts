import { randomUUID } from 'node:crypto'
import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { groupWarnings, weakProgramFolder } from '../../schema/kit/trustedPath.ts'
import { openDataDirectory } from './dataDirectory.ts'
import { isAlive, processIdentity } from './processIdentity.ts'
import { DATABASE, OWNER } from './roles.ts'
import { startServer, stopServer } from './server.ts'

const lockMsMax = 90_000
const watchMs = 500
/** Files that a wipe removes from the data directory. */
const CONTENTS = [
  'postgres',
  'postgres.json',
  'postgres.passwords',
  'postgres.log',
  'users',
  'demo.json',
  'systems',
]
const elsewhere =
  'has another path now, because somebody has taken the name of its link in the folder for temporary files: restart Touchstone'
/**
 * Delay between attempts to restart a server that does not come up, on a full disk for example.
 * Doubles up to the maximum.
 */
const restartMsMin = 500
const restartMsMax = 8_000

export interface EmbeddedDatabase {
  url: string
  /** The URL of the tables' owner, for migrations and set-up. */
  ownerUrl: string
  /** Releases the server; its last user stops it. */
  release(): Promise<void>
}

export interface EmbeddedOptions {
  /**
   * Creates the database if it is missing. Otherwise a directory without one is rejected and left
   * unchanged.
   */
  create: boolean
  /** Receives a line when the server had to be restarted, or is not as the settings want it. */
  notify: (line: string) => void
  /**
   * Port of loopback on which a server that is started here listens as well; 0 takes any free one.
   */
  tcpPort?: number | undefined
}

/**
 * Opens the embedded server of a data directory. All processes that use it share it: the first
 * starts it, the last stops it. A killed process does not count as a user, so a server that it left
 * running is taken over and eventually stopped. If the server itself is killed (by the kernel when
 * memory runs out), the first process to notice restarts it on the same data. Throws
 * DataDirectoryError if the directory cannot be used.
 */
export async function openEmbedded(
  dataDir: string,
  { create, notify, tcpPort }: EmbeddedOptions,
): Promise<EmbeddedDatabase> {
  const dir = openDataDirectory(dataDir, { create })
  if (create) warnOfWriters(dir, notify)
  const me = processIdentity(process.pid) ?? `${process.pid}`
  const seat = join(dir, 'users', String(process.pid))
  const start = () =>
    startServer({
      dir,
      durable: true,
      tcpPort,
      beforeReplacing: () => refuseOthers(dir, me, 'uses its database as an earlier version does'),
    })
  let server = await locked(dir, me, async () => {
    const started = await start()
    mkdirSync(join(dir, 'users'), { recursive: true })
    writeFileSync(seat, me)
    return started
  })
  // A crash does not reach `release`; this at least signals the server, which then ends on its own.
  const abandon = () => {
    rmSync(seat, { force: true })
    if (otherUsers(dir, me).length > 0) return
    try {
      process.kill(server.pid, 'SIGINT')
    } catch {
      // The server has already ended.
    }
  }
  process.once('exit', abandon)
  if (tcpPort !== undefined && server.tcpPort === null)
    notify('the embedded Postgres runs already, and listens on no port: stop Touchstone first')
  const url = server.url(DATABASE)
  let released = false
  let restarting = false
  let unreachable = false
  let restartMs = restartMsMin
  const restartIfDown = async () => {
    if (restarting) return
    if (processIdentity(server.pid) !== null) {
      if (!server.isReachable() && !unreachable) notify(`the embedded Postgres ${elsewhere}`)
      unreachable ||= !server.isReachable()
      return
    }
    restarting = true
    try {
      await locked(dir, me, async () => {
        if (released) return
        server = await start()
        restartMs = restartMsMin
        notify(
          server.url(DATABASE) === url
            ? 'the embedded Postgres had ended and was started again'
            : `the embedded Postgres had ended and was started again; it ${elsewhere}`,
        )
      })
    } catch (e) {
      notify(`the embedded Postgres has ended: ${e instanceof Error ? e.message : String(e)}`)
      await sleep(restartMs, undefined, { ref: false })
      restartMs = Math.min(2 * restartMs, restartMsMax)
    } finally {
      restarting = false
    }
  }
  const watch = setInterval(restartIfDown, watchMs).unref()
  return {
    url,
    ownerUrl: server.url(DATABASE, OWNER),
    async release() {
      released = true
      clearInterval(watch)
      process.off('exit', abandon)
      await locked(dir, me, async () => {
        rmSync(seat, { force: true })
        if (otherUsers(dir, me).length === 0) await server.stop()
      })
    },
  }
}

/** Names who else may replace the program or the data directory, where that is accepted. */
function warnOfWriters(dir: string, notify: (line: string) => void): void {
  const weak = weakProgramFolder()
  if (weak) notify(`Touchstone itself is not safe: ${weak}`)
  for (const warning of groupWarnings(dir)) notify(`the data directory: ${warning}`)
}

/** Removes all data of an embedded server. Throws if another process uses it. */
export async function wipeEmbedded(dataDir: string): Promise<void> {
  const dir = openDataDirectory(dataDir, { create: true })
  const me = processIdentity(process.pid) ?? `${process.pid}`
  await locked(dir, me, async () => {
    refuseOthers(dir, me, 'is using it')
    await stopServer(dir)
    for (const name of CONTENTS) rmSync(join(dir, name), { recursive: true, force: true })
  })
}

/** Throws if another living process uses the directory. */
function refuseOthers(dir: string, me: string, what: string): void {
  const users = otherUsers(dir, me)
  if (users.length > 0)
    throw new Error(`${dir} is in use: process ${users.join(', ')} ${what}: stop it first`)
}

/** Returns the process ids of other living users; removes the seats of dead ones. */
function otherUsers(dir: string, me: string): number[] {
  const seats = join(dir, 'users')
  const found: number[] = []
  mkdirSync(seats, { recursive: true })
  for (const name of readdirSync(seats)) {
    const mark = readFileSync(join(seats, name), 'utf8')
    if (mark === me) continue
    if (isAlive(mark)) found.push(Number(name))
    else rmSync(join(seats, name), { force: true })
  }
  return found
}

/**
 * Runs `work` under a lock: only one process at a time starts or stops the server. The lock of a
 * dead process is removed.
 */
async function locked<T>(dir: string, me: string, work: () => Promise<T>): Promise<T> {
  const file = join(dir, 'lock')
  for (const until = Date.now() + lockMsMax; ; await sleep(50)) {
    // Linked when it is written: on a full disk the file itself would stay, and name nobody.
    const mine = join(dir, `lock.${randomUUID()}`)
    try {
      writeFileSync(mine, me, { flag: 'wx' })
      linkSync(mine, file)
      break
    } catch (e) {
      if (!(e instanceof Error && 'code' in e && e.code === 'EEXIST')) throw e
    } finally {
      rmSync(mine, { force: true })
    }
    const holder = read(file)
    // Empty: an earlier version on a full disk.
    if (holder !== null && !isAlive(holder) && read(file) === holder) rmSync(file, { force: true })
    if (Date.now() > until)
      throw new Error(
        `${file} is held by process ${holder}; if that is not a Postgres of Touchstone, remove it`,
      )
  }
  try {
    return await work()
  } finally {
    rmSync(file, { force: true })
  }
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null // released between two looks
  }
}
