import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { importPKCS8, SignJWT } from 'jose'
import type { ModelSystem } from '../../../demo/systems/kit/model.ts'
import { netsuite } from '../../../demo/systems/netsuite/netsuite.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'

type Fields = Record<string, unknown>
interface Page {
  count: number
  hasMore: boolean
  items: Fields[]
  totalResults: number
}

let db: TestDatabase
let system: ModelSystem
let token: string
before(async () => {
  db = await testDatabase({ empty: true })
  system = await netsuite.open({ seed: 6, limits: 'none', database: db.sql })
  system.fill(60, 6)
  system.day(150, 6)
  token = await signIn(system)
})
beforeEach(() => system.faults.clear())
after(async () => {
  await system?.close()
  await db?.drop()
})

const tokenPath = '/services/rest/auth/oauth2/v1/token'

async function requestToken(model: ModelSystem, claims: Fields = {}, header: Fields = {}) {
  const { clientId, certificateId, algorithm, privateKey, accountId } = model.credentials
  const host = accountId!.toLowerCase().replace('_', '-')
  const now = Math.floor(model.clock.now() / 1000)
  const alg = String(header.alg ?? algorithm)
  const assertion = await new SignJWT({
    iss: clientId!,
    scope: ['rest_webservices'],
    aud: `https://${host}.suitetalk.api.netsuite.com${tokenPath}`,
    iat: now,
    exp: now + 600,
    ...claims,
  })
    .setProtectedHeader({ kid: certificateId!, ...header, alg })
    .sign(await importPKCS8(privateKey!, alg))
  return fetch(model.url + tokenPath, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
    }),
  })
}

async function signIn(model: ModelSystem): Promise<string> {
  const answer = await requestToken(model)
  assert.equal(answer.status, 200)
  return ((await answer.json()) as { access_token: string }).access_token
}

