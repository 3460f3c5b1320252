import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Pipeline } from '../../../mdm/ingest/pipeline.ts'
import { changedMappings, remap, remapChanged } from '../../../mdm/ingest/remap.ts'
import { checkRebuild } from '../../../mdm/policy/rebuild.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { applyRecords, done, key, person } from '../../fixtures/steward.ts'
import { directPipeline } from '../../fixtures/store.ts'
import { ingestRecords } from '../../subgraphs/world.ts'

let db: TestDatabase
let pipeline: Pipeline
before(async () => {
  db = await testDatabase()
  pipeline = directPipeline(db.sql)
})
after(async () => await db?.drop())

/** Returns the mapping with a code list for payment terms; other codes are unmapped. */
function withCodes(codes: Record<string, string>): Pipeline {
  const plain = pipeline.connectors.get('erp')
  if (!plain) throw new Error('no source system erp')
  const erp: typeof plain = {
    ...plain,
    map(object, raw) {
      const canonical = plain.map(object, raw)
      const code = String(raw.paymentTerms)
      const { paymentTerms: _, ...rest } = canonical.fields
      const issue = {
        field: 'paymentTerms',
        code: 'UNKNOWN_CODE',
        detail: `"${code}" is not in the list of codes`,
      }
      return codes[code]
        ? { ...canonical, fields: { ...rest, paymentTerms: codes[code] } }
        : { ...canonical, fields: rest, issues: [...canonical.issues, issue] }
    },
  }
  return { ...pipeline, connectors: new Map([...pipeline.connectors, ['erp', erp]]) }
}

const terms = async (id: string) =>
  (
    await db.sql<
      { v: string | null }[]
    >`select values ->> 'paymentTerms' as v from golden where id = ${key('erp', id)}`
  )[0]?.v

test('a changed code list maps the affected records again, with events; unmapped codes are tasks that close once mapped', async () => {
  await applyRecords(db.sql, [
    { source: 'erp', id: '1', fields: { name: 'Casa Lupo', paymentTerms: '30' } },
    { source: 'erp', id: '2', fields: { name: 'Blue Fen', paymentTerms: '14' } },
    { source: 'crm', id: '3', fields: { name: 'Nordwind' } },
  ])
  const head = async () =>
    (await db.sql<{ position: number }[]>`select position from feed_head`)[0]?.position ?? 0
  const before = await head()
  const first = await remap(withCodes({ 30: 'NET30' }), 'erp')
  assert.deepEqual(first, { records: 2, changed: 2, otherType: 0, events: 2 })
  assert.equal(await head(), before + 2)
  assert.deepEqual([await terms('1'), await terms('2')], ['NET30', null])
  const open = await db.sql`select kind, subject, reason from task where state = 'OPEN'`
  assert.deepEqual(
    open.map((t) => ({ ...t })),
    [
      {
        kind: 'VALIDATION',
        subject: [key('erp', '2')],
        reason: 'paymentTerms: "14" is not in the list of codes',
      },
    ],
  )
  const second = await remap(withCodes({ 30: 'NET30', 14: 'NET14' }), 'erp')
  assert.deepEqual([second.changed, second.events], [1, 1])
  assert.equal(await terms('2'), 'NET14')
  assert.equal((await db.sql`select 1 from task where state = 'OPEN'`).length, 0)
  assert.equal(
    (await remap(withCodes({ 30: 'NET30', 14: 'NET14' }), 'erp')).changed,
    0,
    'again: nothing to do',
  )
  assert.deepEqual((await checkRebuild(db.sql, pipeline)).differences, [])
})

test('a changed mapping is detected and applied automatically, once; a system without records needs nothing', async () => {
  const remapped: string[] = []
  const bring = (it: Pipeline, versions: Record<string, string>) =>
    remapChanged(it, new Map(Object.entries(versions)), (source, done) =>
      remapped.push(`${source} ${done.changed}`),
    )
  await bring(withCodes({ 30: 'NET30', 14: 'NET14' }), { erp: 'v1', success: 'v1' })
  assert.deepEqual(remapped.splice(0), ['erp 0'], 'its former mapping is unknown')
  await bring(withCodes({ 30: 'N30', 14: 'NET14' }), { erp: 'v2', success: 'v2' })
  assert.deepEqual(remapped.splice(0), ['erp 1'])
  assert.deepEqual([await terms('1'), await terms('2')], ['N30', 'NET14'])
  await bring(withCodes({}), { erp: 'v2', success: 'v2' })
  assert.deepEqual(remapped, [], 'an unchanged version is not mapped again')
  assert.deepEqual(
    await changedMappings(
      db.sql,
      new Map([
        ['erp', 'v3'],
        ['success', 'v3'],
        ['crm', 'v3'],
      ]),
    ),
    ['erp', 'crm'],
  )
})

test('a record that was only kept becomes an object, with its first event', async () => {
  const plain = pipeline.connectors.get('billing')
  if (!plain) throw new Error('no source system billing')
  const keeping: typeof plain = {
    ...plain,
    map: (_, raw) => ({ ...plain.map('Price', raw), type: 'Kept', fields: {} }),
  }
  const kept = { ...pipeline, connectors: new Map([...pipeline.connectors, ['billing', keeping]]) }
  await ingestRecords(
    db.sql,
    [{ source: 'billing', type: 'Price', id: 'H1', fields: { name: 'Kept', amount: 0.5 } }],
    kept,
  )
  const done = await remap(pipeline, 'billing')
  assert.deepEqual([done.changed, done.otherType, done.events], [1, 0, 1])
  const rows = await db.sql`
    select s.type, p.name, p.amount_minor, c.op, c.version from price p
    join source_record s on s.id = p.record_id join change c on c.golden_id = s.key`
  assert.deepEqual(
    rows.map((r) => ({ ...r })),
    [{ type: 'Price', name: 'Kept', amount_minor: 0.5, op: 'CREATED', version: 1 }],
  )
  // The way back would end an object that callers know.
  assert.deepEqual((await remap(kept, 'billing')).otherType, 1)
})

test('an automatic split waits for a steward to confirm it or to merge the records again', async () => {
  const same = { taxIds: ['DE136695976'], phones: ['+493012345678'], domains: ['north.example'] }
  const ada = person('ada', 'steward')
  const [a, b] = [key('crm', 'A'), key('billing', 'B')]
  await applyRecords(db.sql, [
    { source: 'crm', id: 'A', fields: { name: 'North Freight GmbH', ...same } },
    { source: 'billing', id: 'B', fields: { name: 'North Freight GmbH', ...same } },
  ])
  await applyRecords(db.sql, [
    {
      source: 'billing',
      id: 'B',
      version: 2,
      fields: { name: 'Orlando Fruit', taxIds: ['IT00743110157'] },
    },
  ])
  const open = async () =>
    (await db.sql`select subject from task where kind = 'SPLIT' and state = 'OPEN'`).map(
      (t) => t.subject,
    )
  assert.deepEqual(await open(), [[a, b].sort()])
  const merged = await done(pipeline, ada, { kind: 'MERGE', ids: [a, b], choices: [] })
  assert.deepEqual(await open(), [], 'joined again')
  await done(pipeline, ada, { kind: 'UNDO', action: merged })
  assert.deepEqual(await open(), [[a, b].sort()], 'and open again')
  await done(pipeline, ada, { kind: 'NOT_A_MATCH', ids: [a, b] })
  assert.deepEqual(await open(), [], 'agreed')
})
