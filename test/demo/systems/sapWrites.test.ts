import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { ModelSystem } from '../../../demo/systems/kit/model.ts'
import { sap } from '../../../demo/systems/sap/sap.ts'

type Fields = Record<string, unknown>
interface Body {
  d: Fields & { results: Fields[] }
  error: { code: string }
}

let system: ModelSystem
let session: Record<string, string>
const service = '/sap/opu/odata/sap/API_BUSINESS_PARTNER'
before(async () => {
  system = await sap.open({ seed: 2 })
  system.fill(5, 2)
  session = await fetchToken()
})
beforeEach(() => system.faults.clear())
after(() => system.close())

async function send(method: string, path: string, body?: unknown, headers: Fields = {}) {
  const { username, password } = system.credentials
  const basic = Buffer.from(`${username}:${password}`).toString('base64')
  const response = await fetch(`${system.url}${service}/${path}`, {
    method,
    headers: {
      authorization: `Basic ${basic}`,
      'content-type': 'application/json',
      ...(headers as Record<string, string>),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json') && text
  const parsed = (isJson ? JSON.parse(text) : {}) as Body
  return { status: response.status, headers: response.headers, body: parsed }
}
async function fetchToken(): Promise<Record<string, string>> {
  const { headers } = await send('GET', '', undefined, { 'x-csrf-token': 'fetch' })
  const cookie = headers.get('set-cookie')!.split(';')[0]!
  return { 'x-csrf-token': headers.get('x-csrf-token')!, cookie }
}
const change = (method: string, path: string, body?: unknown, headers: Fields = {}) =>
  send(method, path, body, { ...session, ...headers })
const organization = (name: string, rest: Fields = {}) =>
  change('POST', 'A_BusinessPartner', {
    ...{ BusinessPartnerCategory: '2', OrganizationBPName1: name, ...rest },
  })
const recordOf = (object: string, id: string) => system.state(object).get(id)!.record

describe('a write to the model of SAP', () => {
  test('needs a token with the cookie of its session', async () => {
    const body = { BusinessPartnerCategory: '2', OrganizationBPName1: 'x' }
    const none = await send('POST', 'A_BusinessPartner', body)
    assert.deepEqual([none.status, none.headers.get('x-csrf-token')], [403, 'Required'])
    const other = await fetchToken()
    const mixed = { ...session, cookie: other.cookie }
    assert.equal((await send('POST', 'A_BusinessPartner', body, mixed)).status, 403)
    system.clock.advance(1_800_000)
    assert.equal((await change('POST', 'A_BusinessPartner', body)).status, 403)
    session = await fetchToken()
    assert.equal((await change('POST', 'A_BusinessPartner', body)).status, 201)
  })

  test('creates a partner with its address, and changes both at their versions', async () => {
    const made = await organization('Acme', {
      to_BusinessPartnerAddress: { results: [{ CityName: 'Ulm', Country: 'DE' }] },
      to_BuPaIdentification: [{ BPIdentificationType: 'ZGOLD', BPIdentificationNumber: 'gr-1' }],
    })
    assert.equal(made.status, 201)
    const id = String(made.body.d.BusinessPartner)
    assert.deepEqual(
      [made.body.d.LastChangeDate, made.body.d.BusinessPartnerFullName],
      [null, 'Acme'],
    )
    const path = `A_BusinessPartner('${id}')`
    const tag = { 'if-match': made.headers.get('etag') }
    const name = { OrganizationBPName1: 'Acme 2' }
    assert.equal((await change('PATCH', path, name)).status, 428)
    assert.equal((await change('PATCH', path, name, tag)).status, 204)
    assert.equal((await change('PATCH', path, name, tag)).status, 412)
    assert.equal(recordOf('A_BusinessPartner', id).LastChangedByUser, 'CC0000000001')
    const addresses = await send('GET', `${path}/to_BusinessPartnerAddress`)
    const [address] = addresses.body.d.results
    const own = `A_BusinessPartnerAddress(BusinessPartner='${id}',AddressID='${address!.AddressID}')`
    const read = await send('GET', own)
    const at = { 'if-match': read.headers.get('etag') }
    assert.equal((await change('PATCH', own, { CityName: 'Bonn' }, at)).status, 204)
    assert.equal((await change('PATCH', own, { CityName: 'Kiel' }, at)).status, 412)
    assert.equal(
      recordOf('A_BusinessPartnerAddress', `${id}/${address!.AddressID}`).CityName,
      'Bonn',
    )
    const expanded = await send('GET', `${path}?$expand=to_BuPaIdentification`)
    const { results } = expanded.body.d.to_BuPaIdentification as { results: Fields[] }
    // SAP stores it in capitals.
    assert.equal(results[0]!.BPIdentificationNumber, 'GR-1')
  })

  test('finds a golden id, of which two partners are possible', async () => {
    for (const name of ['One', 'Two']) {
      const { body } = await organization(name)
      const identification = {
        BusinessPartner: body.d.BusinessPartner,
        ...{ BPIdentificationType: 'ZGOLD', BPIdentificationNumber: 'gr-2' },
      }
      const first = await change('POST', 'A_BuPaIdentification', identification)
      const again = await change('POST', 'A_BuPaIdentification', identification)
      assert.deepEqual([first.status, again.status], [201, 400])
    }
    const filter = "BPIdentificationType eq 'ZGOLD' and BPIdentificationNumber eq 'GR-2'"
    const found = await send(
      'GET',
      `A_BuPaIdentification?${new URLSearchParams({ $filter: filter })}`,
    )
    assert.equal(found.body.d.results.length, 2)
    const changed = new URLSearchParams({
      $filter:
        "LastChangeDate ge datetime'2020-01-01T00:00:00' or CreationDate ge datetime'2020-01-01T00:00:00'",
      $orderby: 'LastChangeDate,LastChangeTime,BusinessPartner',
      $inlinecount: 'allpages',
    })
    const all = await send('GET', `A_BusinessPartner?${changed}`)
    assert.equal(Number(all.body.d.__count), system.state('A_BusinessPartner').size)
  })

  test('refuses properties and values in the form of the vendor', async () => {
    for (const rest of [
      { Colour: 'red' },
      { CreatedByUser: 'x' },
      { OrganizationBPName1: 'x'.repeat(41) },
      { BusinessPartnerIsBlocked: 'yes' },
      { BusinessPartnerCategory: '9' },
      { to_BusinessPartnerAddress: [{ Planet: 'Mars' }] },
    ])
      assert.equal((await organization('x', rest)).status, 400, JSON.stringify(rest))
    const { unknown } = system.requests()
    for (const part of ['Colour', 'Planet']) assert.ok(unknown.some((each) => each.includes(part)))
    assert.equal((await change('PUT', "A_BusinessPartner('1')", {})).status, 404)
    const missing = await change('PATCH', "A_BusinessPartner('1')", {}, { 'if-match': '*' })
    assert.equal(missing.status, 404)
    system.faults.add({ kind: 'status', status: 400 }, /^POST/)
    assert.equal((await organization('x')).body.error.code, 'R11/400')
    const made = system.writes().filter(({ fields }) => fields.OrganizationBPName1 === 'x')
    assert.equal(made.length, 1)
  })
})
