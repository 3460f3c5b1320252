import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { ModelSystem } from '../../../demo/systems/kit/model.ts'
import { oracle } from '../../../demo/systems/oracle/oracle.ts'
import { RESOURCES, type Resource, resourceNamed } from '../../../demo/systems/oracle/resources.ts'

type Fields = Record<string, unknown>
interface Page {
  items: Fields[]
  count: number
  hasMore: boolean
  limit: number
  offset: number
  totalResults?: number
}

let system: ModelSystem
before(async () => {
  system = await oracle.open({ seed: 4 })
  system.fill(210, 4)
  system.day(300, 4)
})
beforeEach(() => system.faults.clear())
after(() => system.close())

const basic = (username: string, password: string) =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
const headersOf = () => ({
  authorization: basic(system.credentials.username!, system.credentials.password!),
  'rest-framework-version': '4',
})
const pathOf = ({ api, name }: Resource) => `/${api}/resources/11.13.18.05/${name}`
const get = (path: string, parameters: Fields = {}, headers: Record<string, string> = {}) => {
  const url = new URL(path, system.url)
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, String(value))
  return fetch(url, { headers: { ...headersOf(), ...headers } })
}
const json = async <T = Page>(response: Promise<Response>, status = 200): Promise<T> => {
  const text = await (await response).text()
  assert.equal((await response).status, status, text)
  return JSON.parse(text) as T
}
const keyOf = ({ key }: Resource, record: Fields) =>
  Number(new Map(Object.entries(record)).get(key))
const accounts = pathOf(resourceNamed('accounts'))

