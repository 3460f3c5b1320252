import { random } from '../../random.ts'
import { createClock } from '../kit/clock.ts'
import { PlannedFaults } from '../kit/faults.ts'
import type { Model, Row } from '../kit/model.ts'
import { modelOf } from '../kit/modelOf.ts'
import { RateLimit } from '../kit/rateLimit.ts'
import { secret } from '../kit/secret.ts'
import { type Behaviour, openServer, type Received, Refused, type Reply } from '../kit/server.ts'
import { dayMs, Store } from '../kit/store.ts'
import { Table, type VisibleRow } from '../kit/table.ts'
import { deletedActions, listActions, shown } from './actions.ts'
import { query, reader, readFilterTime } from './queries.ts'
import { deleteOfCompany, gainsightRules, mergeCompanies } from './records.ts'
import { InvalidRecord, write, writtenObject } from './writeApi.ts'

const perMinute = { windowMs: 60_000, max: 100, kind: 'fixed' } as const
/** Deletes are listed for 15 days. */
const deletesKeptMs = 15 * dayMs

/** A tenant that reads times of filters in UTC. */
export const gainsight = createGainsight(0)
/** A tenant that reads times of filters eight hours west of UTC. The vendor documents no zone. */
export const gainsightInPacificTime = createGainsight(-8 * 3_600_000)

function createGainsight(filterOffsetMs: number): Model {
  return {
    kind: 'gainsight',
    async open({ seed = 1, limits = 'vendor' } = {}) {
      const clock = createClock()
      const faults = new PlannedFaults()
      const ids = random('gainsight', seed)
      const deletes = new Map([
        ['record_delete_log', new Table(clock, new PlannedFaults())],
        ['record_delete_log_high_volume', new Table(clock, new PlannedFaults())],
      ])
      const store: Store = new Store({
        clock,
        faults,
        rules: gainsightRules(ids),
        actions: [mergeCompanies],
        onWrite({ object, id, action }) {
          if (action !== 'deleted') return
          const log =
            object === 'activity_timeline' ? 'record_delete_log_high_volume' : 'record_delete_log'
          if (object !== 'call_to_action')
            deletes.get(log)!.set(id, { RecordId: id, DeletedOn: clock.now(), ObjectName: object })
          if (object === 'Company') deleteOfCompany(store, id)
        },
      })
      const accessKey = secret()
      let requests = 0
      const server = await openServer({
        clock,
        faults,
        rateLimit: new RateLimit(perMinute, limits === 'vendor'),
        behaviour: {
          ...forms,
          handle(request) {
            requests += 1
            if (request.headers.accesskey !== accessKey) throw new Refused(unauthorized)
            const even = requests % 2 === 0
            return (
              handleQuery(request, store, deletes, filterOffsetMs, even) ??
              handleWrite(request, store) ??
              handleActions(request, store, even)
            )
          },
        },
      })
      const credentials = { accessKey }
      return {
        ...modelOf({ kind: 'gainsight', credentials, clock, faults, store, server }),
        state: (object) => (object === 'call_to_action' ? actions(store) : store.state(object)),
      }
    },
  }
}

/** Objects whose answer has the records in `data.records`. The others have them in `data`. */
const IN_RECORDS: ReadonlySet<string> = new Set([
  ...['activity_timeline', 'record_delete_log', 'record_delete_log_high_volume'],
])
/** Objects that answer an empty result with status 400. */
const EMPTY_IS_400: ReadonlySet<string> = new Set(['Person', 'Relationship'])
const LOG_FIELDS: ReadonlySet<string> = new Set(['RecordId', 'DeletedOn', 'ObjectName'])

function handleQuery(
  request: Received,
  store: Store,
  deletes: ReadonlyMap<string, Table>,
  filterOffsetMs: number,
  even: boolean,
): Reply | undefined {
  const [, object = ''] = /^\/v1\/data\/objects\/query\/(\w+)$/.exec(request.path) ?? []
  if (request.method !== 'POST' || object === '') return undefined
  const log = deletes.get(object)
  if (!log && (!store.objects.includes(object) || object === 'call_to_action'))
    throw new Refused(objectNotFound, true)
  const body = readBody(request)
  const rows: readonly VisibleRow[] = log
    ? log.sorted('number').filter(({ record }) => {
        return Number(record.DeletedOn) >= store.clock.now() - deletesKeptMs
      })
    : store
        .table(object)
        .sorted('number')
        .filter(({ deleted }) => !deleted)
  const fields = log ? LOG_FIELDS : fieldsOf(store, object)
  const readTime = (text: string) => readFilterTime(text, filterOffsetMs)
  const source = { rows, fields }
  const found = query(body, source, { readTime, read: reader(store) }, refuse, even)
  const records = log ? found.map(withWrittenTime) : found
  if (IN_RECORDS.has(object)) return ok({ records })
  if (records.length > 0) return ok(records)
  return EMPTY_IS_400.has(object)
    ? failed(
        400,
        'GSOBJ_1011',
        'No entity matches the given criteria, please re-check your request',
      )
    : failed(200, 'GSOBJ_1011', 'No data found for given criteria')
}

