import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { generateKeyPair, importPKCS8, SignJWT } from 'jose'
import type { ModelSystem } from '../../../demo/systems/kit/model.ts'
import { OBJECT_TYPES } from '../../../demo/systems/salesforce/objects.ts'
import { salesforce } from '../../../demo/systems/salesforce/salesforce.ts'

type Fields = Record<string, unknown>
interface Page {
  totalSize: number
  done: boolean
  nextRecordsUrl?: string
  records: Fields[]
}

let system: ModelSystem
let token: string
before(async () => {
  system = await salesforce.open({ seed: 5, limits: 'none' })
  system.fill(70, 5)
  system.day(400, 5)
  token = await signIn(system)
})
beforeEach(() => system.faults.clear())
after(() => system.close())

async function assertion(model: ModelSystem, claims: Fields = {}, key?: CryptoKey) {
  const { clientId, username, privateKey } = model.credentials
  return new SignJWT({
    iss: clientId!,
    sub: username!,
    aud: 'https://login.salesforce.com',
    exp: Math.floor(model.clock.now() / 1000) + 120,
    ...claims,
  })
    .setProtectedHeader({ alg: 'RS256' })
    .sign(key ?? (await importPKCS8(privateKey!, 'RS256')))
}

const requestToken = (model: ModelSystem, form: Record<string, string>) =>
  fetch(`${model.url}/services/oauth2/token`, { method: 'POST', body: new URLSearchParams(form) })

const bearer = async (model: ModelSystem, signed: Promise<string>) =>
  requestToken(model, {
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    assertion: await signed,
  })

async function signIn(model: ModelSystem): Promise<string> {
  const answer = await bearer(model, assertion(model))
  assert.equal(answer.status, 200)
  const { access_token, instance_url } = (await answer.json()) as Record<string, string>
  assert.equal(instance_url, model.url)
  return access_token!
}

const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(new URL(path, system.url), { headers: { authorization: `Bearer ${token}`, ...headers } })
const soql = (q: string, resource = 'query', headers?: Record<string, string>) =>
  get(`/services/data/v67.0/${resource}?${new URLSearchParams({ q })}`, headers)
const json = async <T = Page>(response: Promise<Response>, status = 200): Promise<T> => {
  const text = await (await response).text()
  assert.equal((await response).status, status, text)
  return JSON.parse(text) as T
}
const errorOf = async (response: Promise<Response>, status: number): Promise<string> =>
  (await json<{ errorCode: string }[]>(response, status))[0]!.errorCode

async function all(q: string, resource: string): Promise<Fields[]> {
  const small = { 'sforce-query-options': 'batchSize=200' }
  let page = await json(soql(q, resource, small))
  const records = [...page.records]
  while (page.nextRecordsUrl) {
    assert.equal(page.done, false)
    page = await json(get(page.nextRecordsUrl))
    records.push(...page.records)
  }
  assert.equal(records.length, page.totalSize)
  return records
}

const namesOf = (object: string) =>
  [...OBJECT_TYPES.find(({ name }) => name === object)!.fields.values()]
    .filter(({ kind }) => kind !== 'address')
    .map(({ name }) => name)

