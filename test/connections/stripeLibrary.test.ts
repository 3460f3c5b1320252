import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import Stripe from 'stripe'
import { pathKey } from '../../connectors/connection/definition/writeFields.ts'
import type { ModelSystem } from '../../demo/systems/kit/model.ts'
import { stripe } from '../../demo/systems/stripe/stripe.ts'
import { ofKind } from '../connectors/fixture.ts'
import { formOf, openRecorded, type RecordedKind, writeValues } from './vendorLibrary.ts'

// Stripe's own library judges: it signs events for our verifier, sends requests beside those of our
// definition, and asks our model of Stripe.

function libraryFor(url: string, key: string, retries = 0): Stripe {
  const { hostname, port } = new URL(url)
  return new Stripe(key, {
    ...{ host: hostname, port: Number(port), protocol: 'http' },
    ...{ maxNetworkRetries: retries, telemetry: false },
  })
}

describe('an event that the library of Stripe signs', () => {
  const kind = ofKind('stripe')
  const { webhooks } = libraryFor('http://127.0.0.1:1', 'sk_test_x')
  const payload = JSON.stringify({ id: 'evt_1', object: 'event', name: 'Öz 漢字' })
  const now = Date.UTC(2026, 10, 30, 9)
  const seconds = now / 1_000
  const headerOf = (more: { secret?: string; timestamp?: number; scheme?: string } = {}) =>
    webhooks.generateTestHeaderString({
      ...{ payload, secret: 'first-secret', timestamp: seconds, ...more },
    })
  const codeOf = (header: string, body = payload, at = now) => {
    const verdict = kind.verify({ 'stripe-signature': header }, Buffer.from(body), at)
    return verdict.ok ? 'ok' : verdict.code
  }

  test('is accepted, and refused with another secret, body or time', () => {
    assert.equal(codeOf(headerOf()), 'ok')
    assert.equal(codeOf(headerOf({ secret: 'another' })), 'WRONG_SIGNATURE')
    assert.equal(codeOf(headerOf(), payload.replace('evt_1', 'evt_2')), 'WRONG_SIGNATURE')
    const moved = headerOf().replace(String(seconds), String(seconds + 1))
    assert.equal(codeOf(moved), 'WRONG_SIGNATURE')
  })

  test('is accepted for 300 seconds, as the library accepts it', () => {
    for (const age of [0, 299, 300, 301, 86_400]) {
      const header = headerOf({ timestamp: seconds - age })
      const theirs = () =>
        webhooks.constructEvent(payload, header, 'first-secret', undefined, undefined, now)
      if (age <= 300) {
        assert.equal(codeOf(header), 'ok')
        assert.equal((theirs() as { id: string }).id, 'evt_1')
      } else {
        assert.equal(codeOf(header), 'STALE_TIMESTAMP')
        assert.throws(theirs, /outside the tolerance/)
      }
    }
    // The library accepts any time to come; we do not.
    assert.equal(codeOf(headerOf({ timestamp: seconds + 301 })), 'FUTURE_TIMESTAMP')
  })

  test('may have several signatures while a secret is replaced, of which one of v1 must be right', () => {
    const signatureOf = (secret: string, scheme = 'v1') =>
      headerOf({ secret, scheme }).replace(/^t=\d+,/, '')
    const both = (...signatures: string[]) => [`t=${seconds}`, ...signatures].join(',')
    const [right, old] = [signatureOf('first-secret'), signatureOf('old-secret')]
    assert.equal(codeOf(both(old, right)), 'ok')
    assert.equal(codeOf(both(right, old)), 'ok')
    assert.equal(codeOf(both(old, signatureOf('older'))), 'WRONG_SIGNATURE')
    assert.equal(codeOf(both(old, signatureOf('first-secret', 'v0'))), 'WRONG_SIGNATURE')
    assert.equal(codeOf(both(signatureOf('first-secret', 'v0'))), 'NO_SIGNATURE')
  })
})

type Values = Record<string, string | boolean>

