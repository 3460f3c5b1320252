import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { dataverse } from '../../../demo/systems/dataverse/dataverse.ts'
import type { ModelSystem } from '../../../demo/systems/kit/model.ts'

type Fields = Record<string, unknown>
interface Answer {
  status: number
  id: string
  body: Fields & { error?: { code: string; message: string } }
}

let system: ModelSystem
let token: string
before(async () => {
  system = await dataverse.open({ seed: 4, limits: 'none' })
  system.fill(6, 4)
  const { tenantId, clientId, clientSecret, organizationUrl } = system.credentials
  const form = {
    ...{ grant_type: 'client_credentials', client_id: clientId!, client_secret: clientSecret! },
    scope: `${organizationUrl}/.default`,
  }
  const answer = await fetch(`${system.url}/${tenantId}/oauth2/v2.0/token`, {
    method: 'POST',
    body: new URLSearchParams(form),
  })
  token = ((await answer.json()) as { access_token: string }).access_token
})
beforeEach(() => system.faults.clear())
after(() => system.close())

async function send(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${system.url}/api/data/v9.2/${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      'odata-version': '4.0',
      'content-type': 'application/json',
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const [, id = ''] = /\(([^)]+)\)$/.exec(response.headers.get('odata-entityid') ?? '') ?? []
  return { status: response.status, id, body: text ? JSON.parse(text) : {} }
}
const recordOf = (object: string, id: string) => system.state(object).get(id)!.record
const codeOf = async (...request: Parameters<typeof send>) => {
  const { status, body } = await send(...request)
  return [status, body.error?.code]
}
const key = (value: string) => `accounts(touchstone_id='${value}')`

