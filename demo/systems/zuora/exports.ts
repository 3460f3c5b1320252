import type { Random } from '../../random.ts'
import { type Received, Refused, type Reply } from '../kit/server.ts'
import { dayMs, type Store } from '../kit/store.ts'
import { exportFile } from './exportFile.ts'
import {
  type DeletedColumn,
  type ExportInput,
  exportRefused,
  type InputQuery,
  readExportInput,
} from './exportInput.ts'
import { type ExportNames, type ExportQuery, parseExportQuery } from './exportQuery.ts'
import { zuoraId } from './records.ts'
import { written } from './time.ts'

type Fields = Record<string, unknown>

/** Jobs with a session that may wait or run at one time, and as many without one. */
const jobsMax = 50
/** How long deleted records are exported, files can be read, and jobs and sessions are known. */
const deletedMs = 30 * dayMs
const fileMs = 3 * dayMs
const jobMs = 180 * dayMs
/** Objects whose exports name no deleted records. */
const NO_DELETES: ReadonlySet<string> = new Set([
  ...['paymenttransactionlog', 'refundtransactionlog', 'processedusage'],
  ...['accountingcode', 'accountingperiod'],
])

/** What a session remembers of a query: its text and column of deletions, and when it was exported. */
interface Exported {
  text: string
  time: number
}
type Session = Map<string, Exported>

interface Batch {
  id: string
  name: string
  text: string
  query: ExportQuery
  deleted: DeletedColumn | undefined
  full: boolean
  message: string
  fileId: string
  recordCount: number
}

interface Job {
  id: string
  status: 'submitted' | 'executing' | 'completed' | 'cancelled' | 'aborted'
  input: ExportInput
  batches: Batch[]
  session: Session | undefined
  startTime: number
}

const isActive = ({ status }: Job) => status === 'submitted' || status === 'executing'

/**
 * Bulk exports (AQuA). Without a session a query has all rows that fit it. A session is a partner and a
 * project: its first export of a query is full, the next ones have what changed or was deleted since
 * the one before.
 */
export class Exports {
  readonly partnerId = 'seller'
  readonly #store: Store
  readonly #random: Random
  readonly #deletedAt: ReadonlyMap<string, number>
  readonly #jobs = new Map<string, Job>()
  readonly #files = new Map<string, { text: string; since: number }>()
  readonly #sessions = new Map<string, Session>()

  /** `deletedAt` has the time of each delete, by id. */
  constructor(store: Store, random: Random, deletedAt: ReadonlyMap<string, number>) {
    this.#store = store
    this.#random = random
    this.#deletedAt = deletedAt
  }

  handle({ method, path, body }: Received): Reply | undefined {
    if (method === 'POST' && /^\/v1\/batch-query\/?$/.test(path)) return this.#submit(body)
    const [, id = ''] = /^\/v1\/batch-query\/jobs\/(\w+)$/.exec(path) ?? []
    if (id !== '' && method === 'GET') {
      const job = this.#job(id)
      if (!job) throw exportRefused(90002)
      this.#proceed(job)
      return { status: 200, body: shownJob(job) }
    }
    if (id !== '' && method === 'DELETE') {
      const job = this.#job(id)
      if (!job || !isActive(job)) throw exportRefused(90003)
      job.status = 'cancelled'
      return { status: 200, body: shownJob(job) }
    }
    const [, fileId = ''] = /^\/v1\/files?\/(\w+)$/.exec(path) ?? []
    if (method !== 'GET' || fileId === '') return undefined
    const file = this.#files.get(fileId)
    if (!file || this.#now - file.since > fileMs)
      throw new Refused({ status: 404, body: 'File not found' })
    return { status: 200, headers: { 'content-type': 'text/csv;charset=utf-8' }, body: file.text }
  }

  /** Ends the job that a request asks about without results; undefined if it asks about none. */
  abort({ method, path }: Received): Reply | undefined {
    const [, id = ''] = /^\/v1\/batch-query\/jobs\/(\w+)$/.exec(path) ?? []
    const job = this.#job(id)
    if (method !== 'GET' || !job || job.status === 'completed') return undefined
    job.status = 'aborted'
    for (const batch of job.batches) batch.message = 'The query exceeded maximum processing time.'
    return { status: 200, body: shownJob(job) }
  }

  get #now() {
    return this.#store.clock.now()
  }

