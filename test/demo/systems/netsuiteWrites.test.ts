import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { importPKCS8, SignJWT } from 'jose'
import type { ModelSystem } from '../../../demo/systems/kit/model.ts'
import { netsuite } from '../../../demo/systems/netsuite/netsuite.ts'

type Fields = Record<string, unknown>
interface Details {
  'o:errorDetails'?: { 'o:errorCode': string; 'o:errorPath'?: string }[]
}

let system: ModelSystem
let token: string
before(async () => {
  system = await netsuite.open({ seed: 2, limits: 'none' })
  system.fill(5, 2)
  token = await signIn(system)
})
beforeEach(() => system.faults.clear())
after(() => system.close())

async function signIn(model: ModelSystem): Promise<string> {
  const { clientId, certificateId, algorithm, privateKey } = model.credentials
  const path = '/services/rest/auth/oauth2/v1/token'
  const now = Math.floor(model.clock.now() / 1000)
  const claims = { iss: clientId!, scope: ['rest_webservices'], aud: model.url + path }
  const assertion = await new SignJWT({ ...claims, iat: now, exp: now + 600 })
    .setProtectedHeader({ kid: certificateId!, alg: algorithm! })
    .sign(await importPKCS8(privateKey!, algorithm!))
  const answer = await fetch(model.url + path, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
    }),
  })
  return ((await answer.json()) as { access_token: string }).access_token
}

