import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { random } from '../../../demo/random.ts'
import { createClock } from '../../../demo/systems/kit/clock.ts'
import { PlannedFaults } from '../../../demo/systems/kit/faults.ts'
import { Query } from '../../../demo/systems/kit/query.ts'
import { RateLimit } from '../../../demo/systems/kit/rateLimit.ts'
import { openServer, Refused } from '../../../demo/systems/kit/server.ts'
import { type ObjectRules, Store } from '../../../demo/systems/kit/store.ts'
import { UniqueValues } from '../../../demo/systems/kit/uniqueValues.ts'
import { article, company, person } from '../../../demo/systems/kit/world.ts'
import { NotUnique } from '../../../demo/systems/kit/writes.ts'

async function open(max = 1000) {
  const clock = createClock()
  const faults = new PlannedFaults()
  const rateLimit = new RateLimit({ windowMs: 1000, max, kind: 'sliding' }, true)
  const refuse = (name: string, problem: string) =>
    new Refused({ status: 400, body: { name, problem } }, problem === 'unknown')
  let executed = 0
  const server = await openServer({
    clock,
    faults,
    rateLimit,
    behaviour: {
      handle(request) {
        if (request.path === '/broken') throw new Error('broken model')
        if (request.path !== '/things') return undefined
        const query = new Query(request.query, refuse)
        const limit = query.integer('limit', 1, 10, 5)
        query.end()
        executed += 1
        return { status: 200, body: { limit, executed, text: 'x'.repeat(50) } }
      },
      idempotency: {
        keyOf: ({ headers }) => headers['idempotency-key']?.toString(),
        windowMs: 60_000,
        replayed: { replayed: 'true' },
        other: () => ({ status: 422 }),
        running: () => ({ status: 409 }),
        stores: ({ status }) => status !== 400,
      },
      notFound: () => ({ status: 404, body: { error: 'not found' } }),
      failure: (status) => ({ status, body: { error: 'failure' } }),
      forbidden: () => ({ status: 403, body: { error: 'forbidden' } }),
      expired: (what, request) =>
        what === 'cursor' && request.query.has('cursor') ? { status: 410 } : undefined,
      limited: (waitMs) => ({
        status: 429,
        headers: { 'retry-after': `${Math.ceil(waitMs / 1000)}` },
      }),
    },
  })
  return { clock, faults, server, get: (path: string) => fetch(server.url + path) }
}

