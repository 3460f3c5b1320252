import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import Chargebee, { type ChargebeeResponse } from 'chargebee'
import { pathKey } from '../../connectors/connection/definition/writeFields.ts'
import { chargebee } from '../../demo/systems/chargebee/chargebee.ts'
import type { ModelSystem } from '../../demo/systems/kit/model.ts'
import type { Received } from '../connectors/connection/server.ts'
import { formOf, openRecorded, type RecordedKind, writeValues } from './vendorLibrary.ts'

// Chargebee's own library judges: it checks what it sends against the types that Chargebee
// publishes, so a request of our definition must be the one that the library makes of the same values.

const apiKey = 'test_0123456789'

function libraryFor(url: string, key: string, enableValidation = true): Chargebee {
  const { hostname, port } = new URL(url)
  const address = { protocol: 'http' as const, hostSuffix: '', port: Number(port) }
  return new Chargebee({ ...address, site: hostname, apiKey: key, enableValidation })
}

type Values = Record<string, string | number>
const ADDRESS: Values = {
  'billing_address.company': 'Blue Fen SE',
  'billing_address.first_name': 'Ada',
  'billing_address.last_name': 'Öz & Co',
  'billing_address.phone': '+49 431 1',
  'billing_address.line1': '1 Main Street',
  'billing_address.line2': 'Haus B',
  'billing_address.line3': '2. OG',
  'billing_address.city': 'Köln',
  'billing_address.state': 'Nordrhein-Westfalen',
  'billing_address.state_code': 'NW',
  'billing_address.zip': '50667',
  'billing_address.country': 'DE',
}
const VAT: Values = { vat_number: '123456789', vat_number_prefix: 'DE' }
const PERSON: Values = {
  company: 'Blue Fen SE',
  first_name: 'Ada',
  last_name: 'Öz',
  email: 'ada@bluefen.example',
  phone: '+49 431 2',
  net_term_days: 30,
  preferred_currency_code: 'EUR',
}
const ITEM: Values = {
  external_name: 'Gold plan',
  name: 'gold',
  description: 'All of it',
  unit: 'seat',
  status: 'archived',
}

/** Returns values as the library takes them: parts of an address within the address. */
function parametersOf(values: Values) {
  const address: Values = {}
  const parameters: Record<string, string | number | Values> = {}
  for (const [path, value] of Object.entries(values)) {
    const [first = '', part] = path.split('.')
    if (part === undefined) parameters[first] = value
    else parameters[first] = Object.assign(address, { [part]: value })
  }
  return parameters
}

