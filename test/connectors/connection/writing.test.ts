import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { afterEach, describe, test } from 'node:test'
import {
  type Connection,
  ConnectionError,
  type Json,
  type PulledRow,
} from '../../../connectors/connection/contract.ts'
import {
  type ConnectionOptions,
  openConnection,
} from '../../../connectors/connection/openConnection.ts'
import type { RecordWrite, WrittenRecord } from '../../../connectors/connection/writing.ts'
import { connect, define, simple } from './fixture.ts'
import { type Received, type Reply, serve, type TestServer } from './server.ts'

const signal = new AbortController().signal
let open: TestServer[] = []
afterEach(() => {
  for (const server of open) server.close()
  open = []
})

type Handler = (request: Received, res: ServerResponse) => Reply | null | Promise<Reply | null>

/** A system whose API has JSON, as most have. */
const writing = `
    write:
      fields: { name: name, address.city: address.town, "tags[0]": tag }
      goldenId: touchstone
      create: { post: /customers, id: id }
      update: { patch: "/customers/{id}" }
      find: { get: /search, query: { q: "touchstone={goldenId}" }, row: "list" }
      match: none
`
const definitionOf = (write: string, more = '') => `${simple}${write}${more}`

async function start(
  reply: Handler,
  {
    definition = definitionOf(writing),
    more = '',
    ...options
  }: ConnectionOptions & { definition?: string; more?: string } = {},
) {
  const server = await serve(reply)
  open.push(server)
  const text = `base: ${server.url}/api\nkey: { env: KEY }\nprivateAddresses: true\n${more}`
  const connection = openConnection('crm', connect(definition, text), {
    env: { KEY: 'sk_0123456789' },
    retry: { msMin: 2, msMax: 4, attemptsMax: 3 },
    ...options,
  })
  return { connection, server }
}

function row(record: Record<string, unknown>, version: string | null = null): PulledRow {
  return { object: 'customer', id: String(record.id), version, deleted: false, record }
}

const ada = { id: 'c1', updated_at: 1_700_000_000, name: 'Ada', address: { city: 'Berlin' } }

function write(
  connection: Connection,
  values: Record<string, Json>,
  more: Partial<RecordWrite> = {},
): Promise<WrittenRecord> {
  return connection.writing.write(
    {
      ...{ object: 'customer', id: 'c1', values, goldenId: 'g1', key: 'k1', expected: row(ada) },
      ...more,
    },
    signal,
  )
}
const creates: Partial<RecordWrite> = { id: null, expected: null }

async function failure(work: Promise<unknown>): Promise<ConnectionError> {
  const error = await work.then(
    () => null,
    (e: unknown) => e,
  )
  assert.ok(error instanceof ConnectionError, String(error))
  return error
}

const posts = (server: TestServer) => server.received.filter((r) => r.method !== 'GET')

