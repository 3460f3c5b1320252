import type { InboundMessage } from '../../connectors/contract.ts'
import { FileError } from '../../connectors/file/fileError.ts'
import { idFinder } from '../../connectors/file/rowMessage.ts'
import { type OpenedFile, openFile } from '../../connectors/file/rows.ts'
import { FileChanged, type ListedFile } from '../../connectors/places/contract.ts'
import type { StatedFile } from '../../connectors/places/statedFile.ts'
import { type FileBatch, fileBatches } from '../ingest/load.ts'
import { type FileRunContext, fenced } from './context.ts'
import { addDelivery, type Delivery, findSameContent } from './deliveries.ts'
import { type Finding, settleDone, settleRefused } from './settle.ts'
import { type SpooledFile, spool } from './spool.ts'
import { createMessageReader, type MessageReader, storeRowsOfFile } from './storeRowsOfFile.ts'

/** How the reading of a file ended. CHANGED: it is another one now, so it waits again. */
export type DeliveryEnd =
  | { ended: 'DONE'; finding: Finding | null }
  | { ended: 'REFUSED'; finding: Finding }
  | { ended: 'CHANGED' }

/**
 * Reads a file to its end and stores its rows, or refuses it whole. A file whose reading was cut off
 * goes on after its last stored row. `stated` is what manifest, marker and checksum file state.
 */
export async function readDelivery(
  context: FileRunContext,
  delivery: Delivery,
  file: ListedFile,
  stated: StatedFile,
  signal: AbortSignal,
): Promise<DeliveryEnd> {
  let copy: SpooledFile
  try {
    copy = await spool(context.place, file, signal)
  } catch (e) {
    if (e instanceof FileChanged) return { ended: 'CHANGED' }
    throw e
  }
  try {
    const now = await withContent(context, delivery, file, copy.sha256)
    return await readCopy(context, now, copy, stated, signal)
  } finally {
    await copy.close()
  }
}

/**
 * Returns the delivery of this content. Where another content was being read under the name, that
 * one is refused: its other rows are lost.
 */
async function withContent(
  context: FileRunContext,
  delivery: Delivery,
  file: ListedFile,
  sha256: string,
): Promise<Delivery> {
  if (delivery.state !== 'READING' || delivery.sha256 === sha256) return delivery
  const finding = {
    code: 'FILE_REPLACED',
    detail: `another content replaced it after ${delivery.rows} of its rows were stored; the rows after them are not known`,
  }
  await settleRefused(
    { ...context, files: { ...context.files, errors: null } },
    delivery,
    finding,
    null,
  )
  return await fenced(context, async (tx) => {
    // The new content stands at the place of the old one, so it need not wait for it.
    await tx`update file_delivery set holds_back = false where id = ${delivery.id}`
    const { sequence, series, name, version } = delivery
    return await addDelivery(tx, context.shelf, name, file, { sequence, series }, version + 1)
  })
}

