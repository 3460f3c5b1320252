import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import type { PulledPage, PullPosition } from '../../../connectors/connection/contract.ts'
import { openConnection } from '../../../connectors/connection/openConnection.ts'
import { connect, define } from './fixture.ts'
import { type Received, type Reply, serve, type TestServer } from './server.ts'

const servers: TestServer[] = []
after(() => {
  for (const server of servers) server.close()
})

const definition = `
settings:
  base: { is: url }
  exports: { is: text, default: deletes, pattern: "none|deletes" }
auth: { none: true }
http: { base: "{base}" }
objects:
  customer:
    id: id
    version: updated
    rows: "data[]"
    list: { get: /customers }
    delta:
      window: { query: { from: "{since}", to: "{until}" } }
      times: iso
      lag: 0s
      overlap: 0s
    deletes:
      job:
        needs: { exports: [deletes] }
        code: errorCode
        failed: { path: errorCode, given: true }
        errors: [{ code: "9", is: FORBIDDEN, help: "set exports: none" }]
        submit: { post: /jobs, json: { query: "select Id from {object} where t >= '{since}' and t <= '{until}'" }, id: id }
        poll: { get: "/jobs/{job}", state: status, done: [completed], failed: [aborted], files: "batches[].fileId", count: "batches[].recordCount", ends: 3h }
        results: { get: "/files/{file}", columns: [Id, Deleted] }
        id: Id
        when: { Deleted: "true" }
        every: 30m
        times: "yyyy-MM-dd'T'HH:mm:ss'Z'"
        lag: 0s
        overlap: 1h
        expires: 29d
      census: true
`
const minute = 60_000
const hour = 60 * minute
const start = Date.parse('2026-03-01T00:00:00Z')

/** A system whose jobs are done at the second look. */
class System {
  server: TestServer | undefined
  clock = start
  refused = false
  state = 'completed'
  looks = new Map<string, number>()
  lost = new Set<string>()
  file = 'customer.Deleted,customer.Id\nfalse,1\ntrue,2\n'
  count = 2
  readonly queries: string[] = []
  readonly asked: string[] = []

  answer = ({ method, path, body }: Received): Reply => {
    this.asked.push(`${method} ${path}`)
    if (path === '/customers') return { body: { data: [] } }
    if (path === '/jobs') {
      if (this.refused) return { body: { errorCode: '9', message: 'not authorized' } }
      this.queries.push(JSON.parse(body).query)
      return { body: { id: `j${this.queries.length}`, status: 'submitted' } }
    }
    const [, kind, id = ''] = path.split('/')
    if (this.lost.has(id)) return { status: 404 }
    if (kind === 'files') return { headers: { 'content-type': 'text/csv' }, body: this.file }
    const looks = (this.looks.get(id) ?? 0) + 1
    this.looks.set(id, looks)
    if (looks < 2) return { body: { id, status: 'executing' } }
    const batches = [{ fileId: 'f1', recordCount: this.count }]
    return { body: { id, status: this.state, ...(this.state === 'completed' ? { batches } : {}) } }
  }
}

async function open(system: System, settings = '', from: PullPosition | null = null) {
  system.server ??= await serve(system.answer)
  const { server } = system
  if (!servers.includes(server)) servers.push(server)
  const read = connect(definition, `base: ${server.url}\nprivateAddresses: true${settings}`)
  const connection = openConnection('shop', read, {
    ...{ retry: { msMin: 1, msMax: 5 }, env: {}, now: () => system.clock },
  })
  let position = from
  return {
    connection,
    position: () => position,
    known: () => connection.deletionsKnown('customer', position),
    /** Pulls once, `ms` after the run before; returns the deleted ids and the note. */
    run: async (ms = 5 * minute) => {
      system.clock += ms
      const pages: PulledPage[] = []
      for await (const page of connection.pull(
        'customer',
        position,
        new AbortController().signal,
      )) {
        pages.push(structuredClone({ ...page, note: undefined }))
        if (page.note) pages.at(-1)!.note = page.note
        position = structuredClone(page.position)
      }
      assert.equal(pages.at(-1)?.last, true)
      const rows = pages.flatMap((p) => p.rows)
      assert.ok(rows.every((row) => row.deleted))
      return { ids: rows.map((row) => row.id), note: pages.at(-1)?.note?.code }
    },
  }
}

