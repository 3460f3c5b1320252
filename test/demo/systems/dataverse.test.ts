import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { dataverse } from '../../../demo/systems/dataverse/dataverse.ts'
import type { ModelSystem } from '../../../demo/systems/kit/model.ts'

type Fields = Record<string, unknown>
interface Page {
  '@odata.nextLink'?: string
  '@odata.deltaLink'?: string
  '@odata.count'?: number
  value: Fields[]
}

const day = 86_400_000
let system: ModelSystem
let token: string
before(async () => {
  system = await dataverse.open({ seed: 2, limits: 'none' })
  system.fill(60, 2)
  system.day(200, 2)
  token = await signIn(system)
})
beforeEach(() => system.faults.clear())
after(() => system.close())

function requestToken(
  model: ModelSystem,
  changed: Fields = {},
  tenant = model.credentials.tenantId,
) {
  const form = {
    grant_type: 'client_credentials',
    client_id: model.credentials.clientId!,
    client_secret: model.credentials.clientSecret!,
    scope: `${model.url}/.default`,
    ...changed,
  }
  const body = new URLSearchParams(form)
  return fetch(`${model.url}/${tenant}/oauth2/v2.0/token`, { method: 'POST', body })
}

async function signIn(model: ModelSystem): Promise<string> {
  const answer = await requestToken(model)
  assert.equal(answer.status, 200)
  const { access_token, expires_in } = (await answer.json()) as Record<string, unknown>
  assert.equal(expires_in, 3599)
  return String(access_token)
}

const get = (path: string, prefer?: string) =>
  fetch(new URL(path, `${system.url}/api/data/v9.2/`), {
    headers: {
      authorization: `Bearer ${token}`,
      accept: 'application/json',
      'odata-version': '4.0',
      ...(prefer !== undefined && { prefer }),
    },
  })
const json = async <T = Page>(response: Promise<Response>, status = 200): Promise<T> => {
  const text = await (await response).text()
  assert.equal((await response).status, status, text)
  return JSON.parse(text) as T
}
const codeOf = async (response: Promise<Response>, status: number): Promise<string> =>
  (await json<{ error: { code: string } }>(response, status)).error.code

/** Reads a list or a delta to its end. */
async function all(path: string, prefer?: string, between?: (page: number) => void) {
  let page = await json(get(path, prefer))
  const rows = [...page.value]
  for (let count = 1; page['@odata.nextLink']; count++) {
    between?.(count)
    page = await json(get(page['@odata.nextLink'], prefer))
    rows.push(...page.value)
  }
  return { rows, deltaLink: page['@odata.deltaLink'] }
}

const tracked = 'odata.track-changes,odata.maxpagesize=40'

