import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Registry } from 'prom-client'
import { operationMetrics } from '../../../cli/observe/operationMetrics.ts'
import { type SlowStatement, watchSlow } from '../../../mdm/db/slowStatements.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { eventually } from '../../e2e/eventually.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
after(async () => await db?.drop())

test('a read that takes long is told with its plan and without any value; a quick one, and one too many, is not', async () => {
  const told: SlowStatement[] = []
  const slow = watchSlow(
    db.sql,
    30,
    (s) => told.push(s),
    () => 0,
  )
  const text = `select g.id from golden g where g.values ->> 'name' = $1::text and (select pg_sleep(0.05)) is not null`
  const rows = await slow.unsafe(text, ["Anna O'Weber"])
  assert.equal(rows.length, 0)
  await eventually(() => told.length === 1)
  const [one] = told
  assert.ok(one && one.ms >= 30)
  assert.equal(one.text, text)
  assert.match(one.plan ?? '', /golden/)
  assert.doesNotMatch(JSON.stringify(one), /Anna|Weber/)
  await slow.unsafe('select 1')
  assert.equal((await slow`select 2 as n`)[0]?.n, 2)
  for (let i = 0; i < 8; i++) await slow.unsafe(text, ['x'])
  await eventually(() => told.length === 9)
  assert.equal(told.filter((s) => s.plan !== null).length, 6)
  await assert.rejects(slow.unsafe('select nothing from nowhere'), /nowhere/)
  // A watch that nothing reaches says nothing.
  const quick = watchSlow(db.sql, 600_000, () => assert.fail('told'))
  await quick.unsafe('select 1')
})

test('operations have labels by name, and not more than so many', async () => {
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
