import { ConnectionError, type PulledRow, type RecordRead, type Verdict } from '../contract.ts'
import type { BatchRead } from '../definition/batch.ts'
import { addChildren } from './children.ts'
import type { ObjectContext } from './context.ts'
import { readPages } from './readPage.ts'
import { readRecord } from './readRecord.ts'
import { rowId, timedRow } from './rows.ts'

const readsAtOnce = 8
/** A refusal that says something about the record, not about the credential or the system. */
const OF_ONE: ReadonlySet<Verdict> = new Set(['MISSING', 'INVALID', 'PERMANENT', 'CONFLICT'])

/**
 * Reads several records. One that a batch does not have is read alone: a batch may leave out a
 * record for other reasons than that there is none.
 */
export async function readSeveral(
  ctx: ObjectContext,
  ids: readonly string[],
): Promise<RecordRead[]> {
  const batch = ctx.object.read?.batch
  const found = batch && ids.length > 1 ? await readBatches(ctx, batch, ids) : new Map()
  const read: RecordRead[] = []
  for (let i = 0; i < ids.length; i += readsAtOnce)
    read.push(
      ...(await Promise.all(
        ids.slice(i, i + readsAtOnce).map(async (id) => {
          const row = found.get(id.toLowerCase())
          return row ? { id, row } : await readAlone(ctx, id)
        }),
      )),
    )
  return read
}

async function readBatches(
  ctx: ObjectContext,
  { listing, size }: BatchRead,
  ids: readonly string[],
): Promise<Map<string, PulledRow>> {
  const found = new Map<string, PulledRow>()
  const idOf: Parameters<typeof readPages>[1]['idOf'] = (record, refuse) =>
    rowId(ctx.object, record, refuse)
  for (let i = 0; i < ids.length; i += size)
    try {
      const values = { ids: ids.slice(i, i + size) }
      for await (const { rows, refuse } of readPages(ctx, { listing, values, idOf })) {
        const read = rows.map((record) => timedRow(ctx.object, record, refuse).row)
        await addChildren(ctx, read, refuse)
        for (const row of read) found.set(row.id.toLowerCase(), row)
      }
    } catch (e) {
      // One id may make the system refuse them all: then each is read alone.
      if (!isOfOne(e)) throw e
    }
  return found
}

async function readAlone(ctx: ObjectContext, id: string): Promise<RecordRead> {
  try {
    return { id, row: await readRecord(ctx, id) }
  } catch (e) {
    if (!isOfOne(e)) throw e
    return { id, problem: e }
  }
}

function isOfOne(error: unknown): error is ConnectionError {
  return error instanceof ConnectionError && OF_ONE.has(error.verdict)
}
