import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { lock } from '../../../mdm/db/locks.ts'
import { dryRunTransaction } from '../../../mdm/db/transaction.ts'
import type { ActionInput } from '../../../mdm/stewardship/input.ts'
import { lockGoldenRecords } from '../../../mdm/stewardship/lockedGoldenRecords.ts'
import { preview, type Stewardship } from '../../../mdm/stewardship/steward.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { applyRecords, done, key, person, versions } from '../../fixtures/steward.ts'
import { directPipeline } from '../../fixtures/store.ts'

let db: TestDatabase
let steward: Stewardship
before(async () => {
  db = await testDatabase()
  steward = directPipeline(db.sql)
  await applyRecords(db.sql, [
    { source: 'crm', id: 'A', fields: { name: 'Casa Lupo S.r.l.', currency: 'EUR' } },
    { source: 'billing', id: 'B', fields: { name: 'Nordwind Logistik GmbH', currency: 'USD' } },
  ])
})
after(async () => await db?.drop())

const ada = person('ada', 'steward')
const a = key('crm', 'A')
const b = key('billing', 'B')
const merge = (): ActionInput => ({ kind: 'MERGE', ids: [a, b], choices: [] })
const advisoryLocks = async () => {
  const [row] = await db.sql<{ n: number }[]>`
    select count(*)::int as n from pg_locks l join pg_database d on d.oid = l.database
    where d.datname = current_database() and l.locktype = 'advisory'`
  return row?.n ?? -1
}

test('a preview waits for no transaction that has locked its golden records', async () => {
  const expected = await versions(db.sql)
  const seen = await db.sql.begin(async (tx) => {
    await lockGoldenRecords(tx, [a, b])
    assert.equal(await advisoryLocks(), 2, 'they are locked')
    // Without an end if it waited: this transaction ends after it.
    return await preview(steward, ada, { input: merge(), expected })
  })
  assert.ok(seen.code === 'PREVIEW', JSON.stringify(seen))
  assert.deepEqual(seen.records.map((r) => r.op).sort(), ['MERGED', 'MERGED'])
})

test('a dry run takes no locks, so nobody waits for it', async () => {
  let held = -1
  await assert.rejects(
    dryRunTransaction(db.sql, async (tx) => {
      await lock(tx, 'golden', [1, 2, 3])
      held = await advisoryLocks()
      throw new Error('taken back')
    }),
    /taken back/,
  )
  assert.equal(held, 0)
})

test('a dry run that meets a row which another transaction changed begins again and sees the change', async () => {
  const seen: (string | undefined)[] = []
  await assert.rejects(
    dryRunTransaction(db.sql, async (tx) => {
      const [row] = await tx<{ name: string }[]>`
        select values ->> 'name' as name from golden where id = ${a}`
      seen.push(row?.name)
      if (seen.length === 1)
        await done(steward, ada, {
          kind: 'OVERRIDE',
          id: a,
          field: 'name',
          value: 'Casa Lupo S.p.A.',
          expiresAt: null,
        })
      await tx`update golden set version = version where id = ${a}`
      throw new Error('taken back')
    }),
    /taken back/,
  )
  assert.deepEqual(seen, ['Casa Lupo S.r.l.', 'Casa Lupo S.p.A.'])
})

test('a preview of versions that are past is a conflict', async () => {
  const expected = { ...(await versions(db.sql)), [a]: 1 }
  const seen = await preview(steward, ada, { input: merge(), expected })
  assert.equal(seen.code, 'CONFLICT')
})
