import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { hubspot } from '../../../demo/systems/hubspot/hubspot.ts'
import { OBJECT_TYPES } from '../../../demo/systems/hubspot/objects.ts'
import type { ModelSystem } from '../../../demo/systems/kit/model.ts'

interface Found {
  id: string
  properties: Record<string, string | null>
  createdAt: string
  updatedAt: string
  archived: boolean
}
interface Page {
  total?: number
  results: Found[]
  paging?: { next: { after: string; link: string } }
}

let system: ModelSystem
before(async () => {
  system = await hubspot.open({ seed: 3, limits: 'none' })
  system.fill(90, 3)
  system.day(250, 3)
})
beforeEach(() => system.faults.clear())
after(() => system.close())

const headers = (token = system.credentials.accessToken) => ({
  authorization: `Bearer ${token}`,
  'content-type': 'application/json',
})
const get = (path: string) => fetch(new URL(path, system.url), { headers: headers() })
const post = (path: string, body: unknown) =>
  fetch(new URL(path, system.url), {
    method: 'POST',
    headers: headers(),
    body: JSON.stringify(body),
  })
const json = async <T>(response: Promise<Response>, status = 200): Promise<T> => {
  const text = await (await response).text()
  assert.equal((await response).status, status, text)
  return JSON.parse(text) as T
}

async function listAll(object: string, archived: boolean): Promise<Found[]> {
  const names = [...OBJECT_TYPES.find(({ name }) => name === object)!.properties.keys()]
  const found: Found[] = []
  const query = `limit=40&archived=${archived}&properties=${names.join(',')}`
  let path: string | undefined = `/crm/v3/objects/${object}?${query}`
  while (path !== undefined) {
    const page: Page = await json<Page>(get(path))
    found.push(...page.results)
    path = page.paging?.next.link
  }
  return found
}