describe('the model of Oracle Fusion', () => {
  test('returns every record of every resource', async () => {
    for (const resource of RESOURCES) {
      const found: Fields[] = []
      const orderBy = `${resource.key}:asc`
      for (let hasMore = true; hasMore; ) {
        const parameters = { limit: 499, offset: found.length, onlyData: true, orderBy }
        const page = await json(get(pathOf(resource), parameters))
        assert.equal(page.count, page.items.length)
        assert.ok(page.count <= 200)
        found.push(...page.items)
        hasMore = page.hasMore
      }
      const live = [...system.state(resource.name)].filter(([, { deleted }]) => !deleted)
      const expected = live.map(([, { record }]) => record)
      const byKey = (records: Fields[]) =>
        records.toSorted((a, b) => keyOf(resource, a) - keyOf(resource, b))
      assert.deepEqual(byKey(found), byKey(expected))
    }
  })

  test('pages by time and key through rows of equal times', async () => {
    const found: Fields[] = []
    let q = "LastUpdateDate > '2000-01-01T00:00:00+00:00'"
    for (;;) {
      const parameters = {
        q,
        limit: 13,
        orderBy: 'LastUpdateDate:asc,PartyId:asc',
        fields: 'PartyId,LastUpdateDate',
        onlyData: true,
      }
      const { items } = await json(get(accounts, parameters))
      found.push(...items)
      const last = items.at(-1)
      if (!last) break
      q = `LastUpdateDate > '${last.LastUpdateDate}' or (LastUpdateDate = '${last.LastUpdateDate}' and PartyId > ${last.PartyId})`
    }
    assert.equal(new Set(found.map(({ PartyId }) => PartyId)).size, system.state('accounts').size)
    assert.equal(found.length, system.state('accounts').size)
    assert.ok(new Set(found.map(({ LastUpdateDate }) => LastUpdateDate)).size < found.length)
  })

  test('loses rows for those who ask for 500, as it caps the page', async () => {
    system.fill(300, 8)
    const parameters = { limit: 500, fields: 'PartyId', onlyData: true, totalResults: true }
    const page = await json(get(accounts, parameters))
    assert.deepEqual([page.count, page.limit, page.totalResults], [499, 500, 500])
    const next = await json(get(accounts, { ...parameters, offset: 500 }))
    assert.ok(page.count + next.count < system.state('accounts').size)
  })

  test('keeps merged accounts, whose records moved; deleted records leave no trace', async () => {
    const merged = await json(get(accounts, { q: "PartyStatus = 'M'", limit: 499 }))
    assert.ok(merged.count > 0)
    const { PartyId, PartyNumber, links } = merged.items[0]!
    const contacts = pathOf(resourceNamed('contacts'))
    assert.equal((await json(get(contacts, { q: `AccountPartyId = ${PartyId}` }))).count, 0)
    assert.equal((links as Fields[])[0]!.href, `${system.url}${accounts}/${PartyNumber}`)
    assert.equal((await json<Fields>(get(`${accounts}/${PartyNumber}`))).PartyId, PartyId)
    const [id] = [...system.state('contracts')].find(([, { deleted }]) => !deleted)!
    system.remove('contracts', id)
    assert.equal((await get(`${pathOf(resourceNamed('contracts'))}/${id}`)).status, 404)
    assert.throws(() => system.remove('accounts', String(PartyId)), /does not delete/)
  })

  test('reads q by the version of the framework', async () => {
    const byExample = { q: 'PartyStatus=A;Type=ZCA_CUSTOMER', totalResults: true }
    const expression = { q: "PartyStatus = 'A' and Type = 'ZCA_CUSTOMER'", totalResults: true }
    const one = await json(get(accounts, byExample, { 'rest-framework-version': '1' }))
    assert.equal(one.totalResults, (await json(get(accounts, expression))).totalResults)
    assert.equal((await get(accounts, expression, { 'rest-framework-version': '1' })).status, 400)
    assert.equal((await get(accounts, byExample)).status, 400)
    assert.equal((await get(accounts, {}, { 'rest-framework-version': '12' })).status, 400)
  })

  test('refuses wrong parameters, attributes and credentials', async () => {
    for (const parameters of [
      { page: 2 },
      { limit: 0 },
      { offset: -1 },
      { q: 'Colour = 1' },
      { q: "FormattedPhoneNumber = '1'" },
      { q: "PartyId = 'x'" },
      { q: "LastUpdateDate > 'yesterday'" },
      { q: "PartyStatus = 'A' and" },
      { orderBy: 'LastUpdateDate:up' },
      { orderBy: 'Colour' },
      { fields: 'Colour' },
      { onlyData: 'maybe' },
    ])
      assert.equal((await get(accounts, parameters)).status, 400, JSON.stringify(parameters))
    assert.equal((await get('/fscmRestApi/resources/11.13.18.05/accounts')).status, 404)
    assert.equal((await get('/crmRestApi/resources/11.12.1.0/accounts')).status, 404)
    const wrong = await get(accounts, {}, { authorization: basic('integration.user', 'x') })
    assert.deepEqual([wrong.status, wrong.headers.get('content-type')], [401, 'text/html'])
    const { unknown } = system.requests()
    for (const part of ['page=2', 'Colour', '/fscmRestApi/resources/11.13.18.05/accounts'])
      assert.ok(
        unknown.some((request) => request.includes(part)),
        part,
      )
    assert.throws(() => system.put('accounts', { Colour: 'red' }), /no field Colour/)
    assert.throws(() => system.put('accounts', { EmployeesTotal: 'many' }), /is no integer/)
  })

  test('makes each fault', async () => {
    system.faults.add({ kind: 'forbidden' }, /accounts/)
    assert.equal((await get(accounts)).status, 403)
    system.faults.add({ kind: 'status', status: 503 })
    assert.equal((await get(accounts)).status, 503)
    system.faults.add({ kind: 'invalidJson' })
    await assert.rejects((await get(accounts)).json(), SyntaxError)
    system.faults.add({ kind: 'cut', after: 'nothing' })
    await assert.rejects(get(accounts))
    system.faults.late(60_000, 1)
    const id = system.put('accounts', { PartyNumber: 'LATE', OrganizationName: 'Late' })
    const seen = async () => (await json(get(accounts, { q: `PartyId = ${id}` }))).count
    assert.equal(await seen(), 0)
    system.clock.advance(60_000)
    assert.equal(await seen(), 1)
  })
})
