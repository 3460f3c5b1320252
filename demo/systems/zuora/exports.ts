import { stringify } from 'csv-stringify/sync'
import type { Random } from '../../random.ts'
import { type Received, Refused, type Reply } from '../kit/server.ts'
import type { Store } from '../kit/store.ts'
import { type ExportQuery, parseExportQuery } from './exportQuery.ts'
import { zuoraId } from './records.ts'
import { readTime } from './time.ts'

type Fields = Record<string, unknown>

/** Jobs that may wait or run at one time. */
const jobsMax = 5
/** Objects whose exports name no deleted records. */
const NO_DELETES: ReadonlySet<string> = new Set(['ProductRatePlanChargeTier'])

interface Batch {
  name: string
  text: string
  query: ExportQuery
  deleted: { column: string; format: 'Boolean' | 'Numeric' } | undefined
  full: boolean
  since: number
  fileId: string
  recordCount: number
}

interface Job {
  id: string
  status: 'submitted' | 'executing' | 'completed' | 'cancelled'
  head: Fields
  utc: boolean
  labels: boolean
  batches: Batch[]
  session: Map<string, { text: string; time: number }> | undefined
  startTime: number
}

/**
 * Bulk exports (AQuA). A session is a partner and a project: its first export of a query is full,
 * the next ones have what changed or was deleted since the one before.
 */
export class Exports {
  readonly partnerId = 'seller'
  readonly #store: Store
  readonly #random: Random
  readonly #deletedAt: ReadonlyMap<string, number>
  readonly #jobs = new Map<string, Job>()
  readonly #files = new Map<string, string>()
  readonly #sessions = new Map<string, Map<string, { text: string; time: number }>>()

  /** `deletedAt` has the time of each delete, by id. */
  constructor(store: Store, random: Random, deletedAt: ReadonlyMap<string, number>) {
    this.#store = store
    this.#random = random
    this.#deletedAt = deletedAt
  }

  handle({ method, path, body }: Received): Reply | undefined {
    if (method === 'POST' && /^\/v1\/batch-query\/?$/.test(path)) return this.#submit(body)
    const [, id = ''] = /^\/v1\/batch-query\/jobs\/(\w+)$/.exec(path) ?? []
    const job = this.#jobs.get(id)
    if (id !== '' && (method === 'GET' || method === 'DELETE')) {
      if (!job) throw refused('90007', `No job found with id ${id}`)
      if (method === 'GET') this.#proceed(job)
      else if (job.status !== 'completed') job.status = 'cancelled'
      return { status: 200, body: shownJob(job) }
    }
    const [, fileId = ''] = /^\/v1\/file\/(\w+)$/.exec(path) ?? []
    const file = this.#files.get(fileId)
    if (method !== 'GET' || fileId === '') return undefined
    if (file === undefined) return { status: 404, body: 'File not found' }
    return { status: 200, headers: { 'content-type': 'text/csv;charset=utf-8' }, body: file }
  }

  #submit(body: string): Reply {
    const input = readInput(body)
    const active = [...this.#jobs.values()].filter(
      ({ status }) => status === 'submitted' || status === 'executing',
    )
    if (active.length >= jobsMax) throw refused('90014', 'Too many concurrent jobs')
    const stateful = input.partner !== undefined || input.project !== undefined
    if (stateful && (input.partner !== this.partnerId || !input.project))
      throw refused('90005', 'Partner ID is not recognized.')
    const session = stateful ? this.#session(String(input.project)) : undefined
    const now = this.#store.clock.now()
    const job: Job = {
      id: zuoraId(this.#random),
      status: 'submitted',
      head: { ...input.head, project: input.project, partner: input.partner },
      utc: input.utc,
      labels: input.labels,
      batches: input.queries.map((query) => this.#batch(query, session, input.since)),
      session,
      startTime: now,
    }
    this.#jobs.set(job.id, job)
    return { status: 200, body: shownJob(job) }
  }

  #session(project: string) {
    const session = this.#sessions.get(project) ?? new Map()
    this.#sessions.set(project, session)
    return session
  }

