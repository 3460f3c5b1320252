import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pastId, presentReference, readPastId } from '../../subgraphs/shared/pastId.ts'

const id = '63f01fe8-6d1e-8ddd-87f1-95d5180a9d87'
const moment = '2025-01-01T00:00:00.000Z'

test('the id of an earlier record holds its golden id and its moment', () => {
  assert.deepEqual(readPastId(pastId(id, moment)), { id, moment })
  assert.deepEqual(readPastId(id), { id, moment: null })
  for (const other of [`${id}@`, `${id}@2025-01-01`, `${id}@now`, `${id}@${moment}@${moment}`])
    assert.deepEqual(readPastId(other), { id: other, moment: null })
})

test('a reference leads to the present object', () => {
  const present = { __typename: 'Customer', id }
  assert.equal(presentReference(present), present)
  assert.deepEqual(presentReference({ ...present, id: pastId(id, moment) }), present)
})
