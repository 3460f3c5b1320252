import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { ModelSystem } from '../../../demo/systems/kit/model.ts'
import { zuora } from '../../../demo/systems/zuora/zuora.ts'

type Fields = Record<string, unknown>
interface Body extends Fields {
  success?: boolean
  Success?: boolean
  accountId: string
  id: string
  Id: string
  reasons?: { code: number; message: string }[]
  Errors?: { Code: string }[]
}

let system: ModelSystem
let token: string
before(async () => {
  system = await zuora.open({ seed: 3, limits: 'none' })
  system.fill(5, 3)
  await signIn()
})
beforeEach(() => system.faults.clear())
after(() => system.close())

async function signIn() {
  const { clientId, clientSecret } = system.credentials
  const form = { client_id: clientId!, client_secret: clientSecret! }
  const answer = await fetch(`${system.url}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({ ...form, grant_type: 'client_credentials' }),
  })
  token = ((await answer.json()) as { access_token: string }).access_token
}

async function send(method: string, path: string, body: unknown, key?: string) {
  const response = await fetch(`${system.url}/v1/${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      ...(key !== undefined && { 'idempotency-key': key }),
    },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: (await response.json()) as Body }
}
const contact = { firstName: 'Ada', lastName: 'L', country: 'DE' }
const account = (name: string, fields: Fields = {}) => ({
  ...{ name, currency: 'EUR', billCycleDay: 1, billToContact: contact, ...fields },
})
const recordOf = (object: string, id: string) => system.state(object).get(id)!.record
/** Returns the status, whether the body says success, and the category of its error. */
const problemOf = async (method: string, path: string, body: unknown) => {
  const answer = await send(method, path, body)
  const code = answer.body.reasons?.[0]?.code ?? 0
  return [answer.status, answer.body.success ?? answer.body.Success, code % 100]
}
const made = (name: string) =>
  system.writes().filter(({ action, fields }) => action === 'created' && fields.name === name)

