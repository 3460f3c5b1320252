import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { chargebee } from '../../../demo/systems/chargebee/chargebee.ts'
import type { ModelSystem } from '../../../demo/systems/kit/model.ts'

type Fields = Record<string, unknown>
interface Page {
  list: Record<string, Fields>[]
  next_offset?: string
}

const LISTS = [
  ['item_family', 'item_families'],
  ['item', 'items'],
  ['item_price', 'item_prices'],
  ['customer', 'customers'],
  ['subscription', 'subscriptions'],
  ['invoice', 'invoices'],
  ['credit_note', 'credit_notes'],
  ['quote', 'quotes'],
  ['order', 'orders'],
  ['transaction', 'transactions'],
] as const

const sorted = (records: ReadonlyMap<string, Fields>) =>
  [...records].sort(([a], [b]) => (a < b ? -1 : 1))

describe('the model of Chargebee', () => {
  let system: ModelSystem
  const get = (path: string, key = system.credentials.apiKey) =>
    fetch(`${system.url}/api/v2/${path}`, {
      headers: { authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}` },
    })
  const errorOf = async (path: string, key?: string) => {
    const response = await get(path, key)
    const body = (await response.json()) as Fields
    return [response.status, body.api_error_code, body.param]
  }
  /** Reads all pages of a list. `each` runs after each page. */
  const readAll = async (path: string, each = () => {}) => {
    const found: Fields[] = []
    let offset = ''
    do {
      const response = await get(`${path}&limit=100${offset && `&offset=${offset}`}`)
      assert.equal(response.status, 200, path)
      const page = (await response.json()) as Page
      for (const entry of page.list) found.push(...Object.values(entry))
      offset = page.next_offset ? encodeURIComponent(page.next_offset) : ''
      each()
    } while (offset)
    return found
  }
  /** Path that lists every record of an object, deleted ones included. */
  const everything = (object: string, path: string) =>
    object.startsWith('item')
      ? `${path}?status[in]=["active","archived","deleted"]`
      : `${path}?include_deleted=true`
  const assertAll = (object: string, records: readonly Fields[]) => {
    const state = system.state(object)
    assert.deepEqual(
      new Map(records.map((record) => [record.id, record])),
      new Map([...state].map(([id, { record }]) => [id, record])),
    )
    assert.equal(records.length, state.size, object)
  }

  before(async () => {
    system = await chargebee.open({ seed: 3, limits: 'none' })
    system.fill(110, 1)
    system.day(100, 2)
  })
  after(() => system.close())

  test('lists every record of each object, deleted ones included', async () => {
    for (const [object, path] of LISTS) {
      const records = await readAll(everything(object, path))
      assertAll(object, records)
      const deleted = [...system.state(object).values()].filter((row) => row.deleted).length
      const include = object === 'item' || object === 'item_price' ? '&include_deleted=true' : ''
      const living = await readAll(`${path}?id[is_not]=none${include}`)
      assert.equal(living.length, records.length - deleted)
    }
    assert.ok([...system.state('customer').values()].some((row) => row.deleted))
  })

  test('lists contacts only under each customer that is not deleted', async () => {
    const contacts: Fields[] = []
    for (const [id, { deleted }] of system.state('customer'))
      if (deleted) assert.deepEqual((await errorOf(`customers/${id}/contacts`))[0], 404)
      else contacts.push(...(await readAll(`customers/${id}/contacts?`)))
    const living = [...system.state('contact')].filter(([, { deleted }]) => !deleted)
    assert.deepEqual(
      new Map(contacts.map((contact) => [contact.id, contact])),
      new Map(living.map(([id, { record }]) => [id, record])),
    )
    assert.equal((await get('contacts')).status, 404)
  })

  test('filters and sorts by updated_at, which some records do not have', async () => {
    const all = [...system.state('customer').values()].map(({ record }) => record)
    const since = Math.floor(system.clock.now() / 1000) - 86_400 - 5
    const window = `updated_at[between]=[${since},${since + 100_000}]`
    const changed = await readAll(
      `customers?include_deleted=true&${window}&sort_by[asc]=updated_at`,
    )
    const times = changed.map((record) => Number(record.updated_at))
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    )
    assert.equal(changed.length, all.filter((record) => Number(record.updated_at) >= since).length)
    assert.ok(changed.length > 5 && changed.length < all.length)
    assert.ok(new Set(times).size < times.length, 'equal times')
    assert.ok(all.some((record) => record.updated_at === undefined))
    const first = await readAll('customers?include_deleted=true&sort_by[asc]=updated_at')
    assert.equal(first[0]?.updated_at, undefined)
  })

  test('a record that changes leaves a closed window and comes in the next', async () => {
    const to = Math.floor(system.clock.now() / 1000)
    const moving = [...system.state('customer')].filter(([, { deleted }]) => !deleted).slice(-3)
    system.clock.advance(5_000)
    let moved = false
    const window = await readAll(
      `customers?include_deleted=true&updated_at[between]=[0,${to}]&sort_by[asc]=updated_at`,
      () => {
        if (moved) return
        moved = true
        for (const [id] of moving) system.put('customer', { id, phone: '+49 30 1' })
      },
    )
    const next = await readAll(`customers?include_deleted=true&updated_at[after]=${to}`)
    assert.deepEqual(new Set(next.map(({ id }) => id)), new Set(moving.map(([id]) => id)))
    const unstamped = [...system.state('customer').values()].filter(
      ({ record }) => record.updated_at === undefined,
    )
    assert.equal(
      new Set([...window, ...next].map(({ id }) => id)).size + unstamped.length,
      system.state('customer').size,
    )
  })

  test('lists events of 90 days, and a change of a contact as one of its customer', async () => {
    const from = Math.floor(system.clock.now() / 1000) - 2 * 86_400
    const events = await readAll(
      `events?occurred_at[between]=[${from},${from + 200_000}]&sort_by[asc]=occurred_at`,
    )
    const types = new Set(events.map(({ event_type }) => event_type))
    for (const type of ['customer_changed', 'customer_deleted', 'subscription_created'])
      assert.ok(types.has(type), type)
    assert.ok(events.every((event) => event.api_version === 'v2'))
    const ids = events
      .filter(({ event_type }) => event_type === 'customer_deleted')
      .map(({ content }) => (content as Record<string, Fields>).customer?.id)
    for (const id of ids) assert.ok(system.state('customer').get(String(id))?.deleted)
    const [contact] = [...system.state('contact')].find(([, { deleted }]) => !deleted)!
    system.put('contact', { id: contact, phone: '+1 2' })
    const [newest] = ((await (await get('events?limit=1')).json()) as Page).list
    assert.equal(newest?.event?.event_type, 'customer_changed')
    const old = await readAll('events?sort_by[asc]=occurred_at')
    assert.ok(Number(old[0]?.occurred_at) >= from - 89 * 86_400)
  })

  test('lets a client that reads closed windows end with the truth', async () => {
    const held = new Map<string, Fields>()
    const keep = (object: string, records: readonly Fields[]) => {
      for (const record of records) held.set(`${object} ${record.id}`, record)
    }
    /** Reads the contacts of a customer; those that are not there are deleted. */
    const contactsOf = new Map<string, ReadonlySet<unknown>>()
    const keepContacts = async (customer: Fields) => {
      const id = String(customer.id)
      const contacts = customer.deleted ? [] : await readAll(`customers/${id}/contacts?`)
      for (const contact of contactsOf.get(id) ?? []) held.delete(`contact ${contact}`)
      contactsOf.set(id, new Set(contacts.map((contact) => contact.id)))
      keep('contact', contacts)
    }
    const now = () => Math.floor(system.clock.now() / 1000)
    let from = now()
    for (const [object, path] of LISTS) keep(object, await readAll(everything(object, path)))
    for (const [key, record] of [...held])
      if (key.startsWith('customer ')) await keepContacts(record)
    for (const seed of [11]) {
      system.day(100, seed)
      const window = `updated_at[between]=[${from - 60},${now()}]`
      from = now()
      const touched: Fields[] = []
      for (const [object, path] of LISTS) {
        const records = await readAll(`${everything(object, path)}&${window}`)
        keep(object, records)
        if (object === 'customer') touched.push(...records)
      }
      // A merge moves contacts: those of deleted customers are dropped before others take them.
      touched.sort((a, b) => Number(b.deleted) - Number(a.deleted))
      for (const customer of touched) await keepContacts(customer)
    }
    const truth = system.objects.flatMap((object) =>
      [...system.state(object)]
        .filter(([, { deleted }]) => object !== 'contact' || !deleted)
        .map(([id, { record }]) => [`${object} ${id}`, record] as const),
    )
    assert.deepEqual(sorted(held), sorted(new Map(truth)))
  })

  test('refuses a wrong credential, wrong parameters and calls of the other catalog', async () => {
    assert.deepEqual(await errorOf('customers', 'wrong'), [
      401,
      'api_authentication_failed',
      undefined,
    ])
    for (const [path, param] of [
      ['customers?limit=101', 'limit'],
      ['customers?limit=0', 'limit'],
      ['customers?page=2', 'page'],
      ['customers?sort_by[asc]=company', 'sort_by[asc]'],
      ['customers?updated_at[gte]=1', 'updated_at[gte]'],
      ['customers?updated_at[between]=1,2', 'updated_at[between]'],
      ['customers?colour[is]=red', 'colour[is]'],
      ['customers?offset=100', 'offset'],
      ['item_families?include_deleted=true', 'include_deleted'],
      ['item_families?sort_by[asc]=updated_at', 'sort_by[asc]'],
      ['credit_notes?sort_by[asc]=updated_at', 'sort_by[asc]'],
    ] as const)
      assert.deepEqual(await errorOf(path), [400, 'param_wrong_value', param], path)
    assert.deepEqual((await errorOf('plans')).slice(0, 2), [400, 'configuration_incompatible'])
    assert.deepEqual((await errorOf('customers/none')).slice(0, 2), [404, 'resource_not_found'])
    const { unknown } = system.requests()
    assert.ok(unknown.includes('GET /api/v2/customers?page=2'))
    assert.ok(unknown.includes('GET /api/v2/contacts'))
    assert.throws(() => system.put('customer', { colour: 'red' }), /no field colour/)
  })

  test("makes its faults in the vendor's forms", async () => {
    system.faults.add({ kind: 'status', status: 503, retryAfterSeconds: 1 })
    assert.deepEqual(await errorOf('items'), [503, 'internal_temporary_error', undefined])
    system.faults.add({ kind: 'forbidden' }, /\/invoices/)
    assert.deepEqual(await errorOf('invoices'), [403, 'api_authorization_failed', undefined])
    const page = (await (await get('customers?limit=1')).json()) as Page
    system.faults.add({ kind: 'expired', what: 'cursor' })
    const offset = encodeURIComponent(page.next_offset!)
    assert.deepEqual((await errorOf(`customers?limit=1&offset=${offset}`))[0], 400)
    system.faults.late(60_000, 1)
    const id = system.put('customer', { company: 'Late' })
    assert.equal((await get(`customers/${id}`)).status, 404)
    system.clock.advance(60_000)
    assert.equal((await get(`customers/${id}`)).status, 200)
  })

  test('limits a test site to 150 requests a minute', async () => {
    const limited = await chargebee.open()
    try {
      const request = () =>
        fetch(`${limited.url}/api/v2/items`, {
          headers: { authorization: `Basic ${btoa(`${limited.credentials.apiKey}:`)}` },
        })
      for (let n = 0; n < 150; n++) await (await request()).arrayBuffer()
      const refused = await request()
      assert.equal(refused.status, 429)
      assert.ok(Number(refused.headers.get('retry-after')) > 50)
      limited.clock.advance(60_000)
      assert.equal((await request()).status, 200)
      assert.equal(limited.requests().mostInAWindow, 151)
    } finally {
      await limited.close()
    }
  })
})