describe('a write', () => {
  test('puts values under the names of the request, and reads the record just before', async () => {
    const { connection, server } = await start(({ method }) => ({
      body: method === 'GET' ? ada : {},
    }))
    const written = await write(connection, { name: 'Ada Ltd', 'address.city': null })
    assert.deepEqual(written, { id: 'c1', created: false, written: true, row: null })
    assert.deepEqual(
      server.received.map((r) => [r.method, r.path, r.body]),
      [
        ['GET', '/api/customers/c1', ''],
        ['PATCH', '/api/customers/c1', '{"name":"Ada Ltd","address":{"town":null}}'],
      ],
    )
  })

  test('of values that the record has already sends nothing', async () => {
    const { connection, server } = await start(() => ({ body: { ...ada, name: 'Ada Ltd' } }))
    const expected = row({ ...ada, name: 'Ada Ltd' })
    const { written } = await write(connection, { name: 'Ada Ltd' }, { expected })
    assert.equal(written, false)
    assert.equal(posts(server).length, 0)
  })

  test('is a conflict where what is to be replaced has changed, and not where another field has', async () => {
    const { connection, server } = await start(({ method }) => ({
      body: method === 'GET' ? { ...ada, name: 'Ada & Co', updated_at: 1_700_000_099 } : {},
    }))
    const error = await failure(write(connection, { name: 'Ada Ltd' }))
    assert.deepEqual(
      [error.verdict, error.code, error.outcome],
      ['CONFLICT', 'RECORD_CHANGED', 'NOT_APPLIED'],
    )
    assert.equal(posts(server).length, 0)
    await write(connection, { 'address.city': 'Bonn' })
    assert.equal(posts(server).length, 1)
  })

  test('of a record that is gone is MISSING', async () => {
    const { connection } = await start(() => ({ status: 404 }))
    assert.equal((await failure(write(connection, { name: 'x' }))).verdict, 'MISSING')
  })

  test('of a field that write: does not list sends nothing', async () => {
    const { connection, server } = await start(() => ({ body: ada }))
    const error = await failure(write(connection, { email: 'a@b.example' }))
    assert.equal(error.code, 'FIELD_NOT_WRITABLE')
    assert.match(error.message, /^crm: customer: WRITE id c1: "email" is none of the fields/)
    assert.equal(server.received.length, 0)
    const ability = connection.writing.abilityOf('customer')
    assert.equal(ability?.refusalOf('Address.City'), null)
    assert.match(ability?.refusalOf('address.street') ?? '', /none of the fields/)
    assert.equal(connection.writing.abilityOf('invoice'), null)
  })

  test('has a form with brackets, and an empty text for what is emptied', async () => {
    const form = `
    write:
      as: form
      fields: [name, address.city, tags]
      empty: text
      update: { post: "/customers/{id}", form: { expand: tax }, row: true }
      match: none
`
    const { connection, server } = await start(
      ({ method }) => ({ body: { ...ada, name: method === 'GET' ? 'Ada' : 'Ada Ltd' } }),
      { definition: definitionOf(form) },
    )
    const values = { name: 'Ada Ltd & Söhne', 'address.city': null, tags: ['a', 'b'] }
    const { row: after } = await write(connection, values)
    assert.equal(
      posts(server)[0]?.body,
      'expand=tax&name=Ada%20Ltd%20%26%20S%C3%B6hne&address%5Bcity%5D=&tags%5B0%5D=a&tags%5B1%5D=b',
    )
    assert.equal(after?.record?.name, 'Ada Ltd')
  })

  test('may have its values within a fixed body, codes of its own, and numbers of a list', async () => {
    const nested = `
    write:
      fields:
        name: Name
        inactive: { to: isInactive, codes: { T: true, F: false } }
        sites[0].city: sites[0].town
        parent: { to: '"parent@odata.bind"', text: "/customers({value})" }
      update:
        put: /objects
        query: { keys: Id }
        json: { records: [{ Id: "{id}", "...": "{values}" }], source: touchstone }
      match: none
`
    const { connection, server } = await start(
      ({ method }) => ({ body: method === 'GET' ? ada : {} }),
      {
        definition: definitionOf(nested),
      },
    )
    await write(connection, { name: 'B', inactive: 'T', 'sites[0].city': 'Bonn', parent: 'c$&' })
    assert.deepEqual(JSON.parse(posts(server)[0]?.body ?? ''), {
      records: [
        {
          ...{ Id: 'c1', Name: 'B', isInactive: true, sites: [{ town: 'Bonn' }] },
          'parent@odata.bind': '/customers(c$&)',
        },
      ],
      source: 'touchstone',
    })
  })
})

describe('an update of several requests', () => {
  const definition = definitionOf(`
    write:
      goldenId: id
      update:
        - { post: "/customers/{id}", fields: [name], match: { version: rev } }
        - { post: "/customers/{id}/sites/{record.site}", fields: { "sites[0].city": town }, match: { etag: "sites[0].etag" } }
      record: { site: "sites[0].id" }
`)
  const stored = { ...ada, rev: 3, sites: [{ id: 's1', etag: '"5"', city: 'Berlin' }] }
  const values = { name: 'B', 'sites[0].city': 'Bonn' }

  test('sends those that have a value, each with its own guard', async () => {
    const { connection, server } = await start(() => ({ body: stored }), { definition })
    await write(connection, values, { expected: row(stored) })
    assert.deepEqual(
      posts(server).map((r) => [r.path, r.body, r.headers['if-match']]),
      [
        ['/api/customers/c1', '{"name":"B"}', undefined],
        ['/api/customers/c1/sites/s1', '{"town":"Bonn"}', '"5"'],
      ],
    )
    await write(connection, { 'sites[0].city': 'Bonn' }, { expected: row(stored) })
    assert.equal(posts(server).length, 3)
  })

  test('of which a later one is refused is UNKNOWN: the first is done', async () => {
    const { connection } = await start(
      ({ path }) => (path.includes('/sites/') ? { status: 412 } : { body: stored }),
      { definition },
    )
    const error = await failure(write(connection, values, { expected: row(stored) }))
    assert.deepEqual([error.verdict, error.outcome], ['CONFLICT', 'UNKNOWN'])
  })
})