describe('the model of Dataverse', () => {
  test('returns every row of every table with all columns', async () => {
    for (const object of system.objects) {
      const { rows } = await all(object, 'odata.maxpagesize=60')
      const live = [...system.state(object).values()].filter(({ deleted }) => !deleted)
      const sorted = (records: Fields[]) =>
        records.toSorted((a, b) => Number(a.versionnumber) - Number(b.versionnumber))
      assert.deepEqual(
        sorted(rows.map(({ '@odata.context': _, ...row }) => row)),
        sorted(live.map(({ record }) => record)),
      )
    }
  })

  test('tracks changes while rows move, so that list and delta hold the state', async () => {
    const held = new Map<string, unknown>()
    const take = (rows: Fields[]) => {
      for (const row of rows)
        if (row.reason === 'deleted') held.delete(String(row.id))
        else held.set(String(row.accountid), row['@odata.etag'])
    }
    const first = await all('accounts?$select=name', tracked, (page) => {
      if (page < 3) for (let n = 0; n < 10; n++) system.put('accounts', { name: `Moved ${n}` })
      const [id] = [...system.state('accounts')].find(([, { deleted }]) => !deleted)!
      system.remove('accounts', id)
    })
    take(first.rows)
    system.day(200, 7)
    token = await signIn(system)
    const created = system.put('accounts', { name: 'Created and deleted' })
    system.remove('accounts', created)
    const delta = await all(first.deltaLink!, 'odata.maxpagesize=20')
    take(delta.rows)
    assert.ok(delta.rows.some(({ id }) => id === created))
    const firstDeleted = delta.rows.findIndex(({ reason }) => reason === 'deleted')
    assert.ok(delta.rows.slice(firstDeleted).every(({ reason }) => reason === 'deleted'))
    const live = [...system.state('accounts')].filter(([, { deleted }]) => !deleted)
    assert.deepEqual(
      [...held].toSorted(),
      live.map(([id, { record }]) => [id, record['@odata.etag']]).toSorted(),
    )
    assert.deepEqual((await all(delta.deltaLink!)).rows, [])

    system.clock.advance(8 * day)
    token = await signIn(system)
    assert.equal(await codeOf(get(delta.deltaLink!), 400), '0x80044352')
  })

  test('gives out no token beyond rows that are not visible yet', async () => {
    system.faults.late(60_000, 1)
    const late = system.put('contacts', { lastname: 'Late' })
    system.put('contacts', { lastname: 'In time' })
    const list = await all('contacts?$select=lastname', 'odata.track-changes')
    assert.ok(!list.rows.some(({ contactid }) => contactid === late))
    system.clock.advance(60_000)
    const { rows } = await all(list.deltaLink!)
    assert.ok(rows.some(({ contactid }) => contactid === late))
  })

  test('filters, orders, counts, annotates and reads single rows', async () => {
    const found: Fields[] = []
    let filter = 'modifiedon ge 2020-01-01T00:00:00Z'
    for (;;) {
      const path = `accounts?$select=modifiedon&$orderby=modifiedon,accountid&$top=9&$filter=${filter}`
      const { value } = await json(get(path))
      found.push(...value)
      const last = value.at(-1)
      if (!last) break
      filter = `modifiedon gt ${last.modifiedon} or (modifiedon eq ${last.modifiedon} and accountid gt ${last.accountid})`
    }
    const live = [...system.state('accounts').values()].filter(({ deleted }) => !deleted)
    assert.equal(new Set(found.map(({ accountid }) => accountid)).size, live.length)
    assert.equal(found.length, live.length)
    assert.ok(new Set(found.map(({ modifiedon }) => modifiedon)).size < found.length)
    const merged = await json(get('accounts?$count=true&$filter=merged eq true and statecode eq 1'))
    assert.equal(merged['@odata.count'], merged.value.length)
    assert.ok(merged.value.every(({ _masterid_value }) => _masterid_value !== null))
    const annotations = 'odata.include-annotations="*"'
    const [order] = (
      await json(get('salesorders?$select=statecode,_customerid_value&$top=1', annotations))
    ).value
    assert.match(
      String(order!['_customerid_value@Microsoft.Dynamics.CRM.lookuplogicalname']),
      /^(account|contact)$/,
    )
    assert.equal(typeof order!['statecode@OData.Community.Display.V1.FormattedValue'], 'string')
    const one = await json<Fields>(get(`salesorders(${order!.salesorderid})?$select=statecode`))
    assert.equal(one.salesorderid, order!.salesorderid)
    assert.equal(await codeOf(get(`accounts(${order!.salesorderid})`), 404), '0x80040217')
    assert.equal(await (await get('accounts/$count')).text(), String(live.length))
  })

  test('refuses what Dataverse refuses', async () => {
    for (const path of [
      'accounts?$filter=name eq 5',
      'accounts?$filter=colour eq 5',
      "accounts?$filter=contains(name,'a')",
      'accounts?$filter=modifiedon gt yesterday',
      'accounts?$select=colour',
      'accounts?$expand=primarycontactid',
      'accounts?page=2',
      'accounts?$top=0',
      'accounts?$skiptoken=2',
      'accounts?$deltatoken=nonsense',
      'accounts?$orderby=description',
    ])
      assert.equal((await get(path)).status, 400, path)
    for (const parameter of ['$filter=merged eq false', '$orderby=name', '$top=5', '$count=true'])
      assert.equal(
        (await get(`accounts?${parameter}`, 'odata.track-changes')).status,
        400,
        parameter,
      )
    assert.equal((await get('accounts', 'odata.maxpagesize=0')).status, 400)
    assert.equal((await get('accounts', 'odata.something')).status, 400)
    assert.equal(await codeOf(get('starships'), 404), '0x8006088a')
    assert.equal((await get('/api/data/v8.2/accounts')).status, 404)
    const { unknown } = system.requests()
    for (const part of ['colour', 'contains(', 'page=2', 'starships'])
      assert.ok(
        unknown.some((request) => request.includes(part)),
        part,
      )
    assert.throws(() => system.put('accounts', { colour: 'red' }), /no field colour/)
    assert.throws(() => system.put('accounts', { revenue: 'much' }), /is no decimal/)
  })

  test('refuses wrong credentials', async () => {
    const other = crypto.randomUUID()
    assert.equal((await requestToken(system, { client_secret: 'x' })).status, 401)
    assert.equal((await requestToken(system, { client_id: other })).status, 400)
    assert.equal(
      (await requestToken(system, { scope: 'https://example.com/.default' })).status,
      400,
    )
    assert.equal((await requestToken(system, {}, other)).status, 400)
    const none = await fetch(`${system.url}/api/data/v9.2/WhoAmI`)
    assert.equal(none.status, 401)
    assert.match(none.headers.get('www-authenticate')!, /authorization_uri/)
    assert.equal((await get('WhoAmI')).status, 200)
    system.clock.advance(3_600_000)
    assert.equal((await get('WhoAmI')).status, 401)
    token = await signIn(system)
  })

  test('makes each fault', async () => {
    system.faults.add({ kind: 'forbidden' }, /contacts/)
    assert.equal(await codeOf(get('contacts'), 403), '0x80040220')
    system.faults.add({ kind: 'status', status: 429, retryAfterSeconds: 4 })
    assert.equal((await get('accounts')).headers.get('retry-after'), '4')
    system.faults.add({ kind: 'expired', what: 'token' })
    assert.equal((await get('accounts')).status, 401)
    const { deltaLink } = await all('leads?$select=subject', 'odata.track-changes')
    system.faults.add({ kind: 'expired', what: 'cursor' })
    assert.equal((await get('leads')).status, 200)
    assert.equal(await codeOf(get(deltaLink!), 400), '0x80044352')
    system.faults.add({ kind: 'invalidJson' })
    await assert.rejects((await get('accounts')).json(), SyntaxError)
    system.faults.add({ kind: 'cut', after: 'nothing' })
    await assert.rejects(get('accounts'))
  })
})

test('the model of Dataverse limits requests, and the wait grows', async () => {
  const limited = await dataverse.open({ requestsMax: 3 })
  const authorization = `Bearer ${await signIn(limited)}`
  const ask = () => fetch(`${limited.url}/api/data/v9.2/WhoAmI`, { headers: { authorization } })
  assert.equal((await ask()).headers.get('x-ms-ratelimit-burst-remaining-xrm-requests'), '1')
  assert.equal((await ask()).status, 200)
  const waits = [await ask(), await ask()].map(({ status, headers }) => {
    assert.equal(status, 429)
    return Number(headers.get('retry-after'))
  })
  assert.ok(waits[1]! > waits[0]!)
  limited.clock.advance(300_000)
  assert.equal((await ask()).status, 200)
  await limited.close()
})
