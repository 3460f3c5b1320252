import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, beforeEach, test } from 'node:test'
import { AccessRecorder, type AccessRecorderOptions } from '../../../mdm/access/accessRecorder.ts'
import {
  type AccessRow,
  accessListing,
  expireAccess,
  latestAccesses,
} from '../../../mdm/access/sensitiveAccess.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { listed } from '../../fixtures/listed.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
beforeEach(() => db.sql`truncate sensitive_access`)
after(async () => await db?.drop())

const never = 2 ** 30
const seer = (actor: string) => ({ actor, correlationId: `c-${actor}`, operation: 'query Q' })
const [a, b, c] = ['0a', '0b', '0c'].map((p) => `${p}${randomUUID().slice(2)}`) as [
  string,
  string,
  string,
]

function recorder(bounds: AccessRecorderOptions['bounds'] = {}) {
  const reports: string[] = []
  const it = new AccessRecorder({
    sql: db.sql,
    daysMax: 400,
    everyMs: never,
    bounds,
    report: (m) => reports.push(m),
  })
  const rows = async () =>
    (await listed<AccessRow>(db.sql, accessListing, latestAccesses))
      .map((r) => ({ ...r, fields: r.fields.join(), ids: r.ids.toSorted() }))
      .reverse()
  return { it, reports, rows }
}

test('stores fields of the same records as one row, counts a repeated access once, and flushes on stop', async () => {
  const { it, rows } = recorder()
  const [ada, bert] = [seer('ada'), seer('bert')]
  for (const id of [a, b, a])
    for (const field of ['phones', 'emails']) it.note(ada, 'FIELD', 'Customer', [field], id)
  it.note(ada, 'FIELD', 'Customer', ['address'], a)
  it.note(bert, 'WEBHOOK', 'Contact', ['name', 'emails'], c)
  it.note(bert, 'FEED', 'Contact', [], c)
  await it.stop()
  assert.deepEqual(
    (await rows()).map((r) => [
      r.actor,
      r.correlationId,
      r.operation,
      r.through,
      r.type,
      r.fields,
      r.ids,
      r.more,
    ]),
    [
      ['ada', 'c-ada', 'query Q', 'FIELD', 'Customer', 'emails,phones', [a, b], 0],
      ['ada', 'c-ada', 'query Q', 'FIELD', 'Customer', 'address', [a], 0],
      ['bert', 'c-bert', 'query Q', 'WEBHOOK', 'Contact', 'emails,name', [c], 0],
    ],
  )
})

test('over its bounds it drops record ids first, then callers; it keeps the counts and reports the loss', async () => {
  const { it, rows, reports } = recorder({ idsMax: 2, rowsMax: 2 })
  for (const id of [a, b, c]) it.note(seer('ada'), 'FIELD', 'Customer', ['emails'], id)
  const bert = seer('bert')
  for (const id of [a, b, c]) it.note(bert, 'FIELD', 'Customer', ['emails'], id)
  await it.stop()
  const all = await rows()
  assert.equal(
    all.reduce((n, r) => n + r.ids.length + r.more, 0),
    6,
    'every access is counted',
  )
  assert.equal(
    all.reduce((n, r) => n + r.ids.length, 0),
    2,
  )
  assert.ok(all.some((r) => r.actor === '(overload)' && r.more === 4))
  assert.match(reports.join(), /not known by whom/)

  const calm = recorder({ idsMax: 2 })
  for (let round = 0; round < 3; round++) {
    for (const id of [a, b]) calm.it.note(bert, 'FIELD', 'Contact', ['name'], id)
    await calm.it.write()
  }
  await calm.it.stop()
  assert.deepEqual(calm.reports, [], 'rows that are written free their room')
})

test('accesses wait while the database is unavailable, and are then written once each', async () => {
  const { it, rows, reports } = recorder()
  await db.sql`alter table sensitive_access rename to away`
  it.note(seer('ada'), 'FIELD', 'Customer', ['emails'], a)
  await it.write()
  it.note(seer('bert'), 'FIELD', 'Customer', ['emails'], b)
  await it.write()
  assert.equal(reports.length, 2)
  await db.sql`alter table away rename to sensitive_access`
  await it.stop()
  assert.deepEqual(
    (await rows()).map((r) => r.actor),
    ['ada', 'bert'],
  )
})

test('accesses older than the retention period are deleted', async () => {
  const { it, rows } = recorder()
  for (const actor of ['old', 'new']) it.note(seer(actor), 'FIELD', 'Customer', ['emails'], a)
  await it.stop()
  await db.sql`update sensitive_access set at = now() - interval '401 days' where actor = 'old'`
  assert.equal(await expireAccess(db.sql, 400), 1)
  assert.deepEqual(
    (await rows()).map((r) => r.actor),
    ['new'],
  )
})
