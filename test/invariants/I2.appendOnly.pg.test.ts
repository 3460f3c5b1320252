import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { verifyAudit } from '../../mdm/audit/audit.ts'
import type { Stewardship } from '../../mdm/stewardship/steward.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { applyRecords, done, key, person } from '../fixtures/steward.ts'
import { directPipeline } from '../fixtures/store.ts'

let db: TestDatabase
let steward: Stewardship
const ada = person('ada', 'steward')
const a = key('crm', 'A')
const b = key('billing', 'B')

before(async () => {
  db = await testDatabase()
  steward = directPipeline(db.sql)
  await applyRecords(db.sql, [
    { source: 'crm', id: 'A', fields: { name: 'Casa Lupo S.r.l.', currency: 'EUR' } },
    { source: 'billing', id: 'B', fields: { name: 'Nordwind Logistik GmbH', currency: 'USD' } },
  ])
  for (let i = 0; i < 3; i++) {
    const merged = await done(steward, ada, { kind: 'MERGE', ids: [a, b], choices: [] })
    await done(steward, ada, { kind: 'UNDO', action: merged })
  }
})
after(async () => await db?.drop())

test('I2: assertions, withdrawals and the audit log are append-only; the database rejects other changes', async () => {
  for (const table of ['assertion', 'withdrawal', 'audit'])
    for (const statement of [
      `delete from ${table}`,
      `truncate ${table} cascade`,
      `update ${table} set ${column(table)}`,
    ])
      await assert.rejects(db.sql.unsafe(statement), /append-only/, statement)
})

function column(table: string): string {
  return table === 'audit'
    ? 'at = now()'
    : table === 'assertion'
      ? "actor = 'eve'"
      : 'assertion_id = assertion_id'
}

test('I2: undo deletes nothing: the assertion remains with its actor and is marked as withdrawn', async () => {
  const rows = await db.sql`
    select s.kind, s.actor, m.state, v.assertion_id is not null as stands from assertion s
    join action m on m.id = s.action_id left join standing v on v.assertion_id = s.id`
  assert.equal(rows.length, 3)
  for (const r of rows)
    assert.deepEqual({ ...r }, { kind: 'SAME', actor: 'ada', state: 'UNDONE', stands: false })
})

test('verifies the audit log, and finds a changed, a removed and a truncated row', async () => {
  assert.deepEqual(await verifyAudit(db.sql), { rows: 6, broken: null })
  const tampered: [statement: string, row: number][] = [
    [`update audit set body = replace(body::text, 'ada', 'eve')::json where id = 3`, 3],
    [`update audit set at = at - interval '1 day' where id = 2`, 2],
    ['delete from audit where id = 4', 4],
    ['delete from audit where id = 6', 6],
    [
      `update audit set body = (select body from audit where id = 1), hash = (select hash from audit where id = 1) where id = 5`,
      5,
    ],
  ]
  for (const [statement, row] of tampered) {
    const found = await db.sql.begin(async (tx) => {
      // Only the owner of the database can do this; the hash chain shows that it happened.
      await tx.unsafe(`set local session_replication_role = replica; ${statement}`)
      const result = await verifyAudit(tx as never)
      await tx.unsafe('rollback; begin')
      return result
    })
    assert.equal(found.broken?.id, row, statement)
  }
})