  #batch(
    input: InputQuery,
    session: ReadonlyMap<string, { text: string; time: number }> | undefined,
    since: number | undefined,
  ): Batch {
    const query = parseExportQuery(input.query, (object) => this.#fieldsOf(object))
    if (!query)
      throw refused('90006', 'There is a syntax error in one of the queries in the AQuA input')
    if (input.deleted && NO_DELETES.has(query.object))
      throw refused('90013', 'Objects included in the queries do not support deleted records')
    const last = session?.get(input.name)
    // A query that changed is exported in full.
    const full = last?.text !== input.query
    return {
      name: input.name,
      text: input.query,
      query,
      deleted: input.deleted,
      full,
      since: full ? 0 : (since ?? last?.time ?? 0),
      fileId: '',
      recordCount: 0,
    }
  }

  #fieldsOf(object: string): readonly string[] | undefined {
    if (!this.#store.objects.includes(object)) return undefined
    const names = new Set(['id', 'createdDate', 'updatedDate', ...this.#store.fields(object)])
    for (const { record } of this.#store.table(object).sorted('number'))
      for (const name of Object.keys(record)) names.add(name)
    return [...names]
  }

  /** A job is submitted, then executing, and completed at the second look. */
  #proceed(job: Job): void {
    if (job.status === 'executing') {
      for (const batch of job.batches) this.#execute(job, batch)
      job.status = 'completed'
    } else if (job.status === 'submitted') job.status = 'executing'
  }

  #execute(job: Job, batch: Batch): void {
    const { query, deleted, full, since } = batch
    const rows = this.#store
      .table(query.object)
      .sorted('number')
      .filter((row) => {
        if (!query.test(row.record)) return false
        if (row.deleted)
          return deleted !== undefined && !full && (this.#deletedAt.get(row.id) ?? 0) >= since
        return full || Date.parse(String(row.record.updatedDate)) >= floorSecond(since)
      })
    const header = query.columns.map(({ label, field }) =>
      job.labels ? label : `${query.object}.${field}`,
    )
    const cells = rows.map(({ record, deleted: isDeleted }) => {
      const values = new Map(Object.entries(record))
      const own = query.columns.map(({ field }) => cell(field, values.get(field), job.utc))
      if (!deleted) return own
      return [...own, deleted.format === 'Boolean' ? `${isDeleted}` : isDeleted ? '1' : '0']
    })
    batch.fileId = zuoraId(this.#random)
    batch.recordCount = rows.length
    const head = deleted ? [...header, deleted.column] : header
    this.#files.set(batch.fileId, stringify([head, ...cells]))
    job.session?.set(batch.name, { text: batch.text, time: job.startTime })
  }
}

const floorSecond = (ms: number) => Math.floor(ms / 1000) * 1000

function cell(field: string, value: unknown, utc: boolean): string {
  if (value === undefined || value === null) return ''
  const text = String(value)
  if (!/^(created|updated)Date$/.test(field)) return text
  return utc
    ? `${new Date(Date.parse(text)).toISOString().slice(0, 19)}Z`
    : text.replace(/:(\d\d)$/, '$1')
}

const shownJob = ({ id, status, head, batches, startTime }: Job) => ({
  id,
  ...head,
  status,
  startTime: new Date(startTime).toISOString(),
  batches: batches.map(({ name, text, full, fileId, recordCount }) => ({
    name,
    query: text,
    batchType: 'zoqlexport',
    status: status === 'completed' ? 'completed' : status,
    full,
    ...(fileId === '' ? {} : { fileId, recordCount }),
  })),
})

/** Errors of exports have status 200. */
const refused = (errorCode: string, message: string, unknown = false) =>
  new Refused({ status: 200, body: { errorCode, message, status: 'error' } }, unknown)

interface InputQuery {
  name: string
  query: string
  deleted: Batch['deleted']
}

function readInput(body: string) {
  const input = readObject(body)
  const { format, version, name, encrypted, partner, project, incrementalTime, ...more } = input
  const { dateTimeUtc, useQueryLabels, queries, ...rest } = more
  const [other] = Object.keys(rest)
  if (other !== undefined) throw refused('90003', `unknown key ${other}`, true)
  if (format !== 'csv' || encrypted !== 'none' || typeof name !== 'string')
    throw refused('90003', 'format must be csv, encrypted none, and name a text')
  if (!['1.0', '1.1', '1.2'].includes(String(version))) throw refused('90003', 'version')
  if (!Array.isArray(queries) || queries.length === 0) throw refused('90003', 'queries')
  const since = incrementalTime === undefined ? undefined : pacificTime(incrementalTime)
  return {
    head: { format, version, name, encrypted },
    partner,
    project,
    since,
    utc: isFlag(dateTimeUtc),
    labels: isFlag(useQueryLabels),
    queries: queries.map(readQuery),
  }
}

function readQuery(input: unknown): InputQuery {
  const { name, query, type, deleted, ...rest } = Object(input) as Fields
  const [other] = Object.keys(rest)
  if (other !== undefined) throw refused('90003', `unknown key ${other}`, true)
  if (typeof name !== 'string' || typeof query !== 'string' || type !== 'zoqlexport')
    throw refused('90003', 'name, query or type')
  if (deleted === undefined) return { name, query, deleted }
  const { column, format } = Object(deleted) as Fields
  if (typeof column !== 'string' || (format !== 'Boolean' && format !== 'Numeric'))
    throw refused('90003', 'deleted')
  return { name, query, deleted: { column, format } }
}

function readObject(body: string): Fields {
  try {
    return Object(JSON.parse(body)) as Fields
  } catch (error) {
    if (error instanceof SyntaxError) throw refused('90003', 'not JSON')
    throw error
  }
}

const isFlag = (value: unknown) => value === true || value === 'true'

/** `incrementalTime` is `yyyy-MM-dd HH:mm:ss` in Pacific time. */
function pacificTime(value: unknown): number {
  const time =
    typeof value === 'string' && /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(value)
      ? readTime(value.replace(' ', 'T'))
      : undefined
  if (time === undefined) throw refused('90003', 'incrementalTime')
  return time
}
