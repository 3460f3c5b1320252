import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Canonical, Issue } from '../../../connectors/contract.ts'
import type { WrittenValue } from '../../../mdm/echo/echo.ts'
import { mapCreated } from '../../../mdm/ingest/createdRecord.ts'

/** Reads a customer as a billing system: the id stands in for the name, and all are customers. */
function map({ id, company, email, phones, city, country }: Record<string, unknown>): Canonical {
  const name = company ?? email ?? id ?? null
  const address = { ...(city ? { city } : {}), ...(country ? { country } : {}) }
  return {
    type: 'Customer',
    fields: {
      lifecycle: 'CUSTOMER',
      ...(name === null ? {} : { name }),
      ...(phones ? { phones } : {}),
      ...(Object.keys(address).length > 0 ? { address } : {}),
    },
    issues:
      name === null
        ? [{ field: 'name', code: 'REQUIRED', detail: 'name is missing' } as Issue]
        : [],
    complete: name !== null,
  }
}

const written = (path: string, value: string, state: WrittenValue['state'] = 'SEEN') => ({
  ...{ intentId: 1, path, value, since: 0, appliedAt: 1, state },
})
const values = [written('company', 'Ada Ltd'), written('city', 'Kiel')]

test('a created record states neither what stands in for a written value, nor what the mapping gives to all', () => {
  const created = mapCreated(map, { id: '7f0c' }, values)
  assert.deepEqual([created.fields, created.complete], [{}, false])
  assert.deepEqual(
    created.issues.map((i) => [i.field, i.code]),
    [['name', 'REQUIRED']],
  )
})

test('a created record states what its system added: other fields, and other parts of a group', () => {
  const created = mapCreated(map, { id: '7f0c', phones: ['+49431'], country: 'DE' }, values)
  assert.deepEqual(created.fields, { phones: ['+49431'], address: { country: 'DE' } })
})

test('a created record has the name that its system gave it since', () => {
  const ended = [written('company', 'Ada Ltd', 'ENDED'), written('city', 'Kiel')]
  const created = mapCreated(map, { id: '7f0c', company: 'Ada SE' }, ended)
  assert.deepEqual([created.fields, created.complete], [{ name: 'Ada SE' }, true])
})
