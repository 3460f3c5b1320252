import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { type FieldbookSystem, fieldbook } from '../../../demo/systems/fieldbook/fieldbook.ts'
import type { Fault } from '../../../demo/systems/kit/faults.ts'
import {
  authorization,
  type Fields,
  newOrganization,
  type RequestParts,
  readList,
  recordOf,
  refusal,
  request,
  send,
} from './fieldbookClient.ts'

let system: FieldbookSystem
before(async () => {
  system = await fieldbook.open({ seed: 5, limits: 'none' })
})
beforeEach(() => system.faults.clear())
after(() => system.close())

const address = { line1: 'Hafen 1', city: 'Kiel', country: 'DE' }

const patch = (revision: number, body: unknown): RequestParts => ({
  method: 'PATCH',
  headers: { 'if-match': `"${revision}"` },
  body,
})
let keys = 0
function post(body: unknown, key?: string): RequestParts {
  keys += 1
  return { method: 'POST', headers: { 'idempotency-key': key ?? `test-key-${keys}` }, body }
}

describe('a write to Fieldbook', () => {
  test('creates once for a key, and replaces nested objects as a whole', async () => {
    const body = {
      ...{ name: 'Acme', external_id: 'mdm:1', addresses: { billing: address } },
      tax_registrations: [{ country: 'DE', kind: 'vat', number: 'DE1' }],
      custom: { segment: 'A', credit_limit: 5 },
    }
    const created = await send(system, 'organizations', post(body, 'key-of-acme'))
    assert.deepEqual(
      [created.status, created.headers.get('etag'), created.body.data.status],
      [201, '"1"', 'prospect'],
    )
    const id = created.body.data.id
    const again = await send(system, 'organizations', post(body, 'key-of-acme'))
    assert.deepEqual(
      [again.status, again.body.data.id, again.headers.get('idempotent-replayed')],
      [201, id, 'true'],
    )
    assert.equal(
      await refusal(system, 'organizations', post({ ...body, name: 'B' }, 'key-of-acme')),
      '409 key_reused Idempotency-Key',
    )
    assert.equal(await refusal(system, 'organizations', post(body)), '422 taken external_id')

    const path = `organizations/${id}`
    const shipping = { addresses: { shipping: address }, custom: { segment: 'B' } }
    const changed = await send(system, path, patch(1, shipping))
    const { revision, addresses, custom, name } = changed.body.data
    assert.deepEqual([changed.status, revision, name], [200, 2, 'Acme'])
    assert.deepEqual(addresses, {
      billing: null,
      shipping: { ...address, line2: null, region: null, postal_code: null },
    })
    assert.deepEqual(custom, { segment: 'B', credit_limit: null, master_id: null })
    assert.equal(await refusal(system, path, patch(1, { name: 'C' })), '412 stale If-Match')
    assert.equal(recordOf(system, 'organizations', id).name, 'Acme')
    const writes = system.writes().filter((write) => write.id === id)
    assert.deepEqual(
      writes.map(({ by, action, request: of }) => `${by} ${action} ${of}`),
      ['api created POST /api/v3/organizations', `api updated PATCH /api/v3/${path}`],
    )
  })

  test('keeps the ids of line items and takes each once', async () => {
    const organization = newOrganization(system)
    const item = { name: 'Gateway', quantity: 2, unit_minor: 500 }
    const created = await send(
      system,
      'deals',
      post({ name: 'D', organization_id: organization, line_items: [item, item] }),
    )
    const { id, line_items: items } = created.body.data
    const [first] = items as Fields[]
    const path = `deals/${id}`
    const changed = await send(
      system,
      path,
      patch(1, { line_items: [{ ...first, quantity: 3 }, item] }),
    )
    const after = changed.body.data.line_items as Fields[]
    assert.deepEqual([after[0]?.id, after[0]?.quantity], [first?.id, 3])
    assert.notEqual(after[1]?.id, (items as Fields[])[1]?.id)
    assert.equal(
      await refusal(system, path, patch(2, { line_items: [first, first] })),
      '422 unknown_reference line_items[1].id',
    )
  })

  test('refuses wrong values by their path', async () => {
    const id = newOrganization(system)
    const path = `organizations/${id}`
    const vat = { country: 'DE', kind: 'vat', number: '1' }
    const refusals: [Fields, string][] = [
      [{}, '422 required'],
      [{ colour: 'red' }, '422 unknown_field colour'],
      [{ custom: { colour: 'red' } }, '422 unknown_field custom.colour'],
      [{ revision: 7 }, '422 read_only revision'],
      [{ name: null }, '422 invalid name'],
      [{ name: '' }, '422 invalid name'],
      [{ status: ['customer'] }, '422 invalid status'],
      [{ employee_count: 1.5 }, '422 invalid employee_count'],
      [{ addresses: null }, '422 invalid addresses'],
      [{ addresses: { billing: { city: 'Kiel' } } }, '422 required addresses.billing.line1'],
      [
        { addresses: { billing: { ...address, country: 'de' } } },
        '422 invalid addresses.billing.country',
      ],
      [{ tax_registrations: [vat, vat] }, '422 invalid tax_registrations[1]'],
    ]
    for (const [body, expected] of refusals)
      assert.equal(await refusal(system, path, patch(1, body)), expected, JSON.stringify(body))
    for (const [type, body, expected] of [
      ['organizations', {}, '422 required name'],
      ['people', { family_name: 'A', organizations: [] }, '422 invalid organizations'],
      ['people', { family_name: 'A', organizations: [{ id }] }, '422 invalid organizations'],
      [
        'people',
        { family_name: 'A', organizations: [{ id: 'org_0', primary: true }] },
        '422 unknown_reference organizations[0].id',
      ],
      ['deals', { name: 'A', organization_id: 'org_0' }, '422 unknown_reference organization_id'],
      [
        'deals',
        { name: 'A', organization_id: id, close_date: '2026-02-30' },
        '422 invalid close_date',
      ],
    ] as const)
      assert.equal(await refusal(system, type, post(body)), expected, expected)
    assert.equal(recordOf(system, 'organizations', id).revision, 1)
  })

  test('refuses wrong headers, bodies and scopes', async () => {
    const id = newOrganization(system)
    const write = { method: 'PATCH', body: { name: 'B' } }
    const matching = (value: string) => ({ ...write, headers: { 'if-match': value } })
    const path = `organizations/${id}`
    assert.equal(await refusal(system, path, write), '428 match_required If-Match')
    for (const value of ['*', 'W/"1"', '1', '"1", "2"', '"01"'])
      assert.equal(await refusal(system, path, matching(value)), '400 bad_header If-Match', value)
    const create = { method: 'POST', body: { name: 'B' } }
    assert.equal(await refusal(system, 'organizations', create), '400 key_required Idempotency-Key')
    assert.equal(
      await refusal(system, 'organizations', post({ name: 'B' }, 'short')),
      '400 bad_header Idempotency-Key',
    )
    for (const body of ['{', '[]', '1'])
      assert.equal(await refusal(system, 'organizations', post(body)), '400 bad_json', body)
    const asText = matching('"1"')
    assert.equal(
      await refusal(system, path, {
        ...asText,
        headers: { ...asText.headers, 'content-type': 'text/plain' },
      }),
      '415 unsupported_media Content-Type',
    )
    system.setScopes(['read'])
    assert.equal(await refusal(system, path, matching('"1"')), '403 no_scope')
    assert.equal((await send(system, path)).status, 200)
    system.setScopes(['write'])
    assert.equal(await refusal(system, path), '403 no_scope')
    system.setScopes(['read', 'write'])
    assert.equal((await send(system, path, matching('"1"'))).status, 200)
  })

  test('shows the record without what a workflow makes of it', async () => {
    const remove = system.automate('organizations', () => ({ status: 'former' }))
    const { body } = await send(system, 'organizations', post({ name: 'Flow' }))
    remove()
    const { status, revision } = recordOf(system, 'organizations', body.data.id)
    assert.deepEqual([body.data.status, body.data.revision], ['prospect', 1])
    assert.deepEqual([status, revision], ['former', 2])
  })
})

