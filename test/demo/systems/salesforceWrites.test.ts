import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { ModelSystem } from '../../../demo/systems/kit/model.ts'
import { salesforce } from '../../../demo/systems/salesforce/salesforce.ts'

interface Problem {
  errorCode: string
  message: string
  fields?: string[]
}
type Fields = Record<string, unknown>
type Result = { id: string; success: boolean; created?: boolean; errors: Fields[] }

let system: ModelSystem
let token: string
let integration: string
let admin: string
before(async () => {
  system = await salesforce.open({ seed: 6, limits: 'none' })
  system.fill(10, 6)
  const { clientId, clientSecret } = system.credentials
  const form = {
    grant_type: 'client_credentials',
    client_id: clientId!,
    client_secret: clientSecret!,
  }
  const answer = await fetch(`${system.url}/services/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams(form),
  })
  const session = (await answer.json()) as { access_token: string; id: string }
  token = session.access_token
  integration = session.id.split('/').at(-1)!
  admin = [...system.state('User')].find(([, { record }]) => record.LastName === 'Admin')![0]
})
beforeEach(() => system.faults.clear())
after(() => system.close())

async function send<T>(method: string, path: string, body?: unknown, headers: Fields = {}) {
  const response = await fetch(`${system.url}/services/data/v67.0/${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      'sforce-call-options': 'client=touchstone',
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(headers as Record<string, string>),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    body: (text ? JSON.parse(text) : {}) as T,
  }
}
const create = (object: string, fields: Fields) =>
  send<Result>('POST', `sobjects/${object}`, fields)
const recordOf = (object: string, id: string) => system.state(object).get(id)!.record
const problemOf = async (method: string, path: string, body: Fields, headers?: Fields) => {
  const answer = await send<Problem[]>(method, path, body, headers)
  return [answer.status, answer.body[0]?.errorCode]
}

describe('a write to the model of Salesforce', () => {
  test('creates, changes, clears and deletes a record as its own user', async () => {
    const made = await create('Account', { Name: 'Acme', BillingCountryCode: 'DE' })
    assert.equal(made.status, 201)
    const { id, success } = made.body
    assert.deepEqual([success, made.headers.get('location')?.endsWith(id)], [true, true])
    assert.equal(recordOf('Account', id).CreatedById, integration)
    const changed = await send('PATCH', `sobjects/Account/${id.slice(0, 15)}`, { name: 'Acme 2' })
    assert.equal(changed.status, 204)
    assert.equal(recordOf('Account', id).Name, 'Acme 2')
    await send('PATCH', `sobjects/Account/${id}`, { BillingCountryCode: null })
    assert.equal(recordOf('Account', id).BillingCountryCode, null)
    system.put('Account', { Id: id, Phone: '1' })
    assert.equal(recordOf('Account', id).LastModifiedById, admin)
    assert.equal((await send('DELETE', `sobjects/Account/${id}`)).status, 204)
    const gone = await problemOf('PATCH', `sobjects/Account/${id}`, { Name: 'x' })
    assert.deepEqual(gone, [404, 'ENTITY_IS_DELETED'])
    const never = await problemOf('PATCH', `sobjects/Account/001000000000000AAA`, { Name: 'x' })
    assert.deepEqual(never, [404, 'NOT_FOUND'])
    const own = system.writes().filter((write) => write.id === id)
    assert.deepEqual(
      own.map(({ by }) => by),
      ['api', 'api', 'api', 'user', 'api'],
    )
  })

  test('upserts by an external id, of which there is one record', async () => {
    const path = 'sobjects/Account/Touchstone_Id__c/gr-1'
    const first = await send<Result>('PATCH', path, { Name: 'One' })
    assert.deepEqual([first.status, first.body.created], [201, true])
    const again = await send<Result>('PATCH', path, { Name: 'Uno' })
    assert.deepEqual([again.status, again.body.created, again.body.id], [200, false, first.body.id])
    const other = await send<Result>('PATCH', 'sobjects/Account/Touchstone_Id__c/GR-1', {})
    assert.equal(other.body.id, first.body.id, 'upper and lower case are one value')
    const duplicate = await send<Problem[]>('POST', 'sobjects/Account', {
      ...{ Name: 'Two', Touchstone_Id__c: 'gr-1' },
    })
    assert.deepEqual([duplicate.status, duplicate.body[0]!.errorCode], [400, 'DUPLICATE_VALUE'])
    assert.match(duplicate.body[0]!.message, new RegExp(first.body.id.slice(0, 15)))
    assert.throws(() => system.put('Account', { Name: 'U', Touchstone_Id__c: 'gr-1' }), /already/)
    assert.deepEqual(await problemOf('PATCH', path, { Touchstone_Id__c: 'gr-2' }), [
      400,
      'INVALID_FIELD',
    ])
    assert.deepEqual(await problemOf('PATCH', 'sobjects/Account/Website/x', { Name: 'x' }), [
      404,
      'NOT_FOUND',
    ])
    const read = await send<Fields>('GET', `${path}?fields=Id,Name`)
    assert.deepEqual([read.body.Id, read.body.Name], [first.body.id, 'Uno'])
    const twoLeads = ['A', 'B'].map((LastName) =>
      system.put('Lead', { LastName, Company: 'C', Email: 'two@example.com' }),
    )
    const several = await send<string[]>('PATCH', 'sobjects/Lead/Email/two@example.com', {})
    assert.deepEqual(
      [several.status, several.body.map((url) => url.split('/').at(-1))],
      [300, twoLeads],
    )
  })

  test('refuses fields and values in the form of the vendor', async () => {
    const lead = system.put('Lead', { LastName: 'L', Company: 'C' })
    const person = system.put('Account', { IsPersonAccount: true, LastName: 'P' })
    const account = system.put('Account', { Name: 'A' })
    for (const [object, fields, code] of [
      ['Account', { Name: 'x', Colour__c: 'red' }, 'INVALID_FIELD'],
      ['Account', { Name: 'x', CreatedDate: '2026-01-01' }, 'INVALID_FIELD_FOR_INSERT_UPDATE'],
      ['Account', { Name: 'x', LastName: 'y' }, 'INVALID_FIELD_FOR_INSERT_UPDATE'],
      ['Contact', { LastName: 'x', Name: 'y' }, 'INVALID_FIELD_FOR_INSERT_UPDATE'],
      ['Account', {}, 'REQUIRED_FIELD_MISSING'],
      ['Account', { Name: 'x', AnnualRevenue: 'much' }, 'JSON_PARSER_ERROR'],
      ['Account', { Name: 5 }, 'JSON_PARSER_ERROR'],
      ['Account', { Name: 'x', ParentId: 'y' }, 'MALFORMED_ID'],
      ['Account', { Name: 'x', ParentId: lead }, 'MALFORMED_ID'],
      ['Account', { Name: 'x', ParentId: '001000000000000AAA' }, 'INVALID_CROSS_REFERENCE_KEY'],
      ['Account', { Name: 'x'.repeat(256) }, 'STRING_TOO_LONG'],
      ['Account', { Name: 'x', BillingCountryCode: 'Germany' }, 'FIELD_INTEGRITY_EXCEPTION'],
      ['Account', { Name: 'x', BillingState: 'Bayern' }, 'FIELD_INTEGRITY_EXCEPTION'],
      ['Account', { Name: 'x', Id: lead }, 'INVALID_FIELD'],
      ['Opportunity', { Name: 'x', StageName: 'y', CloseDate: 'soon' }, 'JSON_PARSER_ERROR'],
    ] as const)
      assert.deepEqual(await problemOf('POST', `sobjects/${object}`, fields), [400, code], code)
    assert.deepEqual(await problemOf('PATCH', `sobjects/Account/${person}`, { Name: 'x' }), [
      400,
      'INVALID_FIELD_FOR_INSERT_UPDATE',
    ])
    assert.deepEqual(await problemOf('PATCH', `sobjects/Account/${account}`, { Name: '' }), [
      400,
      'REQUIRED_FIELD_MISSING',
    ])
    assert.ok(system.requests().unknown.some((request) => request.includes('Colour__c')))
    assert.equal((await send('POST', 'sobjects/Starship', {})).status, 404)
    assert.equal((await send('PUT', 'sobjects/Account', {})).status, 404)
  })

  test('writes only if a condition holds', async () => {
    const { id } = (await create('Account', { Name: 'Tagged' })).body
    const path = `sobjects/Account/${id}`
    const tag = (await send('GET', path)).headers.get('etag')!
    assert.equal((await send('GET', path, undefined, { 'if-none-match': tag })).status, 304)
    const match = { 'if-match': tag }
    assert.equal((await send('PATCH', path, { Phone: '1' }, match)).status, 204)
    assert.deepEqual(await problemOf('PATCH', path, { Phone: '2' }, match), [
      412,
      'PRECONDITION_FAILED',
    ])
    const contact = (await create('Contact', { LastName: 'C' })).body.id
    const ofContact = `sobjects/Contact/${contact}`
    assert.equal((await send('GET', ofContact)).headers.get('etag'), null)
    const ignored = await send('PATCH', ofContact, { Phone: '1' }, { 'if-match': '"x"' })
    assert.equal(ignored.status, 204, 'tags are for accounts only')
    const since = (ms: number) => ({
      'if-unmodified-since': new Date(system.clock.now() + ms).toUTCString(),
    })
    assert.equal((await send('PATCH', ofContact, { Phone: '2' }, since(0))).status, 204)
    assert.equal((await send('PATCH', ofContact, { Phone: '3' }, since(-5000))).status, 412)
    assert.equal((await send('PATCH', ofContact, {}, { 'if-unmodified-since': 'x' })).status, 400)
    const upsert = 'sobjects/Contact/Touchstone_Id__c/gr-7'
    assert.equal((await send('PATCH', upsert, {}, since(0))).status, 400)
    assert.equal(recordOf('Contact', contact).Phone, '2')
  })

  test('saves collections record by record', async () => {
    const attributes = { type: 'Account' }
    const records = [
      { attributes, Name: 'C1', Touchstone_Id__c: 'gr-30' },
      { attributes, AnnualRevenue: 'x', Touchstone_Id__c: 'gr-31' },
      { attributes, Name: 'C2' },
      { attributes, Name: 'C3', Shape: 1, Touchstone_Id__c: 'gr-32' },
    ]
    const path = 'composite/sobjects/Account/Touchstone_Id__c'
    const { status, body } = await send<Result[]>('PATCH', path, { allOrNone: false, records })
    assert.equal(status, 200)
    assert.deepEqual(
      body.map(({ success, created, errors }) => [success, created, errors[0]?.statusCode]),
      [
        [true, true, undefined],
        [false, undefined, 'JSON_PARSER_ERROR'],
        [false, undefined, 'MISSING_ARGUMENT'],
        [false, undefined, 'INVALID_FIELD'],
      ],
    )
    assert.ok(system.requests().unknown.some((request) => request.includes('Shape')))
    const { id } = body[0]!
    const changed = await send<Result[]>('PATCH', 'composite/sobjects', {
      records: [{ attributes, id, Name: 'C9' }],
    })
    assert.deepEqual([changed.body[0]!.success, recordOf('Account', id).Name], [true, 'C9'])
    const made = await send<Result[]>('POST', 'composite/sobjects', {
      records: [{ attributes, Name: 'C10' }, { attributes: { type: 'Ship' } }],
    })
    assert.deepEqual(
      made.body.map(({ success }) => success),
      [true, false],
    )
    const many = { records: Array.from({ length: 201 }, () => ({ attributes, Name: 'x' })) }
    assert.equal((await send('POST', 'composite/sobjects', many)).status, 400)
  })

  test('runs rules of the org in the transaction, as the user of the write', async () => {
    const stop = system.automate('Account', ({ Name }) => ({ Name: String(Name).toUpperCase() }))
    const { id } = (await create('Account', { Name: 'quiet' })).body
    stop()
    assert.deepEqual(
      [recordOf('Account', id).Name, recordOf('Account', id).LastModifiedById],
      ['QUIET', integration],
    )
    const [rule] = system.writes().slice(-1)
    assert.deepEqual([rule!.by, rule!.cause], ['automation', 'api'])
  })

  test('needs a permission, and doubles no record with an external id', async () => {
    system.faults.add({ kind: 'forbidden' }, /^POST/)
    assert.deepEqual(await problemOf('POST', 'sobjects/Account', { Name: 'x' }), [
      403,
      'INSUFFICIENT_ACCESS',
    ])
    system.faults.add({ kind: 'status', status: 400 })
    assert.deepEqual(await problemOf('POST', 'sobjects/Account', { Name: 'x' }), [
      400,
      'UNABLE_TO_LOCK_ROW',
    ])
    const path = 'sobjects/Account/Touchstone_Id__c/gr-40'
    system.faults.add({ kind: 'twice' }, /gr-40/)
    const twice = await send<Result>('PATCH', path, { Name: 'x' })
    assert.deepEqual([twice.status, twice.body.created], [200, false])
    const made = system.writes().filter(({ action, fields }) => {
      return action === 'created' && fields.Touchstone_Id__c === 'gr-40'
    })
    assert.equal(made.length, 1)
  })
})