describe('a write of our definition, beside the library of Chargebee', () => {
  let recorded: RecordedKind
  let library: Chargebee
  const customer = { id: 'c-1', resource_version: 7, billing_address: { city: 'Bonn' } }
  before(async () => {
    recorded = await openRecorded(
      'chargebee',
      { site: 'acme', base: '{url}', apiKey: { env: 'KEY' } },
      { KEY: apiKey },
      ({ method, path }) => {
        if (path.startsWith('/api/v2/items/')) return { body: { item: { id: 'i-1' } } }
        if (method === 'GET' && path.endsWith('/gr-1'))
          return { status: 404, body: { api_error_code: 'resource_not_found', message: 'gone' } }
        const id = path === '/api/v2/customers' ? 'gr-1' : customer.id
        return { body: { customer: { ...customer, id } } }
      },
    )
    library = libraryFor(recorded.url, apiKey)
  })
  after(() => recorded.close())

  /** Compares what we send with what the library sends. */
  async function compare(
    object: string,
    values: Values,
    record: Record<string, unknown> | null,
    send: (parameters: never, headers: never) => Promise<ChargebeeResponse<unknown>>,
    more: Values = {},
  ): Promise<void> {
    recorded.sent()
    await writeValues(recorded.connection, object, values, record)
    const ours = recorded.sent()
    const key = ours[0]?.headers['chargebee-idempotency-key']
    const headers = key === undefined ? {} : { 'chargebee-idempotency-key': key }
    await send({ ...parametersOf(values), ...more } as never, headers as never)
    const theirs = recorded.sent()
    assert.deepEqual(ours.map(formOf), theirs.map(formOf))
    const named = ({ headers }: Received) => [
      headers.authorization,
      headers['content-type']?.replace(/;.*/, ''),
      headers['chargebee-idempotency-key'],
    ]
    assert.deepEqual(ours.map(named), theirs.map(named))
  }

  test('creates the same customer', async () => {
    await compare(
      'customer',
      { ...PERSON, ...VAT, ...ADDRESS },
      null,
      (p, h) => library.customer.create(p, h),
      { id: 'gr-1' },
    )
  })

  test('changes the same fields of a customer and of its billing', async () => {
    await compare('customer', PERSON, customer, (p, h) =>
      library.customer.update(customer.id, p, h),
    )
    await compare('customer', { ...VAT, ...ADDRESS }, customer, (p, h) =>
      library.customer.updateBillingInfo(customer.id, p, h),
    )
  })

  test('changes the same fields of an item', async () => {
    await compare('item', ITEM, { id: 'i-1' }, (p, h) => library.item.update('i-1', p, h))
  })

  test('has been compared for every field that the definition writes, and for no other', () => {
    const written = (object: string) =>
      new Set(recorded.objectOf(object).write?.updates.flatMap(({ fields }) => [...fields.keys()]))
    const keys = (values: Values) => new Set(Object.keys(values).map(pathKey))
    assert.deepEqual(written('customer'), keys({ ...PERSON, ...VAT, ...ADDRESS }))
    assert.deepEqual(written('item'), keys(ITEM))
  })

  test('would be refused by the library where a value is too long, of another type, or none of a list', async () => {
    const refused: [string, () => Promise<unknown>][] = [
      ['company', () => library.customer.update('c-1', { company: 'x'.repeat(251) })],
      ['email', () => library.customer.update('c-1', { email: 'nobody' })],
      ['net_term_days', () => library.customer.update('c-1', { net_term_days: 1.5 })],
      ['status', () => library.item.update('i-1', { status: 'deleted' as 'active' })],
      [
        'billing_address.zip',
        () =>
          library.customer.updateBillingInfo('c-1', { billing_address: { zip: '1'.repeat(21) } }),
      ],
    ]
    for (const [field, work] of refused)
      await assert.rejects(work, (e: Error) => {
        assert.equal(e.constructor.name, 'ChargebeeZodValidationError')
        assert.match(e.message, new RegExp(field))
        return true
      })
    assert.deepEqual(recorded.sent(), [])
  })
})

/** A schema of the library, as far as its names are looked at. */
interface Schema {
  shape?: Record<string, Schema>
  unwrap?(): Schema
  safeParse(value: unknown): { success: boolean; error?: Error }
}

/** Returns the parameters of a list that the library knows; it exports them from no entry point. */
async function listSchemaOf(object: string): Promise<Schema> {
  const file = new URL(`./schema/${object}.schema.js`, import.meta.resolve('chargebee'))
  const name = object.replace(/(^|_)([a-z])/g, (_, __, letter: string) => letter.toUpperCase())
  const schema = ((await import(file.href)) as Record<string, Schema>)[`List${name}BodySchema`]
  assert.ok(schema, `the library lists ${object}`)
  return schema
}

const inner = (schema: Schema | undefined): Schema | undefined =>
  schema?.unwrap ? inner(schema.unwrap()) : schema

/** Returns what the library says against the parameters of a list. */
function problemsOf(schema: Schema, query: URLSearchParams): string[] {
  return [...query].flatMap(([name, text]) => {
    const [, first = '', part] = /^(\w+)(?:\[(\w+)\])?$/.exec(name) ?? []
    const known = inner(schema.shape?.[first])
    const judged = part === undefined ? known : inner(known?.shape?.[part])
    if (!judged) return [`${name} is unknown`]
    // The library takes numbers and flags, and writes them as texts.
    const forms = [text, Number(text), text === 'true']
    return forms.some((value) => judged.safeParse(value).success) ? [] : [`${name} is not ${text}`]
  })
}

describe('a pull of our definition, beside the library of Chargebee', () => {
  const OBJECTS = ['customer', 'item_family', 'item', 'item_price', 'subscription', 'invoice']
  const MORE = ['credit_note', 'transaction']

  test('asks with parameters that the library knows, with values that it would send', async (t) => {
    const recorded = await openRecorded(
      'chargebee',
      { site: 'acme', base: '{url}', apiKey: { env: 'KEY' } },
      { KEY: apiKey },
      () => ({ body: { list: [] } }),
    )
    t.after(() => recorded.close())
    const { connection } = recorded
    const { signal } = new AbortController()
    for (const object of [...OBJECTS, ...MORE]) {
      const schema = await listSchemaOf(object)
      let position = null
      for await (const page of connection.pull(object, null, signal)) position = page.position
      assert.equal(position?.mode, 'DELTA')
      for await (const page of connection.pull(object, position, signal)) position = page.position
      await connection.readSeveral(object, ['a-1', 'b,2"'], signal)
      const lists = recorded
        .asked()
        .filter(({ path }) => path.endsWith('s') || path.endsWith('ies'))
      assert.ok(lists.length >= 3, `${object}: the whole list, what changed, and single records`)
      const problems = new Set(lists.flatMap(({ query }) => problemsOf(schema, query)))
      assert.deepEqual([...problems], [], object)
    }
    const schema = await listSchemaOf('customer')
    const wrong = new URLSearchParams('limit=200&updated[at]=1&sort_by[asc]=name')
    assert.equal(problemsOf(schema, wrong).length, 3, 'the judge refuses')
  })
})