describe('the outcome of a write that failed', () => {
  /** Returns the failure of an update, and how often it was sent. */
  const refused = async (
    reply: Handler,
    options: ConnectionOptions & { definition?: string } = {},
  ) => {
    const { connection, server } = await start(
      (request, res) => (request.method === 'GET' ? { body: ada } : reply(request, res)),
      options,
    )
    const error = await failure(write(connection, { name: 'B' }))
    return { error, sent: posts(server).length }
  }

  for (const [name, reply, verdict] of [
    ['a 500 after the write', () => ({ status: 500 }), 'RETRY'],
    ['a 503', () => ({ status: 503 }), 'RETRY'],
    ['an answer that is no JSON', () => ({ body: '{"id":' }), 'INVALID'],
    [
      'a redirect that may follow a write',
      () => ({ status: 303, headers: { location: '/done' } }),
      'PERMANENT',
    ],
    [
      'a cut connection',
      (_: Received, res: ServerResponse) => {
        res.socket?.destroy()
        return null
      },
      'RETRY',
    ],
  ] as const)
    test(`is UNKNOWN after ${name}, and nothing is sent twice`, async () => {
      const { error, sent } = await refused(reply as Handler)
      assert.deepEqual([error.verdict, error.outcome, sent], [verdict, 'UNKNOWN', 1])
    })

  test('is UNKNOWN where the answer does not come in time', async () => {
    const definition = definitionOf(writing).replace(
      '{ base: "{base}" }',
      '{ base: "{base}", timeout: 80ms }',
    )
    const { error, sent } = await refused(() => null, { definition })
    assert.deepEqual([error.code, error.outcome, sent], ['NO_ANSWER', 'UNKNOWN', 1])
  })

  for (const [status, verdict] of [
    [400, 'PERMANENT'],
    [403, 'FORBIDDEN'],
    [409, 'CONFLICT'],
    [412, 'CONFLICT'],
    [422, 'PERMANENT'],
  ] as const)
    test(`is NOT_APPLIED after a ${status}`, async () => {
      const { error, sent } = await refused(() => ({ status }))
      assert.deepEqual([error.verdict, error.outcome, sent], [verdict, 'NOT_APPLIED', 1])
    })

  test('is NOT_APPLIED where the system cannot be reached or sends it elsewhere', async () => {
    const elsewhere = await refused(() => ({
      status: 307,
      headers: { location: 'https://other.example/x' },
    }))
    assert.deepEqual([elsewhere.error.code, elsewhere.error.outcome], ['REDIRECTED', 'NOT_APPLIED'])
    const key = `
    write:
      fields: [name]
      create: { post: /customers, id: id }
      once: { header: Idempotency-Key, for: 24h }
`
    const { connection, server } = await start(() => ({ body: {} }), {
      definition: definitionOf(key),
    })
    server.close()
    const error = await failure(write(connection, { name: 'B' }, creates))
    assert.deepEqual([error.code, error.outcome], ['UNREACHABLE', 'NOT_APPLIED'])
  })

  test('a limit is waited for, because the write was not done', async () => {
    let n = 0
    const { connection, server } = await start(({ method }) =>
      method === 'GET' ? { body: ada } : ++n === 1 ? { status: 429 } : { body: {} },
    )
    await write(connection, { name: 'B' })
    assert.equal(posts(server).length, 2)
  })

  test('is read from the body: a failure of one part in an answer that is no failure', async () => {
    const partial = `
    write:
      fields: [name]
      failed: { path: "errors[0]", given: true }
      code: "errors[0].category"
      detail: "errors[0].message"
      errors:
        - { code: LOCKED, is: RETRY }
        - { code: LATE, is: RETRY, applied: maybe }
        - { code: BUSY, is: RETRY, applied: never }
      update: { patch: "/customers/{id}" }
      match: none
`
    const definition = definitionOf(partial)
    const body = (category: string) => ({ results: [], errors: [{ category, message: 'no' }] })
    const { error, sent } = await refused(() => ({ status: 207, body: body('VALIDATION') }), {
      definition,
    })
    assert.deepEqual([error.verdict, error.outcome, sent], ['PERMANENT', 'NOT_APPLIED', 1])
    assert.match(error.message, /status 207 \(VALIDATION: no\)/)
    const locked = await refused(() => ({ body: body('LOCKED') }), { definition })
    assert.deepEqual([locked.error.outcome, locked.sent], ['NOT_APPLIED', 3])
    const late = await refused(() => ({ body: body('LATE') }), { definition })
    assert.deepEqual([late.error.outcome, late.sent], ['UNKNOWN', 1])
    const busy = await refused(() => ({ status: 503, body: body('BUSY') }), { definition })
    assert.deepEqual([busy.error.outcome, busy.sent], ['NOT_APPLIED', 3])
  })

  test('of a group that is written as a whole: a part that came meanwhile is a conflict', async () => {
    const whole = `
    write:
      fields: [address.city, address.zip]
      whole: [address]
      update: { patch: "/customers/{id}" }
      match: none
`
    const now = { ...ada, address: { city: 'Berlin', zip: '10115' } }
    const { connection, server } = await start(() => ({ body: now }), {
      definition: definitionOf(whole),
    })
    const error = await failure(write(connection, { 'address.city': 'Bonn' }))
    assert.deepEqual([error.verdict, error.outcome], ['CONFLICT', 'NOT_APPLIED'])
    assert.match(error.message, /the record has changed at address\.zip/)
    assert.equal(posts(server).length, 0)
  })

  test('of a write that is stopped while it runs is UNKNOWN', async () => {
    const controller = new AbortController()
    const { connection } = await start(({ method }) => {
      if (method === 'GET') return { body: ada }
      controller.abort()
      return null
    })
    const work = connection.writing.write(
      {
        object: 'customer',
        id: 'c1',
        values: { name: 'B' },
        goldenId: 'g',
        key: 'k',
        expected: row(ada),
      },
      controller.signal,
    )
    assert.equal((await failure(work)).outcome, 'UNKNOWN')
  })
})