async function send(method: string, path: string, body?: unknown, headers: Fields = {}) {
  const response = await fetch(`${system.url}/services/rest/record/v1/${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      ...(headers as Record<string, string>),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const id = response.headers.get('location')?.split('/').at(-1) ?? ''
  return { status: response.status, id, body: (text ? JSON.parse(text) : {}) as Fields & Details }
}
const recordOf = (table: string, id: string) => system.state(table).get(id)!.record
const problemOf = async (...request: Parameters<typeof send>) => {
  const { status, body } = await send(...request)
  return [status, body['o:errorDetails']?.[0]?.['o:errorCode']]
}

describe('a write to the model of NetSuite', () => {
  test('creates a customer with its address, changes, clears and deletes it', async () => {
    const address = { addr1: '1 Street', city: 'Ulm', zip: '89073', country: { id: 'DE' } }
    const made = await send('POST', 'customer', {
      companyName: 'Acme',
      currency: { id: '1' },
      custentity_touchstone_id: 'gr-1',
      addressBook: { items: [{ defaultBilling: true, addressBookAddress: address }] },
    })
    assert.equal(made.status, 204)
    const record = recordOf('customer', made.id)
    assert.deepEqual([record.companyname, record.isinactive], ['Acme', 'F'])
    assert.match(String(record.entityid), /^CUST\d+ Acme$/)
    const lines = () =>
      [...system.state('customeraddressbook').values()].filter(
        (row) => !row.deleted && row.record.entity === Number(made.id),
      )
    assert.equal(lines().length, 1)
    const child = await send('POST', 'customer', {
      companyName: 'Child',
      parent: { id: made.id },
      isInactive: true,
    })
    assert.deepEqual(
      [recordOf('customer', child.id).parent, recordOf('customer', child.id).isinactive],
      [Number(made.id), 'T'],
    )
    assert.equal((await send('PATCH', `customer/${made.id}`, { phone: '1' })).status, 204)
    await send('PATCH', `customer/${made.id}`, { phone: null })
    assert.equal(recordOf('customer', made.id).phone, null)
    const shown = (await send('GET', `customer/${child.id}`)).body
    assert.deepEqual([shown.companyName, shown.isInactive], ['Child', true])
    assert.equal((shown.parent as Fields).refName, 'Acme')
    await send('PATCH', `customer/${made.id}?replace=addressBook`, {
      addressBook: { items: [{ addressBookAddress: { city: 'Bonn' } }] },
    })
    const [line] = lines()
    const key = String(line!.record.addressbookaddress)
    assert.equal(recordOf('customeraddressbookentityaddress', key).city, 'Bonn')
    assert.equal((await problemOf('DELETE', `customer/${made.id}`))[0], 400, 'it has a child')
    assert.equal((await send('DELETE', `customer/${child.id}`)).status, 204)
    assert.deepEqual(await problemOf('PATCH', `customer/${child.id}`, {}), [404, 'NONEXISTENT_ID'])
  })

  test('upserts by its external id, of which there is one record of a type', async () => {
    const first = await send('PUT', 'customer/eid:gr-1', { companyName: 'One' })
    assert.equal(first.status, 204)
    assert.equal((await send('PUT', 'customer/eid:gr-1', { companyName: 'Uno' })).id, first.id)
    assert.equal(recordOf('customer', first.id).companyname, 'Uno')
    assert.equal((await send('GET', 'customer/eid:gr-1')).body.id, first.id)
    const two = { companyName: 'Two', externalId: 'gr-1' }
    assert.deepEqual(await problemOf('POST', 'customer', two), [400, 'DUP_ENTITY'])
    assert.throws(() => system.put('customer', { externalid: 'gr-1' }), /already/)
    const contact = await send('PUT', 'contact/eid:gr-1', {
      ...{ firstName: 'Ada', lastName: 'L', company: { externalId: 'gr-1' } },
    })
    assert.equal(recordOf('contact', contact.id).company, Number(first.id))
    assert.deepEqual(await problemOf('GET', 'customer/eid:none'), [404, 'NONEXISTENT_ID'])
    for (const n of [1, 2])
      await send('POST', 'customer', { companyName: `C${n}`, custentity_touchstone_id: 'gr-2' })
    const same = [...system.state('customer').values()].filter(
      ({ record }) => record.custentity_touchstone_id === 'gr-2',
    )
    assert.equal(same.length, 2, 'a custom field repeats')
    const item = await send('PUT', 'serviceSaleItem/eid:gr-i', { itemId: 'SUP-1' })
    assert.equal(recordOf('item', item.id).itemtype, 'Service')
    assert.deepEqual(await problemOf('GET', `inventoryItem/${item.id}`), [404, 'NONEXISTENT_ID'])
    const taken = { companyName: 'x', entityId: String(recordOf('customer', first.id).entityid) }
    assert.deepEqual(await problemOf('POST', 'customer', taken), [400, 'UNIQUE_CUST_ID_REQD'])
  })

  test('refuses fields and values in the form of the vendor', async () => {
    const problems: [Fields, string][] = [
      [{ companyName: 'x', colour: 'red' }, 'INVALID_CONTENT'],
      [{ companyName: 'x', lastModifiedDate: '2026-01-01' }, 'INVALID_CONTENT'],
      [{}, 'USER_ERROR'],
      [{ isPerson: true, firstName: 'A' }, 'USER_ERROR'],
      [{ companyName: 5 }, 'INVALID_CONTENT'],
      [{ companyName: 'x', creditLimit: 'much' }, 'INVALID_CONTENT'],
      [{ companyName: 'x', isInactive: 'T' }, 'INVALID_CONTENT'],
      [{ companyName: 'x', parent: { id: '999999' } }, 'INVALID_KEY_OR_REF'],
      [{ companyName: 'x', email: 'nobody' }, 'INVALID_EMAIL'],
      [{ companyName: 'x'.repeat(1000) }, 'EXCEEDED_MAX_FIELD_LENGTH'],
      [{ companyName: 'x', addressBook: { lines: [] } }, 'INVALID_CONTENT'],
    ]
    for (const [body, code] of problems)
      assert.deepEqual(await problemOf('POST', 'customer', body), [400, code])
    const { id } = await send('PUT', 'customer/eid:gr-20', { companyName: 'x' })
    for (const [path, body, headers] of [
      [`customer/${id}`, { addressBook: { items: [] } }, {}],
      [`customer/${id}?expand=all`, {}, {}],
      [`customer/${id}`, {}, { prefer: 'respond-async' }],
    ] as const)
      assert.equal((await send('PATCH', path, body, headers)).status, 400, path)
    assert.equal((await send('POST', 'starship', {})).status, 404)
    assert.equal((await send('PUT', `customer/${id}`, {})).status, 404)
    const { unknown } = system.requests()
    for (const part of ['colour', 'expand', 'starship'])
      assert.ok(unknown.some((request) => request.includes(part)))
    system.faults.add({ kind: 'forbidden' }, /^PATCH/)
    assert.deepEqual(await problemOf('PATCH', `customer/${id}`, {}), [
      ...[403, 'INSUFFICIENT_PERMISSION'],
    ])
  })

  test('runs scripts of a record in its transaction; a repeat makes no second record', async () => {
    const stop = system.automate('customer', ({ companyname }) => ({
      companyname: String(companyname).toUpperCase(),
    }))
    const { id } = await send('PUT', 'customer/eid:gr-30', { companyName: 'quiet' })
    stop()
    assert.equal(recordOf('customer', id).companyname, 'QUIET')
    system.faults.add({ kind: 'afterWrite', status: 500 }, /gr-31/)
    assert.equal((await send('PUT', 'customer/eid:gr-31', { companyName: 'x' })).status, 500)
    system.faults.add({ kind: 'twice' }, /gr-31/)
    assert.equal((await send('PUT', 'customer/eid:gr-31', { companyName: 'x' })).status, 204)
    const made = system.writes().filter(({ object, action, fields }) => {
      return object === 'customer' && action === 'created' && fields.externalid === 'gr-31'
    })
    assert.equal(made.length, 1)
  })

  test('counts writes against the requests that run at one time', async () => {
    const limited = await netsuite.open()
    const headers = { authorization: `Bearer ${await signIn(limited)}` }
    const url = `${limited.url}/services/rest/record/v1/customer/eid:x`
    await fetch(url, { headers })
    assert.ok(limited.requests().mostInAWindow >= 1)
    await limited.close()
  })
})