describe('deletions by jobs', () => {
  test('are found by a later run than the one that submits the job, which never waits', async () => {
    const system = new System()
    const it = await open(system)
    await it.run(0)
    assert.deepEqual(await it.run(), { ids: [], note: undefined })
    assert.deepEqual(system.queries, [])
    await it.run(25 * minute)
    assert.deepEqual(system.queries, [
      "select Id from customer where t >= '2026-02-28T23:00:00Z' and t <= '2026-03-01T00:30:00Z'",
    ])
    assert.deepEqual((await it.run()).ids, [])
    const read = system.asked.filter((a) => a.endsWith('/customers')).length
    assert.deepEqual(await it.run(), { ids: ['2'], note: undefined })
    assert.equal(system.asked.filter((a) => a.endsWith('/customers')).length, read + 1)
    assert.deepEqual(it.known(), { from: start, to: start + 30 * minute })
    // The next interval begins where this one ended, minus the overlap.
    await it.run(30 * minute)
    assert.match(
      system.queries[1] ?? '',
      />= '2026-02-28T23:30:00Z' and t <= '2026-03-01T01:10:00Z'/,
    )
  })

  test('a refusal is a note, the changes are read, and nothing counts as known', async () => {
    const system = new System()
    system.refused = true
    const it = await open(system)
    await it.run(0)
    for (let n = 0; n < 3; n++)
      assert.deepEqual(await it.run(hour), { ids: [], note: 'PERMISSION_MISSING' })
    assert.equal(system.asked.filter((a) => a.endsWith('/customers')).length, 4)
    assert.deepEqual(it.known(), { from: start, to: start })
    system.refused = false
    await it.run(hour)
    await it.run()
    assert.deepEqual((await it.run()).ids, ['2'])
    // The interval that was refused is in the one that was not.
    assert.match(
      system.queries[0] ?? '',
      />= '2026-02-28T23:00:00Z' and t <= '2026-03-01T04:00:00Z'/,
    )
  })

  test('a job that fails, is lost, or loses its file is asked for again with a later run', async () => {
    const system = new System()
    const it = await open(system)
    await it.run(0)
    await it.run(hour)
    await it.run()
    system.state = 'aborted'
    assert.equal((await it.run()).note, 'JOB_FAILED')
    system.state = 'completed'
    await it.run()
    assert.equal(system.queries.length, 2)
    system.lost.add('j2')
    assert.equal((await it.run()).note, 'NOT_FOUND')
    await it.run()
    await it.run()
    system.lost.add('f1')
    assert.equal((await it.run()).note, 'NOT_FOUND')
    system.lost.clear()
    await it.run()
    await it.run()
    assert.deepEqual(await it.run(), { ids: ['2'], note: undefined })
    assert.equal(system.queries.length, 4)
    for (const query of system.queries) assert.match(query, />= '2026-02-28T23:00:00Z'/)
  })

  test('a file that is cut, or without the column of deletions, is no list of them', async () => {
    const system = new System()
    const it = await open(system)
    await it.run(0)
    await it.run(hour)
    await it.run()
    system.count = 3
    assert.deepEqual(await it.run(), { ids: ['2'], note: 'JOB_CUT' })
    assert.deepEqual(it.known(), { from: start, to: start })
    system.count = 2
    system.file = system.file.replace('Deleted', 'is_deleted')
    await it.run()
    await it.run()
    assert.deepEqual(await it.run(), { ids: [], note: 'JOB_COLUMN_MISSING' })
    assert.deepEqual(it.known(), { from: start, to: start })
  })

  test('that are no longer stored are left to a census, visibly', async () => {
    const system = new System()
    const it = await open(system)
    await it.run(0)
    assert.equal((await it.run(30 * 24 * hour)).note, 'DELETIONS_EXPIRED')
    assert.deepEqual(system.queries, [])
    assert.deepEqual(it.known(), { from: system.clock, to: system.clock })
    assert.equal((await it.run(hour)).note, undefined)
    assert.equal(system.queries.length, 1)
  })

  test('are not asked for where the settings choose so, which changes no position', async () => {
    const system = new System()
    const it = await open(system, '\nexports: none')
    await it.run(0)
    assert.deepEqual(await it.run(hour), { ids: [], note: undefined })
    assert.equal(it.known(), null)
    assert.deepEqual(system.queries, [])
    const jobs = await open(system, '', it.position())
    assert.deepEqual(await jobs.run(hour), { ids: [], note: undefined })
    assert.equal(system.queries.length, 1)
  })

  test('mistakes are refused with their line', () => {
    for (const [from, to, problem] of [
      [
        'needs: { exports: [deletes] }',
        'needs: { export: [deletes] }',
        /:20:.*"export" is no setting/,
      ],
      ['      census: true\n', '', /census: beside it/],
      [" and t <= '{until}'", '', /does not use \{until\}/],
      ['every: 30m', 'every: soon', /not a length of time/],
      ['columns: [Id, Deleted]', 'column: [Id]', /unknown key "column"/],
    ] as const)
      assert.throws(() => define(definition.replace(from, to)), problem)
  })
})
