import type { Received, Reply } from '../kit/exchange.ts'
import type { Idempotency } from '../kit/idempotency.ts'
import { dayMs, type Store } from '../kit/store.ts'
import { type Access, checkHeaders, idempotencyKey } from './access.ts'
import { keyReused, keyRunning, unknown } from './errors.ts'
import { listDeletions, listRecords } from './lists.ts'
import { type RecordType, recordTypeOf } from './objects.ts'
import type { Pages } from './pages.ts'
import { changeRecord, createRecord, readRecord } from './recordApi.ts'

const base = '/api/v3/'

/** Handles the requests of the reference; returns undefined for any other path. */
export function handle(
  request: Received,
  { store, access, pages }: { store: Store; access: Access; pages: Pages },
): Reply | undefined {
  access.authenticate(request)
  const { method, path, query } = request
  const target = targetOf(path)
  if (!target) return undefined
  checkHeaders(request)
  const { type, id } = target
  const isWritten = type && method === (id === undefined ? 'POST' : 'PATCH')
  if (method !== 'GET' && !isWritten)
    throw unknown(405, 'method_not_allowed', `The path has no ${method}`)
  access.demand(isWritten ? 'write' : 'read')
  if (method === 'GET' && request.body !== '') throw unknown(400, 'bad_json', 'A GET has no body')
  if (!type) return listDeletions(store, pages, query)
  if (id === undefined)
    return isWritten ? createRecord(store, type, request) : listRecords(store, pages, type, query)
  return isWritten ? changeRecord(store, type, id, request) : readRecord(store, type, id, query)
}

/** The type and the id that a path names; the deletions are of no one type. */
function targetOf(path: string): { type?: RecordType; id?: string } | undefined {
  if (path === `${base}deletions`) return {}
  const [, name = '', id] = /^\/api\/v3\/([a-z]+)(?:\/(\w{1,40}))?$/.exec(path) ?? []
  const type = recordTypeOf.get(name)
  return type && { type, ...(id === undefined ? {} : { id }) }
}

/** Keys of new records: a response of 201 or 422 is stored for 24 hours. */
export const idempotency = (access: Access): Idempotency => ({
  keyOf(request) {
    const target = targetOf(request.path)
    if (request.method !== 'POST' || !target?.type || target.id !== undefined) return undefined
    access.authenticate(request)
    return idempotencyKey(request)
  },
  windowMs: dayMs,
  replayed: { 'idempotent-replayed': 'true' },
  other: () => keyReused,
  running: () => keyRunning,
  stores: ({ status }) => status === 201 || status === 422,
})
