import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { ModelSystem } from '../../../demo/systems/kit/model.ts'
import { stripe } from '../../../demo/systems/stripe/stripe.ts'

type Fields = Record<string, unknown>
interface Failure {
  error: { code?: string; param?: string; type: string; message: string }
}

let system: ModelSystem
before(async () => {
  system = await stripe.open({ seed: 7, limits: 'none' })
  system.fill(5, 7)
})
beforeEach(() => system.faults.clear())
after(() => system.close())

async function send<T = Fields>(
  method: string,
  path: string,
  form?: Record<string, string>,
  headers: Record<string, string> = {},
) {
  const response = await fetch(`${system.url}/v1/${path}`, {
    method,
    headers: {
      authorization: `Bearer ${system.credentials.secretKey}`,
      'stripe-version': '2026-10-28.endive',
      ...headers,
    },
    ...(form && { body: new URLSearchParams(form) }),
  })
  const body = (await response.json()) as T
  return { status: response.status, headers: response.headers, body }
}
const post = (path: string, form: Record<string, string>, key?: string) =>
  send('POST', path, form, key === undefined ? {} : { 'idempotency-key': key })
const problemOf = async (path: string, form: Record<string, string>) => {
  const { status, body } = await send<Failure>('POST', path, form)
  return [status, body.error.code, body.error.param]
}
const made = (name: string) =>
  system.writes().filter(({ action, fields }) => action === 'created' && fields.name === name)
const events = async (object: string) => {
  const { body } = await send<{
    data: { type: string; data: { object: Fields }; request: Fields }[]
  }>('GET', 'events?limit=100')
  return body.data.filter(({ data }) => data.object.id === object)
}

