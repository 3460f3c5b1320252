import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openMetrics } from '../../../cli/observe/metrics.ts'
import type { PullRole } from '../../../cli/observe/roles.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
after(async () => await db?.drop())

interface Given {
  state: string
  operation?: 'CREATE' | 'UPDATE'
  code?: string
  conflicts?: number
  /** Seconds ago. */
  planned?: number
  sent?: number
  ended?: number
  released?: boolean
}

let records = 0
async function write(given: Given): Promise<void> {
  const { state, operation = 'UPDATE', code = null, conflicts = 0, planned = 10 } = given
  const ago = (seconds: number | undefined) =>
    seconds === undefined ? null : new Date(Date.now() - seconds * 1_000)
  await db.sql`
    insert into write_intent (golden_id, type, source, object, source_id, operation, state, version, changes, values, former, hash,
      position, policy_version, code, conflicts, planned_at, sent_at, ended_at, released_at)
    values (gen_random_uuid(), 'Customer', 'crm', 'Account', ${String(++records)}, ${operation}, ${state}, 1, '{}', '{}', '{}', 'h',
      1, 'p', ${code}, ${conflicts}, ${ago(planned)}, ${ago(given.sent)}, ${ago(given.ended)}, ${given.released ? ago(0) : null})`
}

test('reports writes by state, their age, what ended, breakers, limits and what is due', async (t) => {
  await db.sql`
    insert into write_target (source, version, registered_by, paused_until, failed_since, scanned, scan_total)
    values ('crm', 'v', 0, now() + interval '1 minute', now() - interval '90 seconds', 40, 100), ('erp', 'v', 0, null, null, 0, null)`
  await db.sql`
    insert into write_due (golden_id, due_at) values (gen_random_uuid(), now() - interval '2 minutes'), (gen_random_uuid(), now() + interval '1 hour')`
  await write({ state: 'PLANNED', planned: 300 })
  await write({ state: 'PLANNED' })
  await write({ state: 'HELD', code: 'TOO_MANY_RECORDS' })
  await write({ state: 'HELD', code: 'HELD_BY_PERSON' })
  await write({ state: 'WAITING', code: 'POSSIBLE_MATCH' })
  await write({ state: 'WAITING', code: 'NOT_LOADED' })
  await write({ state: 'UNKNOWN', sent: 20 })
  await write({ state: 'DONE', sent: 30, ended: 29 })
  await write({ state: 'DONE', operation: 'CREATE', sent: 30, ended: 29 })
  await write({ state: 'DONE', sent: 7_300, ended: 7_200 })
  await write({ state: 'REFUSED', ended: 7_200 })
  await write({ state: 'REFUSED', ended: 60 })
  await write({ state: 'REFUSED', ended: 7_200, released: true })
  await write({ state: 'CONFLICT', ended: 60, conflicts: 1 })
  await write({ state: 'CONFLICT', ended: 60, conflicts: 3 })
  const role = {
    sources: [],
    writes: [
      {
        name: 'crm',
        counts: () => ({ requests: 7, retries: 2, waits: 1, bytes: 0 }),
        bounds: () => ({ perMinute: 6, perDay: 8 }),
      },
    ],
    close: async () => {},
  } satisfies PullRole
  const metrics = openMetrics({
    ...{ sql: db.sql, connectors: new Map(), types: [], pull: () => role },
    failed: (e) => assert.fail(String(e)),
  })
  t.after(() => metrics.close())
  const text = await metrics.text()
  const of = (name: string, labels: string): number | undefined => {
    const start = `touchstone_write_${name}${labels === '' ? '' : `{${labels}}`} `
    const line = text.split('\n').find((l) => l.startsWith(start))
    return line === undefined ? undefined : Number(line.slice(start.length))
  }
  const inState = (state: string) => of('intents', `system="crm",state="${state}"`)
  assert.equal(Number(/^touchstone_database_up (\d)/m.exec(text)?.[1]), 1)
  assert.deepEqual(
    ['planned', 'held', 'unknown', 'sent', 'refused', 'conflict'].map(inState),
    [2, 2, 1, 0, 2, 1],
  )
  assert.equal(of('intents', 'system="erp",state="planned"'), 0)
  const age = of('oldest_seconds', 'system="crm",state="planned"') ?? 0
  assert.ok(age >= 300 && age < 400, String(age))
  const refused = of('oldest_seconds', 'system="crm",state="refused"') ?? 0
  assert.ok(refused >= 7_200, 'a refusal waits since it was made')
  assert.equal(of('oldest_seconds', 'system="erp",state="planned"'), undefined)
  assert.equal(of('oldest_seconds', 'system="erp",state="refused"'), undefined)
  const ended = (state: string) => of('ended', `system="crm",state="${state}"`)
  assert.deepEqual(['done', 'refused', 'conflict'].map(ended), [2, 1, 2])
  const target = (name: string, system = 'crm') => of(name, `system="${system}"`)
  assert.deepEqual([target('paused'), target('paused', 'erp')], [1, 0])
  assert.ok((target('failed_seconds') ?? 0) >= 90)
  assert.equal(target('failed_seconds', 'erp'), 0)
  assert.deepEqual([target('held_by_limit'), target('unscanned_records')], [1, 60])
  assert.deepEqual([target('undecided'), target('undecided', 'erp')], [1, 0])
  assert.equal(of('limit_used_ratio', 'system="crm",limit="minute"'), 3 / 6)
  assert.equal(of('limit_used_ratio', 'system="crm",limit="day"'), 4 / 8)
  assert.equal(of('limit_used_ratio', 'system="erp",limit="day"'), undefined)
  assert.equal(of('due_records', ''), 1)
  assert.ok((of('due_seconds', '') ?? 0) >= 120)
  assert.deepEqual(
    ['requests_total', 'retries_total', 'waits_total'].map((n) => target(n)),
    [7, 2, 1],
  )
})