describe('a create', () => {
  test('looks for the record first, and leaves one that it finds as it is', async () => {
    const found = { ...ada, id: 'c7', touchstone: 'g1' }
    const { connection, server } = await start(() => ({
      body: { list: [found, { ...ada, touchstone: 'g10' }] },
    }))
    const written = await write(connection, { name: 'B' }, creates)
    assert.deepEqual([written.id, written.created, written.written], ['c7', false, false])
    assert.equal(written.row?.record?.name, 'Ada')
    assert.equal(server.received[0]?.query.get('q'), 'touchstone=g1')
    assert.equal(posts(server).length, 0)
  })

  test('has the golden id in its field, and the id of the answer', async () => {
    const { connection, server } = await start(({ method }) => ({
      body: method === 'GET' ? { list: [] } : { id: 9 },
    }))
    const written = await write(connection, { name: 'B', 'address.city': null }, creates)
    assert.deepEqual(written, { id: '9', created: true, written: true, row: null })
    assert.deepEqual(JSON.parse(posts(server)[0]?.body ?? ''), { name: 'B', touchstone: 'g1' })
  })

  test('without a key has one attempt where it may have made a record', async () => {
    const { connection, server } = await start(({ method }) =>
      method === 'GET' ? { body: { list: [] } } : { status: 502 },
    )
    const error = await failure(write(connection, { name: 'B' }, creates))
    assert.deepEqual([error.outcome, posts(server).length], ['UNKNOWN', 1])
  })

  test('without an id in its answer is UNKNOWN', async () => {
    const { connection } = await start(({ method }) => ({
      body: method === 'GET' ? { list: [] } : {},
    }))
    const error = await failure(write(connection, { name: 'B' }, creates))
    assert.deepEqual([error.code, error.outcome], ['ID_MISSING', 'UNKNOWN'])
  })

  test('finds two records with one golden id and refuses to choose', async () => {
    const list = [
      { ...ada, touchstone: 'g1' },
      { ...ada, id: 'c2', touchstone: 'g1' },
    ]
    const { connection } = await start(() => ({ body: { list } }))
    const error = await failure(connection.writing.find('customer', 'g1', signal))
    assert.equal(error.code, 'GOLDEN_ID_TWICE')
  })

  test('is not made where the search for it is not there: only its own address says that it is missing', async () => {
    const { connection, server } = await start(() => ({ status: 404 }))
    const error = await failure(write(connection, { name: 'B' }, creates))
    assert.deepEqual([error.verdict, error.outcome], ['MISSING', 'NOT_APPLIED'])
    assert.equal(posts(server).length, 0)
    const own = writing.replace(/find: .*/, 'find: { get: "/by/{goldenId}", row: true }')
    const made = await start(
      ({ method }) => (method === 'GET' ? { status: 404 } : { body: { id: 'c9' } }),
      { definition: definitionOf(own) },
    )
    assert.equal((await write(made.connection, { name: 'B' }, creates)).id, 'c9')
  })

  test('with a key is repeated under it, and makes one record', async () => {
    const key = `
    write:
      fields: [name]
      needs: [name]
      create: { post: /customers, id: id }
      once: { header: Idempotency-Key, for: 24h }
`
    const records = new Map<string, { id: string }>()
    let n = 0
    const { connection, server } = await start(
      ({ headers }) => {
        const used = String(headers['idempotency-key'])
        const known = records.get(used) ?? { id: `c${records.size + 1}` }
        records.set(used, known)
        return ++n < 3 ? { status: 500 } : { body: known }
      },
      { definition: definitionOf(key) },
    )
    const written = await write(connection, { name: 'B' }, creates)
    assert.equal(written.id, 'c1')
    assert.deepEqual([records.size, server.received.length], [1, 3])
    assert.equal((await failure(write(connection, {}, creates))).code, 'VALUE_MISSING')
    assert.deepEqual(connection.writing.abilityOf('customer')?.once, {
      by: 'KEY',
      onceMs: 86_400_000,
    })
  })

  test('by golden id creates or updates, and is repeated', async () => {
    const upsert = `
    write:
      fields: [name]
      goldenId: "{field}"
      upsert: { patch: "/customers/{field}/{goldenId}", id: { header: location } }
`
    const definition = definitionOf(upsert).replace(
      'auth:',
      '  field: { is: text, optional: true }\nauth:',
    )
    let n = 0
    const { connection, server } = await start(
      () =>
        ++n === 1
          ? { status: 503 }
          : { status: 201, headers: { location: `https://crm.example/api/customers('c 9')?x=1` } },
      { definition, more: 'field: ext\n' },
    )
    const written = await write(connection, { name: 'B' }, creates)
    assert.deepEqual([written.id, written.created], ['c 9', true])
    assert.equal(server.received[1]?.path, '/api/customers/ext/g1')
    assert.equal(server.received[1]?.body, '{"name":"B"}')
    const without = await start(() => ({ body: {} }), { definition })
    assert.equal(without.connection.writing.abilityOf('customer')?.create, false)
    assert.equal((await failure(write(without.connection, {}, creates))).code, 'NO_CREATE')
  })
})