describe('the server of a model', () => {
  test('refuses what it does not know and lists it', async () => {
    const { server, get } = await open()
    assert.equal((await get('/things?limit=3')).status, 200)
    for (const [path, status] of [
      ['/other', 404],
      ['/things?page=1', 400],
      ['/things?limit=11', 400],
      ['/things?limit=1&limit=2', 400],
      ['/broken', 500],
    ] as const)
      assert.equal((await get(path)).status, status, path)
    const { count, unknown } = server.requests()
    assert.equal(count, 6)
    assert.deepEqual(
      unknown.map((request) => request.split('\n')[0]),
      ['GET /other', 'GET /things?page=1', 'GET /broken'],
    )
    await server.close()
  })

  test('makes each fault once, and only for the requests that it names', async () => {
    const { faults, server, get } = await open()
    faults.add({ kind: 'status', status: 503, retryAfterSeconds: 2 }, /limit=3/)
    assert.equal((await get('/things')).status, 200)
    const unavailable = await get('/things?limit=3')
    assert.deepEqual([unavailable.status, unavailable.headers.get('retry-after')], [503, '2'])
    assert.equal((await get('/things?limit=3')).status, 200)

    faults.add({ kind: 'forbidden' }, undefined, 2)
    assert.deepEqual([(await get('/things')).status, (await get('/things')).status], [403, 403])
    faults.add({ kind: 'expired', what: 'cursor' })
    assert.equal((await get('/things')).status, 200)
    assert.equal((await get('/things?cursor=1')).status, 410)
    faults.add({ kind: 'invalidJson' })
    await assert.rejects((await get('/things')).json(), SyntaxError)
    faults.add({ kind: 'cut', after: 'nothing' })
    await assert.rejects(get('/things'))
    faults.add({ kind: 'cut', after: 'half' })
    await assert.rejects(async () => (await get('/things')).text())
    faults.add({ kind: 'afterWrite', status: 500 })
    assert.equal((await get('/things')).status, 500)
    faults.add({ kind: 'cut', after: 'execution' })
    await assert.rejects(get('/things'))
    faults.add({ kind: 'twice' })
    const executed = Number((await (await get('/things')).json()).executed)
    assert.equal(executed, 9, 'the second execution answers')
    faults.add({ kind: 'noAnswer' })
    await assert.rejects(
      fetch(`${server.url}/things`, { signal: AbortSignal.timeout(50) }),
      /timeout/,
    )
    faults.add({ kind: 'lateAnswer', ms: 30 })
    const late = get('/things')
    assert.equal((await (await get('/things')).json()).executed, executed + 3)
    assert.equal((await (await late).json()).executed, executed + 2)
    faults.add({ kind: 'slow', ms: 20 })
    const begin = performance.now()
    assert.equal((await get('/things')).status, 200)
    assert.ok(performance.now() - begin >= 19)
    assert.equal(faults.met().get('forbidden'), 2)
    await server.close()
  })

  test('stores what the first request with an idempotency key was answered', async () => {
    const { clock, faults, server } = await open()
    const ask = async (key: string, query = '') => {
      const headers = { 'idempotency-key': key }
      const response = await fetch(`${server.url}/things${query}`, { headers })
      const body = response.status === 200 ? await response.json() : {}
      return [response.status, body.executed, response.headers.get('replayed')]
    }
    assert.deepEqual(await ask('a'), [200, 1, null])
    assert.deepEqual(await ask('a'), [200, 1, 'true'])
    assert.deepEqual(await ask('a', '?limit=3'), [422, undefined, null])
    assert.deepEqual(await ask('b', '?limit=90'), [400, undefined, null])
    assert.deepEqual(await ask('b'), [200, 2, null], 'a refusal is not stored')
    faults.add({ kind: 'afterWrite', status: 500 })
    assert.deepEqual(await ask('c'), [500, undefined, null])
    assert.deepEqual(await ask('c'), [500, undefined, 'true'], 'a failure is')
    faults.add({ kind: 'status', status: 500 })
    assert.deepEqual(await ask('d'), [500, undefined, null])
    assert.deepEqual(await ask('d'), [200, 4, null], 'a failure before the execution is not')
    faults.add({ kind: 'lateAnswer', ms: 40 })
    const first = ask('e')
    await new Promise((resolve) => setTimeout(resolve, 10))
    assert.deepEqual(await ask('e'), [409, undefined, null])
    assert.deepEqual(await first, [200, 5, null])
    faults.add({ kind: 'twice' })
    assert.deepEqual(await ask('f'), [200, 6, 'true'])
    clock.advance(60_000)
    assert.deepEqual(await ask('a'), [200, 7, null])
    await server.close()
  })

  test('limits the rate in a sliding window and measures the largest one', async () => {
    const { clock, server, get } = await open(3)
    const statuses = await Promise.all([1, 2, 3, 4].map(async () => (await get('/things')).status))
    assert.deepEqual(statuses.toSorted(), [200, 200, 200, 429])
    clock.advance(1000)
    assert.equal((await get('/things')).status, 200)
    assert.equal(server.requests().mostInAWindow, 4)
    await server.close()
  })
})

test('a fixed window opens again at a multiple of its length', () => {
  const limit = new RateLimit({ windowMs: 1000, max: 1, kind: 'fixed' }, true)
  assert.deepEqual([limit.take(5900), limit.take(5950), limit.take(6000)], [0, 50, 0])
  assert.equal(limit.mostInAWindow, 3)
})

const things: ObjectRules = {
  name: 'thing',
  idField: 'id',
  fields: ['name'],
  weight: 1,
  newId: () => `${Math.random()}`,
  write: (fields, { id, now, before }) => ({ ...before, ...fields, id, changed: now }),
  erase: (record, now) => ({ id: record.id, changed: now }),
  draw: (draw) => ({ name: company(draw).name }),
  redraw: (draw) => ({ name: company(draw).name }),
}

