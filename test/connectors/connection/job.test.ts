import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import {
  ConnectionError,
  type PulledPage,
  type PullPosition,
} from '../../../connectors/connection/contract.ts'
import { openConnection } from '../../../connectors/connection/openConnection.ts'
import { connect } from './fixture.ts'
import { type Received, type Reply, serve, type TestServer } from './server.ts'

const servers: TestServer[] = []
after(() => {
  for (const server of servers) server.close()
})

const definition = `
settings: { base: { is: url } }
auth: { none: true }
http: { base: "{base}" }
objects:
  customer:
    id: Id
    version: Modified
    rows: "records[]"
    total: totalSize
    pages: { link: next }
    fields: [Id, Name, Modified]
    list: { get: /query, query: { q: "SELECT {fields}" } }
    full:
      job:
        over: 3
        submit: { post: /jobs, json: { operation: queryAll, query: "SELECT {fields}" }, id: id }
        poll: { get: "/jobs/{job}", state: state, done: [JobComplete], failed: [Failed], reason: error, every: 1s }
        results:
          get: "/jobs/{job}/results"
          query: { maxRecords: "2" }
          headers: { accept: text/csv }
          pages: { cursorHeader: Sforce-Locator, as: query.locator }
    delta: { keyset: { query: { q: "[[SINCE {since} {sinceId}]]" } }, size: 2 }
`

/** A system with Bulk 2.0 queries: jobs by number, results in parts of two rows. */
class Bulk {
  rows = 5
  jobs: string[] = []
  /** Polls after which a job is done. */
  polls = 0
  state = 'JobComplete'
  lost = new Set<string>()
  readonly asked: string[] = []

  answer = ({ method, path, query, headers }: Received): Reply => {
    this.asked.push(`${method} ${path}${query.get('locator') ? ` ${query.get('locator')}` : ''}`)
    if (path === '/query') {
      const records = this.#records().slice(0, 2)
      return {
        body: { totalSize: this.rows, records, ...(this.rows > 2 ? { next: '/more' } : {}) },
      }
    }
    if (path === '/more')
      return { body: { totalSize: this.rows, records: this.#records().slice(2) } }
    if (path === '/jobs') {
      this.jobs.push(`j${this.jobs.length + 1}`)
      return { body: { id: this.jobs.at(-1), state: 'UploadComplete' } }
    }
    const [, , job = '', results] = path.split('/')
    if (this.lost.has(job)) return { status: 404 }
    if (!results) {
      const state = this.polls-- > 0 ? 'InProgress' : this.state
      return { body: { id: job, state, error: state === 'Failed' ? 'too complex' : null } }
    }
    assert.equal(headers.accept, 'text/csv')
    const from = Number(query.get('locator') ?? 0)
    const part = this.#records().slice(from, from + 2)
    const next = from + 2 < this.rows ? String(from + 2) : 'null'
    const lines = part.map((r) => `"${r.Id}","${r.Name.replaceAll('"', '""')}","${r.Modified}"`)
    return {
      headers: { 'content-type': 'text/csv', 'sforce-locator': next },
      body: `"Id","Name","Modified"\n${lines.join('\n')}\n`,
    }
  }

  #records() {
    return Array.from({ length: this.rows }, (_, n) => ({
      ...{ Id: `r${n + 1}`, Name: n === 1 ? 'a "b",\nc' : '', Modified: '2026-03-01T00:00:00Z' },
    }))
  }
}

async function open(bulk: Bulk) {
  const server = await serve(bulk.answer)
  servers.push(server)
  const connection = connect(definition, `base: ${server.url}\nprivateAddresses: true`)
  return openConnection('shop', connection, { retry: { msMin: 1, msMax: 5 }, env: {} })
}

/** Reads pages until the run ends, or until `stop` says so. */
async function pull(
  connection: Awaited<ReturnType<typeof open>>,
  from: PullPosition | null = null,
  stop: (page: PulledPage, n: number) => boolean = () => false,
): Promise<PulledPage[]> {
  const pages: PulledPage[] = []
  for await (const page of connection.pull('customer', from, new AbortController().signal)) {
    pages.push(structuredClone(page))
    if (stop(page, pages.length)) break
  }
  return pages
}

const ids = (pages: PulledPage[]) => pages.flatMap((p) => p.rows.map((r) => r.id))

test('a list of few rows needs no job', async () => {
  const bulk = new Bulk()
  bulk.rows = 3
  const pages = await pull(await open(bulk))
  assert.deepEqual(ids(pages), ['r1', 'r2', 'r3'])
  assert.deepEqual(bulk.jobs, [])
})

test('a system without jobs, or without the right to them, is read page by page', async () => {
  const bulk = new Bulk()
  const { answer } = bulk
  bulk.answer = (request) => (request.path === '/jobs' ? { status: 403 } : answer(request))
  assert.deepEqual(ids(await pull(await open(bulk))), ['r1', 'r2', 'r3', 'r4', 'r5'])
})

test('a longer one is a job, whose results are rows with values and without', async () => {
  const bulk = new Bulk()
  bulk.polls = 1
  const pages = await pull(await open(bulk))
  assert.deepEqual(ids(pages), ['r1', 'r2', 'r3', 'r4', 'r5'])
  assert.deepEqual(
    pages.map((p) => [p.rows.length, p.position.mode, p.last]),
    [
      [0, 'FULL', false],
      [2, 'FULL', false],
      [2, 'FULL', false],
      [1, 'DELTA', true],
    ],
  )
  const [first, second] = pages[1]?.rows ?? []
  assert.deepEqual([first?.record?.Name, second?.record?.Name], [null, 'a "b",\nc'])
  assert.deepEqual(bulk.asked.slice(0, 5), [
    ...['GET /query', 'POST /jobs', 'GET /jobs/j1', 'GET /jobs/j1', 'GET /jobs/j1/results'],
  ])
})

test('after a kill at any page goes on with the same job', async () => {
  for (let kill = 1; kill <= 3; kill++) {
    const bulk = new Bulk()
    const connection = await open(bulk)
    const before = await pull(connection, null, (_, n) => n === kill)
    const after = await pull(connection, before.at(-1)?.position ?? null)
    assert.deepEqual([...ids(before), ...ids(after)], ['r1', 'r2', 'r3', 'r4', 'r5'], `${kill}`)
    assert.deepEqual(bulk.jobs, ['j1'])
  }
})

test('that the system no longer has is submitted again; one that failed with the next run', async () => {
  const bulk = new Bulk()
  const connection = await open(bulk)
  const [begun] = await pull(connection, null, () => true)
  bulk.lost.add('j1')
  assert.deepEqual(ids(await pull(connection, begun?.position ?? null)).length, 5)
  assert.deepEqual(bulk.jobs, ['j1', 'j2'])
  bulk.state = 'Failed'
  const seen: PulledPage[] = []
  const failed = pull(connection, null, (page) => seen.push(structuredClone(page)) > 9)
  await assert.rejects(
    failed,
    (e) =>
      e instanceof ConnectionError &&
      e.code === 'JOB_FAILED' &&
      /the job j3 ended as Failed \(too complex\)/.test(e.message),
  )
  bulk.state = 'JobComplete'
  assert.equal(ids(await pull(connection, seen.at(-1)?.position ?? null)).length, 5)
  assert.deepEqual(bulk.jobs, ['j1', 'j2', 'j3', 'j4'])
})