describe('a part of a record with its own address', () => {
  const definition = definitionOf(`
    write:
      record: { home: "places[use=HOME].id" }
      update:
        - { patch: "/customers/{id}", fields: [name] }
        - patch: "/customers/{id}/places/{record.home}"
          part: "places[use=HOME]"
          fields: [city, zip]
          match: { etag: tag }
      match: { etag: rev }
`)
  const home = { id: 'p7', use: 'HOME', city: 'Bonn', tag: 'W/"7"' }
  const record = { ...ada, rev: 'W/"1"', places: [{ id: 'p1', use: 'WORK' }, home] }

  test('is written by a request of its own, at its own etag', async () => {
    const { connection, server } = await start(() => ({ status: 204 }), { definition })
    const values = { name: 'B', 'places[use=HOME].city': 'Ulm' }
    await write(connection, values, { expected: row(record) })
    assert.deepEqual(
      server.received.map((r) => [r.path, r.headers['if-match'], r.body]),
      [
        ['/api/customers/c1', 'W/"1"', '{"name":"B"}'],
        ['/api/customers/c1/places/p7', 'W/"7"', '{"city":"Ulm"}'],
      ],
    )
  })

  test('is refused where the record has no such part, or the part no etag', async () => {
    let now: object = { ...record, places: [] }
    const { connection, server } = await start(() => ({ body: now, headers: { etag: 'W/"1"' } }), {
      definition,
    })
    const values = { 'places[use=HOME].city': null }
    const none = await failure(write(connection, values, { expected: row({ ...ada, places: [] }) }))
    assert.equal(none.code, 'ETAG_MISSING')
    now = { ...record, places: [{ ...home, tag: null }] }
    const expected = row(now as Record<string, unknown>)
    const untagged = await failure(
      write(connection, { 'places[use=HOME].city': 'Ulm' }, { expected }),
    )
    assert.equal(untagged.code, 'ETAG_MISSING', 'the etag of the record is not that of the part')
    assert.deepEqual(posts(server), [])
  })
})

