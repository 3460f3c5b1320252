import { FileError } from '../../connectors/file/fileError.ts'
import type { ListedFile } from '../../connectors/places/contract.ts'
import { parseChecksum, parseMarker, type StatedFile } from '../../connectors/places/statedFile.ts'
import type { FileRunContext } from './context.ts'
import type { Manifests } from './manifests.ts'
import type { Finding } from './settle.ts'
import { readText } from './spool.ts'
import type { OpenFile } from './survey.ts'

/** Names of files that belong to another: its marker and its checksum. */
export function companionsOf(
  { files, listed }: Pick<FileRunContext, 'files' | 'listed'>,
  name: string,
): { marker: ListedFile | null; checksum: ListedFile | null } {
  const find = (ending: string | undefined | null) => {
    if (!ending) return null
    const bare = name.replace(/\.[^.]+$/, '')
    return listed.get(name + ending) ?? listed.get(bare + ending) ?? null
  }
  return { marker: find(files.done), checksum: find(files.checksum?.ending) }
}

/** Whether a name is that of a manifest, marker or checksum file. */
export function isCompanion({ files }: Pick<FileRunContext, 'files'>, name: string): boolean {
  return (
    (files.manifest?.(name) ?? false) ||
    (files.done !== null && name.endsWith(files.done)) ||
    (files.checksum !== null && name.endsWith(files.checksum.ending))
  )
}

/** Returns why a file cannot be read yet; null where it can. */
export function reasonToWait(
  context: FileRunContext,
  { delivery, file }: OpenFile,
  manifests: Manifests,
  now: Date,
): Finding | null {
  const { files } = context
  if (!file)
    return delivery.code === 'FILE_REMOVED'
      ? { code: 'FILE_REMOVED', detail: delivery.detail ?? '' }
      : { code: 'FILE_MISSING', detail: 'it has not come' }
  const { marker, checksum } = companionsOf(context, file.name)
  if (files.manifest && !manifests.stated.has(file.name))
    return { code: 'NO_MANIFEST', detail: 'no manifest names it yet' }
  if (files.done && !marker)
    return { code: 'NO_MARKER', detail: `there is no ${file.name}${files.done} yet` }
  if (files.checksum && !checksum)
    return { code: 'NO_CHECKSUM', detail: `there is no ${file.name}${files.checksum.ending} yet` }
  const isComplete = files.manifest !== null || files.done !== null
  if (!isComplete && now.getTime() - delivery.seenAt.getTime() < files.stableMs)
    return { code: 'MAY_GROW', detail: 'it may still grow' }
  return null
}

/** Reads what is stated about a file beside it. Throws FileError and FileChanged. */
export async function readStated(
  context: FileRunContext,
  file: ListedFile,
  manifests: Manifests,
  signal: AbortSignal,
): Promise<StatedFile> {
  const { files, place } = context
  const { marker, checksum } = companionsOf(context, file.name)
  let stated: StatedFile = manifests.stated.get(file.name) ?? {}
  const read = async (of: ListedFile, parse: (text: string) => StatedFile) => {
    const text = await readText(place, of, signal)
    if (text === null) throw new FileError(`${of.name} is no text of at most 1 MB`)
    try {
      stated = { ...stated, ...parse(text) }
    } catch (e) {
      throw e instanceof FileError ? new FileError(`${of.name}: ${e.message}`) : e
    }
  }
  if (marker) await read(marker, parseMarker)
  if (checksum && files.checksum) {
    const { algorithm } = files.checksum
    await read(checksum, (text) => parseChecksum(text, file.name, algorithm))
  }
  return stated
}
