import { createHash } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { connect as connectSocket, isIP, type Socket } from 'node:net'
import type { Client, FileEntryWithStats, SFTPWrapper, Stats } from 'ssh2'
import { connectionFailure } from '../../schema/kit/connectionFailure.ts'
import { guardedLookup, notPublic } from '../../schema/kit/guardedLookup.ts'
import { isReachable } from '../../schema/kit/networkAddress.ts'
import { ConnectionError, type RequestCounts, type Verdict } from '../connection/contract.ts'
import { resolveSecret, type SecretReference } from '../connection/secrets.ts'
import { FileChanged, type FilePlace, type ListedFile, listedFilesMax } from './contract.ts'
import { isPlainName } from './plainName.ts'
import { readPieces } from './readPieces.ts'

export interface SftpSettings {
  host: string
  port: number
  user: string
  password: SecretReference | null
  privateKey: SecretReference | null
  passphrase: SecretReference | null
  /** Fingerprints of the keys that the server may have: `SHA256:…`. */
  hostKeys: readonly string[]
  /** As the server names it; empty: where it puts the user. */
  folder: string
  privateAddresses: boolean
}

export interface SftpOptions {
  env?: Readonly<Record<string, string | undefined>> | undefined
}

/** Time for the connection and the sign-in. */
const connectMsMax = 30_000
/** An answer to one request. */
const answerMsMax = 60_000
const keepAliveMs = 10_000
const keepAlivesMax = 3

/** Opens a folder behind SFTP. It connects with the first request. */
export function openSftp(
  settings: SftpSettings,
  counts: RequestCounts,
  options: SftpOptions = {},
): FilePlace {
  const { host, port, user, folder } = settings
  const id = `sftp ${user}@${host}:${port}/${folder.replace(/^\//, '')}`
  const root = folder === '' ? '.' : folder.replace(/(?<=.)\/+$/, '')
  const at = (...names: string[]) => [root === '/' ? '' : root, ...names].join('/')
  let opened: Promise<Session> | null = null
  const session = () => {
    opened ??= openSession(id, settings, options)
    return opened
  }
  /** Sends one request and waits for its answer, which is an error or a value. */
  const ask = async <T>(send: (sftp: SFTPWrapper, done: Done<T>) => void): Promise<T> => {
    const { sftp, client, ended } = await session()
    counts.requests++
    return await new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        fail(failure(id, 'RETRY', 'NO_ANSWER', `no answer within ${answerMsMax / 1_000} s`))
        client.destroy()
      }, answerMsMax)
      const settle = () => {
        clearTimeout(timer)
        ended.signal.removeEventListener('abort', stop)
      }
      const fail = (error: unknown) => {
        settle()
        reject(error)
      }
      // The library forgets the requests of a connection that ends.
      const stop = () => fail(ended.signal.reason)
      ended.signal.addEventListener('abort', stop, { once: true })
      if (ended.signal.aborted) return stop()
      send(sftp, (error, value) => {
        if (error) return fail(error)
        settle()
        resolve(value as T)
      })
    })
  }
  const statOf = async (path: string): Promise<Stats | null> => {
    try {
      return await ask<Stats>((sftp, done) => sftp.lstat(path, done))
    } catch (e) {
      if (statusOf(e) === NO_SUCH_FILE) return null
      throw e
    }
  }
  const translated = <T>(work: Promise<T>): Promise<T> =>
    work.catch((e: unknown) => {
      throw translate(id, e)
    })

  return {
    id,
    list: (signal) =>
      translated(
        withSignal(signal, session, async () => {
          const entries = await ask<FileEntryWithStats[]>((sftp, done) => sftp.readdir(root, done))
          const files = entries.flatMap(({ filename, attrs }) =>
            attrs.isFile() && isPlainName(filename) ? listed(filename, attrs) : [],
          )
          if (files.length > listedFilesMax)
            throw failure(
              id,
              'INVALID',
              'TOO_MANY_FILES',
              `${files.length} files; at most ${listedFilesMax} are listed: set archive:, or remove old ones`,
            )
          return files
        }),
      ),
    async *read(file, signal) {
      const path = at(file.name)
      try {
        // A link in place of the file leads elsewhere, so it is not followed.
        if (!isListed(await statOf(path), file)) throw new FileChanged(file.name)
        const handle = await ask<Buffer>((sftp, done) => sftp.open(path, 'r', done))
        try {
          const isSame = async () =>
            isListed(await ask<Stats>((sftp, done) => sftp.fstat(handle, done)), file)
          if (!(await isSame())) throw new FileChanged(file.name)
          const piece = (offset: number, length: number) =>
            ask<Buffer>((sftp, done) =>
              sftp.read(handle, Buffer.alloc(length), 0, length, offset, (error, bytes, buffer) =>
                // The end of the file is an error of the protocol.
                statusOf(error) === END_OF_FILE
                  ? done(undefined, Buffer.alloc(0))
                  : done(error, buffer?.subarray(0, bytes)),
              ),
            )
          for await (const chunk of readPieces(file.bytes, piece)) {
            signal.throwIfAborted()
            counts.bytes += chunk.length
            yield chunk
          }
          if (!(await isSame())) throw new FileChanged(file.name)
        } finally {
          await ask<void>((sftp, done) => sftp.close(handle, done)).catch((e: unknown) => {
            // The connection is gone, and with it the handle; what was read decides.
            if (!(e instanceof Error)) throw e
          })
        }
      } catch (e) {
        if (statusOf(e) === NO_SUCH_FILE) throw new FileChanged(file.name)
        throw translate(id, e)
      }
    },
    move: (file, into, spare, signal) =>
      translated(
        withSignal(signal, session, async () => {
          const from = at(file.name)
          const now = await statOf(from)
          if (!now) return 'GONE'
          if (!isListed(now, file)) return 'CHANGED'
          const target = await statOf(at(into))
          if (!target) await ask<void>((sftp, done) => sftp.mkdir(at(into), done))
          else if (!target.isDirectory())
            throw failure(
              id,
              'PERMANENT',
              'FOLDER_IS_LINK',
              `the subfolder ${into} is no folder; make it one`,
            )
          const as = (await statOf(at(into, file.name))) ? spare : file.name
          const to = at(into, as)
          await ask<void>((sftp, done) => sftp.rename(from, to, done))
          // The sender may have replaced the file between the look at it and the move.
          if (isListed(await statOf(to), file)) return 'MOVED'
          await ask<void>((sftp, done) => sftp.rename(to, from, done))
          return 'CHANGED'
        }),
      ),
    async close() {
      const { client } = (await opened?.catch(() => null)) ?? {}
      client?.end()
    },
  }
}

