import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ConnectionError } from '../../connectors/connection/contract.ts'
import { FileChanged, type FilePlace, type ListedFile } from '../../connectors/places/contract.ts'
import { copyPrefix, removeLeftCopies } from './leftCopies.ts'

/** A copy of a file on this machine. Its content cannot change between the check and the reading. */
export interface SpooledFile {
  path: string
  bytes: number
  sha256: string
  md5: string
  close(): Promise<void>
}

/**
 * Copies a file to a temporary folder. Throws FileChanged where it is not the listed one any more,
 * and ConnectionError.
 */
export async function spool(
  place: FilePlace,
  file: ListedFile,
  signal: AbortSignal,
): Promise<SpooledFile> {
  await removeLeftCopies()
  const folder = await mkdtemp(copyPrefix())
  const close = () => rm(folder, { recursive: true, force: true })
  const path = join(folder, file.name)
  const sha256 = createHash('sha256')
  const md5 = createHash('md5')
  let bytes = 0
  const measure = new Transform({
    transform(chunk: Buffer, _, done) {
      bytes += chunk.length
      sha256.update(chunk)
      md5.update(chunk)
      done(bytes > file.bytes ? new FileChanged(file.name) : null, chunk)
    },
  })
  try {
    const target = createWriteStream(path, { mode: 0o600, flags: 'wx' })
    await pipeline(Readable.from(place.read(file, signal)), measure, target)
    if (bytes !== file.bytes) throw new FileChanged(file.name)
    return { path, bytes, sha256: sha256.digest('hex'), md5: md5.digest('hex'), close }
  } catch (e) {
    await close()
    if (e instanceof Error && 'code' in e && (e.code === 'ENOSPC' || e.code === 'EDQUOT'))
      throw new ConnectionError(
        'RETRY',
        'NO_SPACE',
        `${place.id}: ${file.name} with ${file.bytes} bytes cannot be copied to ${tmpdir()}: the disk is full`,
      )
    throw e
  }
}

const textBytesMax = 1024 * 1024

/** Returns the text of a small file, such as a manifest; null where it is too large or not UTF-8. */
export async function readText(
  place: FilePlace,
  file: ListedFile,
  signal: AbortSignal,
): Promise<string | null> {
  if (file.bytes > textBytesMax) return null
  const chunks: Buffer[] = []
  for await (const chunk of place.read(file, signal)) chunks.push(chunk)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
  } catch (e) {
    if (e instanceof TypeError) return null
    throw e
  }
}