const post = (q: unknown, parameters = '', headers: Record<string, string> = {}) =>
  fetch(`${system.url}/services/rest/query/v1/suiteql${parameters}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      prefer: 'transient',
      ...headers,
    },
    body: JSON.stringify({ q }),
  })
const json = async <T = Page>(response: Promise<Response>, status = 200): Promise<T> => {
  const text = await (await response).text()
  assert.equal((await response).status, status, text)
  return JSON.parse(text) as T
}
const all = async (q: string) => {
  const items: Fields[] = []
  for (let hasMore = true; hasMore; ) {
    const page = await json(post(q, `?limit=50&offset=${items.length}`))
    items.push(...page.items)
    hasMore = page.hasMore
  }
  return items
}
const utc = "TO_CHAR(SYS_EXTRACT_UTC(lastmodifieddate), 'YYYY-MM-DD HH24:MI:SS')"

describe('the model of NetSuite', () => {
  test('returns every row of every table, and leaves a trace of each deleted base record', async () => {
    const keys = ['id', 'internalid', 'nkey', 'recordid', 'transaction', 'transactionline', 'type']
    const idOf = (record: Fields) =>
      keys.map((key) => new Map(Object.entries(record)).get(key)).join('-')
    const orderOf = (record: Fields) => keys.filter((key) => key in record).join(', ')
    for (const object of system.objects) {
      const live = [...system.state(object).values()].filter(({ deleted }) => !deleted)
      const found = await all(`SELECT q.* FROM ${object} q ORDER BY ${orderOf(live[0]!.record)}`)
      const ids = (rows: Fields[]) => rows.map(idOf).toSorted()
      assert.deepEqual(ids(found), ids(live.map(({ record }) => record)), object)
    }
    const deleted = ['customer', 'contact', 'item', 'transaction'].flatMap((object) =>
      [...system.state(object)].filter((entry) => entry[1].deleted).map(([id]) => id),
    )
    const traces = await all(
      'SELECT recordid, type, name FROM deletedrecord WHERE recordid > 0 ORDER BY recordid, type',
    )
    assert.deepEqual(traces.map(({ recordid }) => recordid).toSorted(), deleted.toSorted())
    assert.ok(traces.some(({ type }) => type === 'customer'))
  })

  test('pages by time and id in UTC through rows of equal times', async () => {
    const found: Fields[] = []
    let where = ''
    for (;;) {
      const { items } = await json(
        post(
          `SELECT id, ${utc} AS modified FROM customer ${where} ORDER BY lastmodifieddate, id`,
          '?limit=7',
        ),
      )
      found.push(...items)
      const last = items.at(-1)
      if (!last) break
      const time = `TO_TIMESTAMP('${last.modified}', 'YYYY-MM-DD HH24:MI:SS')`
      where = `WHERE SYS_EXTRACT_UTC(lastmodifieddate) > ${time} OR (SYS_EXTRACT_UTC(lastmodifieddate) = ${time} AND id > ${last.id})`
    }
    const live = [...system.state('customer').values()].filter(({ deleted }) => !deleted)
    assert.equal(found.length, live.length)
    assert.equal(new Set(found.map(({ id }) => id)).size, live.length)
    assert.ok(new Set(found.map(({ modified }) => modified)).size < live.length)
  })

  test('writes values as texts, dates in the format of the user, and leaves out null', async () => {
    const { items } = await json(
      post(
        `SELECT id, total, trandate, lastmodifieddate, duedate, BUILTIN.DF(currency) AS currency,
        NVL(memo, 'none') AS memo FROM transaction t WHERE duedate IS NULL ORDER BY t.id`,
        '?limit=1',
      ),
    )
    const [row] = items
    assert.ok(
      ['id', 'total'].every((name) => typeof new Map(Object.entries(row!)).get(name) === 'string'),
    )
    assert.match(String(row!.trandate), /^\d{1,2}\/\d{1,2}\/\d{4}$/)
    assert.match(String(row!.lastmodifieddate), /^\d{1,2}\/\d{1,2}\/\d{4}$/)
    assert.ok(!('duedate' in row!))
    assert.match(String(row!.currency), /Euro|Dollar|Pound/)
    assert.deepEqual(row!.links, [])
  })

  test('changes a line without its transaction, and gives results without an order no order', async () => {
    const line = [...system.state('transactionline')].find(([, { deleted }]) => !deleted)!
    const { transaction } = line[1].record
    const time = () =>
      json(post(`SELECT ${utc} AS modified FROM transaction WHERE id = ${transaction}`))
    const earlier = (await time()).items[0]!.modified
    system.clock.advance(5000)
    system.put('transactionline', { rowid: line[0], memo: 'changed' })
    assert.equal((await time()).items[0]!.modified, earlier)
    const changed = await json(
      post("SELECT transaction FROM transactionline WHERE memo = 'changed'"),
    )
    assert.equal(changed.items[0]!.transaction, String(transaction))
    const pages = await Promise.all(
      [0, 20].map((offset) => json(post('SELECT id FROM contact', `?limit=20&offset=${offset}`))),
    )
    const ids = pages.flatMap(({ items }) => items.map(({ id }) => id))
    assert.ok(new Set(ids).size < ids.length)
  })

  test('refuses what SuiteQL does not know', async () => {
    for (const q of [
      'SELECT colour FROM customer',
      'SELECT id FROM starship',
      'SELECT id FROM customer LIMIT 5',
      'SELECT id::text FROM customer',
      "SELECT id FROM customer WHERE companyname ILIKE 'a%'",
      'SELECT pg_sleep(1) FROM customer',
      'SELECT rowid FROM customer',
      'SELECT frobnicate(id) FROM customer',
      'SELECT "id" FROM customer',
      'SELECT id FROM customer; SELECT 1',
      'DELETE FROM customer WHERE id = 1',
      "SELECT id FROM customer WHERE lastmodifieddate > '2026-13-45'",
      'SELECT id FROM',
    ])
      assert.equal((await post(q)).status, 400, q)
    const good = 'SELECT id FROM customer ORDER BY id'
    for (const parameters of [
      '?limit=1001',
      '?limit=0',
      '?limit=10&offset=5',
      '?page=2',
      '?limit=1000&offset=100000',
    ])
      assert.equal((await post(good, parameters)).status, 400, parameters)
    assert.equal((await post(good, '', { prefer: 'respond-async' })).status, 400)
    assert.equal((await post(5)).status, 400)
    const { unknown } = system.requests()
    for (const part of ['colour', 'starship', 'LIMIT 5', 'frobnicate', 'page=2'])
      assert.ok(
        unknown.some((request) => request.includes(part)),
        part,
      )
    assert.throws(() => system.put('customer', { colour: 'red' }), /no field colour/)
    const parent = [...system.state('contact').values()].find(({ record }) => record.company)!
    assert.throws(() => system.remove('customer', String(parent.record.company)), /dependent/)
  })

  test('refuses wrong assertions and tokens', async () => {
    const now = Math.floor(system.clock.now() / 1000)
    for (const claims of [
      { iss: 'other' },
      { aud: 'https://example.com' },
      { scope: 'other' },
      { exp: now - 60 },
      { exp: now + 7200 },
    ])
      assert.equal((await requestToken(system, claims)).status, 400, JSON.stringify(claims))
    assert.equal((await requestToken(system, {}, { kid: 'other' })).status, 401)
    assert.equal((await requestToken(system, {}, { alg: 'RS256' })).status, 400)
    system.clock.advance(3_700_000)
    assert.equal((await post('SELECT id FROM customer')).status, 401)
    token = await signIn(system)
  })

  test('makes each fault, and limits what runs at one time', async () => {
    const q = 'SELECT id FROM customer ORDER BY id'
    system.faults.add({ kind: 'forbidden' }, /FROM customer/)
    assert.equal((await post(q)).status, 400)
    system.faults.add({ kind: 'status', status: 429, retryAfterSeconds: 1 })
    assert.equal((await post(q)).status, 429)
    system.faults.add({ kind: 'expired', what: 'token' })
    assert.equal((await post(q)).status, 401)
    system.faults.add({ kind: 'invalidJson' })
    await assert.rejects((await post(q)).json(), SyntaxError)
    system.faults.late(60_000, 1)
    const id = system.put('contact', { entityid: 'Late' })
    const seen = async () => (await json(post(`SELECT id FROM contact WHERE id = ${id}`))).count
    assert.equal(await seen(), 0)
    system.clock.advance(60_000)
    assert.equal(await seen(), 1)

    const limited = await netsuite.open({ database: db.sql, algorithm: 'ES256' })
    const authorization = `Bearer ${await signIn(limited)}`
    const headers = { authorization, prefer: 'transient', 'content-type': 'application/json' }
    const ask = () =>
      fetch(`${limited.url}/services/rest/query/v1/suiteql`, {
        method: 'POST',
        headers,
        body: JSON.stringify({ q: 'SELECT COUNT(*) AS n FROM customer' }),
      })
    const statuses = await Promise.all(Array.from({ length: 12 }, async () => (await ask()).status))
    assert.ok(statuses.includes(429) && statuses.includes(200))
    assert.ok(limited.requests().mostInAWindow > 5)
    assert.equal((await ask()).status, 200)
    await limited.close()
  })
})
