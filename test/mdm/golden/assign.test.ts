import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assign } from '../../../mdm/golden/assign.ts'
import { derive, type StoredGolden } from '../../../mdm/golden/derive.ts'

const record = (id: number, goldenId: string | null) => ({ id, key: `k${id}`, goldenId })
const stored = (
  id: string,
  values: Record<string, unknown>,
  state: StoredGolden['state'] = 'ACTIVE',
  version = 1,
): [string, StoredGolden] => [id, { id, version, state, values, provenance: {} }]
const plain = (values: Record<string, unknown>) => () => ({ values, provenance: {} })

test('I7: a merge keeps the id of the oldest record, a split gives back the original ones', () => {
  const merged = assign([[record(2, 'k2'), record(1, 'k1')]], [])
  assert.deepEqual(
    merged.map((a) => a.goldenId),
    ['k1'],
  )
  const split = assign([[record(1, 'k1')], [record(2, 'k1'), record(3, 'k1')]], [])
  assert.deepEqual(
    split.map((a) => a.goldenId),
    ['k1', 'k2'],
  )
})

test('I10: a deleted record keeps its crosswalk, and the golden id it is named after', () => {
  const [only] = assign([[record(2, 'k1')]], [record(1, 'k1')])
  assert.equal(only?.goldenId, 'k1')
  assert.deepEqual(
    only?.inactiveMembers.map((a) => a.key),
    ['k1'],
  )
  const [alone] = assign([], [record(1, 'k1')])
  assert.equal(alone?.goldenId, 'k1')
})

test('a merge is an event of the survivor and a tombstone that redirects', () => {
  const events = derive(
    assign([[record(1, 'k1'), record(2, 'k2')]], []),
    new Map([stored('k1', { a: 1 }), stored('k2', { a: 2 })]),
    plain({ a: 1 }),
  )
  assert.deepEqual(
    events.map((e) => [e.goldenId, e.op, e.version, e.redirect]),
    [
      ['k1', 'MERGED', 2, null],
      ['k2', 'MERGED', 2, 'k1'],
    ],
  )
})

test('a split is an event of each part; a restored id continues its version numbers', () => {
  const events = derive(
    assign([[record(1, 'k1')], [record(2, 'k1')]], []),
    new Map([stored('k1', { a: 1 }, 'ACTIVE', 4), stored('k2', {}, 'MERGED', 2)]),
    plain({ a: 1 }),
  )
  assert.deepEqual(
    events.map((e) => [e.goldenId, e.op, e.version]),
    [
      ['k1', 'SPLIT', 5],
      ['k2', 'SPLIT', 3],
    ],
  )
})

test('emits no event without a change, and names a changed field', () => {
  const before = new Map([stored('k1', { a: 1, b: { x: 1, y: 2 } })])
  const at = assign([[record(1, 'k1')]], [])
  assert.deepEqual(derive(at, before, plain({ b: { y: 2, x: 1 }, a: 1 })), [])
  assert.deepEqual(derive(at, before, plain({ a: 2, b: { x: 1, y: 2 } }))[0]?.changed, ['a'])
})

test('deletes the golden record with its last source record, and keeps its crosswalk', () => {
  const [event] = derive(
    assign([], [record(1, 'k1')]),
    new Map([stored('k1', { a: 1 })]),
    () => null,
  )
  assert.deepEqual(
    [event?.op, event?.values, event?.redirect, event?.members],
    ['DELETED', null, null, ['k1']],
  )
})

test('a record that moves between two remaining golden records splits one and updates the other', () => {
  const events = derive(
    assign([[record(1, 'k1')], [record(2, 'k2'), record(3, 'k1')]], []),
    new Map([stored('k1', { a: 1 }), stored('k2', { a: 2 })]),
    plain({ a: 3 }),
  )
  assert.deepEqual(
    events.map((e) => [e.goldenId, e.op]),
    [
      ['k1', 'SPLIT'],
      ['k2', 'UPDATED'],
    ],
  )
})
