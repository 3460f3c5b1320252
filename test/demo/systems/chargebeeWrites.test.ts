import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { chargebee } from '../../../demo/systems/chargebee/chargebee.ts'
import type { ModelSystem } from '../../../demo/systems/kit/model.ts'

type Fields = Record<string, unknown>
interface Body {
  customer: Fields
  item: Fields
  item_price: Fields
  subscription: Fields
  api_error_code: string
  param: string
  list: Record<string, Fields>[]
}

let system: ModelSystem
before(async () => {
  system = await chargebee.open({ seed: 9, limits: 'none' })
  system.fill(5, 9)
})
beforeEach(() => system.faults.clear())
after(() => system.close())

async function send(
  method: string,
  path: string,
  form?: Record<string, string>,
  headers: Record<string, string> = {},
) {
  const basic = Buffer.from(`${system.credentials.apiKey}:`).toString('base64')
  const response = await fetch(`${system.url}/api/v2/${path}`, {
    method,
    headers: { authorization: `Basic ${basic}`, ...headers },
    ...(form && { body: new URLSearchParams(form) }),
  })
  const body = (await response.json()) as Body
  return { status: response.status, headers: response.headers, body }
}
const post = (path: string, form: Record<string, string> = {}, key?: string) =>
  send('POST', path, form, key === undefined ? {} : { 'chargebee-idempotency-key': key })
const problemOf = async (path: string, form: Record<string, string>) => {
  const { status, body } = await post(path, form)
  return [status, body.api_error_code, body.param]
}
const made = (company: string) =>
  system.writes().filter(({ action, fields }) => action === 'created' && fields.company === company)