describe('the records of a model', () => {
  test('show the version before while a row is late', () => {
    const clock = createClock()
    const faults = new PlannedFaults()
    const store = new Store({ clock, faults, rules: [things] })
    store.put('thing', { id: 'a', name: 'first' })
    faults.late(60_000, 2)
    store.put('thing', { id: 'a', name: 'second' })
    store.put('thing', { id: 'b', name: 'new' })
    const seen = () =>
      store
        .table('thing')
        .sorted('created')
        .map(({ record }) => record.name)
    assert.deepEqual(seen(), ['first'])
    assert.equal(store.state('thing').get('a')?.record.name, 'second')
    clock.advance(60_000)
    assert.deepEqual(seen(), ['second', 'new'])
    assert.equal(faults.met().get('late'), 2)
  })

  test('change on a day with creates, changes, deletes and equal times, repeatably', () => {
    const run = () => {
      const clock = createClock()
      const store = new Store({ clock, faults: new PlannedFaults(), rules: [things] })
      store.fill(50, 1)
      const start = clock.now()
      store.day(100, 2)
      const rows = [...store.state('thing').values()]
      assert.ok(clock.now() - start >= 86_400_000)
      assert.ok(rows.every(({ record }) => Number(record.changed) <= clock.now()))
      const times = rows.map(({ record }) => record.changed)
      assert.ok(new Set(times).size < times.length)
      return rows.map(({ record, deleted }) => [record.name, deleted])
    }
    const rows = run()
    assert.ok(rows.some(([, deleted]) => deleted))
    assert.deepEqual(run(), rows)
    assert.throws(() => {
      const store = new Store({
        clock: createClock(),
        faults: new PlannedFaults(),
        rules: [things],
      })
      store.put('thing', { colour: 'red' })
    }, /no field colour/)
  })
})

describe('the writes of a model', () => {
  const open = () => {
    const unique = new UniqueValues(new Map([['thing', ['name']]]), (record) => record.name)
    const faults = new PlannedFaults()
    return new Store({ clock: createClock(), faults, rules: [things], unique })
  }

  test('are listed with who made them; rules follow users and the API, not one another', () => {
    const store = open()
    store.fill(3, 1)
    const stop = store.automate('thing', ({ name }) => ({ name: `${name}!` }))
    store.automate('thing', ({ name }) => (name === 'skip!' ? undefined : { name: `${name}?` }))
    const id = store.put('thing', { name: 'a' })
    store.asApi('PATCH /things', () => store.put('thing', { id, name: 'skip' }))
    stop()
    store.remove('thing', id)
    assert.deepEqual(
      store
        .writes()
        .map(({ action, by, cause, fields, request }) => [
          ...[action, by, cause, fields.name, request],
        ]),
      [
        ['created', 'user', 'user', 'a', undefined],
        ['updated', 'automation', 'user', 'a!', undefined],
        ['updated', 'automation', 'user', 'a!?', undefined],
        ['updated', 'api', 'api', 'skip', 'PATCH /things'],
        ['updated', 'automation', 'api', 'skip!', 'PATCH /things'],
        ['deleted', 'user', 'user', undefined, undefined],
      ],
    )
    assert.throws(() => store.automate('other', () => undefined), /no object other/)
  })

  test('give a unique value to one record only, until it is deleted or changed', () => {
    const store = open()
    const first = store.put('thing', { name: 'a' })
    assert.throws(() => store.put('thing', { name: 'a' }), NotUnique)
    store.put('thing', { id: first, name: 'a' })
    const second = store.put('thing', { name: 'b' })
    assert.throws(() => store.put('thing', { id: second, name: 'a' }), NotUnique)
    store.put('thing', { id: first, name: 'c' })
    store.put('thing', { id: second, name: 'a' })
    store.remove('thing', second)
    store.put('thing', { name: 'a' })
  })
})

test('the world has companies of many countries, people and articles', () => {
  const draw = random('world')
  const companies = Array.from({ length: 300 }, () => company(draw))
  assert.ok(new Set(companies.map(({ address }) => address.country)).size >= 12)
  assert.match(person(draw, companies[0]!.domain).email, /^[a-z.]+@/)
  assert.ok(Number.isInteger(article(draw).priceMinor))
})
