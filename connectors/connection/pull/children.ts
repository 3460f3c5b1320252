import { setOwn } from '../../../schema/kit/dictionary.ts'
import { scopeOf } from '../../mapping/path.ts'
import type { PulledRow } from '../contract.ts'
import type { Child } from '../definition/children.ts'
import type { TemplateValue } from '../definition/template.ts'
import type { Refuse } from '../pages/pager.ts'
import { idValues, type ObjectContext } from './context.ts'
import { readPages } from './readPage.ts'
import { idText } from './rows.ts'

type Fields = Record<string, unknown>
const readsAtOnce = 8

/** Reads the children of the rows of a page and puts them into the rows. */
export async function addChildren(
  ctx: ObjectContext,
  rows: readonly PulledRow[],
  refuse: Refuse,
): Promise<void> {
  const all = rows.flatMap(({ id, record }) => (record ? [{ id, record }] : []))
  for (const child of ctx.object.children) {
    const parents = all.filter(({ record }) => child.when?.(scopeOf(record)) ?? true)
    const size = child.by ? child.size : readsAtOnce
    for (let i = 0; i < parents.length; i += size) {
      const part = parents.slice(i, i + size)
      if (child.by) await addOfSeveral(ctx, child, part, refuse)
      else
        await Promise.all(
          part.map(async ({ id, record }) => {
            const found = await readAll(ctx, child, idValues(ctx.object, id))
            setOwn<unknown>(record, child.into, found)
          }),
        )
    }
  }
}

async function addOfSeveral(
  ctx: ObjectContext,
  child: Child,
  parents: readonly { id: string; record: Fields }[],
  refuse: Refuse,
): Promise<void> {
  const byParent = new Map<string, Fields[]>(parents.map(({ id }) => [id, []]))
  for (const found of await readAll(ctx, child, { ids: parents.map((p) => p.id) })) {
    const id = idText(child.by?.first(scopeOf(found)))
    if (id === null)
      return refuse('ROW_WITHOUT_ID', `a child has no id of its parent at ${child.by?.text}`)
    byParent.get(id)?.push(found)
  }
  for (const { id, record } of parents) setOwn<unknown>(record, child.into, byParent.get(id) ?? [])
}

async function readAll(
  ctx: ObjectContext,
  { listing }: Child,
  values: Readonly<Record<string, TemplateValue>>,
): Promise<Fields[]> {
  const all: Fields[] = []
  const idOf = (record: Fields) => idText(record.id)
  for await (const { rows } of readPages(ctx, { listing, values, idOf })) all.push(...rows)
  return all
}