describe('a write to the model of Chargebee', () => {
  test('creates a customer under our id, changes and clears it', async () => {
    const { status, body } = await post('customers', {
      ...{ id: 'gr-1', company: 'Acme', cf_touchstone_id: 'gr-1', vat_number: 'DE1' },
      ...{ 'billing_address[line1]': '1 Street', 'billing_address[country]': 'DE' },
    })
    assert.deepEqual([status, body.customer.id], [200, 'gr-1'])
    assert.deepEqual(body.customer, system.state('customer').get('gr-1')!.record)
    const version = Number(body.customer.resource_version)
    const changed = await post('customers/gr-1', { phone: '1', company: '', meta_data: '{"a":1}' })
    assert.deepEqual(
      [changed.body.customer.phone, changed.body.customer.company, changed.body.customer.meta_data],
      ['1', undefined, { a: 1 }],
    )
    assert.ok(Number(changed.body.customer.resource_version) > version)
    assert.deepEqual(await problemOf('customers', { id: 'gr-1' }), [400, 'duplicate_entry', 'id'])
    const two = await post('customers', { cf_touchstone_id: 'gr-1' })
    assert.equal(two.status, 200, 'a custom field repeats')
    const found = await send('GET', 'customers?cf_touchstone_id[is]=gr-1')
    assert.equal(found.body.list.length, 2)
    assert.equal((await post('customers/gr-1/delete')).body.customer.deleted, true)
    assert.deepEqual(await problemOf('customers/gr-1', { phone: '2' }), [
      ...[404, 'resource_not_found', undefined],
    ])
  })

  test('changes addresses, parents and contacts by operations of their own', async () => {
    const id = system.put('customer', { company: 'Own' })
    const parent = system.put('customer', { company: 'Parent' })
    for (const name of ['billing_address[line1]', 'vat_number'])
      assert.deepEqual((await problemOf(`customers/${id}`, { [name]: 'x' }))[0], 400)
    await post(`customers/${id}/update_billing_info`, {
      ...{ vat_number: 'DE2', 'billing_address[city]': 'Ulm', 'billing_address[zip]': '89073' },
    })
    await post(`customers/${id}/update_billing_info`, { 'billing_address[city]': 'Bonn' })
    const { record } = system.state('customer').get(id)!
    assert.deepEqual(
      [record.vat_number, (record.billing_address as Fields).zip],
      ['DE2', undefined],
    )
    const related = await post(`customers/${id}/relationships`, { parent_id: parent })
    assert.equal((related.body.customer.relationship as Fields).invoice_owner_id, parent)
    assert.equal((await problemOf(`customers/${id}/relationships`, { parent_id: 'no' }))[0], 404)
    await post(`customers/${id}/add_contact`, { 'contact[email]': 'a@example.com' })
    const contacts = await send('GET', `customers/${id}/contacts`)
    const contact = String(contacts.body.list[0]!.contact!.id)
    await post(`customers/${id}/update_contact`, {
      'contact[id]': contact,
      'contact[label]': 'CEO',
    })
    assert.equal(system.state('contact').get(contact)!.record.label, 'CEO')
    assert.equal(
      (await problemOf(`customers/${parent}/update_contact`, { 'contact[id]': contact }))[0],
      404,
    )
    await post(`customers/${id}/delete_contact`, { 'contact[id]': contact })
    assert.equal(system.state('contact').get(contact)!.deleted, true)
  })

  test('creates items and prices', async () => {
    const [family] = [...system.state('item_family')].find(([, { deleted }]) => !deleted)!
    const item = { id: 'gr-i', name: 'Plan', type: 'plan', item_family_id: family }
    assert.equal((await post('items', item)).body.item.status, 'active')
    assert.deepEqual(await problemOf('items', item), [400, 'duplicate_entry', 'id'])
    assert.deepEqual(await problemOf('items/gr-i', { name: '' }), [
      ...[400, 'param_wrong_value', 'name'],
    ])
    const price = { id: 'gr-i-eur', name: 'Plan EUR', item_id: 'gr-i', price: '900' }
    assert.equal((await problemOf('item_prices', price))[2], 'period')
    const made = await post('item_prices', { ...price, period: '1', period_unit: 'month' })
    assert.deepEqual(
      [made.body.item_price.item_family_id, made.body.item_price.price],
      [family, 900],
    )
    const [subscription] = [...system.state('subscription')].find(([, { deleted }]) => !deleted)!
    const ordered = await post(`subscriptions/${subscription}/update_for_items`, { po_number: 'P' })
    assert.equal(ordered.body.subscription.po_number, 'P')
  })

  test('refuses parameters and values in the form of the vendor', async () => {
    const problems: [Record<string, string>, string][] = [
      [{ colour: 'red' }, 'colour'],
      [{ cf_colour: 'red' }, 'cf_colour'],
      [{ 'billing_address[planet]': 'Mars' }, 'billing_address[planet]'],
      [{ 'billing_address[country]': 'Germany' }, 'billing_address[country]'],
      [{ email: 'nobody' }, 'email'],
      [{ net_term_days: 'ten' }, 'net_term_days'],
      [{ auto_collection: 'maybe' }, 'auto_collection'],
      [{ meta_data: 'x' }, 'meta_data'],
      [{ company: 'x'.repeat(251) }, 'company'],
      [{ id: 'x'.repeat(51) }, 'id'],
    ]
    for (const [form, param] of problems)
      assert.deepEqual(await problemOf('customers', form), [400, 'param_wrong_value', param])
    assert.deepEqual(await problemOf('items', { id: 'x' }), [400, 'param_wrong_value', 'name'])
    assert.equal((await post('invoices', {})).status, 404)
    assert.equal((await send('PUT', 'customers', {})).status, 404)
    const { unknown } = system.requests()
    for (const name of ['colour=red', 'planet', 'POST /api/v2/invoices'])
      assert.ok(
        unknown.some((request) => decodeURIComponent(request).includes(name)),
        name,
      )
    system.faults.add({ kind: 'forbidden' }, /^POST/)
    assert.deepEqual((await problemOf('customers', {}))[1], 'api_authorization_failed')
  })

  test('answers the same key with the same reply, for 30 minutes', async () => {
    const first = await post('customers', { company: 'Once' }, 'k1')
    const again = await post('customers', { company: 'Once' }, 'k1')
    assert.equal(again.headers.get('chargebee-idempotency-replayed'), 'true')
    assert.equal(again.body.customer.id, first.body.customer.id)
    assert.equal((await post('customers', { company: 'Two' }, 'k1')).status, 422)
    assert.equal((await post('customers', { company: 'x'.repeat(251) }, 'k2')).status, 400)
    assert.equal((await post('customers', { company: 'Twice' }, 'k2')).status, 200)
    system.faults.add({ kind: 'lateAnswer', ms: 1_500 }, /^POST/)
    const late = post('customers', { company: 'Late' }, 'k3')
    await new Promise((resolve) => setTimeout(resolve, 20))
    assert.equal((await post('customers', { company: 'Late' }, 'k3')).status, 409)
    await late
    system.faults.add({ kind: 'twice' }, /^POST/)
    await post('customers', { company: 'Proxy' }, 'k4')
    system.clock.advance(30 * 60_000)
    await post('customers', { company: 'Once' }, 'k1')
    assert.deepEqual(
      ['Once', 'Late', 'Proxy'].map((company) => made(company).length),
      [2, 1, 1],
    )
  })

  test('names the API key in events, and rules of the site as the system', async () => {
    const stop = system.automate('customer', ({ company }) => ({ company: `${company}!` }))
    const { body } = await post('customers', { company: 'Loud' })
    stop()
    assert.equal(system.state('customer').get(String(body.customer.id))!.record.company, 'Loud!')
    const events = await send('GET', 'events?limit=2')
    assert.deepEqual(
      events.body.list.map(({ event }) => [event!.event_type, event!.source, event!.user]),
      [
        ['customer_changed', 'system', undefined],
        ['customer_created', 'api', system.credentials.apiKeyName],
      ],
    )
  })
})