type Done<T> = (error: Error | null | undefined, value?: T) => void

interface Session {
  client: Client
  sftp: SFTPWrapper
  /** Aborted with the reason when the connection ends. */
  ended: AbortController
}

/** Runs `work`; the signal ends the connection, and with it the requests under way. */
async function withSignal<T>(
  signal: AbortSignal,
  session: () => Promise<Session>,
  work: () => Promise<T>,
): Promise<T> {
  signal.throwIfAborted()
  const end = () =>
    void session().then(
      ({ client }) => client.destroy(),
      () => {},
    )
  signal.addEventListener('abort', end, { once: true })
  try {
    return await work()
  } catch (e) {
    signal.throwIfAborted()
    throw e
  } finally {
    signal.removeEventListener('abort', end)
  }
}

async function openSession(
  id: string,
  settings: SftpSettings,
  { env }: SftpOptions,
): Promise<Session> {
  const secret = async (of: SecretReference | null, what: string) =>
    of === null ? {} : { [what]: await resolveSecret(of, `${id}: ${what}`, env) }
  const credentials = {
    ...(await secret(settings.password, 'password')),
    ...(await secret(settings.privateKey, 'privateKey')),
    ...(await secret(settings.passphrase, 'passphrase')),
  }
  // The library is loaded where a source system uses it: it takes longer than a command.
  const { default: ssh2 } = await import('ssh2')
  const sock = await openSocket(id, settings)
  const client = new ssh2.Client()
  const ended = new AbortController()
  setMaxListeners(0, ended.signal)
  let presented: string | null = null
  return await new Promise<Session>((resolve, reject) => {
    const fail = (e: Error) => {
      ended.abort(e)
      client.destroy()
      sock.destroy()
      reject(
        presented !== null && !settings.hostKeys.includes(presented)
          ? failure(
              id,
              'SIGN_IN',
              'HOST_KEY_WRONG',
              `the server has the key ${presented}, which hostKey: does not name; nothing was sent. Ask its operator before you change it`,
            )
          : translate(id, e),
      )
    }
    client.on('error', fail)
    client.on('close', () => fail(new Error('the connection ended')))
    client.on('ready', () =>
      client.sftp((e, sftp) => {
        if (e) fail(e)
        else resolve({ client, sftp, ended })
      }),
    )
    try {
      client.connect({
        ...{ sock, username: settings.user, ...credentials },
        hostVerifier: (key: Buffer) => {
          presented = fingerprint(key)
          return settings.hostKeys.includes(presented)
        },
        readyTimeout: connectMsMax,
        keepaliveInterval: keepAliveMs,
        keepaliveCountMax: keepAlivesMax,
      })
    } catch (e) {
      // A private key that cannot be parsed. The text has nothing of it.
      fail(
        e instanceof Error
          ? Object.assign(e, { level: 'client-authentication' })
          : new Error(String(e)),
      )
    }
  })
}