describe('a golden id in an element of a list', () => {
  const listed = `
    write:
      fields: [name]
      goldenId: "ids[type={idType}].value"
      create:
        post: /customers
        fields: { kind: kind, "roles[0].role": "roles[0].code" }
        given: { kind: ORG, "roles[0].role": "{idType}" }
        json: { ids: [{ type: "{idType}", value: "{goldenId}" }] }
        id: id
      update: { patch: "/customers/{id}" }
      find: { get: /ids, query: { q: "{goldenId|upper}" }, row: list, id: owner }
      match: none
`
  const definition = definitionOf(listed).replace('auth:', '  idType: { is: text }\nauth:')
  const more = 'idType: GOLD\n'
  const bearing = (id: string, value: string) => ({ ...ada, id, ids: [{ type: 'GOLD', value }] })

  test('is placed by the create, which adds what each new record has', async () => {
    const { connection, server } = await start(
      ({ method }) => (method === 'GET' ? { body: { list: [] } } : { body: { id: 'c2' } }),
      { definition, more },
    )
    await write(connection, { name: 'B' }, creates)
    assert.deepEqual(JSON.parse(posts(server)[0]?.body ?? ''), {
      ids: [{ type: 'GOLD', value: 'g1' }],
      ...{ name: 'B', kind: 'ORG', roles: [{ code: 'GOLD' }] },
    })
    const ability = connection.writing.abilityOf('customer')
    assert.deepEqual(ability?.given, { kind: 'ORG', 'roles[0].role': 'GOLD' })
    assert.match(ability?.refusalOf('ids[type=GOLD].value') ?? '', /none of the fields/)
    await write(connection, { name: 'B', kind: 'OTHER' }, creates)
    assert.equal((JSON.parse(posts(server)[1]?.body ?? '') as { kind: string }).kind, 'OTHER')
  })

  test('is found by a search that only names the record, in capitals too', async () => {
    const records = [bearing('c1', 'G1'), bearing('c2', 'G2')]
    let found = ['c1', 'c1', 'c2', 'c9']
    const { connection, server } = await start(
      ({ path }) => {
        if (path === '/api/ids') return { body: { list: found.map((owner) => ({ owner })) } }
        const record = records.find(({ id }) => path.endsWith(id))
        return record ? { body: record } : { status: 404 }
      },
      { definition, more },
    )
    const find = () => connection.writing.find('customer', 'g1', signal)
    assert.equal((await find())?.id, 'c1')
    const [search, ...reads] = server.received
    assert.deepEqual([search?.path, search?.query.get('q')], ['/api/ids', 'G1'])
    assert.deepEqual(
      reads.map((r) => r.path),
      ['c1', 'c2', 'c9'].map((id) => `/api/customers/${id}`),
    )
    records.push(bearing('c9', 'g1'))
    assert.equal((await failure(find())).code, 'GOLDEN_ID_TWICE')
    found = []
    assert.equal(await find(), null)
  })
})