describe('faults of Fieldbook', () => {
  test('have the forms of the reference', async () => {
    const met = async (fault: Fault, path = 'people') => {
      system.faults.add(fault)
      return refusal(system, path)
    }
    assert.equal(await met({ kind: 'status', status: 503 }), '503 busy')
    assert.equal(await met({ kind: 'status', status: 409 }), '409 busy')
    assert.equal(await met({ kind: 'status', status: 500 }), '500 internal')
    assert.equal(await met({ kind: 'status', status: 429 }), '429 rate_limited')
    assert.equal(await met({ kind: 'forbidden' }), '403 no_scope')
    assert.equal(await met({ kind: 'expired', what: 'token' }), '401 token_expired')
    assert.equal(
      await met({ kind: 'expired', what: 'cursor' }, 'people?page[after]=cur_x'),
      '410 cursor_expired page[after]',
    )
    system.faults.add({ kind: 'status', status: 502 })
    const gateway = await request(system, 'people')
    assert.equal(gateway.headers.get('content-type'), 'text/html')
    assert.match(gateway.text, /^<html>/)
  })

  test('leave a record whose response was lost, and a key that is remembered or not', async () => {
    const body = { name: 'Lost', external_id: 'lost:1' }
    system.faults.add({ kind: 'cut', after: 'execution' }, /POST/)
    await assert.rejects(request(system, 'organizations', post(body, 'lost-key-1')))
    assert.equal((await send(system, 'organizations', post(body, 'lost-key-1'))).status, 201)
    const second = { name: 'Lost', external_id: 'lost:2' }
    system.faults.add({ kind: 'afterWrite', status: 500 }, /POST/)
    assert.equal(await refusal(system, 'organizations', post(second, 'lost-key-2')), '500 internal')
    assert.equal(
      await refusal(system, 'organizations', post(second, 'lost-key-2')),
      '422 taken external_id',
    )
    assert.equal(
      (await readList(system, 'organizations', { 'filter[external_id]': 'lost:2' })).length,
      1,
    )
  })

  test('refuse a key whose first request still runs', async () => {
    const body = { name: 'Slow' }
    system.faults.add({ kind: 'lateAnswer', ms: 300 }, /POST/)
    const first = send(system, 'organizations', post(body, 'slow-key'))
    while (system.writes().at(-1)?.fields.name !== 'Slow') await wait(5)
    assert.equal(await refusal(system, 'organizations', post(body, 'slow-key')), '409 key_running')
    assert.equal((await first).status, 201)
  })

  test('replace the token', async () => {
    const other = await fieldbook.open({ limits: 'none' })
    try {
      const token = other.replaceToken()
      assert.equal(await refusal(other, 'people'), '401 token_expired')
      const headers = { authorization: authorization(token) }
      assert.equal((await send(other, 'people', { headers })).status, 200)
      for (const wrong of [authorization('x'), authorization(token, 'other')])
        assert.equal(
          await refusal(other, 'people', { headers: { authorization: wrong } }),
          '401 unauthenticated',
        )
    } finally {
      await other.close()
    }
  })

  test('limit requests to 120 in a minute of the clock', async () => {
    const limited = await fieldbook.open()
    try {
      limited.clock.advance(60_000 - (limited.clock.now() % 60_000))
      const responses = await Promise.all(Array.from({ length: 122 }, () => send(limited, 'deals')))
      const refused = responses.filter(({ status }) => status === 429)
      assert.equal(refused.length, 2)
      const wait = Number(refused[0]!.body.error.retry_in_ms)
      assert.ok(wait > 0 && wait <= 60_000)
      assert.equal(refused[0]!.headers.get('x-limit-remaining'), '0')
      assert.ok(Number(refused[0]!.headers.get('x-limit-reset-in')) <= 60)
      limited.clock.advance(wait)
      const next = await send(limited, 'deals')
      assert.deepEqual([next.status, next.headers.get('x-limit-remaining')], [200, '119'])
    } finally {
      await limited.close()
    }
  })
})