describe('a write to the model of Dataverse', () => {
  test('creates, changes, clears and deletes as its own user', async () => {
    const made = await send('POST', 'accounts', { name: 'Acme', revenue: 5 })
    assert.equal(made.status, 204)
    const path = `accounts(${made.id})`
    const user = (await send('GET', 'WhoAmI')).body.UserId
    assert.equal(recordOf('accounts', made.id)._createdby_value, user)
    const version = recordOf('accounts', made.id).versionnumber
    assert.equal((await send('PATCH', path, { name: 'Acme' })).status, 204)
    assert.notEqual(recordOf('accounts', made.id).versionnumber, version, 'an equal value counts')
    await send('PATCH', `${path}?tag=touchstone:7`, { revenue: null })
    assert.equal(recordOf('accounts', made.id).revenue, null)
    system.put('accounts', { accountid: made.id, telephone1: '1' })
    assert.notEqual(recordOf('accounts', made.id)._modifiedby_value, user)
    const shown = await send(
      'POST',
      'accounts?$select=name',
      { name: 'Shown' },
      {
        prefer: 'return=representation',
      },
    )
    assert.deepEqual([shown.status, shown.body.name], [201, 'Shown'])
    assert.equal((await send('DELETE', path)).status, 204)
    assert.equal(system.state('accounts').get(made.id)!.deleted, true)
    assert.deepEqual(await codeOf('DELETE', path), [404, '0x80040217'])
  })

  test('upserts by its alternate key, of which there is one row', async () => {
    const first = await send('PATCH', key('gr-1'), { name: 'One' })
    assert.equal(first.status, 204)
    const again = await send('PATCH', key('gr-1'), { name: 'Uno' })
    assert.equal(again.id, first.id)
    assert.equal((await send('GET', key('gr-1'))).body.name, 'Uno')
    assert.deepEqual(await codeOf('POST', 'accounts', { name: 'Two', touchstone_id: 'gr-1' }), [
      ...[412, '0x80060892'],
    ])
    assert.throws(() => system.put('accounts', { name: 'U', touchstone_id: 'gr-1' }), /already/)
    assert.deepEqual(await codeOf('PATCH', key('gr-2'), {}, { 'if-match': '*' }), [
      ...[404, '0x80060891'],
    ])
    assert.deepEqual(await codeOf('PATCH', key('gr-1'), {}, { 'if-none-match': '*' }), [
      ...[412, '0x80040237'],
    ])
    assert.deepEqual(await codeOf('PATCH', key('gr-3'), { touchstone_id: 'gr-3' }), [
      ...[400, '0x80040216'],
    ])
    assert.equal((await send('GET', key('gr-2'))).status, 404)
    assert.equal((await codeOf('PATCH', "accounts(name='x')", {}))[0], 400)
    const unknown = crypto.randomUUID()
    assert.equal((await send('PATCH', `accounts(${unknown})`, { name: 'Made' })).id, unknown)
    const guarded = await codeOf(
      'PATCH',
      `accounts(${crypto.randomUUID()})`,
      {},
      { 'if-match': '*' },
    )
    assert.deepEqual(guarded, [404, '0x80040217'])
  })

  test('changes a row only at the version that a condition names', async () => {
    const { id } = await send('PATCH', key('gr-10'), { name: 'V' })
    const tag = String(recordOf('accounts', id)['@odata.etag'])
    const path = `accounts(${id})`
    const unchanged = await send('GET', path, undefined, { 'if-none-match': tag })
    assert.equal(unchanged.status, 304)
    assert.equal((await send('PATCH', path, { fax: '1' }, { 'if-match': tag })).status, 204)
    assert.deepEqual(await codeOf('PATCH', path, { fax: '2' }, { 'if-match': tag }), [
      ...[412, '0x80060882'],
    ])
    assert.equal(recordOf('accounts', id).fax, '1')
  })

  test('sets lookups by navigation properties', async () => {
    const parent = (await send('PATCH', key('gr-20'), { name: 'Parent' })).id
    const { id } = await send('POST', 'accounts', {
      name: 'Child',
      'parentaccountid@odata.bind': `/accounts(${parent})`,
    })
    assert.equal(recordOf('accounts', id)._parentaccountid_value, parent)
    await send('PATCH', `accounts(${id})`, { 'parentaccountid@odata.bind': null })
    assert.equal(recordOf('accounts', id)._parentaccountid_value, null)
    const contact = await send('POST', 'contacts', {
      lastname: 'C',
      'parentcustomerid_account@odata.bind': `/${key('gr-20')}`,
    })
    assert.equal(recordOf('contacts', contact.id)._parentcustomerid_value, parent)
    for (const [body, code] of [
      [{ _parentaccountid_value: parent }, '0x80060888'],
      [{ 'parentaccountid@odata.bind': `/contacts(${parent})` }, '0x80048d19'],
      [{ 'nosuchid@odata.bind': `/accounts(${parent})` }, '0x80048d19'],
      [{ 'parentaccountid@odata.bind': `/accounts(${crypto.randomUUID()})` }, '0x80040217'],
    ] as const)
      assert.equal((await codeOf('PATCH', `accounts(${id})`, body))[1], code)
  })

  test('refuses columns and values in the form of the vendor', async () => {
    for (const [body, code] of [
      [{ colour: 'red' }, '0x80048d19'],
      [{ name: 5 }, '0x80048d19'],
      [{ revenue: 'much' }, '0x80048d19'],
      [{ numberofemployees: 1.5 }, '0x80048d19'],
      [{ creditonhold: 'yes' }, '0x80048d19'],
      [{ paymenttermscode: 99 }, '0x8004431a'],
      [{ name: 'x'.repeat(161) }, '0x80044331'],
    ] as const)
      assert.deepEqual(await codeOf('POST', 'accounts', body), [400, code])
    const ignored = await send('PATCH', key('gr-30'), { createdon: '2001-01-01T00:00:00Z' })
    assert.ok(!String(recordOf('accounts', ignored.id).createdon).startsWith('2001'))
    const { unknown } = system.requests()
    for (const part of ['colour', 'createdon'])
      assert.ok(unknown.some((each) => each.includes(part)))
    assert.equal((await send('PUT', 'accounts', {})).status, 404)
    assert.equal((await send('POST', 'starships', {})).status, 404)
    system.faults.add({ kind: 'forbidden' }, /^PATCH/)
    const denied = await send('PATCH', key('gr-30'), {})
    assert.match(denied.body.error!.message, /prvWriteaccount/)
  })

  test('runs plug-ins in the transaction, and doubles no row with a key', async () => {
    const stop = system.automate('accounts', ({ name }) => ({ name: String(name).toUpperCase() }))
    const { id, body } = await send(
      'PATCH',
      key('gr-40'),
      { name: 'quiet' },
      {
        prefer: 'return=representation',
      },
    )
    stop()
    assert.equal(body.name, 'QUIET')
    assert.equal(
      recordOf('accounts', id)._modifiedby_value,
      recordOf('accounts', id)._createdby_value,
    )
    system.faults.add({ kind: 'afterWrite', status: 503 }, /gr-41/)
    assert.equal((await send('PATCH', key('gr-41'), { name: 'x' })).status, 503)
    system.faults.add({ kind: 'twice' }, /gr-41/)
    assert.equal((await send('PATCH', key('gr-41'), { name: 'x' })).status, 204)
    const made = system.writes().filter(({ action, fields }) => {
      return action === 'created' && fields.touchstone_id === 'gr-41'
    })
    assert.equal(made.length, 1)
  })
})
