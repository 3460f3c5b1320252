import { constants, type Dirent, type Stats } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, readdir, rename } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { basename, join, normalize } from 'node:path'
import type { Attributes, AuthContext, Connection, SFTPWrapper } from 'ssh2'
import ssh2 from 'ssh2'
import { fingerprint } from '../../connectors/places/sftp.ts'

const { STATUS_CODE } = ssh2.utils.sftp

/** An SFTP server over a real socket that serves a folder of this machine. */
export interface SftpServer {
  port: number
  /** Its fingerprint, as `hostKey:` has it. */
  hostKey: string
  /** The private key of the user `erp`. */
  userKey: string
  password: string
  /** Ends the connections; with `after` once so many pieces of a file were read. */
  cut(after?: number): void
  /** Refuses every rename, as without the right to it. */
  isReadOnly: boolean
  close(): Promise<void>
}

/** ssh2 makes about one pair in some hundred in a form that it does not read itself. */
function readableKeyPair() {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync('ed25519')
    const parsed = ssh2.utils.parseKey(pair.public)
    if (parsed instanceof Error || ssh2.utils.parseKey(pair.private) instanceof Error) continue
    return { ...pair, parsed }
  }
}

export async function startSftpServer(folder: string): Promise<SftpServer> {
  const host = readableKeyPair()
  const user = readableKeyPair()
  const allowed = user.parsed
  const hostKey = host.parsed
  const password = 'a password of the test'
  const clients = new Set<Connection>()
  let readsLeft = Number.POSITIVE_INFINITY
  const server = new ssh2.Server({ hostKeys: [host.private] }, (client) => {
    clients.add(client)
    client.on('close', () => clients.delete(client))
    // A client that ends its connection at once is no fault of the test.
    client.on('error', () => clients.delete(client))
    client.on('authentication', (context: AuthContext) => {
      const isUser = context.username === 'erp'
      if (context.method === 'password' && isUser && context.password === password) context.accept()
      else if (
        context.method === 'publickey' &&
        isUser &&
        context.key.data.equals(allowed.getPublicSSH())
      )
        if (
          !context.signature ||
          allowed.verify(context.blob ?? Buffer.alloc(0), context.signature, context.hashAlgo)
        )
          context.accept()
        else context.reject()
      else context.reject(['publickey', 'password'])
    })
    client.on('session', (accept) => {
      accept().on('sftp', (acceptSftp) => {
        serve(acceptSftp(), folder, made, () => {
          if (--readsLeft < 0) for (const c of clients) c.end()
        })
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const made: SftpServer = {
    port: (server.address() as AddressInfo).port,
    hostKey: fingerprint(hostKey.getPublicSSH()),
    userKey: user.private,
    password,
    isReadOnly: false,
    cut(after = 0) {
      readsLeft = after
    },
    close: () =>
      new Promise((resolve) => {
        for (const client of clients) client.end()
        server.close(() => resolve())
      }),
  }
  return made
}

/** Answers the requests of one session. */
function serve(sftp: SFTPWrapper, folder: string, server: SftpServer, onRead: () => void): void {
  const handles = new Map<string, FileHandle | { entries: Dirent[]; path: string }>()
  let last = 0
  const at = (path: string) => join(folder, normalize(`/${path}`))
  const idOf = (handle: Buffer) => handle.toString('hex')
  const add = (of: FileHandle | { entries: Dirent[]; path: string }) => {
    const handle = Buffer.alloc(4)
    handle.writeUInt32BE(++last)
    handles.set(idOf(handle), of)
    return handle
  }
  /** Answers with the status of an error of the file system. */
  const answer = (id: number, work: () => Promise<void>) =>
    void work().catch((e: NodeJS.ErrnoException) =>
      sftp.status(
        id,
        e.code === 'ENOENT' ? STATUS_CODE.NO_SUCH_FILE : STATUS_CODE.FAILURE,
        e.code ?? e.message,
      ),
    )
  const fileOf = (handle: Buffer) => {
    const found = handles.get(idOf(handle))
    if (!found || 'entries' in found) throw new Error('no such handle')
    return found
  }
  sftp.on('REALPATH', (id, path) =>
    sftp.name(id, [{ filename: normalize(`/${path}`), longname: path, attrs: noAttributes }]),
  )
  sftp.on('OPENDIR', (id, path) =>
    answer(id, async () => {
      const entries = await readdir(at(path), { withFileTypes: true })
      sftp.handle(id, add({ entries, path: at(path) }))
    }),
  )
  sftp.on('READDIR', (id, handle) =>
    answer(id, async () => {
      const found = handles.get(idOf(handle))
      if (!found || !('entries' in found)) throw new Error('no such handle')
      const some = found.entries.splice(0, 3)
      if (some.length === 0) return sftp.status(id, STATUS_CODE.EOF)
      const names = some.map(async (e) => ({
        filename: e.name,
        longname: basename(e.name),
        attrs: attributesOf(await lstat(join(found.path, e.name))),
      }))
      sftp.name(id, await Promise.all(names))
    }),
  )
  const stat = (id: number, path: string) =>
    answer(id, async () => sftp.attrs(id, attributesOf(await lstat(at(path)))))
  sftp.on('LSTAT', stat)
  sftp.on('STAT', stat)
  sftp.on('OPEN', (id, path) =>
    answer(id, async () => sftp.handle(id, add(await open(at(path), constants.O_RDONLY)))),
  )
  sftp.on('FSTAT', (id, handle) =>
    answer(id, async () => sftp.attrs(id, attributesOf(await fileOf(handle).stat()))),
  )
  sftp.on('READ', (id, handle, offset, length) =>
    answer(id, async () => {
      onRead()
      // Less than was asked for, as a server may answer.
      const { bytesRead, buffer } = await fileOf(handle).read(
        Buffer.alloc(length),
        0,
        Math.min(length, 20_000),
        offset,
      )
      if (bytesRead === 0) sftp.status(id, STATUS_CODE.EOF)
      else sftp.data(id, buffer.subarray(0, bytesRead))
    }),
  )
  sftp.on('CLOSE', (id, handle) =>
    answer(id, async () => {
      const found = handles.get(idOf(handle))
      handles.delete(idOf(handle))
      if (found && !('entries' in found)) await found.close()
      sftp.status(id, STATUS_CODE.OK)
    }),
  )
  sftp.on('MKDIR', (id, path) =>
    answer(id, async () => {
      await mkdir(at(path))
      sftp.status(id, STATUS_CODE.OK)
    }),
  )
  sftp.on('RENAME', (id, from, to) =>
    answer(id, async () => {
      if (server.isReadOnly) return sftp.status(id, STATUS_CODE.PERMISSION_DENIED)
      await rename(at(from), at(to))
      sftp.status(id, STATUS_CODE.OK)
    }),
  )
  sftp.on('end', () => {
    for (const found of handles.values()) if (!('entries' in found)) void found.close()
  })
}

const noAttributes: Attributes = { mode: 0, uid: 0, gid: 0, size: 0, atime: 0, mtime: 0 }

function attributesOf(of: Stats): Attributes {
  const { mode, uid, gid, size } = of
  return {
    mode,
    uid,
    gid,
    size,
    atime: Math.floor(of.atimeMs / 1_000),
    mtime: Math.floor(of.mtimeMs / 1_000),
  }
}
