import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { ModelSystem } from '../../../demo/systems/kit/model.ts'
import { oracle } from '../../../demo/systems/oracle/oracle.ts'

type Fields = Record<string, unknown>
interface Body extends Fields {
  PartyId: number
  PartyNumber: string
  'o:errorDetails'?: { detail: string }[]
}

let system: ModelSystem
before(async () => {
  system = await oracle.open({ seed: 4 })
  system.fill(6, 4)
})
beforeEach(() => system.faults.clear())
after(() => system.close())

async function send(method: string, path: string, body?: unknown, headers: Fields = {}) {
  const { username, password } = system.credentials
  const basic = Buffer.from(`${username}:${password}`).toString('base64')
  const response = await fetch(`${system.url}/crmRestApi/resources/11.13.18.05/${path}`, {
    method,
    headers: {
      authorization: `Basic ${basic}`,
      'content-type': 'application/vnd.oracle.adf.resourceitem+json',
      'rest-framework-version': '4',
      ...(headers as Record<string, string>),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return {
    status: response.status,
    etag: response.headers.get('etag') ?? '',
    body: (text ? JSON.parse(text) : {}) as Body,
  }
}
const recordOf = (object: string, id: number) => system.state(object).get(String(id))!.record
const problemOf = async (...request: Parameters<typeof send>) => {
  const { status, body } = await send(...request)
  return [status, body['o:errorDetails']?.[0]?.detail.split(':')[0]]
}
const upsert = { 'upsert-mode': 'true' }
const reference = (value: string) => ({
  SourceSystem: 'TOUCHSTONE',
  SourceSystemReferenceValue: value,
})

describe('a write to the model of Oracle Fusion', () => {
  test('creates, changes and clears as its own user', async () => {
    const made = await send('POST', 'accounts', { OrganizationName: 'Acme', Country: 'DE' })
    assert.deepEqual([made.status, made.body.OrganizationName], [201, 'Acme'])
    const { PartyId, PartyNumber } = made.body
    assert.deepEqual(
      [recordOf('accounts', PartyId).CreatedBy, recordOf('accounts', PartyId).PartyStatus],
      [system.credentials.username, 'A'],
    )
    const child = await send('POST', 'accounts', {
      ...{ OrganizationName: 'Child', ParentAccountPartyNumber: PartyNumber },
    })
    assert.equal(recordOf('accounts', child.body.PartyId).ParentAccountName, 'Acme')
    const changed = await send('PATCH', `accounts/${PartyNumber}`, {
      URL: 'https://x',
      City: 'Ulm',
    })
    assert.deepEqual([changed.status, changed.body.PartyUniqueName], [200, 'Acme (Ulm)'])
    await send('PATCH', `accounts/${PartyNumber}`, { URL: null })
    assert.equal(recordOf('accounts', PartyId).URL, null)
    system.put('accounts', { PartyId: String(PartyId), Comments: 'x' })
    assert.equal(recordOf('accounts', PartyId).LastUpdatedBy, 'SALES_ADMIN')
    const contact = await send('POST', 'contacts', {
      ...{ FirstName: 'Ada', LastName: 'L', AccountPartyId: PartyId },
    })
    const person = recordOf('contacts', contact.body.PartyId)
    assert.deepEqual([person.ContactName, person.AccountName], ['Ada L', 'Acme'])
    const opportunity = await send('POST', 'opportunities', { Name: 'O', TargetPartyId: PartyId })
    assert.equal(opportunity.body.TargetPartyName, 'Acme')
    system.put('accounts', { PartyId: String(PartyId), PartyStatus: 'I' })
    assert.equal((await problemOf('PATCH', `accounts/${PartyNumber}`, { City: 'x' }))[0], 400)
  })

  test('upserts by the reference of a source system, of which there is one party', async () => {
    const first = await send(
      'POST',
      'accounts',
      { OrganizationName: 'One', ...reference('gr-1') },
      upsert,
    )
    assert.equal(first.status, 201)
    const again = await send(
      'POST',
      'accounts',
      { OrganizationName: 'Uno', ...reference('gr-1') },
      upsert,
    )
    assert.deepEqual(
      [again.status, again.body.PartyId, again.body.OrganizationName],
      [200, first.body.PartyId, 'Uno'],
    )
    const two = { OrganizationName: 'Two', ...reference('gr-1') }
    assert.deepEqual(await problemOf('POST', 'accounts', two), [400, 'HZ-120061'])
    const user = { OrganizationName: 'U', ...reference('gr-1') }
    assert.throws(() => system.put('accounts', user), /already/)
    const number = first.body.PartyNumber
    const byNumber = await send('POST', 'accounts', { PartyNumber: number, City: 'Ulm' }, upsert)
    assert.equal(byNumber.body.PartyId, first.body.PartyId)
    const other = await send('POST', 'accounts', { OrganizationName: 'Other' })
    const path = `accounts/${other.body.PartyNumber}/child/SourceSystemReference`
    assert.equal((await send('POST', path, reference('gr-2'))).status, 201)
    assert.equal(recordOf('accounts', other.body.PartyId).SourceSystemReferenceValue, 'gr-2')
    assert.deepEqual(await problemOf('POST', path, reference('gr-1')), [400, 'HZ-120061'])
    const plain = { OrganizationName: 'Same' }
    for (const _ of [1, 2])
      assert.equal((await send('POST', 'accounts', plain, upsert)).status, 201)
  })

  test('changes a record only at the version that a condition names', async () => {
    const { body } = await send('POST', 'accounts', { OrganizationName: 'V' })
    const path = `accounts/${body.PartyNumber}`
    const { etag } = await send('GET', path)
    assert.equal((await send('PATCH', path, { City: 'A' }, { 'if-match': etag })).status, 200)
    assert.equal((await send('PATCH', path, { City: 'B' }, { 'if-match': etag })).status, 412)
    assert.equal(recordOf('accounts', body.PartyId).City, 'A')
  })

  test('refuses attributes and values in the form of the vendor', async () => {
    for (const [body, code] of [
      [{ OrganizationName: 'x', Colour: 'red' }, 'JBO-25058'],
      [{ OrganizationName: 'x', PartyId: 5 }, 'JBO-27008'],
      [{ OrganizationName: 'x', ParentAccountName: 'y' }, 'JBO-27008'],
      [{}, 'JBO-27014'],
      [{ OrganizationName: 5 }, 'JBO-25009'],
      [{ OrganizationName: 'x', EmployeesTotal: 'many' }, 'JBO-25009'],
      [{ OrganizationName: 'x', ParentAccountPartyId: 5 }, 'JBO-27010'],
      [{ OrganizationName: 'x'.repeat(361) }, 'JBO-27010'],
      [{ OrganizationName: 'x', Country: 'Germany' }, 'HZ-120072'],
    ] as const)
      assert.deepEqual(await problemOf('POST', 'accounts', body), [400, code])
    assert.equal((await send('PATCH', 'accounts/none', {})).status, 404)
    assert.equal((await send('POST', 'contracts', {})).status, 404)
    assert.equal((await send('PUT', 'accounts', {})).status, 404)
    const text = { 'content-type': 'text/plain' }
    assert.equal((await send('POST', 'accounts', {}, text)).status, 415)
    assert.ok(system.requests().unknown.some((request) => request.includes('Colour')))
    system.faults.add({ kind: 'forbidden' }, /^POST/)
    assert.equal((await send('POST', 'accounts', {})).status, 403)
  })

  test('runs triggers as the user of the write; a repeat makes no second party', async () => {
    const stop = system.automate('accounts', ({ OrganizationName: name }) => ({
      OrganizationName: String(name).toUpperCase(),
    }))
    const { body } = await send('POST', 'accounts', { OrganizationName: 'quiet' })
    stop()
    assert.equal(body.OrganizationName, 'QUIET')
    assert.equal(recordOf('accounts', body.PartyId).LastUpdatedBy, system.credentials.username)
    const once = { OrganizationName: 'Once', ...reference('gr-30') }
    system.faults.add({ kind: 'afterWrite', status: 503 }, /gr-30/)
    assert.equal((await send('POST', 'accounts', once, upsert)).status, 503)
    system.faults.add({ kind: 'twice' }, /gr-30/)
    assert.equal((await send('POST', 'accounts', once, upsert)).status, 200)
    const made = system.writes().filter(({ action, fields }) => {
      return action === 'created' && fields.OrganizationName === 'Once'
    })
    assert.equal(made.length, 1)
  })
})