async function readCopy(
  context: FileRunContext,
  delivery: Delivery,
  copy: SpooledFile,
  stated: StatedFile,
  signal: AbortSignal,
): Promise<DeliveryEnd> {
  const { own, reader, rescanSince, shelf } = context
  const { id, name } = delivery
  const { sha256 } = copy
  const rows = delivery.sha256 === sha256 ? delivery.rows : 0
  const refuse = async (finding: Finding): Promise<DeliveryEnd> => {
    await settleRefused(context, delivery, finding, sha256)
    return { ended: 'REFUSED', finding }
  }
  const wrong = differenceOf(copy, stated)
  if (wrong) return await refuse({ code: 'FILE_CHECKSUM', detail: wrong })
  const begun = await fenced(context, async (tx) => {
    const same =
      delivery.state === 'READING'
        ? null
        : await findSameContent(tx, shelf, { id, name, sha256, after: rescanSince })
    if (same) return { same }
    const started = await tx`
        update file_delivery set state = 'READING', rows = ${rows}, sha256 = ${sha256}, code = null, detail = null,
          began_at = coalesce(began_at, clock_timestamp())
        where id = ${id} and state in ('WAITING', 'READING') returning 1`
    return { same: null, isSkipped: started.length === 0 }
  })
  // A person has decided about it meanwhile.
  if (begun.isSkipped) return { ended: 'CHANGED' }
  const { same } = begun
  if (same) {
    const when = same.endedAt?.toISOString() ?? ''
    const finding = {
      code: 'SAME_CONTENT',
      detail: `its content is that of ${same.name}, read at ${when}; nothing was stored`,
    }
    await settleDone(context, delivery, finding, sha256)
    return { ended: 'DONE', finding }
  }
  let opened: OpenedFile
  try {
    opened = await openFile(
      copy.path,
      { ...own.options, shownAs: name },
      idFinder(reader, own.object),
    )
    const short = await countDifference(opened, stated, signal)
    if (short) return await refuse({ code: 'FILE_ROWS', detail: short })
  } catch (e) {
    if (!(e instanceof FileError)) throw e
    return await refuse({ code: 'FILE_REFUSED', detail: withoutName(e.message, name) })
  }
  try {
    await storeFile(context, { ...delivery, rows }, opened, signal)
  } finally {
    await opened.close()
  }
  await settleDone(context, delivery, null, sha256)
  return { ended: 'DONE', finding: null }
}

/** Stores the rows batch by batch; the next batch is read while one is stored. */
async function storeFile(
  context: FileRunContext,
  delivery: Delivery,
  opened: OpenedFile,
  signal: AbortSignal,
): Promise<void> {
  const { own, reader } = context
  const readRow = createMessageReader(context)
  const batches = fileBatches(reader, opened, own.object, {
    after: delivery.rows,
    startsBatch: repeatedRecords(readRow),
  })
  let storing: Promise<void> = Promise.resolve()
  const store = async (batch: FileBatch) => {
    signal.throwIfAborted()
    await storeRowsOfFile(context, delivery, batch, readRow, signal)
  }
  try {
    for await (const batch of batches) {
      await storing
      storing = store(batch)
      // A failure is seen at the next await; until then it must not count as unhandled.
      storing.catch(() => {})
    }
  } finally {
    await storing
  }
}

/**
 * Returns a check whether a row repeats a record of its batch. Each batch has a record once, because
 * a repeated statement is compared with the store.
 */
function repeatedRecords(readRow: MessageReader) {
  let seen = new Set<string>()
  return (messages: readonly InboundMessage[], isFirst: boolean): boolean => {
    const keys = messages.flatMap((m) => readRow(m).stated.key ?? [])
    const repeats = isFirst || keys.some((key) => seen.has(key))
    if (repeats) seen = new Set()
    for (const key of keys) seen.add(key)
    return repeats && !isFirst
  }
}

function differenceOf(copy: SpooledFile, stated: StatedFile): string | null {
  if (stated.bytes !== undefined && stated.bytes !== copy.bytes)
    return `it has ${copy.bytes} bytes; ${stated.bytes} are stated: send it again`
  for (const algorithm of ['sha256', 'md5'] as const) {
    const value = stated[algorithm]
    if (value !== undefined && value !== copy[algorithm])
      return `its ${algorithm} is ${copy[algorithm]}; ${value} is stated: send it again`
  }
  return null
}

async function countDifference(
  opened: OpenedFile,
  { rows }: StatedFile,
  signal: AbortSignal,
): Promise<string | null> {
  if (rows === undefined) return null
  let found = 0
  for await (const _ of opened.rows()) {
    if (found % 10_000 === 0) signal.throwIfAborted()
    found++
  }
  return found === rows ? null : `it has ${found} rows; ${rows} are stated: send it again`
}

function withoutName(message: string, name: string): string {
  return message.startsWith(`${name}: `) ? message.slice(name.length + 2) : message
}
