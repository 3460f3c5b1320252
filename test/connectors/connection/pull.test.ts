import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import {
  type Connection,
  ConnectionError,
  type Json,
  type PulledRow,
  type PullPosition,
} from '../../../connectors/connection/contract.ts'
import { openConnection } from '../../../connectors/connection/openConnection.ts'
import { connect } from './fixture.ts'
import { type Received, type Reply, serve, type TestServer } from './server.ts'

const servers: TestServer[] = []
after(() => {
  for (const server of servers) server.close()
})
const { signal } = new AbortController()

/** 2026-01-01T00:00:00Z in seconds. */
const day0 = 1_767_225_600

interface Row {
  id: string
  at: number
  [field: string]: unknown
}

class Clock {
  seconds = day0
  readonly now = () => this.seconds * 1_000
}

/** Opens a connection to a server that answers as the function says. */
async function open(
  objects: string,
  reply: (request: Received) => Reply | Promise<Reply>,
  { clock = new Clock(), http = '' }: { clock?: Clock; http?: string } = {},
) {
  const server = await serve(reply)
  servers.push(server)
  const definition = (text: string) => `
settings: { base: { is: url } }
auth: { none: true }
http: { base: "{base}"${http} }
${text}`
  const again = (text = objects): Connection =>
    openConnection(
      'crm',
      connect(definition(text), `base: ${server.url}\nprivateAddresses: true`),
      { now: clock.now, retry: { msMin: 1, msMax: 2, attemptsMax: 2 }, env: {} },
    )
  return { server, clock, again, connection: again() }
}

interface Pulled {
  rows: PulledRow[]
  position: PullPosition
  pages: number
}

/** Pulls to the end of a run. With `killed` each page is read by a new process. */
async function pull(
  connect: () => Connection,
  from: PullPosition | null,
  { object = 'customer', killed = false } = {},
): Promise<Pulled> {
  const rows: PulledRow[] = []
  let position = from
  let pages = 0
  for (;;) {
    const run = connect().pull(object, position, signal)
    for await (const page of run) {
      pages++
      rows.push(...page.rows)
      position = JSON.parse(JSON.stringify(page.position)) as PullPosition
      if (page.last) return { rows, position, pages }
      if (killed) break
    }
    assert.ok(killed, 'the run ended without a last page')
    assert.ok(pages < 200, 'the run does not end')
  }
}

function ids(rows: readonly PulledRow[]): string[] {
  return rows.map((r) => (r.deleted ? `-${r.id}` : r.id))
}

function listAt(row: PulledRow | undefined, name: 'contacts' | 'deals'): Row[] {
  return (row?.record?.[name] ?? []) as Row[]
}

async function refusal(work: Promise<unknown>): Promise<ConnectionError> {
  const error = await work.then(
    () => null,
    (e: unknown) => e,
  )
  assert.ok(error instanceof ConnectionError, String(error))
  return error
}

const number = (text: string | null, otherwise: number) =>
  text === null ? otherwise : Number(text)

const window = `
objects:
  customer:
    id: id
    version: at
    rows: "list[].row"
    total: count
    list: { get: /customers, query: { limit: "2" } }
    pages: { cursor: next, as: query.offset }
    delta:
      window: { query: { since: "{since}", until: "{until}" } }
      times: s
      lag: 10s
      overlap: 60s
    read: { get: "/customers/{id}" }
`

/** A list with cursors, that filters by a closed interval. */
function listed(rows: () => Row[]) {
  return ({ path, query }: Received): Reply => {
    const [, , id] = path.split('/')
    if (id !== undefined) {
      const row = rows().find((r) => r.id === decodeURIComponent(id))
      return row ? { body: row } : { status: 404 }
    }
    const since = number(query.get('since'), 0)
    const until = number(query.get('until'), Number.POSITIVE_INFINITY)
    const from = number(query.get('offset'), 0)
    const limit = number(query.get('limit'), 2)
    const found = rows().filter((r) => r.at >= since && r.at <= until)
    const list = found.slice(from, from + limit).map((row) => ({ row }))
    const next = from + limit < found.length ? { next: from + limit } : {}
    return { body: { list, count: found.length, ...next } }
  }
}

