import { createHash } from 'node:crypto'
import { cleanText } from '../../connectors/body.ts'
import { type Connector, type Message, MessageError } from '../../connectors/contract.ts'
import { type FileOptions, fileRows } from '../../connectors/file/rows.ts'
import type { Sql } from '../db/database.ts'
import { accept, type NewMessage } from './accept.ts'

export interface LoadOptions {
  /** The object that the rows are, where they do not say so themselves. */
  object: string | null
  file: FileOptions
  /** Of all messages of this load. */
  correlationId: string
  /** Take rows that were loaded before as new statements: a source without versions may go back to an old content. */
  again: boolean
  /** Stops after the batch under way. */
  signal?: AbortSignal
  onProgress?: (loaded: Loaded) => void
}

export interface Loaded {
  rows: number
  accepted: number
  duplicates: number
  firstId: number | null
  lastId: number | null
  /** The signal came before the end of the file. */
  stopped: boolean
}

/** Rows of one statement, and their text; two batches are in memory at a time. */
const batchRowsMax = 1_000
const batchCharsMax = 4 * 1024 * 1024

/**
 * Puts the rows of a file into the inbox, batch by batch, reading the next one while one is written. A row's content is
 * its message id, so a load that was stopped, or a file loaded again, only adds what is not there yet.
 * Throws FileError; what came before it is in the inbox.
 */
export async function loadFile(
  sql: Sql,
  connector: Pick<Connector, 'system' | 'split'>,
  path: string,
  options: LoadOptions,
): Promise<Loaded> {
  const loaded: Loaded = { rows: 0, accepted: 0, duplicates: 0, firstId: null, lastId: null, stopped: false }
  let writing: Promise<void> = Promise.resolve()
  const write = async (batch: NewMessage[]) => {
    const result = await accept(sql, batch)
    loaded.rows += batch.length
    loaded.accepted += result.accepted
    loaded.duplicates += result.duplicates
    loaded.firstId ??= result.firstId
    loaded.lastId = result.lastId ?? loaded.lastId
    options.onProgress?.(loaded)
  }

  let batch: NewMessage[] = []
  let chars = 0
  try {
    for await (const { text } of fileRows(path, options.file)) {
      if (options.signal?.aborted) {
        loaded.stopped = true
        break
      }
      for (const message of messagesOf(connector, text, options.object)) {
        const messageId = options.again ? `${message.messageId}@${options.correlationId}` : message.messageId
        batch.push({ ...message, messageId, source: connector.system.name, correlationId: options.correlationId })
        chars += message.body.length
      }
      if (batch.length < batchRowsMax && chars < batchCharsMax) continue
      await writing
      writing = write(batch)
      // A failure is seen at the next await; until then it must not count as unhandled.
      writing.catch(() => {})
      batch = []
      chars = 0
    }
  } finally {
    await writing
    if (batch.length > 0) await write(batch)
  }
  return loaded
}

/** A row that is no message by itself is kept as it is: the pipeline makes it an exception with the same reason. */
function messagesOf(connector: Pick<Connector, 'split'>, text: string, object: string | null): Message[] {
  try {
    // A list is not split here: as a row it is a mistake of the file.
    if (!text.startsWith('[')) return connector.split(text, object, null)
  } catch (e) {
    if (!(e instanceof MessageError)) throw e
  }
  const body = cleanText(text)
  const hash = createHash('sha256')
    .update(`${object ?? ''}\u0000${body}`)
    .digest('base64url')
  return [{ messageId: `row:${hash}`, object, format: 'row', body }]
}