describe('a system that compares by itself', () => {
  const guarded = (match: string, read = '{ get: "/customers/{id}" }') =>
    definitionOf(`
    write:
      fields: [name]
      update: { patch: "/customers/{id}" }
      match: ${match}
`).replace('read: { get: "/customers/{id}" }', `read: ${read}`)

  test('gets the etag of the record on which the change was planned', async () => {
    const { connection, server } = await start(
      ({ headers }) => ({
        status: headers['if-match'] === 'W/"2"' ? 412 : 200,
      }),
      { definition: guarded('{ etag: "@odata.etag" }') },
    )
    await write(connection, { name: 'B' }, { expected: row({ ...ada, '@odata.etag': 'W/"1"' }) })
    assert.equal(server.received[0]?.headers['if-match'], 'W/"1"')
    const stale = row({ ...ada, '@odata.etag': 'W/"2"' })
    const error = await failure(write(connection, { name: 'B' }, { expected: stale }))
    assert.deepEqual([error.verdict, error.outcome], ['CONFLICT', 'NOT_APPLIED'])
    assert.equal(connection.writing.abilityOf('customer')?.guard, 'ETAG')
  })

  test('gets the etag of a read just before, where the record has none', async () => {
    const { connection, server } = await start(
      ({ method }) => (method === 'GET' ? { body: ada, headers: { etag: '"7"' } } : { body: {} }),
      { definition: guarded('{ etag: header }') },
    )
    await write(connection, { name: 'B' })
    assert.equal(posts(server)[0]?.headers['if-match'], '"7"')
    const other = await failure(
      write(connection, { name: 'B' }, { expected: row({ ...ada, name: 'Eve' }) }),
    )
    assert.equal(other.verdict, 'CONFLICT')
  })

  test('gets the time of the last change, in whole seconds', async () => {
    const { connection, server } = await start(() => ({ status: 412 }), {
      definition: guarded('since'),
    })
    const expected = row(ada, '2026-11-30T09:30:00.250000Z')
    assert.equal(
      (await failure(write(connection, { name: 'B' }, { expected }))).verdict,
      'CONFLICT',
    )
    assert.equal(
      server.received[0]?.headers['if-unmodified-since'],
      'Mon, 30 Nov 2026 09:30:01 GMT',
    )
  })

  test('and refuses a repetition: the first attempt may have been the change, so it is UNKNOWN', async () => {
    let n = 0
    const { connection } = await start(() => ({ status: ++n === 1 ? 500 : 412 }), {
      definition: guarded('{ etag: etag }'),
    })
    const error = await failure(
      write(connection, { name: 'B' }, { expected: row({ ...ada, etag: '1' }) }),
    )
    assert.deepEqual([error.verdict, error.outcome], ['CONFLICT', 'UNKNOWN'])
  })

  test('by a version is compared by us', async () => {
    const { connection } = await start(() => ({ body: { ...ada, rev: 8 } }), {
      definition: guarded('{ version: rev }'),
    })
    const error = await failure(
      write(connection, { name: 'B' }, { expected: row({ ...ada, rev: 7 }) }),
    )
    assert.match(error.message, /changed at rev/)
    await write(connection, { name: 'B' }, { expected: row({ ...ada, rev: 8 }) })
  })
})

describe('a session', () => {
  const definition = definitionOf(writing).replace(
    'objects:',
    `session:
  get: /service/
  headers: { x-csrf-token: fetch }
  take: [x-csrf-token]
  refused: { status: 403, header: x-csrf-token, equals: required }
objects:`,
  )

  test('is opened before the first write, with its cookies, and again when it is refused', async () => {
    let valid = 't1'
    const { connection, server } = await start(
      ({ method, path, headers }): Reply => {
        if (path === '/api/service/')
          return {
            body: '<service/>',
            headers: { 'x-csrf-token': valid, 'set-cookie': `sap=${valid}; path=/; HttpOnly` },
          }
        if (method === 'GET') return { body: ada }
        return headers['x-csrf-token'] === valid && headers.cookie === `sap=${valid}`
          ? { status: 204 }
          : { status: 403, headers: { 'x-csrf-token': 'Required' } }
      },
      { definition },
    )
    const fetches = () => server.received.filter((r) => r.path === '/api/service/').length
    await write(connection, { name: 'B' })
    await write(connection, { name: 'C' })
    assert.equal(fetches(), 1)
    assert.equal(server.received[0]?.headers['x-csrf-token'], undefined)
    valid = 't2'
    await write(connection, { name: 'D' })
    assert.equal(fetches(), 2)
    valid = 'never'
    const stuck = await start(
      ({ path, method }) =>
        path === '/api/service/'
          ? { headers: { 'x-csrf-token': 'x' } }
          : method === 'GET'
            ? { body: ada }
            : { status: 403, headers: { 'x-csrf-token': 'Required' } },
      { definition },
    )
    const error = await failure(write(stuck.connection, { name: 'B' }))
    assert.deepEqual([error.verdict, error.outcome], ['FORBIDDEN', 'NOT_APPLIED'])
    assert.equal(posts(stuck.server).length, 2)
  })
})