describe('a full run', () => {
  test('sends no filter by time, and the delta begins at its start minus overlap (rule 3)', async () => {
    const rows: Row[] = [1, 2, 3, 4, 5].map((n) => ({ id: `c${n}`, at: 0 }))
    const it = await open(
      window,
      listed(() => rows),
    )
    const full = await pull(() => it.connection, null)
    assert.deepEqual(ids(full.rows), ['c1', 'c2', 'c3', 'c4', 'c5'])
    assert.equal(full.pages, 3)
    for (const { query } of it.server.received) assert.equal(query.has('since'), false)
    // Changed while the full run read other pages.
    rows[0] = { id: 'c1', at: day0 + 1 }
    it.clock.seconds = day0 + 600
    const delta = await pull(() => it.connection, full.position)
    assert.deepEqual(ids(delta.rows), ['c1'])
    const { query } = it.server.received.at(-1) ?? {}
    assert.equal(query?.get('since'), String(day0 - 60))
    assert.equal(query?.get('until'), String(day0 + 590))
  })

  test('goes on after a kill at each page, and the position says where', async () => {
    const rows: Row[] = Array.from({ length: 9 }, (_, n) => ({ id: `c${n}`, at: 0 }))
    const it = await open(
      window,
      listed(() => rows),
    )
    const { rows: pulled, position } = await pull(it.again, null, { killed: true })
    assert.deepEqual(
      ids(pulled),
      rows.map((r) => r.id),
    )
    assert.equal(position.mode, 'DELTA')
    assert.equal(it.server.received.length, 5)
  })

  test('begins again where the mark of its stored page is no longer valid', async () => {
    const rows: Row[] = Array.from({ length: 5 }, (_, n) => ({ id: `c${n}`, at: 0 }))
    let expired = false
    const it = await open(window, (request) => {
      if (expired && request.query.get('offset') === '2') {
        expired = false
        return { status: 400 }
      }
      return listed(() => rows)(request)
    })
    for await (const page of it.connection.pull('customer', null, signal)) {
      expired = true
      const rest = await pull(it.again, page.position)
      assert.deepEqual(
        ids(rest.rows),
        rows.map((r) => r.id),
      )
      break
    }
  })

  test('without a delta begins at the beginning each time', async () => {
    const it = await open(
      window.replace(/ {4}delta:[\s\S]*overlap: 60s\n/, ''),
      listed(() => [{ id: 'a', at: 1 }]),
    )
    assert.equal(it.connection.hasDelta('customer'), false)
    const first = await pull(() => it.connection, null)
    assert.equal(first.position.mode, 'FULL')
    assert.deepEqual(ids((await pull(() => it.connection, first.position)).rows), ['a'])
  })
})

