import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { hubspot } from '../../../demo/systems/hubspot/hubspot.ts'
import type { ModelSystem } from '../../../demo/systems/kit/model.ts'

interface Body {
  id: string
  properties: Record<string, string>
  message: string
  category: string
  status: string
  numErrors: number
  results: (Body & { new?: boolean; objectWriteTraceId?: string })[]
  errors: { code?: string; context: Record<string, string[]> }[]
}

let system: ModelSystem
before(async () => {
  system = await hubspot.open({ seed: 8, limits: 'none' })
  system.fill(10, 8)
})
beforeEach(() => system.faults.clear())
after(() => system.close())

async function send(method: string, path: string, body?: unknown) {
  const response = await fetch(`${system.url}/crm/v3/objects/${path}`, {
    method,
    headers: {
      authorization: `Bearer ${system.credentials.accessToken}`,
      'content-type': 'application/json',
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, body: (text ? JSON.parse(text) : {}) as Body }
}
const create = (object: string, properties: Record<string, unknown>) =>
  send('POST', object, { properties })
const propertiesOf = (object: string, id: string) =>
  (system.state(object).get(id)!.record as unknown as Body).properties
const upsert = (inputs: readonly [goldenId: string, properties: object, trace?: string][]) =>
  send('POST', 'companies/batch/upsert', {
    inputs: inputs.map(([id, properties, objectWriteTraceId]) => ({
      ...{ id, idProperty: 'touchstone_id', properties },
      ...(objectWriteTraceId && { objectWriteTraceId }),
    })),
  })

describe('a write to the model of HubSpot', () => {
  test('creates, changes, clears and archives a record', async () => {
    const made = await create('companies', { name: 'Acme', numberofemployees: 4 })
    assert.equal(made.status, 201)
    const { id } = made.body
    assert.deepEqual(
      [made.body.properties.name, made.body.properties.numberofemployees],
      ['Acme', '4'],
    )
    assert.equal(propertiesOf('companies', id).hs_object_source, 'INTEGRATION')
    const changed = await send('PATCH', `companies/${id}`, { properties: { name: 'Acme 2' } })
    assert.deepEqual([changed.status, changed.body.properties.name], [200, 'Acme 2'])
    await send('PATCH', `companies/${id}`, { properties: { numberofemployees: '' } })
    assert.equal(propertiesOf('companies', id).numberofemployees, undefined)
    assert.equal((await send('DELETE', `companies/${id}`)).status, 204)
    assert.equal((await send('DELETE', `companies/${id}`)).status, 204)
    assert.equal(system.state('companies').get(id)?.deleted, true)
    assert.equal(
      (await send('PATCH', `companies/${id}`, { properties: { name: 'x' } })).status,
      404,
    )
    assert.deepEqual(
      system.writes().map(({ action, by, request }) => [action, by, request]),
      [
        ['created', 'api', 'POST /crm/v3/objects/companies'],
        ['updated', 'api', `PATCH /crm/v3/objects/companies/${id}`],
        ['updated', 'api', `PATCH /crm/v3/objects/companies/${id}`],
        ['deleted', 'api', `DELETE /crm/v3/objects/companies/${id}`],
      ],
    )
  })

  test('has one record for a golden id, whoever writes it', async () => {
    const first = await upsert([['gr-1', { name: 'One' }]])
    assert.deepEqual([first.status, first.body.results[0]!.new], [200, true])
    const { id } = first.body.results[0]!
    const again = await upsert([['gr-1', { name: 'Uno' }]])
    assert.deepEqual([again.body.results[0]!.id, again.body.results[0]!.new], [id, false])
    const twice = await create('companies', { name: 'Two', touchstone_id: 'gr-1' })
    assert.deepEqual(
      [twice.status, twice.body.category, twice.body.errors[0]!.code],
      [400, 'VALIDATION_ERROR', 'CONFLICTING_UNIQUE_VALUE'],
    )
    assert.match(twice.body.message, new RegExp(`${id} already has that value`))
    assert.throws(() => system.put('companies', { touchstone_id: 'gr-1' }), /already/)
    const other = system.put('companies', { touchstone_id: 'gr-2' })
    const moved = await send('PATCH', `companies/${other}`, {
      properties: { touchstone_id: 'gr-1' },
    })
    assert.equal(moved.status, 400)
    const byValue = await send('PATCH', 'companies/gr-2?idProperty=touchstone_id', {
      properties: { name: 'Other' },
    })
    assert.equal(byValue.body.id, other)
    const missing = await send('PATCH', 'companies/gr-9?idProperty=touchstone_id', {
      properties: {},
    })
    assert.equal(missing.status, 404)
    const read = await send('GET', 'companies/gr-1?idProperty=touchstone_id')
    assert.equal(read.body.id, id)
    await send('DELETE', `companies/${id}`)
    const afterwards = await create('companies', { touchstone_id: 'gr-1' })
    assert.equal(afterwards.status, 201, 'an archived record holds no value')
  })

  test('has one contact for an email address', async () => {
    const email = 'ada@example.com'
    const { body } = await create('contacts', { email })
    const second = await create('contacts', { email: 'ADA@example.com' })
    assert.deepEqual([second.status, second.body.category], [409, 'CONFLICT'])
    assert.match(second.body.message, new RegExp(`Existing ID: ${body.id}`))
  })

  test('refuses unknown, read-only and wrong values in its list of invalid ones', async () => {
    const codes = async (properties: Record<string, unknown>, object = 'companies') => {
      const { status, body } = await create(object, properties)
      assert.deepEqual([status, body.category], [400, 'VALIDATION_ERROR'])
      assert.match(body.message, /^Property values were not valid: \[\{"isValid":false/)
      return body.errors.map(({ code }) => code)
    }
    assert.deepEqual(await codes({ colour: 'red', annualrevenue: 'much' }), [
      'PROPERTY_DOESNT_EXIST',
      'INVALID_DOUBLE',
    ])
    assert.deepEqual(await codes({ createdate: '2026-01-01T00:00:00Z', is_public: 'yes' }), [
      'READ_ONLY_VALUE',
      'INVALID_BOOLEAN',
    ])
    assert.deepEqual(await codes({ lifecyclestage: 'friend' }), ['INVALID_OPTION'])
    assert.deepEqual(await codes({ email: 'nobody' }, 'contacts'), ['INVALID_EMAIL'])
    assert.deepEqual(await codes({ hs_invoice_date: 'today' }, 'invoices'), ['INVALID_DATE'])
    for (const body of [{ name: 'x' }, { properties: { name: {} } }, { properties: [] }])
      assert.equal((await send('POST', 'companies', body)).status, 400)
    const { unknown } = system.requests()
    assert.ok(unknown.some((request) => request.includes('colour')))
    assert.equal((await send('PUT', 'companies', {})).status, 404)
  })

  test('accepts times in milliseconds and associations', async () => {
    const company = system.put('companies', { name: 'Parent' })
    const types = [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: 279 }]
    const { body, status } = await send('POST', 'contacts', {
      properties: { email: 'kid@example.com', closedate: Date.UTC(2026, 1, 3) },
      associations: [{ to: { id: company }, types }],
    })
    assert.equal(status, 201)
    const record = system.state('contacts').get(body.id)!.record
    assert.equal(propertiesOf('contacts', body.id).closedate, '2026-02-03T00:00:00.000Z')
    assert.deepEqual(record.associations, { companies: [company] })
    const wrong = [{ to: { id: company }, types: [{ ...types[0], associationTypeId: 9 }] }]
    const refused = await send('POST', 'contacts', { properties: {}, associations: wrong })
    assert.equal(refused.status, 400)
  })

  test('writes a part of a batch only if each input has a trace id', async () => {
    const wrong = { annualrevenue: 'much' }
    const whole = await upsert([
      ['gr-20', { name: 'Good' }],
      ['gr-21', wrong],
    ])
    assert.equal(whole.status, 400)
    const read = (goldenId: string) => send('GET', `companies/${goldenId}?idProperty=touchstone_id`)
    assert.equal((await read('gr-20')).status, 404)
    const part = await upsert([
      ['gr-20', { name: 'Good' }, 'trace-a'],
      ['gr-21', wrong, 'trace-b'],
    ])
    assert.deepEqual([part.status, part.body.numErrors], [207, 1])
    assert.equal(part.body.results[0]!.objectWriteTraceId, 'trace-a')
    assert.deepEqual(part.body.errors[0]!.context.objectWriteTraceId, ['trace-b'])
    assert.equal((await read('gr-20')).status, 200)
    const repeated = await upsert([
      ['gr-22', {}],
      ['gr-22', {}],
    ])
    assert.equal(repeated.status, 400)
    const many = await upsert(Array.from({ length: 101 }, (_, n) => [`gr-${n + 100}`, {}] as const))
    assert.equal(many.status, 400)
    const id = (await read('gr-20')).body.id
    const update = await send('POST', 'companies/batch/update', {
      inputs: [{ id, properties: { name: 'Better' } }],
    })
    assert.deepEqual([update.status, propertiesOf('companies', id).name], [200, 'Better'])
    const created = await send('POST', 'companies/batch/create', {
      inputs: [{ properties: { name: 'C' } }],
    })
    assert.equal(created.status, 201)
  })

  test('states who made each version of a property, and a rule that follows a write', async () => {
    const stop = system.automate('companies', (record) => {
      const { name } = (record as unknown as Body).properties
      return name && name !== name.toUpperCase() ? { name: name.toUpperCase() } : undefined
    })
    const id = system.put('companies', { name: 'User' })
    const answer = await send('PATCH', `companies/${id}`, { properties: { name: 'Golden' } })
    stop()
    assert.equal(answer.body.properties.name, 'Golden', 'rules run after the answer')
    assert.equal(propertiesOf('companies', id).name, 'GOLDEN')
    const read = await send('GET', `companies/${id}?propertiesWithHistory=name`)
    const { propertiesWithHistory } = read.body as unknown as {
      propertiesWithHistory: { name: { value: string; sourceType: string }[] }
    }
    assert.deepEqual(
      propertiesWithHistory.name.map(({ value, sourceType }) => [value, sourceType]),
      [
        ['GOLDEN', 'AUTOMATION_PLATFORM'],
        ['Golden', 'INTEGRATION'],
        ['USER', 'AUTOMATION_PLATFORM'],
        ['User', 'CRM_UI'],
      ],
    )
    const writes = system.writes().filter((write) => write.id === id)
    assert.deepEqual(
      writes.map(({ by, cause }) => `${by} of ${cause}`),
      ['user of user', 'automation of user', 'api of api', 'automation of api'],
    )
  })

  test('needs the scope to write', async () => {
    system.faults.add({ kind: 'forbidden' }, /^POST/)
    const { status, body } = await create('companies', { name: 'x' })
    assert.equal(status, 403)
    assert.match(JSON.stringify(body.errors), /crm\.objects\.companies\.write/)
  })

  test('doubles a create whose answer was lost, but never one with a golden id', async () => {
    const made = () => system.writes().filter(({ action }) => action === 'created').length
    const start = made()
    system.faults.add({ kind: 'afterWrite', status: 502 }, /^POST/)
    assert.equal((await create('companies', { name: 'Lost' })).status, 502)
    assert.equal((await create('companies', { name: 'Lost' })).status, 201)
    assert.equal(made() - start, 2)
    system.faults.add({ kind: 'twice' }, /^POST/)
    const twice = await create('companies', { name: 'Repeated', touchstone_id: 'gr-50' })
    assert.equal(twice.status, 400)
    system.faults.add({ kind: 'cut', after: 'execution' }, /^POST/)
    await assert.rejects(upsert([['gr-51', {}]]))
    assert.equal((await upsert([['gr-51', {}]])).body.results[0]!.new, false)
    assert.equal(made() - start, 4)
  })
})
