import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { finance } from '../../../demo/systems/finance/finance.ts'
import type { ModelSystem } from '../../../demo/systems/kit/model.ts'
import { type Answer, messageOf, session } from './financeSession.ts'

let system: ModelSystem
let send: Awaited<ReturnType<typeof session>>
before(async () => {
  system = await finance.open({ seed: 3, limits: 'none' })
  system.fill(4, 3)
  send = await session(system)
})
beforeEach(() => system.faults.clear())
after(() => system.close())

const customer = { CustomerGroupId: '10', OrganizationName: 'Acme' }
const recordOf = (id: string) => system.state('CustomersV3').get(id)!.record
const at = (account: string, company = 'usmf') =>
  `CustomersV3(dataAreaId='${company}',CustomerAccount='${account}')`
const create = (fields: Record<string, unknown>): Promise<Answer> =>
  send('POST', 'CustomersV3', { ...customer, ...fields })

describe('a write to the model of finance', () => {
  test('creates with a number of its own or of the sequence', async () => {
    const made = await create({ dataAreaId: 'DEMF', CustomerAccount: 'DE-1' })
    assert.equal(made.status, 201)
    assert.deepEqual([made.body.dataAreaId, made.body.SalesCurrencyCode], ['demf', 'EUR'])
    assert.match(String(made.headers.get('location')), /dataAreaId='demf',CustomerAccount='DE-1'/)
    assert.notEqual(made.body.PartyNumber, '')
    const numbered = await create({})
    assert.equal(numbered.body.dataAreaId, 'usmf')
    assert.match(String(numbered.body.CustomerAccount), /^C-\d{6}$/)
    assert.deepEqual(
      system
        .writes()
        .slice(-2)
        .map(({ by, action }) => [by, action]),
      [
        ['api', 'created'],
        ['api', 'created'],
      ],
    )
  })

  test('refuses a second record with one key', async () => {
    await create({ CustomerAccount: 'TWICE' })
    const again = await create({ CustomerAccount: 'twice' })
    assert.equal(again.status, 500)
    assert.match(messageOf(again), /already exists/)
  })

  test('changes the version that the tag names, and no other', async () => {
    const made = await create({ CustomerAccount: 'TAG' })
    const tag = String(made.body['@odata.etag'])
    const match = { 'if-match': tag }
    assert.equal((await send('PATCH', at('TAG'), { CreditLimit: 5 }, match)).status, 204)
    assert.equal(recordOf('usmf-TAG').CreditLimit, 5)
    assert.equal((await send('PATCH', at('TAG'), { CreditLimit: 6 }, match)).status, 412)
    assert.equal((await send('DELETE', at('TAG'), undefined, match)).status, 412)
    assert.equal(
      (await send('PATCH', at('TAG'), { CreditLimit: 7 }, { 'if-match': '*' })).status,
      204,
    )
    const version = recordOf('usmf-TAG')['@odata.etag']
    await send('PATCH', at('TAG'), { CreditLimit: 7 })
    assert.notEqual(recordOf('usmf-TAG')['@odata.etag'], version, 'an equal value counts')
    assert.equal((await send('PATCH', at('NONE'), { CreditLimit: 7 })).status, 404)
    assert.equal((await send('DELETE', at('TAG'))).status, 204)
    assert.equal(system.state('CustomersV3').get('usmf-TAG')!.deleted, true)
    assert.equal((await create({ CustomerAccount: 'TAG' })).status, 201)
  })

  test('finds a record of another legal entity across companies alone', async () => {
    await create({ dataAreaId: 'gbsi', CustomerAccount: 'GB-1' })
    const path = at('GB-1', 'gbsi')
    assert.equal((await send('PATCH', path, { SalesMemo: 'x' })).status, 404)
    assert.equal(
      (await send('PATCH', `${path}?cross-company=true`, { SalesMemo: 'x' })).status,
      204,
    )
  })

  test('refuses what the entity refuses', async () => {
    const refused: [fields: Record<string, unknown>, message: RegExp][] = [
      [{ CustomerGroupId: 'Local' }, /'Local' in field 'CustomerGroupId' is not found/],
      [{ CustomerGroupId: null }, /'CustomerGroupId' must be filled in/],
      [{ OrganizationName: '' }, /'OrganizationName' must be filled in/],
      [{ PaymentTerms: 'Net11' }, /Terms of payment/],
      [{ AddressCountryRegionId: 'DE' }, /Countries\/regions/],
      [{ FullPrimaryAddress: 'x' }, /does not allow editing/],
      [{ CreditLimit: '5' }, /Edm.Decimal/],
      [{ OnHoldStatus: 'Maybe' }, /CustVendorBlocked/],
      [{ NoSuchField: 1 }, /'NoSuchField' does not exist/],
    ]
    for (const [fields, message] of refused) {
      const answer = await create(fields)
      assert.equal(answer.status, 400, JSON.stringify(fields))
      assert.match(messageOf(answer), message)
    }
    const order = { OrderingCustomerAccountNumber: 'NOBODY' }
    assert.match(messageOf(await send('POST', 'SalesOrderHeadersV2', order)), /CustomersV3/)
    const invoice = await send('POST', 'SalesInvoiceHeadersV2', { InvoiceNumber: '1' })
    assert.equal(invoice.status, 405)
    const moved = await send('PATCH', at('TAG'), { CustomerAccount: 'OTHER' })
    assert.match(messageOf(moved), /does not allow editing/)
  })

  test('cuts long texts and clears by null', async () => {
    const made = await create({ CustomerAccount: 'LONG', NameAlias: 'x'.repeat(40) })
    assert.equal(String(made.body.NameAlias).length, 20)
    await send('PATCH', at('LONG'), { NameAlias: null })
    assert.equal(recordOf('usmf-LONG').NameAlias, '')
  })

  test('writes, and answers too late or not at all', async () => {
    system.faults.add({ kind: 'afterWrite', status: 503 }, /^POST/)
    assert.equal((await create({ CustomerAccount: 'LOST' })).status, 503)
    assert.equal(recordOf('usmf-LOST').OrganizationName, 'Acme')
    system.faults.add({ kind: 'cut', after: 'execution' }, /^PATCH/)
    await assert.rejects(send('PATCH', at('LOST'), { CreditLimit: 9 }))
    assert.equal(recordOf('usmf-LOST').CreditLimit, 9)
  })
})