describe('a write of our definition, beside the library of Stripe', () => {
  let recorded: RecordedKind
  let library: Stripe
  const customer = { id: 'cus_1', name: 'Old', address: {}, metadata: {} }
  const product = { id: 'prod_1', name: 'Old', metadata: {} }
  before(async () => {
    recorded = await openRecorded(
      'stripe',
      { base: '{url}', secretKey: { env: 'KEY' } },
      { KEY: 'sk_test_1' },
      ({ path }) =>
        path.endsWith('/search')
          ? { body: { object: 'search_result', data: [], has_more: false } }
          : { body: path.includes('product') ? product : customer },
    )
    library = libraryFor(recorded.url, 'sk_test_1')
  })
  after(() => recorded.close())

  const CUSTOMER: Values = {
    name: 'Blue Fen & Söhne',
    business_name: 'Blue Fen SE',
    individual_name: 'Ada Öz',
    description: 'a=b&c=d [e]',
    email: 'ada+x@bluefen.example',
    phone: '+49 431 1',
    'address.line1': '1 Main Street',
    'address.line2': 'Haus B',
    'address.city': 'Köln',
    'address.state': 'NW',
    'address.postal_code': '50667',
    'address.country': 'DE',
    'metadata.touchstone_id': 'gr-1',
  }
  const PRODUCT: Values = {
    name: 'Gold',
    description: '100 % gold',
    unit_label: 'seat',
    active: false,
    'metadata.sku': 'G-1',
    'metadata.gtin': '04012345678901',
    'metadata.category': 'plans',
    'metadata.touchstone_id': 'gr-1',
  }

  function parametersOf(values: Values): Record<string, unknown> {
    const parameters: Record<string, unknown> = {}
    for (const [path, value] of Object.entries(values)) {
      const [first = '', part] = path.split('.')
      const group = parameters[first] as Values | undefined
      parameters[first] = part === undefined ? value : { ...group, [part]: value }
    }
    return parameters
  }

  async function compare(
    object: string,
    values: Values,
    record: Record<string, unknown> | null,
    expand: string,
    send: (parameters: never, options: { idempotencyKey: string }) => Promise<unknown>,
  ): Promise<void> {
    recorded.sent()
    await writeValues(recorded.connection, object, values, record)
    const ours = recorded.sent()
    const idempotencyKey = String(ours[0]?.headers['idempotency-key'])
    assert.ok(idempotencyKey.length > 0 && idempotencyKey.length <= 255)
    await send({ ...parametersOf(values), expand: [expand] } as never, { idempotencyKey })
    const theirs = recorded.sent()
    // The library numbers the elements of a list; the vendor takes both forms.
    const forms = (requests: typeof ours) =>
      JSON.parse(JSON.stringify(requests.map(formOf)).replaceAll('expand[0]', 'expand[]'))
    assert.deepEqual(forms(ours), forms(theirs))
    const named = ({ headers }: (typeof ours)[number]) => [
      headers.authorization,
      headers['content-type'],
      headers['idempotency-key'],
      headers['stripe-version'],
    ]
    assert.deepEqual(ours.map(named), theirs.map(named))
  }

  test('creates and changes the same customer, in the version of the library', async () => {
    await compare('customer', CUSTOMER, null, 'tax_ids', (p, o) => library.customers.create(p, o))
    await compare('customer', CUSTOMER, customer, 'tax_ids', (p, o) =>
      library.customers.update('cus_1', p, o),
    )
  })

  test('creates and changes the same product', async () => {
    const expand = 'default_price'
    await compare('product', PRODUCT, null, expand, (p, o) => library.products.create(p, o))
    await compare('product', PRODUCT, product, expand, (p, o) =>
      library.products.update('prod_1', p, o),
    )
  })

  test('has been compared for every field that the definition writes, and for no other', () => {
    for (const [object, values] of Object.entries({ customer: CUSTOMER, product: PRODUCT })) {
      const updates = recorded.objectOf(object).write?.updates ?? []
      const written = new Set(updates.flatMap(({ fields }) => [...fields.keys()]))
      assert.deepEqual(written, new Set(Object.keys(values).map(pathKey)))
    }
  })
})

