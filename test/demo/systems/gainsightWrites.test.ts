import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { gainsight } from '../../../demo/systems/gainsight/gainsight.ts'
import type { ModelSystem } from '../../../demo/systems/kit/model.ts'

type Fields = Record<string, unknown>
interface Body {
  result: boolean
  errorCode: string | null
  data: { count: number; records: Fields[]; errors: { fieldName: string }[][] | null } | null
}

let system: ModelSystem
before(async () => {
  system = await gainsight.open({ seed: 3, limits: 'none' })
  system.fill(4, 3)
})
beforeEach(() => system.faults.clear())
after(() => system.close())

async function send(method: string, path: string, body: unknown) {
  const response = await fetch(`${system.url}/v1/data/objects/${path}`, {
    method,
    headers: { accesskey: system.credentials.accessKey!, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: (await response.json()) as Body }
}
const insert = (...records: Fields[]) => send('POST', 'Company', { records })
const change = (keys: string, ...records: Fields[]) =>
  send('PUT', `Company?keys=${keys}`, { records })
const recordOf = (id: unknown) => system.state('Company').get(String(id))!.record

describe('a write to the model of Gainsight', () => {
  test('inserts companies and changes them by keys', async () => {
    const { status, body } = await insert(
      { Name: 'Acme', ARR: 5, Touchstone_Id__gc: 'gr-1', RenewalDate: '2026-05-01' },
      { Name: 'Two' },
    )
    assert.deepEqual([status, body.result, body.data!.count], [200, true, 2])
    const id = body.data!.records[0]!.Gsid
    assert.equal(recordOf(id).RenewalDate, Date.UTC(2026, 4, 1))
    const changed = await change('Touchstone_Id__gc', {
      ...{ Touchstone_Id__gc: 'gr-1', Name: 'Acme 2', ARR: null },
    })
    assert.deepEqual(
      [changed.body.data!.count, recordOf(id).Name, recordOf(id).ARR],
      [1, 'Acme 2', null],
    )
    const api = recordOf(id).ModifiedBy
    system.put('Company', { Gsid: String(id), Summary: 'x' })
    assert.notEqual(recordOf(id).ModifiedBy, api)
    const relationship = await send('POST', 'Relationship', {
      records: [{ Name: 'Support', CompanyId: id }],
    })
    assert.equal(relationship.body.data!.records[0]!.CompanyId, id)
  })

  test('has nothing unique, and a change of a record that is missing makes none', async () => {
    const { length } = [...system.state('Company')]
    const missing = await change('Touchstone_Id__gc', { Touchstone_Id__gc: 'none', Name: 'x' })
    assert.deepEqual([missing.body.result, missing.body.data!.count], [true, 0])
    assert.equal(system.state('Company').size, length)
    await insert({ Name: 'A', Touchstone_Id__gc: 'gr-2' }, { Name: 'B', Touchstone_Id__gc: 'gr-2' })
    const both = await change('Touchstone_Id__gc', { Touchstone_Id__gc: 'gr-2', Summary: 's' })
    assert.equal(both.body.data!.count, 2)
    system.faults.add({ kind: 'twice' }, /^POST/)
    await insert({ Name: 'Repeated' })
    const made = system.writes().filter(({ fields }) => fields.Name === 'Repeated')
    assert.equal(made.length, 2)
  })

  test('fails the whole call with result false and status 200', async () => {
    const { length } = [...system.state('Company')]
    for (const [record, field] of [
      [{ Name: 'x', Colour: 'red' }, 'Colour'],
      [{ ARR: 5 }, 'Name'],
      [{ Name: 5 }, 'Name'],
      [{ Name: 'x', ARR: 'much' }, 'ARR'],
      [{ Name: 'x', RenewalDate: 'soon' }, 'RenewalDate'],
      [{ Name: 'x', ParentCompany: 'none' }, 'ParentCompany'],
    ] as const) {
      const { status, body } = await insert({ Name: 'Good' }, record)
      assert.deepEqual([status, body.result], [200, false])
      assert.equal(body.data!.errors![0]![0]!.fieldName, field)
    }
    assert.equal(system.state('Company').size, length)
    assert.equal((await change('', { Name: 'x' })).body.result, false)
    const many = Array.from({ length: 51 }, () => ({ Name: 'x' }))
    assert.equal((await insert(...many)).body.result, false)
    assert.ok(system.requests().unknown.some((request) => request.includes('Colour')))
    assert.equal((await send('POST', 'Person', { records: [] })).status, 404)
    system.faults.add({ kind: 'forbidden' })
    assert.deepEqual((await insert({ Name: 'x' })).body.errorCode, 'GSOBJ_1024')
  })

  test('runs rules before its answer, which has their values', async () => {
    const stop = system.automate('Company', ({ Name }) => ({ Name: `${Name}!` }))
    const { body } = await insert({ Name: 'Loud' })
    stop()
    assert.equal(body.data!.records[0]!.Name, 'Loud!')
    assert.equal(recordOf(body.data!.records[0]!.Gsid).Name, 'Loud!')
    const [rule] = system.writes().slice(-1)
    assert.deepEqual([rule!.by, rule!.cause], ['automation', 'api'])
  })
})
