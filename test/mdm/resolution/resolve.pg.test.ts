import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { engineOf } from '../../../mdm/resolution/context.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { applyRecords, key } from '../../fixtures/steward.ts'
import { directPipeline } from '../../fixtures/store.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
after(async () => await db?.drop())

const lupo = { name: 'Casa Lupo S.r.l.', domains: ['casalupo.example'], phones: ['+390612345678'] }
const links = () =>
  db.sql<{ written: string; weight: number }[]>`select xmin::text as written, weight from link`

test('a link is written when its weight changes, and not for a change of a field that is not compared', async () => {
  await applyRecords(db.sql, [
    { source: 'crm', id: 'A', fields: lupo },
    { source: 'billing', id: 'B', fields: lupo },
  ])
  const first = await links()
  assert.equal(first.length, 1)
  assert.notEqual(
    Math.fround(first[0]?.weight ?? 0),
    first[0]?.weight,
    'a weight that single precision rounds',
  )
  await applyRecords(db.sql, [
    { source: 'crm', id: 'A', version: 2, fields: { ...lupo, currency: 'EUR' } },
  ])
  assert.deepEqual(await links(), first)
  await applyRecords(db.sql, [
    { source: 'crm', id: 'A', version: 3, fields: { ...lupo, phones: [] } },
  ])
  const [changed] = await links()
  assert.ok((changed?.weight ?? 0) < (first[0]?.weight ?? 0))
})

test('two possible matches are not merged, and their task follows the other record to its golden record', async () => {
  const { sql } = db
  const pipeline = directPipeline(sql)
  const engine = engineOf(pipeline, pipeline.policy.type('Customer'))
  const phones = ['+442079460018']
  const trading = { name: 'Tamarind Trading', phones }
  const travel = { name: 'Tamarind Travel', phones }
  const same = {
    taxIds: ['DE136695976'],
    domains: ['zircon.example'],
    emails: ['a.mol@zircon.example'],
  }
  await applyRecords(sql, [{ source: 'erp', id: 'W', fields: { name: 'Zircon Harbour', ...same } }])
  await applyRecords(sql, [
    { source: 'crm', id: 'T', fields: trading },
    { source: 'billing', id: 'T', fields: travel },
  ])
  const [a, b, w] = [key('crm', 'T'), key('billing', 'T'), key('erp', 'W')]
  const possibleMatches = async () => {
    const [link] = await sql<
      { weight: number }[]
    >`select weight from link l join source_record x on x.id in (l.a, l.b)
      where x.key = ${a}`
    assert.ok(link && !engine.canJoin(link.weight), `${link?.weight} joins nothing`)
    const open = await sql<{ subject: string[]; stake: number }[]>`
      select subject from task where state = 'OPEN' and kind = 'POSSIBLE_MATCH'`
    return {
      tasks: open.map((t) => t.subject),
      possible: [...(await sql`select a, b, reason from possible_match`)],
    }
  }
  const possible = [
    { a: [a, b].sort()[0], b: [a, b].sort()[1], reason: 'alike, but under the threshold' },
  ]
  assert.deepEqual(await possibleMatches(), { tasks: [[a, b].sort()], possible })

  const version = async () => (await sql`select version from golden where id = ${a}`)[0]?.version
  const was = await version()
  await applyRecords(sql, [
    { source: 'billing', id: 'T', version: 2, fields: { ...travel, ...same } },
  ])
  assert.deepEqual(
    await possibleMatches(),
    { tasks: [[a, w].sort()], possible },
    'the older one gave the golden record its id',
  )
  assert.equal(await version(), was)

  await applyRecords(sql, [
    { source: 'erp', id: 'W', version: 3, fields: { name: 'Zircon Harbour' } },
  ])
  assert.deepEqual(await possibleMatches(), { tasks: [[a, b].sort()], possible })
})