  #job(id: string): Job | undefined {
    const job = this.#jobs.get(id)
    return job && this.#now - job.startTime <= jobMs ? job : undefined
  }

  #submit(body: string): Reply {
    const input = readExportInput(body, this.partnerId)
    const active = [...this.#jobs.values()].filter(
      (job) => isActive(job) && (job.session === undefined) === (input.session === undefined),
    )
    if (active.length >= jobsMax) throw exportRefused(90028)
    const session = input.session ? this.#session(input.session) : undefined
    const job: Job = {
      id: zuoraId(this.#random),
      status: 'submitted',
      input,
      batches: input.queries.map((query) => this.#batch(query, session)),
      session,
      startTime: this.#now,
    }
    this.#jobs.set(job.id, job)
    return { status: 200, body: shownJob(job) }
  }

  #session({ partner, project }: { partner: string; project: string }): Session {
    const key = `${partner} ${project}`
    const session = this.#sessions.get(key) ?? new Map<string, Exported>()
    this.#sessions.set(key, session)
    return session
  }

  #batch({ name, query: text, deleted }: InputQuery, session: Session | undefined): Batch {
    const [, from = ''] = /\bfrom\s+(\w+)/i.exec(text) ?? []
    if (deleted && NO_DELETES.has(from.toLowerCase())) throw exportRefused(90017)
    const query = parseExportQuery(text, this.#names)
    if (!query) throw exportRefused(90005)
    const id = zuoraId(this.#random)
    const full = session ? this.#lastOf(session, name, text, deleted) === undefined : true
    return { id, name, text, query, deleted, full, message: '', fileId: '', recordCount: 0 }
  }

  /** Returns when a session exported a query before; undefined if it did not, or not this one. */
  #lastOf(session: Session, name: string, text: string, deleted: DeletedColumn | undefined) {
    const last = session.get(name)
    if (last?.text !== textOf(text, deleted) || this.#now - last.time > jobMs) return undefined
    return last.time
  }

  readonly #names: ExportNames = {
    objectOf: (name) => this.#store.objects.find((o) => o.toLowerCase() === name.toLowerCase()),
    fieldsOf: (object) => {
      const names = new Set(['id', 'createdDate', 'updatedDate', ...this.#store.fields(object)])
      for (const { record } of this.#store.table(object).sorted('number'))
        for (const field of Object.keys(record)) names.add(field)
      return [...names]
    },
  }

  /**
   * A job is submitted, then executing, and completed at the second look. One of a session waits for
   * the one before it.
   */
  #proceed(job: Job): void {
    if (job.status === 'executing') {
      for (const batch of job.batches) this.#execute(job, batch)
      job.status = 'completed'
    } else if (job.status === 'submitted') {
      const before = [...this.#jobs.values()].find(
        (other) => job.session !== undefined && other.session === job.session && isActive(other),
      )
      if (before === undefined || before === job) job.status = 'executing'
    }
  }

  #execute({ session, input, startTime }: Job, batch: Batch): void {
    const { query, deleted } = batch
    const last = session && this.#lastOf(session, batch.name, batch.text, deleted)
    batch.full = last === undefined
    const since = last === undefined ? undefined : (input.since ?? last)
    const rows = this.#store
      .table(query.object)
      .sorted('number')
      .filter((row) => {
        const deletedAt = this.#deletedAt.get(row.id) ?? 0
        const updatedAt = row.deleted ? deletedAt : Date.parse(String(row.record.updatedDate))
        if (row.deleted && (!deleted || this.#now - deletedAt > deletedMs)) return false
        if (row.deleted && session && since === undefined) return false
        if (since !== undefined) {
          if (floorSecond(updatedAt) < floorSecond(since)) return false
          // A record that came and went between two exports is in none.
          if (row.deleted && Date.parse(String(row.record.createdDate)) >= since) return false
        }
        return query.test(row.record, updatedAt)
      })
    batch.fileId = zuoraId(this.#random)
    batch.recordCount = rows.length
    const text = exportFile(this.#store, query, deleted, rows, input)
    this.#files.set(batch.fileId, { text, since: this.#now })
    session?.set(batch.name, { text: textOf(batch.text, deleted), time: startTime })
  }
}

/** The part of a query that a session compares. */
const textOf = (query: string, deleted: DeletedColumn | undefined) =>
  JSON.stringify([query, deleted?.column, deleted?.format])

const floorSecond = (ms: number) => Math.floor(ms / 1000) * 1000

const shownJob = ({ id, status, input, batches, startTime }: Job): Fields => ({
  id,
  ...input.head,
  status,
  startTime: written(startTime).slice(0, 19).replace('T', ' '),
  useLastCompletedJobQueries: false,
  batches: batches.map(({ id: batchId, name, text, deleted, full, message, ...file }) => ({
    ...{ batchId, name, query: text, batchType: 'zoqlexport', full, message },
    status: status === 'submitted' ? 'pending' : status,
    recordCount: file.recordCount,
    ...(deleted ? { deleted } : {}),
    ...(file.fileId === '' ? {} : { fileId: file.fileId }),
  })),
})