describe('a write to the model of Stripe', () => {
  test('creates, changes, clears and deletes', async () => {
    const { status, body } = await post('customers', {
      name: 'Acme',
      'address[line1]': '1 Street',
      'address[country]': 'DE',
      'metadata[touchstone_id]': 'gr-1',
      'preferred_locales[]': 'de',
      'expand[]': 'tax_ids',
    })
    assert.equal(status, 200)
    const id = String(body.id)
    assert.deepEqual(body, system.state('customer').get(id)!.record)
    assert.deepEqual(body.metadata, { touchstone_id: 'gr-1' })
    await post(`customers/${id}`, { name: 'Acme 2', 'metadata[a]': 'b', 'address[city]': 'Ulm' })
    const changed = system.state('customer').get(id)!.record
    assert.deepEqual(changed.metadata, { touchstone_id: 'gr-1', a: 'b' })
    assert.deepEqual((changed.address as Fields).line1, null, 'a hash is replaced')
    await post(`customers/${id}`, { name: '', address: '', 'metadata[a]': '' })
    const cleared = system.state('customer').get(id)!.record
    assert.deepEqual([cleared.name, cleared.address], [null, null])
    assert.deepEqual(cleared.metadata, { touchstone_id: 'gr-1' })
    await post(`customers/${id}/tax_ids`, { type: 'eu_vat', value: 'DE123456789' })
    const { body: read } = await send('GET', `customers/${id}?expand[]=tax_ids`)
    assert.equal((read.tax_ids as { data: Fields[] }).data[0]!.value, 'DE123456789')
    assert.deepEqual((await send('DELETE', `customers/${id}`)).body, {
      ...{ id, object: 'customer', deleted: true },
    })
    assert.deepEqual(await problemOf(`customers/${id}`, {}), [404, 'resource_missing', 'id'])
    const product = await post('products', { id: 'gr-p', name: 'Valve' })
    assert.equal(product.body.id, 'gr-p')
    assert.deepEqual(await problemOf('products', { id: 'gr-p', name: 'x' }), [
      ...[400, 'resource_already_exists', 'id'],
    ])
    const price = await post('prices', {
      ...{ product: 'gr-p', currency: 'EUR', unit_amount: '500', 'recurring[interval]': 'month' },
    })
    assert.deepEqual([price.body.type, price.body.currency], ['recurring', 'eur'])
  })

  test('refuses parameters and values in the form of the vendor', async () => {
    for (const [form, code, param] of [
      [{ colour: 'red' }, 'parameter_unknown', 'colour'],
      [{ 'address[planet]': 'Mars' }, 'parameter_unknown', 'address[planet]'],
      [{ 'name[first]': 'x' }, 'parameter_unknown', 'name[first]'],
      [{ email: 'nobody' }, 'email_invalid', 'email'],
      [{ balance: 'x' }, 'parameter_invalid_integer', 'balance'],
      [{ tax_exempt: 'maybe' }, undefined, 'tax_exempt'],
      [{ 'address[country]': 'Germany' }, undefined, 'address[country]'],
      [{ phone: '1'.repeat(21) }, undefined, 'phone'],
    ] as const)
      assert.deepEqual(await problemOf('customers', form), [400, code, param])
    assert.deepEqual(await problemOf('products', {}), [400, 'parameter_missing', 'name'])
    assert.deepEqual(await problemOf('customers', { 'metadata[k]': 'x'.repeat(501) }), [
      ...[400, undefined, 'metadata[k]'],
    ])
    assert.ok(system.requests().unknown.some((request) => request.includes('colour')))
    assert.equal((await send('POST', 'credit_notes', {})).status, 404)
    assert.equal((await send('PUT', 'customers', {})).status, 404)
    const json = await send('POST', 'customers', undefined, { 'content-type': 'application/json' })
    assert.equal(json.status, 200, 'an empty body needs no type')
  })

  test('answers the same key with the same reply, for a day', async () => {
    const first = await post('customers', { name: 'Once' }, 'intent-1')
    const again = await post('customers', { name: 'Once' }, 'intent-1')
    assert.equal(again.body.id, first.body.id)
    assert.equal(again.headers.get('idempotent-replayed'), 'true')
    assert.equal(made('Once').length, 1)
    const other = await send<Failure>(
      'POST',
      'customers',
      { name: 'Two' },
      {
        'idempotency-key': 'intent-1',
      },
    )
    assert.deepEqual([other.status, other.body.error.type], [400, 'idempotency_error'])
    const wrong = await post('customers', { name: 'Twice', phone: '1'.repeat(21) }, 'intent-2')
    assert.equal(wrong.status, 400)
    assert.equal((await post('customers', { name: 'Twice' }, 'intent-2')).status, 200)
    const [created] = await events(String(first.body.id))
    assert.equal(created!.request.idempotency_key, 'intent-1')
    assert.equal(created!.request.id, first.headers.get('request-id'))

    system.faults.add({ kind: 'afterWrite', status: 500 }, /^POST/)
    assert.equal((await post('customers', { name: 'Lost' }, 'intent-3')).status, 500)
    assert.equal((await post('customers', { name: 'Lost' }, 'intent-3')).status, 500)
    assert.equal(made('Lost').length, 1, 'the failure is replayed, the record is there')
    system.faults.add({ kind: 'twice' }, /^POST/)
    await post('customers', { name: 'Proxy' }, 'intent-4')
    assert.equal(made('Proxy').length, 1)
    system.faults.add({ kind: 'lateAnswer', ms: 1_500 }, /^POST/)
    const late = post('customers', { name: 'Late' }, 'intent-5')
    await new Promise((resolve) => setTimeout(resolve, 20))
    const running = await send<Failure>(
      'POST',
      'customers',
      { name: 'Late' },
      {
        'idempotency-key': 'intent-5',
      },
    )
    assert.deepEqual([running.status, running.body.error.code], [409, 'idempotency_key_in_use'])
    assert.equal((await late).status, 200)
    const stranger = await fetch(`${system.url}/v1/customers`, {
      method: 'POST',
      headers: { 'idempotency-key': 'intent-1', authorization: 'Bearer sk_test_other' },
      body: new URLSearchParams({ name: 'Once' }),
    })
    assert.equal(stranger.status, 401)

    system.clock.advance(86_400_000)
    await post('customers', { name: 'Once' }, 'intent-1')
    assert.equal(made('Once').length, 2, 'after the window the key is new')
    await post('customers', { name: 'Once' })
    assert.equal(made('Once').length, 3, 'without a key each request is a new record')
  })

  test('finds metadata by a search that follows late', async () => {
    const find = async (value: string) => {
      const query = `metadata['touchstone_id']:'${value}'`
      const path = `customers/search?${new URLSearchParams({ query })}`
      return (await send<{ data: Fields[] }>('GET', path)).body.data.map(({ id }) => id)
    }
    const form = { 'metadata[touchstone_id]': 'gr-60' }
    const ids = [await post('customers', form), await post('customers', form)].map(
      ({ body }) => body.id,
    )
    assert.deepEqual(await find('gr-60'), [])
    system.clock.advance(60_000)
    assert.deepEqual((await find('gr-60')).toSorted(), ids.toSorted(), 'the vendor permits two')
    await post(`customers/${ids[0]}`, { 'metadata[touchstone_id]': '' })
    assert.equal((await find('gr-60')).length, 2, 'found as it was')
    system.clock.advance(60_000)
    assert.deepEqual(await find('gr-60'), [ids[1]])
    const bad = new URLSearchParams({ query: 'colour:red' })
    assert.equal((await send('GET', `customers/search?${bad}`)).status, 400)
  })

  test('runs a rule after a write; its event names no key', async () => {
    const stop = system.automate('customer', ({ name }) => ({ name: String(name).toUpperCase() }))
    const { body } = await post('customers', { name: 'loud' }, 'intent-9')
    stop()
    assert.equal(system.state('customer').get(String(body.id))!.record.name, 'LOUD')
    const keys = (await events(String(body.id))).map(({ request }) => request.idempotency_key)
    assert.deepEqual(keys, [null, 'intent-9'])
  })

  test('counts writes against the limit and refuses a key without permission', async () => {
    system.faults.add({ kind: 'forbidden' }, /^POST/)
    assert.equal((await post('customers', {})).status, 403)
    const limited = await stripe.open()
    const request = () =>
      fetch(`${limited.url}/v1/customers`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${limited.credentials.secretKey}`,
          'stripe-version': '2026-10-28.endive',
        },
      })
    const responses = await Promise.all(Array.from({ length: 28 }, request))
    assert.equal(responses.filter(({ status }) => status === 429).length, 3)
    await limited.close()
  })
})