function openSocket(id: string, { host, port, privateAddresses }: SftpSettings): Promise<Socket> {
  const isAllowed = (address: string) => privateAddresses || isReachable(address, [])
  const refused = () =>
    failure(
      id,
      'PERMANENT',
      'PRIVATE_ADDRESS',
      'it has an address in a private network; allow it with privateAddresses: true',
    )
  // A number in place of a name is never looked up.
  if (isIP(host) && !isAllowed(host)) return Promise.reject(refused())
  return new Promise((resolve, reject) => {
    const socket = connectSocket({ host, port, lookup: guardedLookup(isAllowed) })
    socket.setTimeout(connectMsMax, () => socket.destroy(new Error('no answer in time')))
    const failed = (e: NodeJS.ErrnoException) =>
      reject(
        e.message === notPublic
          ? refused()
          : failure(id, 'RETRY', 'UNREACHABLE', `it cannot be reached: ${connectionFailure(e)}`),
      )
    socket.once('error', failed)
    socket.once('connect', () => {
      socket.setTimeout(0)
      socket.off('error', failed)
      resolve(socket)
    })
  })
}

/** Returns the fingerprint of a public key, as `ssh-keygen -lf` prints it. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`
}

function listed(name: string, attrs: Pick<Stats, 'size' | 'mtime'>): ListedFile {
  return {
    name,
    bytes: attrs.size,
    stamp: `${attrs.size} ${attrs.mtime}`,
    modifiedAt: attrs.mtime * 1_000,
  }
}

function isListed(found: Stats | null, file: ListedFile): boolean {
  return found?.isFile() === true && listed(file.name, found).stamp === file.stamp
}

/** Status codes of SFTP. */
const END_OF_FILE = 1
const NO_SUCH_FILE = 2
const PERMISSION_DENIED = 3

function statusOf(e: unknown): number | null {
  return e instanceof Error && 'code' in e && typeof e.code === 'number' ? e.code : null
}

/** Turns an error of the library into ConnectionError; others stay as they are. */
function translate(id: string, e: unknown): unknown {
  if (e instanceof ConnectionError || e instanceof FileChanged || !(e instanceof Error)) return e
  if (e.name === 'AbortError') return e
  const level = 'level' in e ? String(e.level) : ''
  if (level === 'client-authentication')
    return failure(
      id,
      'SIGN_IN',
      'SIGN_IN_REFUSED',
      `the user or the credential is not accepted (${e.message})`,
    )
  const status = statusOf(e)
  if (status === NO_SUCH_FILE)
    return failure(
      id,
      'MISSING',
      'FOLDER_FAILED',
      'there is no such folder; correct files: sftp: folder:',
    )
  if (status === PERMISSION_DENIED)
    return failure(
      id,
      'FORBIDDEN',
      'FOLDER_FAILED',
      'the right to read it, or to move files in it, is missing',
    )
  return failure(id, 'RETRY', 'UNREACHABLE', e.message)
}

function failure(id: string, verdict: Verdict, code: string, what: string): ConnectionError {
  return new ConnectionError(verdict, code, `${id}: ${what}`)
}
