import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type TestDatabase, testDatabase } from '../database.ts'
import { tell } from '../fixtures/steward.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
after(async () => await db?.drop())

const lupo = { name: 'Casa Lupo S.r.l.', domains: ['casalupo.example'], phones: ['+390612345678'] }
const links = () => db.sql<{ written: string; weight: number }[]>`select xmin::text as written, weight from link`

test('a link is written when its weight changes, and not when a field that is not compared does', async () => {
  await tell(db.sql, [
    { source: 'crm', id: 'A', fields: lupo },
    { source: 'billing', id: 'B', fields: lupo },
  ])
  const first = await links()
  assert.equal(first.length, 1)
  assert.notEqual(Math.fround(first[0]?.weight ?? 0), first[0]?.weight, 'a weight that single precision rounds')
  await tell(db.sql, [{ source: 'crm', id: 'A', version: 2, fields: { ...lupo, currency: 'EUR' } }])
  assert.deepEqual(await links(), first)
  await tell(db.sql, [{ source: 'crm', id: 'A', version: 3, fields: { ...lupo, phones: [] } }])
  const [changed] = await links()
  assert.ok((changed?.weight ?? 0) < (first[0]?.weight ?? 0))
})
