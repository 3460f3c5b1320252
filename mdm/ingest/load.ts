import { setTimeout as sleep } from 'node:timers/promises'
import type { Connector, InboundMessage } from '../../connectors/contract.ts'
import type { FileRow } from '../../connectors/file/fileRow.ts'
import { messagesOfRow } from '../../connectors/file/rowMessage.ts'
import type { OpenedFile } from '../../connectors/file/rows.ts'
import { queueOf } from '../../connectors/queueOf.ts'
import type { Sql } from '../db/database.ts'
import { isTransientDatabaseError } from '../db/isTransientDatabaseError.ts'
import { type Accepted, accept, type NewMessage } from '../inbox/accept.ts'

export interface LoadOptions {
  /** The object of the rows, unless they name it themselves. */
  object: string | null
  /** Correlation id of all messages of this load. */
  correlationId: string
  /**
   * True: rows that were loaded before count as new statements. A source without versions may
   * return to an earlier content.
   */
  again: boolean
  /** How long to wait for an unavailable database, in ms; 2 minutes by default. */
  awayMsMax?: number
  /** Called once each time the database becomes unavailable. */
  onAway?: (error: unknown) => void
  /** Stops after the current batch. */
  signal?: AbortSignal
  onProgress?: (loaded: Loaded) => void
}

export interface Loaded {
  rows: number
  accepted: number
  duplicates: number
  firstId: number | null
  lastId: number | null
  /** True if the signal came before the end of the file. */
  stopped: boolean
}

/** Largest number of rows in one statement. Two batches are in memory at a time. */
const batchRowsMax = 1_000
const batchCharsMax = 4 * 1024 * 1024

/**
 * Puts the rows of a file into the inbox, batch by batch, and reads the next batch while one is
 * written. A row's content is its message id, so a repeated load adds only what is missing. The file
 * was checked when it was opened, so that nothing of a file that cannot be read is in the inbox.
 */
export async function loadFile(
  sql: Sql,
  connector: Pick<Connector, 'system' | 'split' | 'read' | 'objects' | 'objectName'>,
  file: OpenedFile,
  options: LoadOptions,
): Promise<Loaded> {
  const loaded: Loaded = {
    rows: 0,
    accepted: 0,
    duplicates: 0,
    firstId: null,
    lastId: null,
    stopped: false,
  }
  let writing: Promise<void> = Promise.resolve()
  const write = async ({ messages }: FileBatch) => {
    const batch = messages.map((message) => ({
      ...message,
      messageId: options.again
        ? `${message.messageId}@${options.correlationId}`
        : message.messageId,
      source: connector.system.name,
      correlationId: options.correlationId,
      ...queueOf(connector, message.object),
    }))
    const result = await acceptWhenThere(sql, batch, options)
    loaded.rows += batch.length
    loaded.accepted += result.accepted
    loaded.duplicates += result.duplicates
    loaded.firstId ??= result.firstId
    loaded.lastId = result.lastId ?? loaded.lastId
    options.onProgress?.(loaded)
  }

  try {
    const batches = fileBatches(connector, file, options.object, {
      isStopped: () => options.signal?.aborted ?? false,
    })
    for await (const batch of batches) {
      if (batch.stopped) loaded.stopped = true
      await writing
      writing = write(batch)
      // A failure is seen at the next await; until then it must not count as unhandled.
      writing.catch(() => {})
    }
  } finally {
    await writing
  }
  return loaded
}

/** Messages of rows that follow each other. */
export interface FileBatch {
  messages: InboundMessage[]
  /** Number of the rows of the file up to the end of this batch. */
  rows: number
  /** True if `isStopped` ended the file here. */
  stopped: boolean
}

/**
 * Yields the messages of the rows after `after`, batch by batch. What was read before a failure is
 * yielded before it is thrown. `startsBatch`: whether a row must not share a batch with those before.
 */
export async function* fileBatches(
  connector: Pick<Connector, 'split' | 'read' | 'objectName'>,
  file: Pick<OpenedFile, 'name' | 'rows'>,
  object: string | null,
  {
    after = 0,
    isStopped = () => false,
    startsBatch = () => false,
  }: {
    after?: number
    isStopped?: () => boolean
    startsBatch?: (messages: readonly InboundMessage[], isFirst: boolean) => boolean
  } = {},
): AsyncGenerator<FileBatch, void, void> {
  let batch: InboundMessage[] = []
  let chars = 0
  let rows = 0
  const end = (stopped = false): FileBatch => {
    const ended = { messages: batch, rows, stopped }
    batch = []
    chars = 0
    return ended
  }
  let failure: { error: unknown } | null = null
  try {
    for await (const row of file.rows() as AsyncIterable<FileRow>) {
      if (isStopped()) {
        yield end(true)
        return
      }
      if (rows < after) {
        rows++
        continue
      }
      const messages = messagesOfRow(connector, row, file.name, object)
      if (startsBatch(messages, batch.length === 0) && batch.length > 0) yield end()
      batch.push(...messages)
      for (const message of messages) chars += message.body.length
      rows++
      if (batch.length >= batchRowsMax || chars >= batchCharsMax) yield end()
    }
  } catch (error) {
    failure = { error }
  }
  if (batch.length > 0) yield end()
  if (failure) throw failure.error
}

const awayMsDefault = 120_000
const pauseMs = 500

/**
 * Accepts a batch and retries while the database is unavailable. After a lost response the batch
 * may be stored already: rows with this load's correlation id then count as accepted, not as known.
 */
async function acceptWhenThere(
  sql: Sql,
  batch: NewMessage[],
  options: LoadOptions,
): Promise<Accepted> {
  const until = Date.now() + (options.awayMsMax ?? awayMsDefault)
  for (let attempt = 1; ; attempt++) {
    try {
      const result = await accept(sql, batch)
      return attempt > 1 && result.duplicates > 0
        ? await recount(sql, batch, options.correlationId)
        : result
    } catch (e) {
      if (!isTransientDatabaseError(e) || Date.now() > until || options.signal?.aborted) throw e
      if (attempt === 1) options.onAway?.(e)
      await sleep(pauseMs)
    }
  }
}

/**
 * Counts the rows of a batch in the inbox under this load's correlation id; probes of the unique
 * index.
 */
async function recount(sql: Sql, batch: NewMessage[], correlationId: string): Promise<Accepted> {
  const [row] = await sql<{ accepted: number; firstId: number | null; lastId: number | null }[]>`
    select count(*)::integer as accepted, min(id) as "firstId", max(id) as "lastId" from inbox
    where source = ${batch[0]?.source ?? ''} and message_id = any(${batch.map((m) => m.messageId)}::text[])
      and correlation_id = ${correlationId}`
  const accepted = row?.accepted ?? 0
  return {
    accepted,
    duplicates: batch.length - accepted,
    firstId: row?.firstId ?? null,
    lastId: row?.lastId ?? null,
  }
}