describe('the model of Chargebee, asked by the library of Chargebee', () => {
  let system: ModelSystem
  let library: Chargebee
  before(async () => {
    system = await chargebee.open({ seed: 3, limits: 'none' })
    system.fill(120, 1)
    library = libraryFor(system.url, system.credentials.apiKey ?? '')
  })
  after(() => system.close())

  interface List {
    list: Record<string, { id: string }>[]
    next_offset?: string
  }
  const LISTS = {
    customer: (input: never) => library.customer.list(input),
    item_family: (input: never) => library.itemFamily.list(input),
    item: (input: never) => library.item.list(input),
    item_price: (input: never) => library.itemPrice.list(input),
    subscription: (input: never) => library.subscription.list(input),
    invoice: (input: never) => library.invoice.list(input),
    credit_note: (input: never) => library.creditNote.list(input),
    transaction: (input: never) => library.transaction.list(input),
  }

  test('lists every record, page by page', async () => {
    for (const [object, list] of Object.entries(LISTS)) {
      const found: string[] = []
      for (let offset: string | undefined, page: List | null = null; !page || offset; ) {
        page = (await list({
          limit: 100,
          ...(offset ? { offset } : {}),
        } as never)) as unknown as List
        found.push(...page.list.map((entry) => entry[object]?.id ?? ''))
        offset = page.next_offset
      }
      const living = [...system.state(object)].filter(([, { deleted }]) => !deleted)
      assert.deepEqual(found.toSorted(), living.map(([id]) => id).toSorted(), object)
      assert.ok(found.length > 100, `${object} has several pages`)
    }
    assert.deepEqual(system.requests().unknown, [])
  })

  test('filters by a window of the last change', async () => {
    const [first] = (
      await library.customer.list({ limit: 1, sort_by: { desc: 'updated_at' } } as never)
    ).list
    const at = Number(first?.customer.updated_at)
    assert.ok(at > 0)
    // Its own check refuses the list that its types ask for.
    const unchecked = libraryFor(system.url, system.credentials.apiKey ?? '', false)
    const { list } = await unchecked.customer.list({
      updated_at: { between: [at, at] },
      limit: 100,
    })
    assert.ok(list.some(({ customer }) => customer.id === first?.customer.id))
    assert.ok(list.every(({ customer }) => customer.updated_at === at))
  })

  test('creates once under a key, changes, and refuses in the forms that the library reads', async () => {
    const key = { 'chargebee-idempotency-key': 'k-1' }
    const made = await library.customer.create({ id: 'gr-7', company: 'Blue Fen' }, key)
    assert.equal(made.customer.company, 'Blue Fen')
    const again = await library.customer.create({ id: 'gr-7', company: 'Blue Fen' }, key)
    assert.deepEqual(again.customer, made.customer)
    assert.ok(again.isIdempotencyReplayed)
    const { customer } = await library.customer.updateBillingInfo('gr-7', {
      vat_number: '123456789',
      billing_address: { city: 'Kiel', country: 'DE' },
    })
    assert.equal(customer.billing_address?.city, 'Kiel')
    const codeOf = (work: Promise<unknown>) =>
      work.then(
        () => null,
        (e: { api_error_code?: string; http_status_code?: number }) =>
          `${e.http_status_code} ${e.api_error_code}`,
      )
    assert.equal(await codeOf(library.customer.retrieve('nobody')), '404 resource_not_found')
    assert.equal(await codeOf(library.customer.create({ id: 'gr-7' })), '400 duplicate_entry')
    assert.equal(
      await codeOf(libraryFor(system.url, 'wrong').customer.retrieve('gr-7')),
      '401 api_authentication_failed',
    )
    system.faults.add({ kind: 'status', status: 429, retryAfterSeconds: 1 })
    assert.equal(await codeOf(library.customer.retrieve('gr-7')), '429 api_request_limit_exceeded')
  })
})
