import type { IncomingHttpHeaders } from 'node:http'
import { scopeOf } from '../../mapping/path.ts'
import { isMap } from '../../mapping/rule.ts'
import { ConnectionError, type PulledRow } from '../contract.ts'
import { failureOf } from '../request/failure.ts'
import { addChildren } from './children.ts'
import { idValues, type ObjectContext, valuesOf } from './context.ts'
import { refuseOf } from './readPage.ts'
import { timedRow } from './rows.ts'

export interface ReadAnswer {
  row: PulledRow
  headers: IncomingHttpHeaders
}

/** Reads one record with its children; null where the system has none. Throws ConnectionError. */
export async function readRecord(ctx: ObjectContext, id: string): Promise<PulledRow | null> {
  return (await readAnswered(ctx, id))?.row ?? null
}

/** Reads one record, with the headers of the answer. */
export async function readAnswered(ctx: ObjectContext, id: string): Promise<ReadAnswer | null> {
  const { object, requester, signal, source } = ctx
  if (!object.read)
    throw failureOf(
      { source, object: object.name, method: 'GET', path: `id ${id}` },
      {
        verdict: 'PERMANENT',
        code: 'NO_READ',
        what: 'connection.yaml does not say how one record is read',
        advice: 'add read: to the object',
      },
    )
  const values = valuesOf(ctx, idValues(object, id))
  const answered = await requester
    .ask({ object: object.name, template: object.read.request, values }, signal)
    .catch((e: unknown) => {
      if (e instanceof ConnectionError && e.verdict === 'MISSING') return null
      throw e
    })
  if (answered === null || answered.empty) return null
  const refuse = refuseOf(answered.name)
  const scope = scopeOf(answered.body)
  const found = object.read.row ? object.read.row.first(scope) : answered.body
  const record = Array.isArray(found) ? found[0] : found
  // A list without a row says that there is none; an answer without the row is not understood.
  if (record === undefined && Array.isArray(found)) return null
  if (!isMap(record))
    return refuse(
      'ROWS_MISSING',
      `the answer has no record at ${object.read.row?.text ?? 'its top'}`,
    )
  const { row } = timedRow(object, record, refuse)
  // The id of a merged record may lead to the record that is left; the one that was asked for is gone.
  if (row.id.toLowerCase() !== id.toLowerCase()) return null
  await addChildren(ctx, [row], refuse)
  return { row, headers: answered.headers }
}
