import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
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
settings:
  base: { is: url }
  partner: { is: text, optional: true }
auth: { none: true }
http: { base: "{base}" }
objects:
  customer:
    id: id
    version: updated
    rows: "data[]"
    pages: { cursor: next, as: query.cursor }
    list: { get: /customers }
    full:
      job: &job
        submit: { post: /jobs, json: { query: "select all" }, id: id, reason: message }
        poll: &poll { get: "/jobs/{job}", state: status, done: [completed], failed: [aborted, error], reason: message, files: "batches[].fileId", count: "batches[].recordCount", every: 1s, ends: 3h }
        results: &results { get: "/files/{file}" }
    delta:
      window: { query: { from: "{since}", to: "{until}" } }
      job:
        needs: [partner]
        submit: { post: /jobs, json: { partner: "{partner}", since: "{since:yyyy-MM-dd HH:mm:ss}" }, id: id, reason: message }
        poll: *poll
        results: *results
      times: iso
      lag: 0s
      overlap: 0s
    deletes: flag
`

/** A system with exports: a job is executing at the first look, and names its files when it is done. */
class Exports {
  files: string[] = [
    'Id,Updated\n1,2026-03-01T00:00:00Z\n2,2026-03-01T00:00:00Z\n',
    'Id,Updated\n3,2026-03-01T00:00:00Z\n',
  ]
  recordCount: number | undefined = 3
  status = 'completed'
  polls = 0
  lost = new Set<string>()
  readonly bodies: unknown[] = []
  readonly asked: string[] = []

  answer = ({ method, path, body }: Received): Reply => {
    this.asked.push(`${method} ${path}`)
    if (path === '/customers')
      return { body: { data: [{ id: 1, updated: '2026-03-01T00:00:00Z' }], next: 'more' } }
    if (path === '/jobs') {
      this.bodies.push(JSON.parse(body))
      return { body: { id: `j${this.bodies.length}`, status: 'submitted' } }
    }
    const [, kind, id = ''] = path.split('/')
    if (this.lost.has(id)) return { status: 404 }
    if (kind === 'files')
      return { headers: { 'content-type': 'text/csv' }, body: this.files[Number(id)] ?? '' }
    if (this.polls-- > 0) return { body: { id, status: 'executing' } }
    const batches = this.files.map((_, n) => ({
      ...{ fileId: String(n), recordCount: n === 0 ? this.recordCount : undefined },
    }))
    const message = this.status === 'aborted' ? 'the query was killed' : undefined
    return {
      body: {
        id,
        status: this.status,
        message,
        ...(this.status === 'completed' ? { batches } : {}),
      },
    }
  }
}

async function open(system: Exports, settings = '', now?: () => number) {
  const server = await serve(system.answer)
  servers.push(server)
  const connection = connect(definition, `base: ${server.url}\nprivateAddresses: true${settings}`)
  return openConnection('shop', connection, {
    ...{ retry: { msMin: 1, msMax: 5 }, env: {} },
    ...(now ? { now } : {}),
  })
}

async function pull(
  connection: Awaited<ReturnType<typeof open>>,
  from: PullPosition | null = null,
  seen: PulledPage[] = [],
  stop: (n: number) => boolean = () => false,
): Promise<PulledPage[]> {
  for await (const page of connection.pull('customer', from, new AbortController().signal)) {
    seen.push(structuredClone(page))
    if (stop(seen.length)) break
  }
  return seen
}

const ids = (pages: PulledPage[]) => pages.flatMap((p) => p.rows.map((r) => r.id))
const failsWith = (code: string, text: RegExp) => (e: unknown) =>
  e instanceof ConnectionError && e.code === code && text.test(e.message)

describe('a job whose results are files', () => {
  test('is used for a list of more than one page, and read file by file', async () => {
    const system = new Exports()
    system.polls = 1
    const pages = await pull(await open(system))
    assert.deepEqual(ids(pages), ['1', '2', '3'])
    assert.deepEqual(
      pages.map((p) => [p.rows.length, p.position.mode, p.last]),
      [
        [0, 'FULL', false],
        [2, 'FULL', false],
        [1, 'DELTA', true],
      ],
    )
  })

  test('goes on with the same job after a kill, while it runs and between its files', async () => {
    for (const kill of [1, 2]) {
      const system = new Exports()
      system.polls = 1
      const connection = await open(system)
      const before = await pull(connection, null, [], (n) => n === kill)
      const rest = await pull(connection, before.at(-1)?.position ?? null)
      assert.deepEqual([...ids(before), ...ids(rest)], ['1', '2', '3'])
      assert.equal(system.bodies.length, 1)
    }
  })

  test('goes on within a file of many rows', async () => {
    const system = new Exports()
    const ids = Array.from({ length: 4_500 }, (_, n) => String(n + 1))
    system.files = [`Id,Updated\n${ids.map((id) => `${id},2026-03-01T00:00:00Z\n`).join('')}`]
    system.recordCount = ids.length
    const connection = await open(system)
    const seen: PulledPage[] = []
    await pull(connection, null, seen, (n) => n > 1 && (seen[n - 1]?.rows.length ?? 0) > 1)
    const rest = await pull(connection, seen.at(-1)?.position ?? null)
    const sizes = [...seen, ...rest].map((page) => page.rows.length).filter((n) => n > 1)
    assert.deepEqual(sizes, [2_000, 2_000, 500])
    const read = [seen.at(-1), ...rest].flatMap((page) => page?.rows.map((r) => r.id) ?? [])
    assert.deepEqual(read, ids)
    assert.equal(system.bodies.length, 1)
  })

  test('that fails, is lost, or loses its file is submitted again with the next run', async () => {
    const system = new Exports()
    system.status = 'aborted'
    const connection = await open(system)
    const seen: PulledPage[] = []
    await assert.rejects(
      pull(connection, null, seen),
      failsWith('JOB_FAILED', /ended as aborted \(the query was killed\)/),
    )
    system.status = 'completed'
    assert.deepEqual(ids(await pull(connection, seen.at(-1)?.position ?? null)), ['1', '2', '3'])
    assert.equal(system.bodies.length, 2)
    const [begun] = await pull(connection, null, [], () => true)
    system.lost.add('j3')
    assert.deepEqual(ids(await pull(connection, begun?.position ?? null)), ['1', '2', '3'])
    assert.equal(system.bodies.length, 4)
  })

  test('that never ends is given up after its time', async () => {
    const system = new Exports()
    system.polls = 1_000
    let clock = Date.parse('2026-03-01T00:00:00Z')
    const connection = await open(system, '', () => (clock += 2 * 3_600_000))
    const seen: PulledPage[] = []
    await assert.rejects(
      pull(connection, null, seen),
      failsWith('JOB_FAILED', /the job j1 is executing after 180 minutes/),
    )
    const at = seen.at(-1)?.position.at as { run?: { page: unknown } } | undefined
    assert.deepEqual(at?.run?.page, null)
  })

  test('with fewer rows than it announces is an error, and not read as a whole load', async () => {
    const system = new Exports()
    system.recordCount = 4
    const connection = await open(system)
    const seen: PulledPage[] = []
    await assert.rejects(
      pull(connection, null, seen),
      failsWith('JOB_CUT', /announces 4 rows, and its files have 3/),
    )
    assert.ok(seen.every((page) => page.position.mode === 'FULL' && !page.last))
    // A file that ends within a row.
    system.recordCount = 3
    system.files[1] = 'Id,Updated\n3'
    await assert.rejects(pull(connection), failsWith('ANSWER_NOT_CSV', /no CSV/))
  })

  test('without an id says what the system says', async () => {
    const system = new Exports()
    const { answer } = system
    system.answer = (request) =>
      request.path === '/jobs'
        ? { body: { status: 'error', message: 'a syntax error' } }
        : answer(request)
    await assert.rejects(pull(await open(system)), failsWith('JOB_WITHOUT_ID', /a syntax error/))
  })
})

describe('a delta by jobs', () => {
  test('is used where its settings are given, and begins at the time of the last one', async () => {
    let clock = Date.parse('2026-03-01T10:00:00Z')
    const system = new Exports()
    const connection = await open(system, '\npartner: seller', () => clock)
    const full = await pull(connection)
    clock += 3_600_000
    system.files = ['Id,Updated,Deleted\n2,2026-03-01T10:30:00Z,true\n']
    system.recordCount = 1
    const [begun, ...changed] = await pull(connection, full.at(-1)?.position ?? null)
    assert.deepEqual(begun?.rows, [])
    assert.deepEqual(
      changed.flatMap((p) => p.rows.map((r) => [r.id, r.record?.Deleted])),
      [['2', 'true']],
    )
    assert.deepEqual(system.bodies.at(-1), { partner: 'seller', since: '2026-03-01 10:00:00' })
    clock += 3_600_000
    await pull(connection, changed.at(-1)?.position ?? null)
    assert.deepEqual(system.bodies.at(-1), { partner: 'seller', since: '2026-03-01 11:00:00' })
  })

  test('goes on with the same job after a kill', async () => {
    let clock = Date.parse('2026-03-01T10:00:00Z')
    const system = new Exports()
    const connection = await open(system, '\npartner: seller', () => clock)
    const full = await pull(connection)
    clock += 3_600_000
    const [begun] = await pull(connection, full.at(-1)?.position ?? null, [], () => true)
    const jobs = system.bodies.length
    const rest = await pull(connection, begun?.position ?? null)
    assert.deepEqual(ids(rest), ['1', '2', '3'])
    assert.equal(system.bodies.length, jobs)
  })

  test('is a window of pages where they are not given', async () => {
    let clock = Date.parse('2026-03-01T10:00:00Z')
    const system = new Exports()
    const connection = await open(system, '', () => clock)
    const full = await pull(connection)
    clock += 3_600_000
    const jobs = system.bodies.length
    await assert.rejects(
      pull(connection, full.at(-1)?.position ?? null),
      failsWith('REPEATED_PAGE', /same rows/),
    )
    assert.equal(system.bodies.length, jobs)
  })
})
