import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type TestDatabase, testDatabase } from '../../database.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
after(async () => await db.drop())

test('arrays come back from the database as they were sent', async () => {
  const texts = [
    'a',
    '',
    'with "quotes"',
    'back\\slash',
    'comma, brace {}',
    'NULL',
    'null',
    'line\nbreak',
    null,
    'ß漢',
  ]
  const numbers = [1, -2, 9_007_199_254_740_991, null]
  const uuid = '0190163d-8694-739b-aea5-966c26f8ad90'
  const [row] = await db.sql`
    select ${texts}::text[] as texts, ${numbers}::bigint[] as numbers, ${[uuid, null]}::uuid[] as uuids,
      ${[]}::text[] as none, ${[0.5, 2]}::real[] as reals, ${['true', 'false']}::text[]::boolean[] as booleans,
      ${['{"a":[1,"x,y"]}']}::text[]::jsonb[] as jsonbs, array['2026-03-01'::date] as dates,
      array['2026-03-01T10:00:00Z'::timestamptz] as moments`
  assert.deepEqual(
    { ...row },
    {
      texts,
      numbers,
      uuids: [uuid, null],
      none: [],
      reals: [0.5, 2],
      booleans: [true, false],
      jsonbs: [{ a: [1, 'x,y'] }],
      dates: ['2026-03-01'],
      moments: [new Date('2026-03-01T10:00:00Z')],
    },
  )
})