describe('a write to the model of Zuora', () => {
  test('creates and changes an account and its contacts as its own user', async () => {
    const { status, body } = await send(
      'POST',
      'accounts',
      account('Acme', { TouchstoneId__c: 'gr-1' }),
    )
    assert.deepEqual([status, body.success], [200, true])
    const record = recordOf('Account', body.accountId)
    assert.deepEqual([record.touchstoneId__c, record.billToId], ['gr-1', body.billToContactId])
    assert.equal(recordOf('Contact', String(body.billToContactId)).country, 'Germany')
    const changed = await send('PUT', `accounts/${body.accountNumber}`, {
      ...{ name: 'Acme 2', notes: 'x', billToContact: { city: 'Ulm' } },
    })
    assert.equal(changed.body.success, true)
    await send('PUT', `accounts/${body.accountId}`, { notes: null })
    const after = recordOf('Account', body.accountId)
    assert.deepEqual([after.name, after.notes, after.billCycleDay], ['Acme 2', undefined, 1])
    assert.equal(recordOf('Contact', String(body.billToContactId)).city, 'Ulm')
    const api = after.updatedById
    system.put('Account', { id: body.accountId, notes: 'y' })
    assert.notEqual(recordOf('Account', body.accountId).updatedById, api)
    const second = await send('POST', 'contacts', { ...contact, accountId: body.accountId })
    assert.equal(recordOf('Contact', second.body.id).accountId, body.accountId)
    await send('PUT', `contacts/${second.body.id}`, { lastName: 'M' })
    assert.equal(recordOf('Contact', second.body.id).lastName, 'M')
    const two = await send('POST', 'accounts', account('Two', { TouchstoneId__c: 'gr-1' }))
    assert.equal(two.body.success, true, 'a custom field repeats')
    const number = String(body.accountNumber)
    const taken = await problemOf('POST', 'accounts', account('x', { accountNumber: number }))
    assert.deepEqual(taken, [200, false, 20])
  })

  test('has CRUD resources with fields that begin with a capital letter', async () => {
    const made = await send('POST', 'object/product', {
      ...{ Name: 'Valve', EffectiveStartDate: '2026-01-01', EffectiveEndDate: '2030-01-01' },
      TouchstoneId__c: 'gr-p',
    })
    assert.deepEqual([made.status, made.body.Success], [200, true])
    assert.equal(recordOf('Product', made.body.Id).touchstoneId__c, 'gr-p')
    await send('PUT', `object/product/${made.body.Id}`, { Description: 'D' })
    assert.equal(recordOf('Product', made.body.Id).description, 'D')
    const [id] = [...system.state('Account')].find(([, { deleted }]) => !deleted)!
    await send('PUT', `object/account/${id}`, { TouchstoneId__c: 'gr-2', CrmId: '' })
    const record = recordOf('Account', id)
    assert.deepEqual([record.touchstoneId__c, record.crmId], ['gr-2', undefined])
    const wrong = await send('PUT', `object/account/${id}`, { Shape: 1 })
    assert.deepEqual([wrong.status, wrong.body.Errors![0]!.Code], [400, 'INVALID_FIELD'])
    const missing = await send('PUT', 'object/account/none', { Name: 'x' })
    assert.equal(missing.body.Errors![0]!.Code, 'INVALID_ID')
  })

  test('answers errors with status 200', async () => {
    const { currency: _, ...noCurrency } = account('x')
    const problems: [unknown, number][] = [
      [account('x', { colour: 'red' }), 20],
      [noCurrency, 20],
      [account('x', { billToContact: { ...contact, country: 'Atlantis' } }), 20],
      [account('x', { billToContact: undefined }), 20],
      [account('x', { parentId: 'none' }), 40],
      [account('x', { name: 5 }), 20],
      [account('x'.repeat(256)), 20],
      [account('x', { billCycleDay: 40 }), 20],
    ]
    for (const [body, category] of problems)
      assert.deepEqual(await problemOf('POST', 'accounts', body), [200, false, category])
    assert.deepEqual(await problemOf('PUT', 'accounts/none', { name: 'x' }), [200, false, 40])
    assert.ok(system.requests().unknown.some((request) => request.includes('colour')))
    assert.equal((await send('POST', 'orders', {})).status, 404)
    system.faults.add({ kind: 'forbidden' }, /^POST/)
    assert.deepEqual(await problemOf('POST', 'accounts', account('x')), [200, false, 10])
    system.faults.add({ kind: 'status', status: 200 }, /^PUT/)
    assert.deepEqual(await problemOf('PUT', 'accounts/none', {}), [200, false, 50])
    assert.equal(made('x').length, 0)
  })

  test('answers the same key with the same reply for a day, a failure too', async () => {
    const first = await send('POST', 'accounts', account('Once'), 'k1')
    const again = await send('POST', 'accounts', account('Once'), 'k1')
    assert.equal(again.body.accountId, first.body.accountId)
    assert.equal((await send('POST', 'accounts', account('Two'), 'k1')).status, 422)
    const failed = await send('POST', 'accounts', account('y', { parentId: 'none' }), 'k2')
    assert.equal(failed.body.success, false)
    assert.equal((await send('POST', 'accounts', account('Twice'), 'k2')).status, 422)
    system.faults.add({ kind: 'lateAnswer', ms: 60 }, /^POST/)
    const late = send('POST', 'accounts', account('Late'), 'k3')
    await new Promise((resolve) => setTimeout(resolve, 20))
    assert.equal((await send('POST', 'accounts', account('Late'), 'k3')).status, 409)
    await late
    system.faults.add({ kind: 'cut', after: 'execution' }, /^POST/)
    await assert.rejects(send('POST', 'accounts', account('Cut'), 'k4'))
    assert.equal((await send('POST', 'accounts', account('Cut'), 'k4')).body.success, true)
    system.clock.advance(86_400_000)
    await signIn()
    await send('POST', 'accounts', account('Once'), 'k1')
    assert.deepEqual(
      ['Once', 'Late', 'Cut'].map((name) => made(name).length),
      [2, 1, 1],
    )
    const id = first.body.accountId
    const changes = () => system.writes().filter((write) => write.id === id).length
    const before = changes()
    for (const _ of [1, 2]) await send('PUT', `accounts/${id}`, { notes: 'n' }, 'k5')
    assert.equal(changes() - before, 2, 'a PUT has no key')
  })

  test('runs workflows after a write, as another user', async () => {
    const stop = system.automate('Account', ({ name }) => ({ name: `${name}!` }))
    const { body } = await send('POST', 'accounts', account('Loud'))
    stop()
    const record = recordOf('Account', body.accountId)
    assert.match(String(record.name), /^Loud!/)
    assert.notEqual(record.updatedById, record.createdById)
  })
})