/** The delete log writes its time as text of whole seconds. */
const withWrittenTime = (record: Record<string, unknown>) =>
  typeof record.DeletedOn === 'number'
    ? { ...record, DeletedOn: `${new Date(record.DeletedOn).toISOString().slice(0, 19)}Z` }
    : record

function fieldsOf(store: Store, object: string): ReadonlySet<string> {
  return new Set([
    ...['Gsid', 'CreatedDate', 'CreatedBy', 'ModifiedDate', 'ModifiedBy'],
    ...store.fields(object),
  ])
}

/** One invalid record fails the call, with status 200. */
function handleWrite(request: Received, store: Store): Reply | undefined {
  const object = writtenObject(request)
  if (object === undefined) return undefined
  const body = readBody({ ...request, query: new URLSearchParams() })
  try {
    const records = store.asApi(`${request.method} ${request.path}`, () =>
      write(store, object, request, body),
    )
    return ok({ count: records.length, errors: null, records })
  } catch (error) {
    if (!(error instanceof InvalidRecord)) throw error
    const { field: fieldName, value: invalidValue, message: errorMessage } = error
    const reply = failed(200, 'GSOBJ_1006', errorMessage)
    const errors = [[{ success: false, fieldName, invalidValue, errorMessage }]]
    const data = { count: 0, errors, records: null }
    return { ...reply, body: { ...(reply.body as object), data }, unknown: error.unknown }
  }
}

function handleActions(request: Received, store: Store, even: boolean): Reply | undefined {
  const { method, path } = request
  if (method !== 'POST') return undefined
  const isDeleted = path === '/v2/cockpit/cta/deleted/list'
  if (!isDeleted && path !== '/v2/cockpit/cta/list') return undefined
  const rows = isDeleted
    ? deletedActions(store, store.clock.now() - deletesKeptMs)
    : store
        .table('call_to_action')
        .sorted('number')
        .filter(({ deleted }) => !deleted)
  const fields = fieldsOf(store, 'call_to_action')
  return ok(listActions(readBody(request), { rows, fields }, reader(store), refuse, even))
}

/** Returns calls to action as their API writes them. */
function actions(store: Store): ReadonlyMap<string, Row> {
  return new Map(
    [...store.state('call_to_action')].map(([id, { record, deleted }]) => [
      id,
      {
        deleted,
        record: Object.fromEntries(
          Object.entries(record).map(([field, value]) => [field, shown(field, value)]),
        ),
      },
    ]),
  )
}

function readBody(request: Received): unknown {
  if ([...request.query].length > 0) throw refuse('a query in the URL')
  if (!(request.headers['content-type'] ?? '').startsWith('application/json'))
    throw new Refused(failed(415, 'GS_APIG_2415', 'Content type must be JSON'))
  try {
    return JSON.parse(request.body)
  } catch (error) {
    if (error instanceof SyntaxError) throw refuse('invalid JSON')
    throw error
  }
}

const envelope = { requestId: '00000000-0000-4000-8000-000000000000', message: null }

const ok = (data: unknown): Reply => ({
  status: 200,
  body: { result: true, errorCode: null, errorDesc: null, data, ...envelope },
})

const failed = (status: number, errorCode: string, errorDesc: string): Reply => ({
  status,
  body: { result: false, errorCode, errorDesc, data: null, ...envelope },
})

const refuse = (why: string) =>
  new Refused(failed(400, 'GSOBJ_1005', why), /^(?:unknown|Invalid field|field|a query)/.test(why))

const unauthorized = failed(401, 'GS_APIG_2401', 'Unauthorized')

const objectNotFound: Reply = {
  status: 400,
  body: {
    result: false,
    title: 'OBJECT_NOT_FOUND',
    detail: 'Requested object not found.',
    errorDesc: 'Requested object not found.',
  },
}

const forms: Omit<Behaviour, 'handle'> = {
  notFound: () => failed(404, 'GS_APIG_2404', 'No such path'),
  failure: (status) =>
    status === 401
      ? unauthorized
      : failed(status, `GS_APIG_2${status}`, status === 200 ? 'Internal error' : 'Error'),
  forbidden: () => failed(403, 'GSOBJ_1024', 'You are not authorized to access this object'),
  // Queries have no cursor, and the access key does not expire.
  expired: () => undefined,
  limited: () => failed(429, 'GS_APIG_2429', 'Too many requests'),
}
