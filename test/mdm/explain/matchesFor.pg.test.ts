import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type ExecutionResult, execute, parse } from 'graphql'
import { matchesFor } from '../../../mdm/explain/matchesFor.ts'
import type { Pipeline } from '../../../mdm/ingest/pipeline.ts'
import { unbound } from '../../../subgraphs/shared/context.ts'
import { createStewardshipSubgraph } from '../../../subgraphs/stewardship/subgraph.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { directPipeline, policy } from '../../fixtures/store.ts'
import { ingestRecords, key, type WorldRecord, world } from '../../subgraphs/world.ts'

let db: TestDatabase
let pipeline: Pipeline
before(async () => {
  db = await testDatabase()
  pipeline = directPipeline(db.sql)
  await ingestRecords(db.sql, world, pipeline)
})
after(async () => await db?.drop())

const nordwind = key('crm', 'Customer', 'C1')
const TEXT = `query ($type: String!, $values: JSON!, $system: String) {
  matchesFor(type: $type, values: $values, system: $system) { totalCount nodes {
    goldenId verdict weight probability because record { id }
    explanation { verdict weight a { id goldenId } b { system sourceId } steps { kind comparison total valuesA valuesB } } } } }`

async function ask(
  values: unknown,
  { type = 'Customer', scopes = ['pii:read'] }: { type?: string; scopes?: string[] } = {},
): Promise<ExecutionResult> {
  const { policy: active, engines, systems } = pipeline
  const subgraph = createStewardshipSubgraph(
    { sql: db.sql, policy: active, engines, systems },
    unbound(db.sql),
  )
  const contextValue = subgraph.context({ correlationId: 'c', scopes: new Set(scopes) })
  return await execute({
    schema: subgraph.schema,
    document: parse(TEXT),
    contextValue,
    variableValues: { type, values },
  })
}

async function matches(values: unknown, options: Parameters<typeof ask>[1] = {}) {
  const { data, errors } = await ask(values, options)
  assert.equal(errors, undefined, JSON.stringify(errors))
  return JSON.parse(JSON.stringify(data)).matchesFor.nodes
}

async function counts(): Promise<unknown> {
  return await db.sql`
    select (select count(*)::int from source_record) as records, (select count(*)::int from match_key) as keys,
      (select count(*)::int from link) as links, (select position from feed_head) as position,
      (select count(*)::int from possible_match) as possible, (select max(id) from inbox) as inbox`
}

test('a record that is there already would merge, and nothing is written', async () => {
  const before = await counts()
  const [best] = await matches({ name: 'NORDWIND LOGISTIK', taxIds: ['DE136695976'] })
  assert.deepEqual([best.goldenId, best.verdict, best.record.id], [nordwind, 'MERGES', nordwind])
  assert.ok(best.weight > 0 && best.probability > 0.5)
  assert.equal(best.because, 'it would belong to this golden record')
  assert.deepEqual(
    [best.explanation.verdict, best.explanation.a.goldenId, best.explanation.weight],
    ['TOGETHER', null, best.weight],
  )
  const { steps } = best.explanation
  assert.ok(Math.abs(steps.at(-1).total - best.weight) < 1e-9)
  assert.deepEqual(steps.find((s: { comparison: string }) => s.comparison === 'taxId').valuesA, {
    taxIds: ['DE136695976'],
  })
  assert.deepEqual(await counts(), before)
})

test('a stranger has no matches', async () => {
  assert.deepEqual(await matches({ name: 'Quetzal Ombudsman Ltd' }), [])
  assert.deepEqual(await matches({}), [])
})

