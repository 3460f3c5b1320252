import { type Received, Refused, type Reply } from '../kit/exchange.ts'
import type { Store } from '../kit/store.ts'
import { NotUnique } from '../kit/writes.ts'
import { expectedRevision } from './access.ts'
import { notFound, refused, unknown } from './errors.ts'
import { deletionsKeptMs, readQuery } from './lists.ts'
import { type RecordType, readOnly } from './objects.ts'
import { InvalidField } from './shapes.ts'

type Fields = Record<string, unknown>

/** Returns one record as it was written last; the copy that serves lists is not asked. */
export function readRecord(
  store: Store,
  type: RecordType,
  id: string,
  params: URLSearchParams,
): Reply {
  readQuery(params).end()
  return shown(200, find(store, type, id))
}

export function changeRecord(store: Store, type: RecordType, id: string, request: Received): Reply {
  readQuery(request.query).end()
  const expected = expectedRevision(request)
  const fields = bodyOf(request, type)
  const record = find(store, type, id)
  if (record.revision !== expected)
    throw refused(412, 'stale', `The record has revision ${record.revision}`, {
      field: 'If-Match',
    })
  if (Object.keys(fields).length === 0)
    throw refused(422, 'required', 'A change has one field at least')
  return shown(200, write(store, type, { ...fields, id }, request))
}

export function createRecord(store: Store, type: RecordType, request: Received): Reply {
  readQuery(request.query).end()
  return shown(201, write(store, type, bodyOf(request, type), request))
}

function find(store: Store, type: RecordType, id: string): Fields {
  const row = store.table(type.name).get(id)
  if (!row) throw new Refused(notFound)
  if (!row.deleted) return row.record
  const { deleted_at: deletedAt, merged_into: winner } = row.record
  if (Date.parse(String(deletedAt)) < store.clock.now() - deletionsKeptMs)
    throw new Refused(notFound)
  if (typeof winner !== 'string') throw refused(410, 'deleted', 'The record was deleted')
  throw refused(410, 'merged', 'The organization was merged', { merged_into: winner })
}

function write(store: Store, type: RecordType, fields: Fields, request: Received): Fields {
  try {
    return store.asApi(
      `${request.method} ${request.path}`,
      () => store.write(type.name, fields).record,
    )
  } catch (error) {
    if (error instanceof NotUnique)
      throw refused(422, 'taken', 'Another record has this value', { field: error.field })
    if (!(error instanceof InvalidField)) throw error
    const { code, field, reason } = error
    throw code === 'unknown_field'
      ? unknown(422, code, reason, field)
      : refused(422, code, reason, { field })
  }
}

/** Reads the body, whose fields are all of the type. */
function bodyOf({ body }: Received, type: RecordType): Fields {
  const fields = parsed(body)
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields))
    throw unknown(400, 'bad_json', 'The body must be an object')
  for (const name of Object.keys(fields)) {
    if (readOnly.has(name)) throw unknown(422, 'read_only', 'Is set by Fieldbook', name)
    if (!type.fields.has(name)) throw unknown(422, 'unknown_field', 'There is no such field', name)
  }
  return fields as Fields
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch (error) {
    if (error instanceof SyntaxError) throw unknown(400, 'bad_json', 'The body is no JSON')
    throw error
  }
}

const shown = (status: number, record: Fields): Reply => ({
  status,
  headers: { etag: `"${record.revision}"` },
  body: { data: record },
})
