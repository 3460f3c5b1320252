import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { ModelSystem } from '../../../demo/systems/kit/model.ts'
import { zuora } from '../../../demo/systems/zuora/zuora.ts'

type Fields = Record<string, unknown>
interface Page {
  data: Fields[]
  nextPage?: string
}

const LISTS = [
  ['Product', 'products?'],
  ['ProductRatePlan', 'product-rate-plans?'],
  ['ProductRatePlanCharge', 'product-rate-plan-charges?'],
  ['ProductRatePlanChargeTier', 'product-rate-plan-charge-tiers?'],
  ['Account', 'accounts?'],
  ['Contact', 'contacts?'],
  ['Subscription', 'subscriptions?'],
  ['RatePlan', 'rate-plans?'],
  ['RatePlanCharge', 'rate-plan-charges?'],
  ['Order', 'orders?'],
  ['CreditMemo', 'credit-memos?'],
  ['Invoice', 'invoices?'],
  ['InvoiceItem', 'invoice-items?filter[]=updateddate.GE:2000-01-01T00:00:00Z&'],
  ['Payment', 'payments?'],
] as const

async function signIn({ url, credentials }: ModelSystem, clientSecret = credentials.clientSecret) {
  const response = await fetch(`${url}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({
      client_id: credentials.clientId!,
      client_secret: clientSecret!,
      grant_type: 'client_credentials',
    }),
  })
  const { access_token } = (await response.json()) as Record<string, string>
  return { status: response.status, token: access_token ?? '' }
}

const sorted = (records: ReadonlyMap<string, Fields>) =>
  [...records].sort(([a], [b]) => (a < b ? -1 : 1))

describe('the model of Zuora', () => {
  let system: ModelSystem
  let token: string
  const get = (path: string, bearer = token) =>
    fetch(`${system.url}/object-query/${path}`, { headers: { authorization: `Bearer ${bearer}` } })
  const errorOf = async (path: string, bearer?: string) => {
    const response = await get(path, bearer)
    const { success, reasons } = (await response.json()) as { success: boolean; reasons: Fields[] }
    return [response.status, success, Number(reasons[0]?.code) % 100]
  }
  const readAll = async (path: string, each = () => {}) => {
    const found: Fields[] = []
    for (let cursor = ''; ; ) {
      const response = await get(`${path}pageSize=99${cursor}`)
      assert.equal(response.status, 200, path)
      const page = (await response.json()) as Page
      found.push(...page.data)
      if (!page.nextPage) return found
      cursor = `&cursor=${encodeURIComponent(page.nextPage)}`
      each()
    }
  }

  before(async () => {
    system = await zuora.open({ seed: 7, limits: 'none' })
    system.fill(120, 1)
    system.day(150, 2)
    token = (await signIn(system)).token
  })
  after(() => system.close())

  test('lists every record that is not deleted', async () => {
    for (const [object, path] of LISTS) {
      const records = await readAll(path)
      const living = [...system.state(object)].filter(([, { deleted }]) => !deleted)
      assert.deepEqual(
        new Map(records.map((record) => [record.id, record])),
        new Map(living.map(([id, { record }]) => [id, record])),
      )
      assert.equal(records.length, living.length, object)
    }
    assert.ok([...system.state('Account').values()].some(({ deleted }) => deleted))
  })

  test('filters by updatedDate in any zone, and sorts equal times by id', async () => {
    const since = new Date(system.clock.now() - 86_400_000 - 5000).toISOString()
    const path = `accounts?sort[]=updateddate.ASC&filter[]=updatedDate.GE:${since}&`
    const changed = await readAll(path)
    const all = [...system.state('Account').values()].filter(({ deleted }) => !deleted)
    assert.equal(
      changed.length,
      all.filter(
        ({ record }) =>
          Date.parse(String(record.updatedDate)) >= Date.parse(`${since.slice(0, 19)}Z`),
      ).length,
    )
    const keys = changed.map(
      ({ updatedDate, id }) => [Date.parse(String(updatedDate)), id] as const,
    )
    assert.deepEqual(
      keys,
      keys.toSorted((a, b) => a[0] - b[0] || (String(a[1]) < String(b[1]) ? -1 : 1)),
    )
    assert.ok(new Set(keys.map(([time]) => time)).size < keys.length, 'equal times')
    assert.match(String(changed[0]?.updatedDate), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d-0[78]:00$/)
  })

  test('a record that changes while newer ones come first is missed by that pass', async () => {
    const oldest = (await readAll('accounts?sort[]=updateddate.ASC&'))[0]!
    let moved = false
    const move = () => {
      if (!moved) system.put('Account', { id: oldest.id, notes: 'moved' })
      moved = true
    }
    system.clock.advance(2000)
    assert.ok(!(await readAll('accounts?', move)).some(({ id }) => id === oldest.id))
    moved = false
    const next = (await readAll('accounts?sort[]=updateddate.ASC&'))[0]!
    assert.notEqual(next.id, oldest.id)
  })

  test('makes a new record of each version of a subscription', async () => {
    const [id] = [...system.state('Subscription')].find(
      ([, { record, deleted }]) => !deleted && record.isLatestVersion,
    )!
    const { originalId, version } = system.state('Subscription').get(id)!.record
    const newId = system.put('Subscription', { id, cMRR: 1 })
    assert.notEqual(newId, id)
    const versions = await readAll(`subscriptions?filter[]=originalid.EQ:${originalId}&`)
    assert.equal(versions.filter(({ isLatestVersion }) => isLatestVersion).length, 1)
    const latest = versions.find((record) => record.id === newId)
    assert.deepEqual([latest?.version, latest?.previousSubscriptionId], [Number(version) + 1, id])
  })

  test('shows one record by id or number, and chosen fields', async () => {
    const [account] = await readAll('accounts?account.fields[]=id,accountNumber&')
    assert.deepEqual(Object.keys(account!).toSorted(), ['accountNumber', 'id'])
    const record = (await (await get(`accounts/${account?.accountNumber}`)).json()) as Fields
    assert.deepEqual(record, system.state('Account').get(String(account?.id))?.record)
    assert.deepEqual(await errorOf('accounts/none'), [200, false, 40])
  })

  test('shows related records, children cut to the size of a page', async () => {
    const shown = await readAll(
      'subscriptions?expand[]=account&expand[]=rateplans.rateplancharges&',
    )
    const state = (object: string) => system.state(object)
    for (const { id, accountId, account, ratePlans } of shown) {
      assert.deepEqual(account, state('Account').get(String(accountId))?.record)
      const plans = [...state('RatePlan').values()].filter(
        ({ record, deleted }) => !deleted && record.subscriptionId === id,
      )
      assert.equal((ratePlans as Fields[]).length, plans.length)
    }
    const charges = shown
      .flatMap(({ ratePlans }) => ratePlans as Fields[])
      .flatMap(({ ratePlanCharges }) => ratePlanCharges as Fields[])
    assert.ok(charges.length > 20)
    const [one] = ((await (await get('accounts?pageSize=1&expand[]=invoices')).json()) as Page).data
    assert.ok((one!.invoices as Fields[]).length <= 1)
    const { billTo } = (await readAll('accounts?expand[]=BillTo&')).find((row) => row.billTo)!
    assert.ok((billTo as Fields).lastName)
  })

  test('lets a client that reads changes and a census of ids end with the truth', async () => {
    const held = new Map<string, Fields>()
    for (const [object, path] of LISTS)
      for (const record of await readAll(path)) held.set(`${object} ${record.id}`, record)
    const from = new Date(system.clock.now() - 60_000).toISOString()
    system.day(150, 31)
    token = (await signIn(system)).token
    for (const [object, path] of LISTS) {
      const changes = `sort[]=updateddate.ASC&filter[]=updateddate.GE:${from}&`
      const changed = await readAll(`${path.split('?')[0]}?${changes}`)
      for (const record of changed) held.set(`${object} ${record.id}`, record)
      const ids = new Set(
        (await readAll(`${path}fields[]=id&sort[]=id.ASC&`)).map(({ id }) => `${object} ${id}`),
      )
      for (const key of held.keys())
        if (key.startsWith(`${object} `) && !ids.has(key)) held.delete(key)
    }
    const truth = new Map(
      system.objects.flatMap((object) =>
        [...system.state(object)]
          .filter(([, { deleted }]) => !deleted)
          .map(([id, { record }]) => [`${object} ${id}`, record] as const),
      ),
    )
    assert.deepEqual(sorted(held), sorted(truth))
  })

  test('refuses wrong credentials, parameters, filters and orders', async () => {
    assert.equal((await signIn(system, 'wrong')).status, 401)
    assert.deepEqual(await errorOf('accounts', 'wrong'), [401, false, 11])
    for (const path of [
      'accounts?pageSize=100',
      'accounts?limit=10',
      'accounts?filter[]=createddate.GE:2020-01-01T00:00:00Z',
      'accounts?filter[]=updateddate.GE:2020-01-01',
      'accounts?filter[]=updateddate:2020-01-01T00:00:00Z',
      'accounts?sort[]=createddate.ASC',
      'accounts?sort[]=updateddate',
      'accounts?cursor=abc',
      'accounts?expand[]=colour',
      'invoice-items',
    ])
      assert.deepEqual(await errorOf(path), [400, false, 20], path)
    assert.equal((await get('colours')).status, 404)
    const { nextPage } = (await (await get('accounts?pageSize=1')).json()) as Page
    const other = `accounts?sort[]=name.ASC&cursor=${encodeURIComponent(nextPage!)}`
    assert.deepEqual(await errorOf(other), [400, false, 20])
    assert.ok(system.requests().unknown.includes('GET /object-query/accounts?limit=10'))
    assert.throws(() => system.put('Account', { colour: 'red' }), /no field colour/)
  })

  test("makes its faults in the vendor's forms", async () => {
    system.faults.add({ kind: 'status', status: 200 })
    assert.deepEqual(await errorOf('accounts'), [200, false, 50])
    system.faults.add({ kind: 'status', status: 500 })
    assert.match(await (await get('accounts')).text(), /^We're sorry/)
    system.faults.add({ kind: 'forbidden' }, /invoices/)
    assert.deepEqual(await errorOf('invoices'), [200, false, 10])
    system.faults.add({ kind: 'expired', what: 'token' })
    assert.deepEqual(await errorOf('accounts'), [401, false, 11])
    system.faults.late(60_000, 1)
    const late = system.put('Product', { name: 'Late' })
    assert.deepEqual(await errorOf(`products/${late}`), [200, false, 40])
    system.clock.advance(60_000)
    assert.equal(((await (await get(`products/${late}`)).json()) as Fields).name, 'Late')
    system.clock.advance(3_600_000)
    assert.deepEqual(await errorOf('accounts'), [401, false, 11])
  })

  test('limits sign-ins to 100 a minute and sends how many requests are left', async () => {
    const limited = await zuora.open()
    try {
      const signIns = await Promise.all(Array.from({ length: 101 }, () => signIn(limited)))
      assert.equal(signIns.filter(({ status }) => status === 429).length, 1)
      const response = await fetch(`${limited.url}/object-query/products`, {
        headers: { authorization: `Bearer ${signIns[0]!.token}` },
      })
      assert.equal(Number(response.headers.get('ratelimit-remaining')), 12_500 - 102)
      limited.clock.advance(60_000)
      assert.equal((await signIn(limited)).status, 200)
    } finally {
      await limited.close()
    }
  })
})
