import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { ModelSystem } from '../../../demo/systems/kit/model.ts'
import { stripe } from '../../../demo/systems/stripe/stripe.ts'

type Fields = Record<string, unknown>
interface Page {
  data: Fields[]
  has_more: boolean
}

const version = '2026-10-28.endive'
const LISTS = [
  ['product', 'products?'],
  ['price', 'prices?'],
  ['customer', 'customers?expand[]=data.tax_ids&'],
  ['subscription', 'subscriptions?status=all&'],
  ['invoice', 'invoices?'],
  ['credit_note', 'credit_notes?'],
  ['payment_intent', 'payment_intents?'],
  ['refund', 'refunds?'],
  ['quote', 'quotes?'],
] as const

const sorted = (records: ReadonlyMap<string, Fields>) =>
  [...records].sort(([a], [b]) => (a < b ? -1 : 1))

describe('the model of Stripe', () => {
  let system: ModelSystem
  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(`${system.url}/v1/${path}`, {
      headers: {
        authorization: `Bearer ${system.credentials.secretKey}`,
        'stripe-version': version,
        ...headers,
      },
    })
  const errorOf = async (path: string, headers?: Record<string, string>) => {
    const response = await get(path, headers)
    const { error } = (await response.json()) as { error: Fields }
    return [response.status, error.code, error.param]
  }
  const readAll = async (path: string) => {
    const found: Fields[] = []
    for (let after = ''; ; after = `&starting_after=${found.at(-1)?.id}`) {
      const response = await get(`${path}limit=100${after}`)
      assert.equal(response.status, 200, path)
      const page = (await response.json()) as Page
      found.push(...page.data)
      if (!page.has_more) return found
    }
  }

  before(async () => {
    system = await stripe.open({ seed: 5, limits: 'none' })
    system.fill(110, 1)
    system.day(150, 2)
  })
  after(() => system.close())

  test('lists every record that is not deleted, newest first', async () => {
    for (const [object, path] of LISTS) {
      const records = await readAll(path)
      const living = [...system.state(object)].filter(([, { deleted }]) => !deleted)
      assert.deepEqual(
        new Map(records.map((record) => [record.id, record])),
        new Map(living.map(([id, { record }]) => [id, record])),
      )
      assert.equal(records.length, living.length, object)
      const times = records.map((record) => Number(record.created))
      assert.deepEqual(
        times,
        times.toSorted((a, b) => b - a),
      )
    }
    const active = await readAll('subscriptions?')
    assert.ok(active.every(({ status }) => status !== 'canceled'))
    assert.ok(active.length < system.state('subscription').size)
  })

  test('marks a deleted customer, and has other deleted records no more', async () => {
    for (const object of ['customer', 'product', 'invoice'] as const) {
      const [id] = [...system.state(object)].find(([, { deleted }]) => !deleted)!
      system.remove(object, id)
      if (object === 'customer')
        assert.deepEqual(await (await get(`customers/${id}`)).json(), { id, object, deleted: true })
      else assert.deepEqual(await errorOf(`${object}s/${id}`), [404, 'resource_missing', 'id'])
      for (const { record } of system.state('subscription').values())
        if (record.customer === id) assert.equal(record.status, 'canceled')
    }
  })

  test('shows tax ids and references only if they are expanded', async () => {
    const [customer] = (await readAll('customers?')).slice(-1)
    assert.equal(customer?.tax_ids, undefined)
    const expanded = (await (
      await get(`customers/${customer?.id}?expand[]=tax_ids`)
    ).json()) as Fields
    assert.ok(expanded.tax_ids)
    const [price] = await readAll('prices?expand[]=data.product&')
    assert.equal((price!.product as Fields).object, 'product')
  })

  test('shows ten lines of an invoice and lists all of them below it', async () => {
    const long = (await readAll('invoices?')).find(({ lines }) => (lines as Page).has_more)!
    assert.equal((long.lines as Page).data.length, 10)
    const lines = await readAll(`invoices/${long.id}/lines?`)
    assert.equal(lines.length, 14)
    const total = lines.reduce((sum, { amount }) => sum + Number(amount), 0)
    assert.equal(total, long.total)
  })

  test('has an event for each change of a day, in the version of the account', async () => {
    const from = Math.floor(system.clock.now() / 1000) - 86_400 - 5
    const types = ['customer.created', 'customer.updated', 'customer.deleted', 'invoice.updated']
    const query = types.map((type) => `types[]=${type}&`).join('')
    const events = await readAll(`events?${query}created[gte]=${from}&`)
    assert.deepEqual(new Set(events.map(({ type }) => type)), new Set(types))
    const created = events.map((event) => Number(event.created))
    assert.ok(new Set(created).size < created.length, 'equal times')
    for (const event of events) {
      const { object } = event.data as { object: Fields }
      assert.equal(event.api_version, '2022-08-01')
      if (event.type === 'invoice.updated') assert.ok('subscription' in object)
      assert.ok(system.state(String(object.object)).has(String(object.id)))
    }
    const id = [...system.state('customer')].find(([, { deleted }]) => !deleted)![0]
    system.put('customer', { id, tax_ids: { object: 'list', data: [{ id: 'txi_1' }] } })
    const [newest] = ((await (await get('events?limit=1')).json()) as Page).data
    assert.equal(newest?.type, 'customer.tax_id.created')
    system.clock.advance(31 * 86_400_000)
    assert.deepEqual(await readAll('events?'), [])
    assert.deepEqual(await errorOf(`events/${newest?.id}`), [404, 'resource_missing', 'id'])
  })

  test('lets a client that reads each record of an event again end with the truth', async () => {
    const paths = new Map<string, string>(LISTS.map(([object, path]) => [object, path]))
    const held = new Map<string, Fields>()
    const readList = async (object: string, path: string) => {
      for (const record of await readAll(path)) held.set(`${object} ${record.id}`, record)
    }
    for (const [object, path] of LISTS) await readList(object, path)
    for (const seed of [21]) {
      const from = Math.floor(system.clock.now() / 1000) - 60
      system.day(150, seed)
      const keys = new Set(
        (await readAll(`events?created[gte]=${from}&`)).map(({ data }) => {
          const { object } = data as { object: Fields }
          const isTaxId = object.object === 'tax_id'
          return isTaxId ? `customer ${object.customer}` : `${object.object} ${object.id}`
        }),
      )
      for (const key of keys) {
        const [object = '', id] = key.split(' ')
        const [path] = (paths.get(object) ?? '').split('?')
        const expand = object === 'customer' ? '?expand[]=tax_ids' : ''
        const response = await get(`${path}/${id}${expand}`)
        const record = (await response.json()) as Fields
        if (response.status === 404 || record.deleted) held.delete(key)
        else held.set(key, record)
      }
    }
    // A change of a draft has no event.
    await readList('quote', paths.get('quote') ?? '')
    const truth = new Map(
      system.objects.flatMap((object) =>
        [...system.state(object)]
          .filter(([, { deleted }]) => !deleted)
          .map(([id, { record }]) => [`${object} ${id}`, record] as const),
      ),
    )
    assert.deepEqual(sorted(held), sorted(truth))
  })

  test('refuses wrong credentials, versions and parameters', async () => {
    assert.equal((await errorOf('customers', { authorization: 'Bearer sk_test_wrong' }))[0], 401)
    assert.equal((await errorOf('customers', { 'stripe-version': '2022-08-01' }))[0], 400)
    const bare = await fetch(`${system.url}/v1/customers`, {
      headers: { authorization: `Bearer ${system.credentials.secretKey}` },
    })
    assert.equal(bare.status, 400)
    for (const [path, code, param] of [
      ['customers?limit=101', 'parameter_invalid', 'limit'],
      ['customers?updated[gte]=1', 'parameter_unknown', 'updated[gte]'],
      ['customers?created[from]=1', 'parameter_unknown', 'created[from]'],
      ['customers?created[gte]=today', 'parameter_invalid', 'created[gte]'],
      ['customers?expand[]=data.colour', 'parameter_invalid', 'expand[]'],
      ['customers?page=2', 'parameter_unknown', 'page'],
      ['customers?starting_after=cus_none', 'resource_missing', 'starting_after'],
      ['subscriptions?status=open', 'parameter_invalid', 'status'],
    ] as const)
      assert.deepEqual(await errorOf(path), [400, code, param], path)
    assert.deepEqual((await errorOf('coupons'))[0], 404)
    const { unknown } = system.requests()
    assert.ok(unknown.includes('GET /v1/coupons') && unknown.includes('GET /v1/customers?page=2'))
    assert.throws(() => system.put('customer', { colour: 'red' }), /no field colour/)
    assert.throws(() => system.remove('price', system.put('price', {})), /does not delete/)
  })

  test("makes its faults in the vendor's forms", async () => {
    system.faults.add({ kind: 'status', status: 500 }, /customers/)
    assert.equal((await get('customers')).status, 500)
    system.faults.add({ kind: 'status', status: 429 })
    assert.deepEqual(await errorOf('customers'), [429, 'rate_limit', undefined])
    system.faults.add({ kind: 'forbidden' }, /invoices/)
    assert.equal((await errorOf('invoices'))[0], 403)
    const id = (await readAll('customers?'))[0]?.id
    system.faults.add({ kind: 'expired', what: 'cursor' })
    assert.deepEqual((await errorOf(`customers?starting_after=${id}`))[0], 400)
    system.faults.late(60_000, 1)
    const late = system.put('customer', { name: 'Late' })
    assert.equal((await get(`customers/${late}`)).status, 404)
    system.clock.advance(60_000)
    assert.equal((await get(`customers/${late}`)).status, 200)
  })

  test('limits a sandbox to 25 requests in a second', async () => {
    const limited = await stripe.open()
    try {
      const request = () =>
        fetch(`${limited.url}/v1/products`, {
          headers: {
            authorization: `Bearer ${limited.credentials.secretKey}`,
            'stripe-version': version,
          },
        })
      const responses = await Promise.all(Array.from({ length: 30 }, request))
      assert.equal(responses.filter(({ status }) => status === 429).length, 5)
      limited.clock.advance(1_000)
      assert.equal((await request()).status, 200)
      assert.equal(limited.requests().mostInAWindow, 30)
    } finally {
      await limited.close()
    }
  })
})