describe('the model of Salesforce', () => {
  test('returns every record of every object, deleted ones by queryAll only', async () => {
    for (const object of system.objects) {
      const state = system.state(object)
      const q = `SELECT ${namesOf(object).join(', ')} FROM ${object}`
      const found = new Map((await all(q, 'queryAll')).map((record) => [record.Id, record]))
      assert.equal(found.size, state.size)
      for (const [id, { record }] of state) assert.deepEqual(found.get(id), record)
      const live = await all(`SELECT Id FROM ${object}`, 'query')
      const expected = [...state].filter(([, { deleted }]) => !deleted).map(([id]) => id)
      assert.deepEqual(live.map(({ Id }) => String(Id)).toSorted(), expected.toSorted())
    }
    assert.ok(system.state('Account').size > 70)
  })

  test('pages by time and id through rows of equal times', async () => {
    const found: Fields[] = []
    let where = ''
    for (;;) {
      const { records } = await json(
        soql(
          `SELECT Id, SystemModstamp FROM Account ${where} ORDER BY SystemModstamp, Id LIMIT 7`,
          'queryAll',
        ),
      )
      found.push(...records)
      const last = records.at(-1)
      if (!last) break
      const time = String(last.SystemModstamp).replace('+0000', 'Z')
      where = `WHERE SystemModstamp > ${time} OR (SystemModstamp = ${time} AND Id > '${last.Id}')`
    }
    const state = system.state('Account')
    assert.equal(new Set(found.map(({ Id }) => Id)).size, found.length)
    assert.equal(found.length, state.size)
    assert.ok(new Set(found.map(({ SystemModstamp }) => SystemModstamp)).size < found.length)
  })

  test('keeps merged records, whose children moved, and deletes children with parents', async () => {
    const [merged] = await all(
      'SELECT Id, MasterRecordId FROM Account WHERE MasterRecordId != null',
      'queryAll',
    )
    assert.ok(merged)
    const of = (id: unknown) => all(`SELECT Id FROM Contact WHERE AccountId = '${id}'`, 'query')
    assert.equal((await of(merged.Id)).length, 0)
    const contacts = await all(
      `SELECT Id, Account.IsDeleted, Account.Owner.Name, Owner.Name FROM Contact
       WHERE AccountId != null`,
      'query',
    )
    for (const { Account, Owner } of contacts as { Account: Fields; Owner: Fields }[]) {
      assert.equal(Account.IsDeleted, false)
      assert.equal(typeof (Account.Owner as Fields).Name, 'string')
      assert.deepEqual(Object.keys(Owner), ['attributes', 'Name'])
    }
    system.clock.advance(16 * 86_400_000)
    token = await signIn(system)
    assert.equal((await all('SELECT Id FROM Account WHERE IsDeleted = true', 'queryAll')).length, 0)
  })

  test('filters, counts, describes and reads single records', async () => {
    const [account] = await all('SELECT Id, Name, BillingAddress FROM Account LIMIT 1', 'query')
    const name = String(account!.Name).replaceAll("'", String.raw`\'`)
    const same = await all(`SELECT Id FROM Account WHERE name = '${name.toUpperCase()}'`, 'query')
    assert.ok(same.some(({ Id }) => Id === account!.Id))
    const counted = await json(soql('SELECT COUNT() FROM Account WHERE IsDeleted = false'))
    assert.deepEqual([counted.done, counted.records], [true, []])
    const path = `/services/data/v67.0/sobjects/Account/${account!.Id}`
    const one = await json<Fields>(get(`${path}?fields=Id,BillingAddress`))
    assert.deepEqual(one.BillingAddress, account!.BillingAddress)
    const { fields } = await json<{ fields: { name: string }[] }>(
      get('/services/data/v67.0/sobjects/Account/describe'),
    )
    assert.ok(fields.some((field) => field.name === 'MasterRecordId'))
    const id = system.put('Lead', { LastName: 'Gone', Company: 'Gone' })
    system.remove('Lead', id)
    const [start, end] = [-60_000, 60_000].map((ms) =>
      new Date(system.clock.now() + ms).toISOString(),
    )
    const window = new URLSearchParams({ start: start!, end: end! })
    const { deletedRecords } = await json<{ deletedRecords: { id: string }[] }>(
      get(`/services/data/v67.0/sobjects/Lead/deleted?${window}`),
    )
    assert.deepEqual(
      deletedRecords.map((record) => record.id),
      [id],
    )
    assert.equal(await errorOf(get(path.replace('Account/001', 'Lead/00Q')), 404), 'NOT_FOUND')
  })

  test('refuses what Salesforce refuses in SOQL', async () => {
    for (const [q, code] of [
      ['SELECT Colour FROM Account', 'INVALID_FIELD'],
      ['SELECT Id, Id FROM Account', 'INVALID_FIELD'],
      ['SELECT Id, Owner.Colour FROM Account', 'INVALID_FIELD'],
      ['SELECT Id FROM Starship', 'INVALID_TYPE'],
      ['SELECT Id FROM Account WHERE', 'MALFORMED_QUERY'],
      ["SELECT Id FROM Account WHERE SystemModstamp > '2026-01-01T00:00:00Z'", 'INVALID_FIELD'],
      ['SELECT Id FROM Account WHERE SystemModstamp > 2026-01-01', 'INVALID_FIELD'],
      ['SELECT Id FROM Account WHERE Name = 5', 'INVALID_FIELD'],
      ["SELECT Id FROM Account WHERE Description = 'x'", 'INVALID_FIELD'],
      ["SELECT Id FROM Account WHERE Name = 'a' AND Name = 'b' OR Id = 'c'", 'MALFORMED_QUERY'],
      ['SELECT Id FROM Account ORDER BY Colour', 'INVALID_FIELD'],
      ['SELECT Id FROM Account OFFSET 2001', 'NUMBER_OUTSIDE_VALID_RANGE'],
      ['SELECT MAX(Amount) FROM Opportunity', 'MALFORMED_QUERY'],
      ['SELECT Id FROM Account FOR VIEW', 'MALFORMED_QUERY'],
    ] as const)
      assert.equal(await errorOf(soql(q), 400), code, q)
    const { unknown } = system.requests()
    for (const part of ['SELECT Colour', 'Starship', 'MAX(Amount)', 'FOR VIEW'])
      assert.ok(
        unknown.some((request) => request.includes(part)),
        part,
      )
    assert.equal(
      await errorOf(get('/services/data/v67.0/query?q=x&page=2'), 400),
      'INVALID_PARAMETER',
    )
    assert.equal(await errorOf(get('/services/data/v12.0/limits'), 404), 'NOT_FOUND')
    assert.equal(
      await errorOf(get('/services/data/v67.0/query/01gNONE-2000'), 400),
      'INVALID_QUERY_LOCATOR',
    )
    assert.throws(() => system.put('Account', { Colour: 'red' }), /no field Colour/)
    assert.throws(() => system.remove('Product2', [...system.state('Product2').keys()][0]!))
  })

  test('refuses wrong assertions, secrets and sessions', async () => {
    const seconds = Math.floor(system.clock.now() / 1000)
    for (const [claims, description] of [
      [{ aud: 'https://example.com' }, 'audience is invalid'],
      [{ iss: 'other' }, 'client identifier invalid'],
      [{ sub: 'other' }, "user hasn't approved this consumer"],
      [{ exp: seconds - 60 }, 'expired authorization code'],
      [{ exp: seconds + 3600 }, 'expiration is too far in the future'],
    ] as const) {
      const answer = await bearer(system, assertion(system, claims))
      const body = (await answer.json()) as Record<string, string>
      assert.deepEqual([answer.status, body.error_description], [400, description])
    }
    const { privateKey } = await generateKeyPair('RS256')
    assert.equal((await bearer(system, assertion(system, {}, privateKey))).status, 400)
    const secrets = {
      grant_type: 'client_credentials',
      client_id: system.credentials.clientId!,
      client_secret: system.credentials.clientSecret!,
    }
    assert.equal((await requestToken(system, secrets)).status, 200)
    assert.equal((await requestToken(system, { ...secrets, client_secret: 'x' })).status, 400)
    assert.equal((await requestToken(system, { ...secrets, scope: 'x' })).status, 400)
    const none = fetch(`${system.url}/services/data/v67.0/limits`)
    assert.equal(await errorOf(none, 401), 'INVALID_SESSION_ID')
    system.clock.advance(3 * 3_600_000)
    assert.equal(await errorOf(get('/services/data/v67.0/limits'), 401), 'INVALID_SESSION_ID')
    token = await signIn(system)
    assert.equal((await get('/services/data/v67.0/limits')).status, 200)
  })

  test('makes each fault', async () => {
    const q = 'SELECT Id FROM Contact LIMIT 1'
    system.faults.add({ kind: 'forbidden' }, /FROM Contact/)
    assert.equal(await errorOf(soql(q), 400), 'INVALID_TYPE')
    system.faults.add({ kind: 'status', status: 503, retryAfterSeconds: 1 })
    assert.equal(await errorOf(soql(q), 503), 'SERVER_UNAVAILABLE')
    system.faults.add({ kind: 'expired', what: 'token' })
    assert.equal(await errorOf(soql(q), 401), 'INVALID_SESSION_ID')
    const small = { 'sforce-query-options': 'batchSize=200' }
    system.fill(150, 9)
    const contacts = await all('SELECT Id FROM Contact', 'queryAll')
    assert.ok(contacts.length > 200)
    system.faults.add({ kind: 'expired', what: 'cursor' })
    const { nextRecordsUrl } = await json(soql('SELECT Id FROM Contact', 'queryAll', small))
    assert.equal(await errorOf(get(nextRecordsUrl!), 400), 'INVALID_QUERY_LOCATOR')
    system.faults.add({ kind: 'invalidJson' })
    await assert.rejects((await soql(q)).json(), SyntaxError)
    system.faults.late(60_000, 1)
    const id = system.put('Lead', { LastName: 'Late', Company: 'Late' })
    const late = () => all(`SELECT Id FROM Lead WHERE Id = '${id}'`, 'query')
    assert.equal((await late()).length, 0)
    system.clock.advance(60_000)
    assert.equal((await late()).length, 1)
  })
})

test('the model of Salesforce limits the requests of a day', async () => {
  const limited = await salesforce.open({ dailyRequestsMax: 3 })
  const authorization = `Bearer ${await signIn(limited)}`
  const limitsOf = () =>
    fetch(`${limited.url}/services/data/v67.0/limits`, { headers: { authorization } })
  assert.equal((await limitsOf()).headers.get('sforce-limit-info'), 'api-usage=2/3')
  assert.equal((await limitsOf()).status, 200)
  assert.equal(await errorOf(limitsOf(), 403), 'REQUEST_LIMIT_EXCEEDED')
  limited.clock.advance(86_400_000)
  assert.equal((await limitsOf()).status, 401)
  await limited.close()
})
