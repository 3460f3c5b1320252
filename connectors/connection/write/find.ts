import { dataText } from '../../../schema/kit/dataText.ts'
import { type Path, scopeOf } from '../../mapping/path.ts'
import { isMap } from '../../mapping/rule.ts'
import { ConnectionError, type PulledRow } from '../contract.ts'
import type { WriteDefinition } from '../definition/write.ts'
import { addChildren } from '../pull/children.ts'
import { type ObjectContext, valuesOf } from '../pull/context.ts'
import { refuseOf } from '../pull/readPage.ts'
import { readRecord } from '../pull/readRecord.ts'
import { idText, timedRow } from '../pull/rows.ts'

/**
 * Finds the record that bears a golden id; null where none does. Two that bear it are refused: only
 * a person can say which of them is meant. Throws ConnectionError.
 */
export async function findRecord(
  ctx: ObjectContext,
  find: NonNullable<WriteDefinition['find']>,
  { goldenId, path }: { goldenId: string; path: Path },
): Promise<PulledRow | null> {
  const { object, requester, signal } = ctx
  const answered = await requester
    .ask(
      { object: object.name, template: find.request, values: valuesOf(ctx, { goldenId }) },
      signal,
    )
    .catch((e: unknown) => {
      // A search that is not there finds nothing either: only the address of the record says so.
      const isRecord = find.request.path.names.has('goldenId')
      if (isRecord && e instanceof ConnectionError && e.verdict === 'MISSING') return null
      throw e
    })
  if (answered === null || answered.empty) return null
  const refuse = refuseOf(answered.name)
  const found = [find.row ? listed(find.row, answered.body) : answered.body].flat()
  const records = found.map((record) => (isMap(record) ? record : refuseRow()))
  const given = find.id
    ? await readNamed(find.id, records)
    : records.map((record) => timedRow(object, record, refuse).row)
  // A search may be looser than an equation, and a system may store capitals.
  const bears = ({ record }: PulledRow) =>
    path.all(scopeOf(record)).some((v) => dataText(v).toLowerCase() === goldenId.toLowerCase())
  const rows = given.filter((row) => !row.deleted && bears(row))
  const [row, other] = rows
  if (other)
    refuse(
      'GOLDEN_ID_TWICE',
      `the records ${rows.map((r) => r.id).join(' and ')} bear one golden id; merge them, or empty the field of one`,
    )
  if (!row) return null
  if (!find.id) await addChildren(ctx, [row], refuse)
  return row

  /** Reads the records that rows of the search only name. */
  async function readNamed(id: Path, records: readonly object[]): Promise<PulledRow[]> {
    const ids = records.map(
      (record) =>
        idText(id.first(scopeOf(record))) ??
        refuse('ROW_WITHOUT_ID', `a row has no ${id.text}, which names the record`),
    )
    const read: PulledRow[] = []
    for (const one of new Set(ids)) {
      const row = await readRecord(ctx, one)
      if (row) read.push(row)
    }
    return read
  }

  function listed(row: Path, body: unknown): unknown {
    // An empty list is found by no path.
    return row.first(scopeOf(body)) ?? refuse('ROWS_MISSING', `the answer has no ${row.text}`)
  }

  function refuseRow(): never {
    return refuse('ROWS_MISSING', `a record at ${find.row?.text ?? 'the top'} is not an object`)
  }
}
