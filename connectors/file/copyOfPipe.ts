import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { FileError, withPath } from './fileError.ts'

/** A file that can be read twice: the given one, or a copy of a pipe. */
export interface ReadableFile {
  path: string
  /** Removes the copy. */
  close(): Promise<void>
}

/** Copies what is no regular file (a pipe) to a temporary folder. Throws FileError for a folder. */
export async function copyOfPipe(path: string): Promise<ReadableFile> {
  const at = await stat(path).catch((e: unknown) => {
    throw withPath(path, e)
  })
  if (at.isFile()) return { path, close: async () => {} }
  if (at.isDirectory()) throw new FileError(`${path}: this is a folder; name its files`)
  const folder = await mkdtemp(join(tmpdir(), 'touchstone-load-'))
  const close = () => rm(folder, { recursive: true, force: true })
  try {
    const copy = join(folder, 'file')
    await pipeline(createReadStream(path), createWriteStream(copy, { mode: 0o600 }))
    return { path: copy, close }
  } catch (e) {
    await close()
    throw withPath(path, e)
  }
}
