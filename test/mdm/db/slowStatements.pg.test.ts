import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Registry } from 'prom-client'
import { operationMetrics } from '../../../cli/observe/operationMetrics.ts'
import { type SlowStatement, watchSlowStatements } from '../../../mdm/db/slowStatements.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { eventually } from '../../e2e/eventually.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
after(async () => await db?.drop())

test('a slow read is reported with its plan and without values; a quick read is not, and plans are limited', async () => {
  const reported: SlowStatement[] = []
  const slow = watchSlowStatements(
    db.sql,
    30,
    (s) => reported.push(s),
    () => 0,
  )
  const text = `select g.id from golden g where g.values ->> 'name' = $1::text and (select pg_sleep(0.05)) is not null`
  const rows = await slow.unsafe(text, ["Anna O'Weber"])
  assert.equal(rows.length, 0)
  await eventually(() => reported.length === 1)
  const [one] = reported
  assert.ok(one && one.ms >= 30)
  assert.equal(one.text, text)
  assert.match(one.plan ?? '', /golden/)
  assert.doesNotMatch(JSON.stringify(one), /Anna|Weber/)
  await slow.unsafe('select 1')
  assert.equal((await slow`select 2 as n`)[0]?.n, 2)
  for (let i = 0; i < 8; i++) await slow.unsafe(text, ['x'])
  await eventually(() => reported.length === 9)
  assert.equal(reported.filter((s) => s.plan !== null).length, 6)
  await assert.rejects(slow.unsafe('select nothing from nowhere'), /nowhere/)
  const quick = watchSlowStatements(db.sql, 600_000, () => assert.fail('reported'))
  await quick.unsafe('select 1')
})

test('operations are labelled by name, up to a limit of names', async () => {
  const registry = new Registry()
  const observe = operationMetrics(registry)
  observe({ name: 'Card', type: 'query', ms: 3, ok: true })
  observe({ name: null, type: 'mutation', ms: 30, ok: false })
  for (let i = 0; i < 300; i++) observe({ name: `Made${i}`, type: 'query', ms: 1, ok: true })
  const text = await registry.metrics()
  assert.match(text, /operation_seconds_count\{operation="Card",type="query"\} 1/)
  assert.match(text, /operations_failed\{operation="anonymous",type="mutation"\} 1/)
  assert.match(text, /operation_seconds_count\{operation="other",type="query"\} 101/)
  assert.doesNotMatch(text, /Made250/)
})