describe('a window', () => {
  test('is read to now - lag and again from the bound - overlap (rule 2)', async () => {
    const rows: Row[] = []
    const it = await open(
      window,
      listed(() => rows),
    )
    const full = await pull(() => it.connection, null)
    it.clock.seconds += 300
    const first = await pull(() => it.connection, full.position)
    // The row has an earlier time than the bound and became visible late.
    rows.push({ id: 'late', at: day0 + 280 })
    it.clock.seconds += 300
    assert.deepEqual(ids((await pull(() => it.connection, first.position)).rows), ['late'])
  })

  test('goes on within its interval after a kill, and loses no row when others move out of it (rule 11)', async () => {
    const rows: Row[] = Array.from({ length: 7 }, (_, n) => ({ id: `c${n}`, at: day0 + 100 + n }))
    const text = window.replace(
      '{ cursor: next, as: query.offset }',
      '{ offset: query.offset, size: 2 }',
    )
    let isEmpty = true
    const it = await open(
      text,
      listed(() => (isEmpty ? [] : rows)),
    )
    const start = (await pull(it.again, null)).position
    isEmpty = false
    it.server.received.length = 0
    it.clock.seconds = day0 + 1_000
    const seen: PulledRow[] = []
    let position: PullPosition = start
    for (let last = false, n = 0; !last; n++) {
      for await (const page of it.again().pull('customer', position, signal)) {
        seen.push(...page.rows)
        position = page.position
        last = page.last
        break
      }
      it.clock.seconds += 100
      // Its place in the interval is empty now, so all behind it move up by one.
      if (n === 0) rows.push({ ...(rows.shift() as Row), at: it.clock.seconds })
    }
    const untils = new Set(it.server.received.map((r) => r.query.get('until')))
    assert.equal(untils.size, 1, 'one interval')
    it.clock.seconds += 600
    const rest = await pull(it.again, position)
    const all = new Set([...ids(seen), ...ids(rest.rows)])
    assert.deepEqual([...all].sort(), ['c0', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6'])
  })

  test('may be split into steps, each of which is a position', async () => {
    const rows: Row[] = [10, 5_000, 9_000].map((n) => ({ id: `c${n}`, at: day0 + n }))
    const it = await open(
      window.replace('times: s', 'times: s\n      step: 1h'),
      listed(() => rows),
    )
    const full = await pull(() => it.connection, null)
    it.server.received.length = 0
    it.clock.seconds = day0 + 10_000
    const { rows: pulled } = await pull(it.again, full.position, { killed: true })
    assert.deepEqual(ids(pulled), ['c10', 'c5000', 'c9000'])
    const spans = it.server.received.map(
      (r) => Number(r.query.get('until')) - Number(r.query.get('since')),
    )
    assert.deepEqual(spans, [3_600, 3_600, 2_850])
  })

  test('of days, in the zone of the system, reads the whole day again (rule 4)', async () => {
    const days = window
      .replace('times: s', 'times: yyyy-MM-dd\n      zone: America/Los_Angeles')
      .replace('version: at', 'version: changed')
    const changed = '2026-01-01'
    const it = await open(days, ({ query }) => {
      const [since, until] = [query.get('since') ?? '', query.get('until') ?? '9']
      const row = { id: 'a', changed }
      return { body: { list: changed >= since && changed <= until ? [{ row }] : [] } }
    })
    const full = await pull(() => it.connection, null)
    let { position } = full
    for (const hours of [12, 18, 30]) {
      it.clock.seconds = day0 + hours * 3_600
      const run = await pull(() => it.connection, position)
      assert.deepEqual(ids(run.rows), ['a'], `${hours} hours later`)
      position = run.position
    }
  })
})

describe('a keyset', () => {
  const keyset = `
objects:
  customer:
    id: id
    version: at
    rows: "[]"
    list: { get: /customers }
    pages: { lastId: true, size: 3 }
    full: { query: { after: "[[{lastId}]]", limit: "{size}" } }
    delta:
      keyset: { query: { since: "{since}", sinceId: "{sinceId}", limit: "{size}" } }
      pages: null
      size: 3
      times: s
      lag: 10s
      overlap: 60s
`
  const ordered =
    (rows: () => Row[]) =>
    (request: Received): Reply => {
      const { query } = request
      const limit = Number(query.get('limit'))
      const since = query.get('since')
      const sorted = rows().toSorted((a, b) =>
        since === null ? 0 : a.at - b.at || (a.id < b.id ? -1 : 1),
      )
      const after = query.get('after') ?? ''
      const sinceId = query.get('sinceId') ?? ''
      const found = sorted.filter((r) =>
        since === null
          ? r.id > after
          : r.at > Number(since) || (r.at === Number(since) && r.id > sinceId),
      )
      return { body: found.slice(0, limit) }
    }

  test('reads rows with one time over several pages once each, with a kill after each (rule 1)', async () => {
    const rows: Row[] = Array.from({ length: 10 }, (_, n) => ({ id: `c${n}`, at: day0 + 100 }))
    const it = await open(
      keyset,
      ordered(() => rows),
    )
    const full = await pull(it.again, null, { killed: true })
    assert.deepEqual(
      ids(full.rows),
      rows.map((r) => r.id),
    )
    it.clock.seconds = day0 + 400
    const delta = await pull(it.again, full.position, { killed: true })
    assert.deepEqual(
      ids(delta.rows),
      rows.map((r) => r.id),
    )
    assert.equal(delta.pages, 4)
    it.clock.seconds = day0 + 900
    assert.deepEqual(ids((await pull(it.again, delta.position)).rows), [])
  })

  test('without overlap goes on behind its last row, exactly', async () => {
    const rows: Row[] = [{ id: 'b', at: day0 + 50 }]
    const it = await open(
      keyset.replace('overlap: 60s', 'overlap: 0'),
      ordered(() => rows),
    )
    const full = await pull(it.again, null)
    it.clock.seconds = day0 + 400
    const first = await pull(it.again, full.position)
    assert.deepEqual(ids(first.rows), ['b'])
    rows.push({ id: 'a', at: day0 + 50 }, { id: 'c', at: day0 + 50 }, { id: 'd', at: day0 + 60 })
    assert.deepEqual(ids((await pull(it.again, first.position)).rows), ['c', 'd'])
  })

  test('with rows out of order, or without their time, is refused', async () => {
    const wrong = async (rows: unknown[]) => {
      const it = await open(keyset, ({ query }) => ({ body: query.has('since') ? rows : [] }))
      const full = await pull(it.again, null)
      it.clock.seconds = day0 + 400
      return await refusal(pull(it.again, full.position))
    }
    const unordered = await wrong([
      { id: 'a', at: day0 + 9 },
      { id: 'b', at: day0 + 3 },
    ])
    assert.deepEqual([unordered.verdict, unordered.code], ['INVALID', 'ROWS_OUT_OF_ORDER'])
    assert.equal((await wrong([{ id: 'a' }])).code, 'ROW_WITHOUT_VERSION')
    const same = Array.from({ length: 3 }, (_, n) => ({ id: `c${n}`, at: day0 + 1 }))
    const stuck = await wrong(same)
    assert.equal(stuck.code, 'REPEATED_PAGE')
    assert.match(stuck.message, /^crm: customer: GET \/customers: /)
  })
})

describe('a delta at an address', () => {
  const link = `
objects:
  account:
    id: accountid
    rows: value
    list: { get: /accounts, headers: { prefer: odata.maxpagesize=2 } }
    pages: { link: "@odata.nextLink" }
    delta: { link: { headers: { prefer: odata.track-changes } }, next: "@odata.deltaLink", expires: 7d }
    deletes: { tombstone: { when: reason, id: id } }
`
  const server =
    (url: () => string, pages: Map<string, { value: unknown[]; next?: string; delta?: string }>) =>
    ({ query, headers }: Received): Reply => {
      assert.equal(headers.prefer, 'odata.track-changes')
      const page = pages.get(query.get('token') ?? '')
      if (!page) return { status: 410 }
      const body: Record<string, unknown> = { value: page.value }
      if (page.next) body['@odata.nextLink'] = `${url()}/accounts?token=${page.next}`
      if (page.delta) body['@odata.deltaLink'] = `${url()}/accounts?token=${page.delta}`
      return { body }
    }

  test('begins with the full run, has tombstones and expires (rules 6 and 7)', async () => {
    const pages = new Map([
      ['', { value: [{ accountid: 'a' }, { accountid: 'b' }], next: 'p2' }],
      ['p2', { value: [{ accountid: 'c' }], delta: 'd1' }],
      ['d1', { value: [{ accountid: 'b' }], next: 'd1b' }],
      ['d1b', { value: [{ id: 'a', reason: 'deleted' }], delta: 'd2' }],
    ])
    let url = ''
    const it = await open(
      link,
      server(() => url, pages),
    )
    url = it.server.url
    const full = await pull(it.again, null, { object: 'account', killed: true })
    assert.deepEqual(ids(full.rows), ['a', 'b', 'c'])
    assert.equal(full.position.expiresAt, day0 * 1_000 + 7 * 86_400_000)
    const delta = await pull(it.again, full.position, { object: 'account', killed: true })
    assert.deepEqual(ids(delta.rows), ['b', '-a'])
    const gone = await refusal(pull(it.again, delta.position, { object: 'account' }))
    assert.deepEqual([gone.verdict, gone.status], ['GONE', 410])
    it.clock.seconds += 8 * 86_400
    const expired = await refusal(pull(it.again, delta.position, { object: 'account' }))
    assert.deepEqual([expired.verdict, expired.code], ['GONE', 'POSITION_EXPIRED'])
  })

  test('is refused where the last page has no address, or one of another host', async () => {
    let next: Record<string, string> = {}
    const it = await open(link, () => ({ body: { value: [], ...next } }))
    assert.equal((await refusal(pull(it.again, null, { object: 'account' }))).code, 'NO_DELTA_LINK')
    next = { '@odata.nextLink': 'https://evil.example.com/accounts' }
    const foreign = await refusal(pull(it.again, null, { object: 'account' }))
    assert.equal(foreign.code, 'FOREIGN_ADDRESS')
    assert.match(foreign.message, /https:\/\/evil\.example\.com/)
  })

  test('is forgotten when the definition of the object changes (rule 10)', async () => {
    const it = await open(link, () => ({
      body: { value: [], '@odata.deltaLink': '/accounts?token=x' },
    }))
    const full = await pull(it.again, null, { object: 'account' })
    const changed = link.replace('rows: value', 'rows: value\n    fields: [name]')
    const error = await refusal(pull(() => it.again(changed), full.position, { object: 'account' }))
    assert.deepEqual([error.verdict, error.code], ['GONE', 'DEFINITION_CHANGED'])
    const knob = link.replace('expires: 7d', 'expires: 6d')
    await pull(() => it.again(knob), full.position, { object: 'account' })
  })

  test('is forgotten at another address: its host would get the credential of the new one', async () => {
    const reply = () => ({ body: { value: [], '@odata.deltaLink': '/accounts?token=x' } })
    const [it, other] = [await open(link, reply), await open(link, reply)]
    const { position } = await pull(it.again, null, { object: 'account' })
    const asked = it.server.received.length
    const error = await refusal(pull(other.again, position, { object: 'account' }))
    assert.deepEqual([error.verdict, error.code], ['GONE', 'DEFINITION_CHANGED'])
    assert.equal(it.server.received.length, asked)
  })
})

describe('a feed', () => {
  const feed = `
feeds:
  events:
    list: { get: /events, query: { limit: "2", types: "{types}", since: "{since}" } }
    rows: "data[]"
    id: id
    at: created
    type: type
    order: newest
    pages: { lastId: true, size: 2, more: has_more }
    times: s
    lag: 0
    overlap: 0
    expires: 30d
objects:
  customer:
    id: id
    rows: "data[]"
    list: { get: /customers }
    delta: { feed: events, types: ["customer.*"], gone: [customer.deleted], id: data.id }
    deletes: feed
    read: { get: "/customers/{id}" }
`.replace('since: "{since}"', 'since: "{since}", after: "[[{lastId}]]"')

  test('reads each record that its events name again, deletes what is gone, and expires (rules 5, 6, 7)', async () => {
    const records = new Map<string, Json>([
      ['a', { id: 'a', name: 'now' }],
      ['b', { id: 'b' }],
    ])
    const events = [
      ['e1', 'customer.created', 'a', 10],
      ['e2', 'customer.updated', 'b', 11],
      ['e3', 'invoice.paid', 'x', 12],
      ['e4', 'customer.deleted', 'c', 13],
      ['e5', 'customer.updated', 'a', 14],
      ['e6', 'customer.updated', 'vanished', 15],
    ].map(([id, type, of, at]) => ({ id, type, created: day0 + Number(at), data: { id: of } }))
    const it = await open(feed, ({ path, query }) => {
      if (path === '/customers') return { body: { data: [] } }
      if (path === '/events') {
        assert.deepEqual(query.getAll('types'), ['customer.*', 'customer.deleted'])
        const newest = events.toReversed()
        const from = newest.findIndex((e) => e.id === query.get('after')) + 1
        return { body: { data: newest.slice(from, from + 2), has_more: from + 2 < newest.length } }
      }
      const record = records.get(path.split('/')[2] ?? '')
      return record ? { body: record } : { status: 404 }
    })
    const full = await pull(it.again, null)
    it.clock.seconds = day0 + 100
    const delta = await pull(it.again, full.position)
    assert.deepEqual(ids(delta.rows), ['a', 'b', '-c', '-vanished'])
    assert.deepEqual(delta.rows[0]?.record, { id: 'a', name: 'now' })
    assert.equal(delta.position.expiresAt, (day0 + 100 + 30 * 86_400) * 1_000)
    assert.deepEqual(ids((await pull(it.again, delta.position)).rows), [])
    it.clock.seconds += 31 * 86_400
    assert.equal((await refusal(pull(it.again, delta.position))).verdict, 'GONE')
  })

  test('with many events has positions between its pages, from which nothing is lost', async () => {
    const names = Array.from({ length: 230 }, (_, n) => `c${String(n).padStart(3, '0')}`)
    const events = names.map((of, n) => ({
      id: `e${n}`,
      type: 'customer.updated',
      created: day0 + Math.floor(n / 7),
      data: { id: of },
    }))
    const it = await open(feed.replace(/size: 2, more/, 'size: 500, more'), ({ path, query }) => {
      if (path === '/customers') return { body: { data: [] } }
      if (path !== '/events') return { body: { id: path.split('/')[2] } }
      const since = Number(query.get('since'))
      return {
        body: { data: events.toReversed().filter((e) => e.created >= since), has_more: false },
      }
    })
    const full = await pull(it.again, null)
    it.clock.seconds = day0 + 100
    const delta = await pull(it.again, full.position, { killed: true })
    assert.deepEqual([...new Set(ids(delta.rows))].sort(), names)
    assert.ok(delta.pages >= 3)
  })
})

describe('deletions', () => {
  test('in a list of their own are read after the rows, with a bound of their own (rule 7)', async () => {
    const text = window.replace(
      '    read:',
      '    deletes: { list: { get: /deleted, query: { since: "{since}" }, rows: "[]", pages: { offset: query.offset, size: 2 }, id: record, at: when, times: s, overlap: 0 } }\n    read:',
    )
    const gone = [1, 2, 3].map((n) => ({ record: `g${n}`, when: day0 + 20 + n }))
    const it = await open(text, (request) => {
      if (request.path !== '/deleted') return listed(() => [{ id: 'a', at: day0 + 30 }])(request)
      const since = Number(request.query.get('since'))
      const from = Number(request.query.get('offset'))
      return { body: gone.filter((g) => g.when >= since).slice(from, from + 2) }
    })
    const full = await pull(it.again, null, { killed: true })
    assert.deepEqual(ids(full.rows), ['a'])
    it.clock.seconds = day0 + 200
    const delta = await pull(it.again, full.position, { killed: true })
    assert.deepEqual(ids(delta.rows), ['a', '-g1', '-g2', '-g3'])
    assert.equal(delta.rows[1]?.version, '2026-01-01T00:00:21.000000Z')
    it.clock.seconds = day0 + 400
    assert.deepEqual(ids((await pull(it.again, delta.position)).rows), [])
  })

  test('in a list about several objects are those that when: names', async () => {
    const text = window.replace(
      '    read:',
      '    deletes: { list: { get: /deleted, rows: "[]", pages: null, id: record, when: { type: customer }, times: s } }\n    read:',
    )
    const gone = ['customer', 'deal', 'customer'].map((type, n) => ({ type, record: `g${n}` }))
    const it = await open(text, (request) =>
      request.path === '/deleted'
        ? { body: gone }
        : listed(() => [{ id: 'a', at: day0 + 30 }])(request),
    )
    const full = await pull(it.again, null)
    it.clock.seconds = day0 + 200
    assert.deepEqual(ids((await pull(it.again, full.position)).rows), ['a', '-g0', '-g2'])
  })

  test('are found by a census of ids, with a request of its own', async () => {
    const text = window.replace(
      '    read:',
      '    deletes: { census: { query: { fields: id, limit: "3" } } }\n    read:',
    )
    const it = await open(
      text,
      listed(() => ['a', 'b', 'c', 'd'].map((id) => ({ id, at: 1 }))),
    )
    assert.equal(it.connection.needsCensus('customer'), true)
    const found: string[][] = []
    for await (const page of it.connection.census('customer', signal)) found.push([...page])
    assert.deepEqual(found, [['a', 'b', 'c'], ['d']])
    assert.equal(it.server.received[0]?.query.get('fields'), 'id')
  })
})

describe('a page', () => {
  const answers = async (bodies: unknown[], text = window) => {
    let n = 0
    const it = await open(text, () => ({ body: bodies[Math.min(n++, bodies.length - 1)] }))
    return await refusal(pull(it.again, null))
  }

  test('that repeats its cursor or its rows is refused, because the run would never end', async () => {
    const row = (id: string) => ({ row: { id, at: 1 } })
    const loop = await answers([
      { list: [row('a')], next: 'x' },
      { list: [row('b')], next: 'y' },
      { list: [row('c')], next: 'x' },
    ])
    assert.deepEqual([loop.verdict, loop.code], ['INVALID', 'REPEATED_PAGE'])
    const offset = window.replace(
      '{ cursor: next, as: query.offset }',
      '{ offset: query.from, size: 2 }',
    )
    const ignored = await answers([{ list: [row('a'), row('b')] }], offset)
    assert.equal(ignored.code, 'REPEATED_PAGE')
    assert.match(ignored.message, /same rows as the page before/)
  })

  test('whose rows have no id, or are not where they should be, is refused', async () => {
    assert.equal((await answers([{ list: [{ row: { at: 1 } }] }])).code, 'ROW_WITHOUT_ID')
    assert.equal((await answers([{ items: [] }])).code, 'ROWS_MISSING')
    assert.equal((await answers([{ list: [{ other: {} }] }])).code, 'ROWS_MISSING')
    const missing = await answers([{ list: [{ row: 7 }] }])
    assert.match(
      missing.message,
      /^crm: customer: GET \/customers: .*; compare the answer with connection\.yaml$/,
    )
  })

  test('by offset goes on while the system announces more rows than it has given', async () => {
    const offset = window.replace(
      '{ cursor: next, as: query.offset }',
      '{ offset: query.from, size: 5 }',
    )
    const rows = ['a', 'b', 'c', 'd', 'e'].map((id) => ({ row: { id, at: 1 } }))
    // The system gives two rows a page, whatever is asked for.
    const it = await open(offset, ({ query }) => {
      const from = Number(query.get('from'))
      return { body: { list: rows.slice(from, from + 2), count: rows.length } }
    })
    assert.deepEqual(ids((await pull(it.again, null)).rows), ['a', 'b', 'c', 'd', 'e'])
  })

  test('by number and by a header Link', async () => {
    const page = window.replace(
      '{ cursor: next, as: query.offset }',
      '{ page: query.page, size: 1, more: more }',
    )
    const byNumber = await open(page, ({ query }) => {
      const n = Number(query.get('page'))
      return { body: { list: [{ row: { id: `p${n}`, at: 1 } }], more: n < 3 } }
    })
    assert.deepEqual(ids((await pull(byNumber.again, null)).rows), ['p1', 'p2', 'p3'])
    const header = window.replace('{ cursor: next, as: query.offset }', '{ link: header }')
    const byLink = await open(header, ({ query }) => {
      const n = number(query.get('n'), 1)
      const link = `</customers?n=${n + 1}>; rel="next", </customers?n=1>; rel="first"`
      const headers: Record<string, string> = n < 3 ? { link } : {}
      return { body: { list: [{ row: { id: `l${n}`, at: 1 } }] }, headers }
    })
    assert.deepEqual(ids((await pull(byLink.again, null)).rows), ['l1', 'l2', 'l3'])
  })
})

describe('further reads', () => {
  test('put children into the rows of a page, one by one or for all at once', async () => {
    const text = window.replace(
      '    read:',
      `    children:
      - { into: contacts, get: "/customers/{id}/contacts", rows: "[]", pages: { offset: query.from, size: 2 } }
      - { into: deals, post: /deals, json: { inputs: [{ id: "{each}" }], all: "{ids}" }, rows: "results[]", by: from.id, size: 2 }
      - { into: notes, get: "/notes/{id}", rows: "[]", when: { kind: person } }
    read:`,
    )
    const rows: Row[] = ['a/1', 'b', 'c'].map((id) => ({ id, at: 1 }))
    rows[1] = { id: 'b', at: 1, kind: 'person' }
    const bodies: unknown[] = []
    const it = await open(text.replace('limit: "2"', 'limit: "3"'), (request) => {
      if (request.path.endsWith('/contacts')) {
        const from = Number(request.query.get('from'))
        const all = ['x', 'y', 'z'].map((id) => ({ id, of: request.path.split('/')[2] }))
        return { body: all.slice(from, from + 2) }
      }
      if (request.path.startsWith('/notes/')) return { body: [{ of: request.path }] }
      if (request.path !== '/deals') return listed(() => rows)(request)
      const body = JSON.parse(request.body) as { inputs: { id: string }[] }
      bodies.push(body)
      return { body: { results: body.inputs.map(({ id }) => ({ from: { id }, deal: id })) } }
    })
    const { rows: pulled } = await pull(it.again, null)
    assert.deepEqual(
      pulled.map((r) => [listAt(r, 'contacts').length, listAt(r, 'deals')[0]?.deal]),
      [
        [3, 'a/1'],
        [3, 'b'],
        [3, 'c'],
      ],
    )
    assert.equal(listAt(pulled[0], 'contacts')[0]?.of, 'a%2F1')
    assert.deepEqual(
      pulled.map((r) => r.record?.notes),
      [undefined, [{ of: '/notes/b' }], undefined],
    )
    assert.deepEqual(bodies[0], { inputs: [{ id: 'a/1' }, { id: 'b' }], all: ['a/1', 'b'] })
  })
})

test('an object under another is listed for each row of that one, and follows its changes', async () => {
  const under = `${window}  contact:
    id: { join: [customer_id, id], with: "/" }
    rows: "[]"
    under: { object: customer, as: customer_id }
    list: { get: "/contacts/{parent}" }
    deletes: census
`
  const rows: Row[] = ['a', 'b', 'c'].map((id) => ({ id, at: 1 }))
  const it = await open(under, (request) => {
    const [, object, id] = request.path.split('/')
    if (object !== 'contacts') return listed(() => rows)(request)
    if (id === 'b') return { status: 404 }
    return { body: [{ id: '1' }, { id: '2' }] }
  })
  const of = { object: 'contact' }
  assert.equal(it.connection.hasDelta('contact'), true)
  const full = await pull(it.again, null, { ...of, killed: true })
  assert.deepEqual(ids(full.rows), ['a/1', 'a/2', 'c/1', 'c/2'])
  assert.deepEqual(full.rows[0]?.record, { id: '1', customer_id: 'a' })
  rows[2] = { id: 'c', at: day0 + 50 }
  it.clock.seconds += 500
  const delta = await pull(it.again, full.position, { ...of, killed: true })
  assert.deepEqual(ids(delta.rows), ['c/1', 'c/2'])
  const listedIds: string[] = []
  for await (const page of it.connection.census('contact', signal)) listedIds.push(...page)
  assert.deepEqual(listedIds, ['a/1', 'a/2', 'c/1', 'c/2'])
})

test('one record is read by its id; one that is not there is null, and a refusal is no deletion (rule 8)', async () => {
  let status = 0
  const it = await open(window, (request) =>
    status ? { status } : listed(() => [{ id: 'a b', at: 1 }])(request),
  )
  assert.equal((await it.connection.read('customer', 'a b', signal))?.id, 'a b')
  assert.equal(await it.connection.read('customer', 'x', signal), null)
  status = 403
  assert.equal((await refusal(it.connection.read('customer', 'x', signal))).verdict, 'FORBIDDEN')
})

test('several records are read by one request; one that it lacks, or that spoils it, is read alone', async () => {
  const batched = window.replace(
    'read: { get: "/customers/{id}" }',
    'read: { get: "/customers/{id}", batch: { post: /batch, json: { inputs: [{ id: "{each}" }] }, rows: "items[]", size: 2 } }',
  )
  assert.notEqual(batched, window)
  const rows = ['a', 'b', 'c'].map((id) => ({ id, at: 1 }))
  const it = await open(batched, ({ path, body }) => {
    if (path !== '/batch') {
      const row = rows.find((r) => path === `/customers/${r.id}`)
      if (path === '/customers/bad') return { status: 400 }
      return row ? { body: row } : { status: 404 }
    }
    const ids = JSON.parse(body).inputs.map((i: { id: string }) => i.id)
    if (ids.includes('bad')) return { status: 400 }
    return { body: { items: rows.filter((r) => ids.includes(r.id)) } }
  })
  const read = await it.connection.readSeveral('customer', ['a', 'b', 'c', 'bad', 'gone'], signal)
  assert.deepEqual(
    read.map((r) => ('problem' in r ? [r.id, r.problem.verdict] : [r.id, r.row?.id ?? null])),
    [
      ['a', 'a'],
      ['b', 'b'],
      ['c', 'c'],
      ['bad', 'PERMANENT'],
      ['gone', null],
    ],
  )
  assert.deepEqual(
    it.server.received.map((r) => r.path).filter((path) => path !== '/batch'),
    ['/customers/c', '/customers/bad', '/customers/gone'],
  )
})

test('a check tries each object and says which lacks a permission; the others go on', async () => {
  const two = `${window}${window.slice(window.indexOf('  customer:')).replace('customer:', 'contact:').replaceAll('/customers', '/contacts')}`
  const it = await open(two, (request) =>
    request.path === '/contacts' ? { status: 403 } : listed(() => [{ id: 'a', at: 1 }])(request),
  )
  const [customer, contact] = await it.connection.check(signal)
  assert.deepEqual(customer, { object: 'customer', count: 1, problem: null })
  assert.deepEqual(
    [contact?.problem?.verdict, contact?.problem?.code],
    ['FORBIDDEN', 'PERMISSION_MISSING'],
  )
  assert.equal(it.connection.counts().requests, 2)
})

test('a run that is stopped ends at once', async () => {
  const controller = new AbortController()
  const it = await open(window, async () => {
    controller.abort(new Error('stopped'))
    await new Promise((resolve) => setTimeout(resolve, 5_000).unref())
    return { body: { list: [] } }
  })
  await assert.rejects(it.connection.pull('customer', null, controller.signal).next(), /stopped/)
})
