import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { type Entry, open as openZip, type ZipFile } from 'yauzl'
import { FileError } from '../fileError.ts'

/** Files in an archive; a workbook has some twenty, and one for each sheet. */
const entriesMax = 2_000
/** Unpacked bytes of one file in it: a sheet of a million rows has about half of that. */
const entryBytesMax = 2 * 1024 ** 3

export interface Archive {
  has(name: string): boolean
  /**
   * Streams a file of the archive, unpacked. Throws FileError for a file that it lacks, and for one
   * of more than `bytesMax` bytes.
   */
  read(name: string, bytesMax?: number): Promise<Readable>
  close(): void
}

/** Opens a ZIP archive. Throws FileError for a damaged one. */
export async function openArchive(path: string): Promise<Archive> {
  const zip = await promisify<string, object, ZipFile>(openZip)(path, {
    lazyEntries: true,
    autoClose: false,
  }).catch((e: unknown) => {
    throw damaged(e)
  })
  try {
    const entries = await readEntries(zip)
    const openEntry = promisify<Entry, Readable>(zip.openReadStream.bind(zip))
    return {
      has: (name) => entries.has(name),
      read: async (name, bytesMax = entryBytesMax) => {
        const entry = entries.get(name)
        if (!entry) throw new FileError(`the archive has no ${name}: the workbook is damaged`)
        if (entry.uncompressedSize > bytesMax)
          throw new FileError(`${name} has more than ${bytesMax} bytes; save the sheet as CSV`)
        return await openEntry(entry).catch((e: unknown) => {
          throw damaged(e)
        })
      },
      close: () => zip.close(),
    }
  } catch (e) {
    zip.close()
    throw e
  }
}

function damaged(e: unknown): FileError {
  return new FileError(
    `the file is an Excel workbook or a ZIP archive that is damaged or cut off: ${e instanceof Error ? e.message : String(e)}`,
  )
}

async function readEntries(zip: ZipFile): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>()
  await new Promise<void>((resolve, reject) => {
    zip.on('error', (e) => reject(damaged(e)))
    zip.on('end', resolve)
    zip.on('entry', (entry: Entry) => {
      // Programs differ in which of two they read.
      if (entries.has(entry.fileName))
        return reject(new FileError(`the archive has ${entry.fileName} twice: it is damaged`))
      entries.set(entry.fileName, entry)
      if (entries.size > entriesMax)
        reject(new FileError(`the archive has more than ${entriesMax} files`))
      else zip.readEntry()
    })
    zip.readEntry()
  })
  return entries
}
