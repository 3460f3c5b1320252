import { setOwn } from '../../../schema/kit/dictionary.ts'
import { scopeOf } from '../../mapping/path.ts'
import { ConnectionError, type PulledRow } from '../contract.ts'
import type { ObjectDefinition } from '../definition/object.ts'
import type { Chunks } from './chunk.ts'
import { idValues, type ObjectContext } from './context.ts'
import { type ListedPage, type ListingAsk, readPages } from './readPage.ts'
import { rowId, timedRow } from './rows.ts'

type Fields = Record<string, unknown>

/** Parents whose lists are read at one time; the limits of the system hold them back further. */
const listsAtOnce = 8
const allMissingMin = 5

/**
 * Returns the object whose run decides which lists are read: the parent, with the definitions of
 * both in its positions.
 */
export function leadingObject(own: ObjectDefinition, parent: ObjectDefinition): ObjectDefinition {
  return { ...parent, fingerprint: `${parent.fingerprint}/${own.fingerprint}`, children: [] }
}

/** Replaces the rows of the parent's pages by those that are listed under them. */
export async function* rowsUnder(ctx: ObjectContext, parents: Chunks): Chunks {
  for await (const chunk of parents) {
    const live = chunk.rows.filter((row) => !row.deleted && !isOver(ctx, row))
    const rows: PulledRow[] = []
    const missing: ConnectionError[] = []
    for (let i = 0; i < live.length; i += listsAtOnce)
      for (const found of await Promise.all(
        live.slice(i, i + listsAtOnce).map(({ id }) => listUnder(ctx, id)),
      ))
        if (found instanceof ConnectionError) missing.push(found)
        else rows.push(...found)
    // One that was deleted has no list. That none of many has one means another address.
    const [error] = missing
    if (error && missing.length === live.length && live.length >= allMissingMin) throw error
    yield { ...chunk, rows, total: null }
  }
}

function isOver({ object }: ObjectContext, { record }: PulledRow): boolean {
  return record !== null && (object.under?.isOver(scopeOf(record)) ?? false)
}

/** Returns the rows under one parent, or the error that the system does not find the parent. */
async function listUnder(
  ctx: ObjectContext,
  parent: string,
): Promise<PulledRow[] | ConnectionError> {
  const rows: PulledRow[] = []
  try {
    for await (const page of readPages(ctx, askUnder(ctx, parent)))
      for (const record of page.rows) rows.push(rowUnder(ctx, record, parent, page))
    return rows
  } catch (e) {
    if (e instanceof ConnectionError && e.verdict === 'MISSING') return e
    throw e
  }
}

/** Returns the request for the rows under one parent. */
function askUnder({ object, parent: leading }: ObjectContext, parent: string): ListingAsk {
  const id = idValues(leading ?? object, parent)
  return {
    listing: object.full,
    values: {
      parent,
      'parent.1': id['id.1'] ?? '',
      'parent.2': id['id.2'] ?? '',
      'parent.3': id['id.3'] ?? '',
    },
    idOf: (record, refuse) => {
      setParent(object, record, parent)
      return rowId(object, record, refuse)
    },
  }
}

function rowUnder(
  { object }: ObjectContext,
  record: Fields,
  parent: string,
  { refuse }: ListedPage,
): PulledRow {
  setParent(object, record, parent)
  return timedRow(object, record, refuse).row
}

/** The id of a row may have its parent's as a part. */
function setParent({ under }: ObjectDefinition, record: Fields, parent: string): void {
  if (under) setOwn<unknown>(record, under.as, parent)
}
