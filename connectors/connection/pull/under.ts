import { setOwn } from '../../../schema/kit/dictionary.ts'
import { scopeOf } from '../../mapping/path.ts'
import type { PulledRow } from '../contract.ts'
import type { ObjectDefinition } from '../definition/object.ts'
import type { Chunks } from './chunk.ts'
import { idValues, type ObjectContext } from './context.ts'
import { type ListedPage, type ListingAsk, readPages } from './readPage.ts'
import { timedRow } from './rows.ts'

type Fields = Record<string, unknown>

/** Parents whose lists are read at one time; the limits of the system hold them back further. */
const listsAtOnce = 8

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
    for (let i = 0; i < live.length; i += listsAtOnce)
      for (const found of await Promise.all(
        live.slice(i, i + listsAtOnce).map(({ id }) => listUnder(ctx, id)),
      ))
        rows.push(...found)
    yield { ...chunk, rows, total: null }
  }
}

function isOver({ object }: ObjectContext, { record }: PulledRow): boolean {
  return record !== null && (object.under?.isOver(scopeOf(record)) ?? false)
}

async function listUnder(ctx: ObjectContext, parent: string): Promise<PulledRow[]> {
  const rows: PulledRow[] = []
  for await (const page of readPages(ctx, askUnder(ctx, parent)))
    for (const record of page.rows) rows.push(rowUnder(ctx, record, parent, page))
  return rows
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
      return timedRow(object, record, refuse).row.id
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
