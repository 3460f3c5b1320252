import type { RequestCounts } from '../connection/contract.ts'

/** A file as the list of its place shows it. */
export interface ListedFile {
  /** Name without the folder. */
  name: string
  bytes: number
  /** Differs where the content may differ: inode and time, or the ETag. */
  stamp: string
  /** Milliseconds since 1970, by the clock of the place. */
  modifiedAt: number
}

/** How a move ended. GONE: there is no such file. CHANGED: another content has its name now. */
export type Moved = 'MOVED' | 'GONE' | 'CHANGED'

/**
 * A folder whose files are read: on this machine, in a bucket or behind SFTP. It has no subfolders:
 * those are not listed. Every method throws ConnectionError.
 */
export interface FilePlace {
  /** Names the place in `file_delivery` and in messages, without secrets. */
  id: string
  /** Lists the regular files; links, folders and other things are left out. */
  list(signal: AbortSignal): Promise<ListedFile[]>
  /**
   * Yields the bytes of a listed file. Throws FileChanged where another content has its name now,
   * or none.
   */
  read(file: ListedFile, signal: AbortSignal): AsyncGenerator<Buffer, void, void>
  /**
   * Moves a listed file into a subfolder, which is made if it is missing, under its name; where the
   * subfolder has that name, under `spare`. Another content that has taken its name stays.
   */
  move(file: ListedFile, folder: string, spare: string, signal: AbortSignal): Promise<Moved>
  close(): Promise<void>
}

/** Opens a place for one run. `counts` is increased by each request; `env` has its secrets. */
export type OpenPlace = (
  counts: RequestCounts,
  env?: Readonly<Record<string, string | undefined>>,
) => FilePlace

/** Thrown where a file was changed or removed since it was listed. The next run sees it. */
export class FileChanged extends Error {
  override name = 'FileChanged'
}

/** Files in one list. */
export const listedFilesMax = 100_000