test('what is found is what the arrival of the record would do', async () => {
  const fields: Record<string, unknown>[] = [
    { name: 'Nordwind Logistik GmbH', domains: ['nordwind.example'] },
    { name: 'Nordwind Logistik' },
    { name: 'Nordwind Logistik AG', taxIds: ['DE811569869'] },
    { name: 'Nordwind Reederei GmbH', phones: ['+493012345678'] },
    { name: 'Casa Lupo', billingAddress: { city: 'Roma', country: 'IT' } },
    { name: 'Casa Lupo S.r.l.', domains: ['casalupo.example'] },
    { name: 'Zephyr Kuehlhaus' },
    { name: 'Zefyr Kühlhaus AG', domains: ['zephyr.example'] },
  ]
  for (const [n, own] of fields.entries()) {
    const found = await matchesFor(
      db.sql,
      pipeline,
      policy.type('Customer'),
      { values: own, system: 'success' },
      null,
    )
    const of = (verdict: string) =>
      found.filter((m) => m.verdict === verdict).map((m) => m.goldenId)
    const record: WorldRecord = { source: 'success', type: 'Customer', id: `N${n}`, fields: own }
    await ingestRecords(db.sql, [record], pipeline)
    const at = key('success', 'Customer', `N${n}`)
    const [stored] = await db.sql<{ id: string; possible: string[] }[]>`
      select r.golden_id as id, array(select distinct o.golden_id from possible_match p
        join source_record m on m.golden_id = r.golden_id and m.key in (p.a, p.b)
        join source_record o on o.key = case when p.a = m.key then p.b else p.a end and o.golden_id <> r.golden_id
        where ${at} in (p.a, p.b)) as possible
      from source_record r where r.key = ${at}`
    assert.deepEqual(of('MERGES'), stored?.id === at ? [] : [stored?.id], JSON.stringify(own))
    for (const id of stored?.possible ?? [])
      assert.ok(
        of('POSSIBLE_MATCH').includes(id) || of('FORBIDDEN').includes(id),
        `${JSON.stringify(own)}: ${id}`,
      )
    for (const id of of('POSSIBLE_MATCH'))
      assert.ok(stored?.possible.includes(id), `${JSON.stringify(own)}: ${id} is not possible`)
    await ingestRecords(db.sql, [{ ...record, version: 2, deleted: true }], pipeline)
  }
})

test('a reference is a golden id', async () => {
  const [best] = await matches(
    { name: 'Anna Weber', customer: nordwind, emails: ['anna@nordwind.example'] },
    { type: 'Contact' },
  )
  assert.deepEqual([best.goldenId, best.verdict], [key('crm', 'Contact', 'P1'), 'MERGES'])
})

describe('rights', () => {
  test('a value of a field that the caller may not see is refused', async () => {
    const { errors } = await ask({ name: 'N', emails: ['sales@nordwind.example'] }, { scopes: [] })
    assert.equal(errors?.[0]?.extensions.code, 'MISSING_SCOPE')
    assert.match(errors?.[0]?.message ?? '', /emails needs the scope pii:read/)
  })

  test('hidden values of stored records change nothing', async () => {
    const values = { name: 'Nordwind Logistik GmbH', taxIds: ['DE136695976'] }
    const seen = await matches(values, { scopes: [] })
    await ingestRecords(
      db.sql,
      [
        {
          source: 'success',
          type: 'Customer',
          id: 'hidden',
          fields: {
            name: 'Nordwind Logistik GmbH',
            taxIds: ['DE136695976'],
            emails: ['x@y.example'],
          },
        },
      ],
      pipeline,
    )
    const again = await matches(values, { scopes: [] })
    assert.deepEqual(
      again.map((m: { goldenId: string; weight: number }) => [m.goldenId, m.weight]),
      seen.map((m: { goldenId: string; weight: number }) => [m.goldenId, m.weight]),
    )
    assert.match(again[0].because, /not shown without the scope pii:read/)
  })
})

describe('values that are refused', () => {
  for (const [values, type, message] of [
    [[], 'Customer', /values is an object/],
    ['x', 'Customer', /values is an object/],
    [{ planet: 'Mars' }, 'Customer', /has no field planet; it has kind, /],
    [{ name: 7 }, 'Customer', /value of Customer.name does not fit/],
    [{ name: { $ne: null } }, 'Customer', /does not fit/],
    [{ billingAddress: 'Hafenstr. 1' }, 'Customer', /does not fit/],
    [{ name: 'x'.repeat(20_001) }, 'Customer', /at most 20000/],
    [{ name: 'x' }, 'Planet', /no golden type Planet/],
  ] as const)
    test(`${JSON.stringify(values).slice(0, 40)} of ${type}`, async () => {
      const { errors } = await ask(values, { type })
      assert.equal(errors?.[0]?.extensions.code, 'BAD_FILTER')
      assert.match(errors?.[0]?.message ?? '', message)
    })
  for (const name of [
    '%',
    "'; drop table golden; --",
    '\u0000',
    '\ud800',
    '🙂'.repeat(500),
    '__proto__',
  ])
    test(`${JSON.stringify(name).slice(0, 30)} is a name`, async () => {
      await matches({ name })
    })
})
