import type { Connector } from '../../connectors/contract.ts'
import type { FilePlace, ListedFile } from '../../connectors/places/contract.ts'
import type { ObjectFiles, SourceFiles } from '../../connectors/places/sourceFiles.ts'
import type { Run } from '../connections/runs.ts'
import type { SharedTools } from '../connections/scheduler.ts'
import { lockObject } from '../connections/storePage.ts'
import type { Transaction } from '../db/database.ts'
import { transaction } from '../db/transaction.ts'
import type { Shelf } from './deliveries.ts'

/** What reads the rows of files. */
export type FileReader = Pick<
  Connector,
  'system' | 'split' | 'read' | 'map' | 'objects' | 'objectName' | 'held'
>

/** One run over the files of one object. */
export interface FileRunContext {
  shared: SharedTools
  files: SourceFiles
  own: ObjectFiles
  place: FilePlace
  reader: FileReader
  run: Run
  shelf: Shelf
  /** Contents that were read before this moment are read again; null: none. */
  rescanSince: Date | null
  /** The files that the place listed, by name, without those that were moved since. */
  listed: Map<string, ListedFile>
}

/**
 * Runs `work` in a transaction that has locked the object. A holder that has lost its lease throws
 * LeaseLost and changes nothing.
 */
export async function fenced<T>(
  { shared, run }: Pick<FileRunContext, 'shared' | 'run'>,
  work: (tx: Transaction, lastInboxId: number) => Promise<T>,
): Promise<T> {
  return await transaction(shared.sql, async (tx) => {
    const lastInboxId = await lockObject(tx, run.lease)
    return await work(tx, lastInboxId)
  })
}
