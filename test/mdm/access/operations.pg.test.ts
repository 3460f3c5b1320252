import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  findOperation,
  listOperations,
  operationHash,
  publishOperations,
  retireOperations,
} from '../../../mdm/access/operations.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
after(async () => await db?.drop())

const A = 'query A { a }'
const hash = operationHash(A)
const publish = (client: string, text = A) =>
  publishOperations(db.sql, { client, operations: [{ text, names: ['A'] }], publishedBy: 'test' })

test('accepts an operation while any client has it published; publishing again restores a retired one', async () => {
  assert.equal(await findOperation(db.sql, hash), null)
  assert.deepEqual(await publish('app'), [hash])
  assert.deepEqual(await publish('app'), [], 'it was there')
  assert.deepEqual(await publish('batch'), [hash])
  assert.equal(await findOperation(db.sql, hash), A)
  assert.equal(await retireOperations(db.sql, hash, 'app'), 1)
  assert.equal(await findOperation(db.sql, hash), A)
  assert.deepEqual(
    (await listOperations(db.sql, { standing: true })).map((o) => o.client),
    ['batch'],
  )
  assert.equal(await retireOperations(db.sql, hash.slice(0, 8), null), 1)
  assert.equal(await findOperation(db.sql, hash), null)
  assert.equal(await retireOperations(db.sql, hash, null), 0)
  assert.deepEqual(await publish('app'), [hash])
  const [app] = await listOperations(db.sql, { client: 'app' })
  assert.equal(app?.retiredAt, null)
  assert.deepEqual(app?.names, ['A'])
})

test('records the last use; a hash prefix that several operations share retires none', async () => {
  await publish('app')
  await findOperation(db.sql, hash)
  const [app] = await listOperations(db.sql, { client: 'app' })
  assert.ok(app?.lastUsedAt)
  // Two texts whose hashes share a long prefix cannot be constructed, but two rows can.
  await db.sql`insert into operation (hash, client, text, names, published_by)
    values (${`${hash.slice(0, 60)}0000`}, 'app', 'x', '{}', 'test')`
  await assert.rejects(
    retireOperations(db.sql, hash.slice(0, 60), null),
    /several operations begin with/,
  )
  assert.equal(await findOperation(db.sql, hash), A)
})