describe('the model of Stripe, asked by the library of Stripe', () => {
  let system: ModelSystem
  let library: Stripe
  before(async () => {
    system = await stripe.open({ seed: 3, limits: 'none' })
    system.fill(110, 1)
    library = libraryFor(system.url, system.credentials.secretKey ?? '')
  })
  after(() => system.close())

  test('lists every record, page by page', async () => {
    const limit = { limit: 100 }
    const lists: [string, AsyncIterable<{ id: string }>][] = [
      ['customer', library.customers.list({ ...limit, expand: ['data.tax_ids'] })],
      ['product', library.products.list(limit)],
      ['price', library.prices.list(limit)],
      ['subscription', library.subscriptions.list({ ...limit, status: 'all' })],
      ['invoice', library.invoices.list(limit)],
      ['credit_note', library.creditNotes.list(limit)],
      ['payment_intent', library.paymentIntents.list(limit)],
      ['refund', library.refunds.list(limit)],
    ]
    for (const [object, list] of lists) {
      const found: string[] = []
      for await (const { id } of list) found.push(id)
      const living = [...system.state(object)].filter(([, { deleted }]) => !deleted)
      assert.deepEqual(found.toSorted(), living.map(([id]) => id).toSorted(), object)
      assert.ok(found.length > 100, `${object} has several pages`)
    }
    assert.deepEqual(system.requests().unknown, [])
  })

  test('finds what changed by events, and by a search that lags', async () => {
    const { id } = await library.customers.create({
      name: 'Blue Fen',
      metadata: { touchstone_id: 'gr-5' },
    })
    await library.customers.update(id, { phone: '+49 431 1' })
    await library.customers.del(id)
    const all = ['customer.created', 'customer.updated', 'customer.deleted']
    const types: string[] = []
    for await (const event of library.events.list({ types: all, limit: 2 })) {
      if ((event.data.object as { id?: string }).id === id) types.unshift(event.type)
      if (types.length === 3) break
    }
    assert.deepEqual(types, all)
    assert.equal((await library.customers.retrieve(id)).deleted, true)
    const { id: other } = await library.customers.create({ metadata: { touchstone_id: 'gr-6' } })
    const query = "metadata['touchstone_id']:'gr-6'"
    assert.deepEqual((await library.customers.search({ query })).data, [])
    system.clock.advance(61_000)
    assert.deepEqual(
      (await library.customers.search({ query })).data.map((c) => c.id),
      [other],
    )
  })

  test('repeats its answer under a key, and refuses the key for another request', async () => {
    const key = { idempotencyKey: 'intent-7' }
    const first = await library.customers.create({ name: 'Once' }, key)
    const again = await library.customers.create({ name: 'Once' }, key)
    assert.equal(again.id, first.id)
    assert.equal(again.lastResponse.headers['idempotent-replayed'], 'true')
    await assert.rejects(
      library.customers.create({ name: 'Twice' }, key),
      Stripe.errors.StripeIdempotencyError,
    )
    // The library repeats a request by itself, under a key of its own: no second customer.
    system.faults.add({ kind: 'cut', after: 'execution' })
    const patient = libraryFor(system.url, system.credentials.secretKey ?? '', 2)
    await patient.customers.create({ name: 'Cut off' })
    const made = system.writes().filter(({ fields }) => fields.name === 'Cut off')
    assert.equal(made.length, 1)
  })

  test('refuses in forms that the library knows', async () => {
    const { errors } = Stripe
    await assert.rejects(library.customers.retrieve('cus_none'), (e: Error) => {
      assert.ok(e instanceof errors.StripeInvalidRequestError)
      assert.deepEqual([e.statusCode, e.code, e.param], [404, 'resource_missing', 'id'])
      return true
    })
    await assert.rejects(
      libraryFor(system.url, 'sk_test_wrong').customers.list(),
      errors.StripeAuthenticationError,
    )
    system.faults.add({ kind: 'status', status: 429, retryAfterSeconds: 0 })
    await assert.rejects(library.products.list(), errors.StripeRateLimitError)
    system.faults.add({ kind: 'status', status: 403 })
    await assert.rejects(library.products.list(), errors.StripePermissionError)
    system.faults.add({ kind: 'status', status: 500 })
    await assert.rejects(library.products.list(), errors.StripeAPIError)
    await assert.rejects(library.products.list({ limit: 101 }), errors.StripeInvalidRequestError)
  })
})