describe('a session for each service', () => {
  const definition = definitionOf(`
    write:
      fields: [name]
      create: { post: /crm/customers, id: id }
      once: { header: Key, for: 1h }
      update: { patch: "/billing/customers/{id}" }
      match: none
`).replace(
    'objects:',
    `session:
  get: "/{service}/"
  headers: { x-csrf-token: Fetch }
  take: [x-csrf-token]
  refused: { status: 403, header: x-csrf-token, equals: required }
objects:`,
  )

  test('has a token of its own, and another one is left when it is refused', async () => {
    const tokens: Record<string, string> = { crm: 'c1', billing: 'b1' }
    const { connection, server } = await start(
      ({ method, path, headers }): Reply => {
        const [, , service = ''] = path.split('/')
        if (headers['x-csrf-token'] === 'Fetch')
          return {
            headers: { 'x-csrf-token': tokens[service] ?? '', 'set-cookie': `s=${service}` },
          }
        if (method === 'GET') return { body: ada }
        const isRight =
          headers['x-csrf-token'] === tokens[service] && headers.cookie === `s=${service}`
        return isRight
          ? { body: { id: 'c2' } }
          : { status: 403, headers: { 'x-csrf-token': 'Required' } }
      },
      { definition },
    )
    const fetches = () =>
      server.received.flatMap((r) => (r.headers['x-csrf-token'] === 'Fetch' ? [r.path] : []))
    await write(connection, { name: 'B' }, creates)
    await write(connection, { name: 'B' })
    await write(connection, { name: 'C' })
    assert.deepEqual(fetches(), ['/api/crm/', '/api/billing/'])
    tokens.billing = 'b2'
    await write(connection, { name: 'D' })
    await write(connection, { name: 'E' }, { ...creates, key: 'k2' })
    assert.deepEqual(fetches(), ['/api/crm/', '/api/billing/', '/api/billing/'])
  })
})

describe('a mistake in write: is refused with its line', () => {
  for (const [name, write, message] of [
    ['no request', 'fields: [name]', /write: needs create:, update: or upsert:/],
    [
      'an update of no record',
      'fields: [name]\n      update: { patch: /customers }\n      match: none',
      /does not use \{id\}/,
    ],
    [
      'an update without match',
      'fields: [name]\n      update: { patch: "/c/{id}" }',
      /needs match:/,
    ],
    [
      'a create without once',
      'fields: [name]\n      create: { post: /c, id: id }',
      /needs once: .* or find:/,
    ],
    [
      'a create without id',
      'fields: [name]\n      create: { post: /c }\n      once: { header: K, for: 1h }',
      /needs id: with where/,
    ],
    [
      'an upsert without golden id',
      'fields: [name]\n      upsert: { patch: /c, id: id }',
      /needs goldenId:/,
    ],
    [
      'a get',
      'fields: [name]\n      update: { get: "/c/{id}" }\n      match: none',
      /a get writes nothing/,
    ],
    [
      'a body of another form',
      'fields: [name]\n      as: form\n      update: { post: "/c/{id}", json: { a: b } }\n      match: none',
      /json: is not the form of the body/,
    ],
    [
      'a name of several places',
      'fields: { name: "names[]" }\n      update: { patch: "/c/{id}" }\n      match: none',
      /names no single place/,
    ],
    [
      'a field twice',
      'fields: [first_name, FirstName]\n      update: { patch: "/c/{id}" }\n      match: none',
      /is there twice/,
    ],
    [
      'a need that is no field',
      'fields: [name]\n      needs: [email]\n      create: { post: /c, id: id }\n      once: { header: K, for: 1h }',
      /"email" is none of the fields/,
    ],
    [
      'a find that finds all',
      'fields: [name]\n      goldenId: g\n      create: { post: /c, id: id }\n      find: { get: /s, row: list }',
      /does not use \{goldenId\}/,
    ],
    [
      'a given value that is no field',
      'fields: [name]\n      create: { post: /c, id: id, given: { kind: ORG } }\n      once: { header: K, for: 1h }',
      /given: "kind" is none of the fields/,
    ],
    [
      'a golden id in a list that the create does not place',
      'fields: [name]\n      goldenId: "ids[type=G].value"\n      create: { post: /c, id: id }\n      find: { get: "/s/{goldenId}", row: list }',
      /goldenId: is an element of a list/,
    ],
    ['an unknown key', 'fields: [name]\n      twice: true', /unknown key "twice"/],
  ] as const)
    test(name, () => {
      assert.throws(
        () => define(definitionOf(`\n    write:\n      ${write}\n`)),
        (e: Error) => message.test(e.message) && /^connection\.yaml:(2[1-9]|3\d): /.test(e.message),
      )
    })
})
