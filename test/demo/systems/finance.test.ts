import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { finance } from '../../../demo/systems/finance/finance.ts'
import type { ModelSystem } from '../../../demo/systems/kit/model.ts'
import { type Fields, messageOf, session } from './financeSession.ts'

let system: ModelSystem
let send: Awaited<ReturnType<typeof session>>
before(async () => {
  system = await finance.open({ seed: 2, limits: 'none' })
  system.fill(60, 2)
  system.day(200, 2)
  send = await session(system)
})
beforeEach(() => system.faults.clear())
after(() => system.close())

const live = (set: string) => [...system.state(set)].filter(([, { deleted }]) => !deleted)
const get = (path: string, prefer?: string) =>
  send('GET', path, undefined, prefer === undefined ? {} : { prefer })

/** Follows next links, and returns the records of all pages. */
async function pages(path: string, rows: number): Promise<Fields[]> {
  const found: Fields[] = []
  for (let link: string | undefined = path; link !== undefined; ) {
    const { status, body } = await get(link, `odata.maxpagesize=${rows}`)
    assert.equal(status, 200)
    assert.ok(body.value!.length <= rows)
    found.push(...body.value!)
    link = body['@odata.nextLink']
  }
  return found
}

describe('a read of the model of finance', () => {
  test('shows each record of all legal entities, page by page', async () => {
    for (const set of system.objects) {
      const found = await pages(`${set}?cross-company=true`, 7)
      const records = found.map((record) => JSON.stringify(record)).sort()
      const expected = live(set).map(([, { record }]) => JSON.stringify(record))
      assert.deepEqual(records, expected.sort(), set)
    }
  })

  test('shows the legal entity of the user alone, whatever the filter says', async () => {
    const own = (await get('CustomersV3')).body.value!
    assert.deepEqual([...new Set(own.map(({ dataAreaId }) => dataAreaId))], ['usmf'])
    const of = (query: string) => get(`CustomersV3?$filter=dataAreaId eq 'DEMF'${query}`)
    assert.deepEqual((await of('')).body.value, [])
    const other = (await of('&cross-company=true')).body.value!
    assert.deepEqual([...new Set(other.map(({ dataAreaId }) => dataAreaId))], ['demf'])
  })

  test('filters, orders, selects, counts and cuts', async () => {
    const customers = live('CustomersV3').map(([, { record }]) => record)
    const times = customers.map(({ ModifiedDateTime: at }) => String(at)).sort()
    const middle = times[Math.floor(times.length / 2)]!
    const { body } = await get(
      `CustomersV3?cross-company=true&$count=true&$top=5&$skip=1&$select=ModifiedDateTime,CustomerAccount&$orderby=ModifiedDateTime desc,CustomerAccount&$filter=ModifiedDateTime ge ${middle}`,
    )
    const expected = customers.filter(({ ModifiedDateTime: at }) => String(at) >= middle)
    assert.equal(body['@odata.count'], expected.length)
    assert.deepEqual(Object.keys(body.value![0]!), [
      '@odata.etag',
      'ModifiedDateTime',
      'CustomerAccount',
    ])
    const shown = body.value!.map(({ ModifiedDateTime: at }) => at)
    assert.deepEqual(shown, [...shown].sort().reverse())
    assert.equal(shown.length, 5)
    const blocked = await get(
      "CustomersV3?cross-company=true&$filter=not (OnHoldStatus eq Microsoft.Dynamics.DataEntities.CustVendorBlocked'No')",
    )
    assert.ok(blocked.body.value!.every(({ OnHoldStatus }) => OnHoldStatus !== 'No'))
    const begins = await get("ProductsV2?$filter=ProductNumber eq 'pl*'")
    assert.ok(begins.body.value!.every(({ ProductNumber }) => /^PL/.test(String(ProductNumber))))
    assert.equal((await get('ProductsV2/$count')).body.text, String(live('ProductsV2').length))
  })

  test('addresses a record by its whole key', async () => {
    const [, { record }] = live('SalesInvoiceHeadersV2').find(
      ([, row]) => row.record.dataAreaId === 'demf',
    )!
    const key = `dataAreaId='DEMF',InvoiceNumber='${record.InvoiceNumber}',InvoiceDate=${record.InvoiceDate},LedgerVoucher='${record.LedgerVoucher}'`
    const found = await get(`SalesInvoiceHeadersV2(${key})?cross-company=true`)
    assert.equal(found.body['@odata.etag'], record['@odata.etag'])
    assert.equal((await get(`SalesInvoiceHeadersV2(${key})`)).status, 404)
    const short = await get(`SalesInvoiceHeadersV2(InvoiceNumber='${record.InvoiceNumber}')`)
    assert.equal(short.status, 400)
  })

  test('refuses what it does not know, and lists it', async () => {
    const known = system.requests().unknown.length
    const unknown = [
      'Nothing',
      'CustomersV3?$expand=Orders',
      'CustomersV3?$select=Nothing',
      'CustomersV3?$orderby=Nothing',
      "CustomersV3?$filter=Nothing eq '1'",
      "CustomersV3?$filter=dataAreaId in ('usmf')",
      "CustomersV3?$filter=contains(OrganizationName,'a')",
      'CustomersV3?limit=1',
      "CustomersV3(Nothing='1')",
      '/api/data/v9.2/accounts',
    ]
    for (const path of unknown) assert.ok((await get(path)).status >= 400, path)
    assert.equal(system.requests().unknown.length, known + unknown.length)
    assert.equal((await get('CustomersV3', 'odata.track-changes')).status, 400)
    const wrong = ['CustomersV3?$filter=CreditLimit gt ten', 'CustomersV3?$top=-1']
    for (const path of wrong) assert.equal((await get(path)).status, 400, path)
  })

  test('asks for a token, and refuses one that ended', async () => {
    const bare = await fetch(`${system.url}/data/CustomersV3`)
    assert.equal(bare.status, 401)
    assert.match(String(bare.headers.get('www-authenticate')), /authorization_uri=/)
    system.faults.add({ kind: 'expired', what: 'token' })
    assert.equal((await get('CustomersV3')).status, 401)
    assert.equal((await get('CustomersV3?$top=1')).status, 200)
  })

  test('throttles what has a low priority first', async () => {
    const small = await finance.open({ requestsMax: 3 })
    try {
      const request = await session(small)
      const statuses = []
      for (let n = 0; n < 3; n++) statuses.push((await request('GET', 'ProductsV2')).status)
      assert.deepEqual(statuses, [200, 200, 429])
      const { headers } = await request('GET', 'ProductsV2')
      assert.ok(Number(headers.get('retry-after')) > 0)
      small.clock.advance(300_000)
      assert.equal((await request('GET', 'ProductsV2')).status, 200)
    } finally {
      await small.close()
    }
  })

  test('hides a row that becomes visible late', async () => {
    system.faults.late(60_000, 1)
    const id = system.put('ProductsV2', { ProductNumber: 'LATE-1', ProductName: 'Late' })
    assert.equal(id, 'LATE-1')
    assert.equal((await get("ProductsV2('LATE-1')")).status, 404)
    system.clock.advance(60_000)
    assert.equal((await get("ProductsV2('LATE-1')")).status, 200)
  })

  test('shows a changed party in each legal entity, and moves one time alone', async () => {
    const party = { PartyNumber: 'PARTY-1' }
    const one = system.put('CustomersV3', { ...party, OrganizationName: 'Fabrikam' })
    const two = system.put('CustomersV3', {
      ...party,
      dataAreaId: 'demf',
      CustomerAccount: 'DE-7',
    })
    const recordOf = (id: string) => system.state('CustomersV3').get(id)!.record
    assert.equal(recordOf(two).OrganizationName, 'Fabrikam')
    const before = recordOf(two)
    system.clock.advance(10_000)
    system.put('CustomersV3', { id: one, OrganizationName: 'Fabrikam Inc', CreditLimit: 5 })
    assert.equal(recordOf(two).OrganizationName, 'Fabrikam Inc')
    assert.equal(recordOf(two).CreditLimit, 0)
    assert.equal(recordOf(two).ModifiedDateTime, before.ModifiedDateTime)
    assert.notEqual(recordOf(two)['@odata.etag'], before['@odata.etag'])
    assert.notEqual(recordOf(one).ModifiedDateTime, before.ModifiedDateTime)
  })

  test('says in an inner error what is wrong', async () => {
    const answer = await get('CustomersV3?$select=Nothing')
    assert.match(
      messageOf(answer),
      /'Nothing' on type 'Microsoft.Dynamics.DataEntities.CustomerV3'/,
    )
  })
})