describe('the model of HubSpot', () => {
  test('lists every record of every object, archived ones in a pass of their own', async () => {
    for (const object of system.objects) {
      const state = system.state(object)
      const records = [...(await listAll(object, false)), ...(await listAll(object, true))]
      const merged = [...state.values()].flatMap(
        ({ record }) =>
          (record as unknown as Found).properties.hs_merged_object_ids?.split(';') ?? [],
      )
      const listed = new Map(records.map((record) => [record.id, record]))
      assert.equal(listed.size, records.length)
      for (const [id, { record, deleted }] of state) {
        const found = listed.get(id)
        if (merged.includes(id)) {
          assert.equal(found, undefined)
          continue
        }
        const properties = Object.entries(found!.properties).filter(([, value]) => value !== null)
        const { associations: _, ...expected } = record
        assert.deepEqual({ ...found, properties: Object.fromEntries(properties) }, expected)
        assert.equal(found!.archived, deleted)
      }
      assert.ok(state.size > 80, object)
    }
  })

  test('has merged, archived and changed records and equal times after a day', async () => {
    const companies = [...system.state('companies').values()]
    const records = companies.map(({ record }) => record as unknown as Found)
    assert.ok(records.some(({ properties }) => properties.hs_merged_object_ids))
    assert.ok(companies.some(({ deleted }) => deleted))
    assert.ok(new Set(records.map(({ updatedAt }) => updatedAt)).size < records.length)
    const { properties } = records.find((record) => record.properties.hs_merged_object_ids)!
    const loser = properties.hs_merged_object_ids!.split(';').at(-1)!
    const winner = await json<Found>(get(`/crm/v3/objects/companies/${loser}`))
    assert.notEqual(winner.id, loser)
  })

  test('searches in a window, by id within equal times', async () => {
    const from = Date.now() - 800 * 86_400_000
    const body = (after: number, lastId: string) => ({
      filterGroups: [
        {
          filters: [
            {
              propertyName: 'lastmodifieddate',
              operator: 'BETWEEN',
              value: String(from),
              highValue: new Date(system.clock.now()).toISOString(),
            },
            { propertyName: 'hs_object_id', operator: 'GT', value: lastId },
          ],
        },
      ],
      sorts: [{ propertyName: 'hs_object_id', direction: 'ASCENDING' }],
      properties: ['email', 'no_such_property'],
      limit: 60,
      after,
    })
    const live = [...system.state('contacts')].filter(([, { deleted }]) => !deleted)
    const found: Found[] = []
    let page = await json<Page>(post('/crm/v3/objects/contacts/search', body(0, '0')))
    assert.equal(page.total, live.length)
    found.push(...page.results)
    while (page.paging) {
      const next = Number(page.paging.next.after)
      page = await json<Page>(post('/crm/objects/2026-03/contacts/search', body(next, '0')))
      found.push(...page.results)
    }
    const ids = found.map(({ id }) => Number(id))
    assert.deepEqual(
      ids,
      live.map(([id]) => Number(id)).toSorted((a, b) => a - b),
    )
    assert.deepEqual(Object.keys(found[0]!.properties), [
      'createdate',
      'email',
      'hs_object_id',
      'lastmodifieddate',
    ])
    const rest = await json<Page>(
      post('/crm/v3/objects/contacts/search', body(0, String(ids[ids.length - 2]))),
    )
    assert.deepEqual(
      rest.results.map(({ id }) => Number(id)),
      ids.slice(-1),
    )
  })

  test('reads associations in batches; a record without any is an error in a 207', async () => {
    const contacts = [...system.state('contacts')].filter(([, { deleted }]) => !deleted)
    const expected = new Map(
      contacts.map(([id, { record }]) => [
        id,
        (record.associations as { companies?: string[] }).companies ?? [],
      ]),
    )
    const inputs = [...expected.keys()].map((id) => ({ id }))
    const path = '/crm/v4/associations/contacts/companies/batch/read'
    const lonely = [...expected].filter(([, companies]) => companies.length === 0)
    const answer = await json<{
      results: { from: { id: string }; to: { toObjectId: number; associationTypes: unknown[] }[] }[]
      errors: { context: { fromObjectId: string[] } }[]
    }>(post(path, { inputs }), 207)
    for (const { from, to } of answer.results) {
      assert.deepEqual(
        to.map(({ toObjectId }) => String(toObjectId)),
        expected.get(from.id),
      )
      assert.equal(to[0]!.associationTypes.length, 2)
    }
    assert.equal(answer.results.length, expected.size - lonely.length)
    assert.deepEqual(
      answer.errors.map(({ context }) => context.fromObjectId[0]),
      lonely.map(([id]) => id),
    )
    const listed = await json<{ results: { associations?: unknown }[] }>(
      get('/crm/v3/objects/contacts?limit=10&associations=companies'),
    )
    assert.ok(listed.results.some(({ associations }) => associations !== undefined))
  })

  test('refuses wrong credentials, parameters, filters and objects', async () => {
    const list = '/crm/v3/objects/companies'
    const fetchWith = (authorization?: string) =>
      fetch(system.url + list, authorization === undefined ? {} : { headers: { authorization } })
    const other = `pat-eu1-${crypto.randomUUID()}`
    assert.equal((await fetchWith()).status, 401)
    assert.equal((await fetchWith(`Bearer ${other}`)).status, 401)
    assert.equal((await fetchWith('Bearer nonsense')).status, 530)
    for (const path of ['?limit=101', '?after=x', '?archived=maybe', '?page=2', '?associations=x'])
      assert.equal((await get(list + path)).status, 400, path)
    assert.equal((await get('/crm/v3/objects/starships')).status, 400)
    assert.equal((await get('/crm/v9/objects/companies')).status, 404)
    assert.equal((await get(`${list}?properties=${'name,'.repeat(3050)}`)).status, 414)
    const filter = (propertyName: string, operator: string, value: unknown) => ({
      filterGroups: [{ filters: [{ propertyName, operator, value }] }],
    })
    for (const body of [
      filter('lastmodifieddate', 'GTE', '2026-01-01'),
      filter('hs_lastmodifieddate', 'AFTER', '2026-01-01'),
      filter('hs_lastmodifieddate', 'GTE', 'yesterday'),
      filter('hs_lastmodifieddate', 'BETWEEN', '2026-01-01'),
      { limit: 201 },
      { after: 9_990, limit: 20 },
      { sorts: [{ propertyName: 'name' }, { propertyName: 'domain' }] },
      { where: 'name' },
    ])
      assert.equal((await post(`${list}/search`, body)).status, 400, JSON.stringify(body))
    assert.throws(() => system.put('companies', { colour: 'red' }), /no field colour/)
    assert.throws(() => system.put('companies', { annualrevenue: 'much' }), /is no number/)
    const { unknown } = system.requests()
    for (const part of ['page=2', 'starships', '/v9/', 'AFTER', 'where'])
      assert.ok(
        unknown.some((request) => request.includes(part)),
        part,
      )
  })

  test('makes each fault', async () => {
    const list = '/crm/v3/objects/companies'
    const status = async (path = list) => (await get(path)).status
    system.faults.add({ kind: 'status', status: 429, retryAfterSeconds: 3 })
    const limited = await get(list)
    assert.deepEqual([limited.status, limited.headers.get('retry-after')], [429, '3'])
    system.faults.add({ kind: 'forbidden' }, /companies/)
    assert.equal(await status('/crm/v3/objects/deals'), 200)
    const forbidden = await json<{ category: string; errors: unknown }>(get(list), 403)
    assert.equal(forbidden.category, 'MISSING_SCOPES')
    assert.match(JSON.stringify(forbidden.errors), /crm\.objects\.companies\.read/)
    system.faults.add({ kind: 'expired', what: 'token' })
    assert.equal(await status(), 401)
    system.faults.add({ kind: 'expired', what: 'cursor' })
    assert.deepEqual([await status(), await status(`${list}?after=5`)], [200, 400])
    system.faults.add({ kind: 'invalidJson' })
    await assert.rejects((await get(list)).json(), SyntaxError)
    system.faults.add({ kind: 'cut', after: 'half' })
    await assert.rejects(async () => (await get(list)).text())

    system.faults.late(60_000, 1)
    const id = system.put('products', { name: 'Late' })
    assert.equal(await status(`/crm/v3/objects/products/${id}`), 404)
    system.clock.advance(60_000)
    assert.equal(await status(`/crm/v3/objects/products/${id}`), 200)
  })
})

test('the model of HubSpot limits requests and searches', async () => {
  const limited = await hubspot.open()
  const authorization = `Bearer ${limited.credentials.accessToken}`
  const url = `${limited.url}/crm/v3/objects/deals`
  const search = () =>
    fetch(`${url}/search`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: '{}',
    })
  const statuses = await Promise.all([1, 2, 3, 4, 5, 6].map(async () => (await search()).status))
  assert.deepEqual(statuses.toSorted(), [200, 200, 200, 200, 200, 429])
  const list = () => fetch(url, { headers: { authorization } })
  const lists = await Promise.all(Array.from({ length: 95 }, async () => (await list()).status))
  assert.equal(lists.filter((status) => status === 429).length, 1)
  limited.clock.advance(10_000)
  const open = await list()
  assert.deepEqual([open.status, open.headers.get('x-hubspot-ratelimit-remaining')], [200, '99'])
  assert.equal(limited.requests().mostInAWindow, 101)
  await limited.close()
})
