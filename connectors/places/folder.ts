import { constants } from 'node:fs'
import { lstat, mkdir, open, readdir, realpath, rename } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { ConnectionError, type RequestCounts, type Verdict } from '../connection/contract.ts'
import { FileChanged, type FilePlace, type ListedFile, listedFilesMax } from './contract.ts'

const readBytes = 256 * 1024

/** Opens a folder of this machine. */
export function openFolder(folder: string, counts: RequestCounts): FilePlace {
  const id = `folder ${folder}`
  /** The folder itself, so that a link to another folder in its path is followed once, at the top. */
  const root = () => counted(counts, () => failing(id, () => realpath(folder)))
  return {
    id,
    async list(signal) {
      const at = await root()
      const entries = await failing(id, () => readdir(at, { withFileTypes: true }))
      const names = entries.filter((e) => e.isFile()).map((e) => e.name)
      if (names.length > listedFilesMax)
        throw new ConnectionError(
          'INVALID',
          'TOO_MANY_FILES',
          `${id} has ${names.length} files; at most ${listedFilesMax} are listed: set archive:, or remove old ones`,
        )
      const files: ListedFile[] = []
      for (const name of names) {
        signal.throwIfAborted()
        const file = await listed(join(at, name), name)
        if (file) files.push(file)
      }
      return files
    },
    async *read(file, signal) {
      const path = join(await root(), file.name)
      // A link in place of the file leads out of the folder, so it is not followed.
      const handle = await failing(id, () =>
        open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch((e) => {
          if (isMissing(e) || codeOf(e) === 'ELOOP') throw new FileChanged(file.name)
          throw e
        }),
      )
      try {
        const before = await handle.stat()
        if (!before.isFile() || stampOf(before) !== file.stamp) throw new FileChanged(file.name)
        for (let at = 0; ; ) {
          signal.throwIfAborted()
          const { bytesRead, buffer } = await failing(id, () =>
            handle.read(Buffer.allocUnsafe(readBytes), 0, readBytes, at),
          )
          if (bytesRead === 0) break
          at += bytesRead
          counts.bytes += bytesRead
          yield buffer.subarray(0, bytesRead)
        }
        if (stampOf(await handle.stat()) !== file.stamp) throw new FileChanged(file.name)
      } finally {
        await handle.close()
      }
    },
    async move(file, into, spare) {
      const at = await root()
      const from = join(at, file.name)
      const now = await listed(from, file.name)
      if (!now) return 'GONE'
      if (now.stamp !== file.stamp) return 'CHANGED'
      const target = join(at, into)
      await failing(id, () => mkdir(target, { recursive: true }))
      if (!(await failing(id, () => realpath(target))).startsWith(at + sep))
        throw new ConnectionError(
          'PERMANENT',
          'FOLDER_IS_LINK',
          `${id}: the subfolder ${into} leads out of it; make it a folder`,
        )
      const as = (await isFree(join(target, file.name))) ? file.name : spare
      const to = join(target, as)
      await failing(id, () => rename(from, to))
      // The sender may have replaced the file between the look at it and the move.
      if ((await listed(to, as))?.stamp === file.stamp) return 'MOVED'
      await failing(id, () => rename(to, from))
      return 'CHANGED'
    },
    close: async () => {},
  }
}

/** Returns a regular file; null where there is none, or a link or a folder. */
async function listed(path: string, name: string): Promise<ListedFile | null> {
  try {
    const found = await lstat(path)
    return found.isFile()
      ? { name, bytes: found.size, stamp: stampOf(found), modifiedAt: found.mtimeMs }
      : null
  } catch (e) {
    if (isMissing(e)) return null
    throw e
  }
}

async function isFree(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return false
  } catch (e) {
    if (isMissing(e)) return true
    throw e
  }
}

function stampOf({ ino, size, mtimeMs }: { ino: number; size: number; mtimeMs: number }): string {
  return `${ino} ${size} ${mtimeMs}`
}

async function counted<T>(counts: RequestCounts, work: () => Promise<T>): Promise<T> {
  counts.requests++
  return await work()
}

/** Runs `work` and turns the errors of the file system into ConnectionError. */
async function failing<T>(id: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (e) {
    const code = codeOf(e)
    if (code === undefined) throw e
    const [verdict, why] = FAILURES.get(code) ?? ['RETRY', code]
    throw new ConnectionError(verdict, 'FOLDER_FAILED', `${id}: ${why}`)
  }
}

const FAILURES: ReadonlyMap<string, [Verdict, string]> = new Map([
  ['ENOENT', ['MISSING', 'there is no such folder; make it, or correct files: folder:']],
  ['ENOTDIR', ['PERMANENT', 'this is no folder; correct files: folder:']],
  ['EACCES', ['FORBIDDEN', 'the right to read it, or to move files in it, is missing']],
  ['EPERM', ['FORBIDDEN', 'the right to read it, or to move files in it, is missing']],
  ['EROFS', ['FORBIDDEN', 'it cannot be written to; write archive: keep and errors: keep']],
])

function codeOf(e: unknown): string | undefined {
  return e instanceof Error &&
    'code' in e &&
    typeof e.code === 'string' &&
    /^E[A-Z0-9]+$/.test(e.code)
    ? e.code
    : undefined
}

function isMissing(e: unknown): boolean {
  return codeOf(e) === 'ENOENT'
}
