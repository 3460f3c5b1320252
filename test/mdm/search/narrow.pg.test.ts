import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Source } from 'graphql'
import { listPage } from '../../../mdm/db/page.ts'
import { Parameters } from '../../../mdm/db/statement.ts'
import { conditionOf, type Filter } from '../../../mdm/golden/read/filter.ts'
import { goldenListing } from '../../../mdm/golden/read/list.ts'
import { fillSearch } from '../../../mdm/search/fillSearch.ts'
import { parsePolicy } from '../../../schema/readPolicy.ts'
import { goldenListSpec } from '../../../subgraphs/golden/goldenList.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { policy } from '../../fixtures/store.ts'
import { ingestRecords, world } from '../../subgraphs/world.ts'

const type = policy.type('Customer')
const spec = goldenListSpec(policy, type)
const scopes = new Set(['pii:read'])
const many = 20_000

let db: TestDatabase
before(async () => {
  db = await testDatabase()
  await ingestRecords(db.sql, [
    ...world,
    ...[
      { name: 'Long', taxIds: ['DE 1'], registrationIds: [`${'x1 '.repeat(60)}`] },
      { name: 'Many', registrationIds: Array.from({ length: 300 }, (_, n) => `HRB ${n}`) },
      { name: '%_\\', registrationIds: ["'", '=', '%', 'HRB-7'] },
      { name: 'ÄÖÜ', domains: ['aou.example'], registrationIds: ['hrb 7'] },
    ].map((fields, n) => ({ source: 'crm', type: 'Customer', id: `odd-${n}`, fields })),
  ])
  // As large a store as a plan needs to choose an index.
  await db.sql`
    insert into golden (id, type, version, state, values, provenance, policy_version, position, created_at, updated_at)
    select md5(n::text)::uuid, 'Customer', 1, 'ACTIVE',
      jsonb_build_object('name', 'Company ' || n, 'taxIds', jsonb_build_array('DE' || (100000000 + n)),
        'emails', jsonb_build_array('office' || n || '@company' || n || '.example'),
        'phones', jsonb_build_array('+4930' || (1000000 + n)), 'domains', jsonb_build_array('company' || n || '.example'),
        'registrationIds', jsonb_build_array('HRB ' || n)), '{}', 'p', 1, now(), now()
    from generate_series(1, ${many}) n`
  await db.sql`update search_fill set layout = '', complete = false`
  await db.sql`insert into search_fill (type, layout, complete) values ('Customer', '', false) on conflict do nothing`
  await fillSearch(db.sql, policy)
  await db.sql`vacuum analyze`
})
after(async () => await db?.drop())

async function ids(filter: Filter, narrow: boolean): Promise<string[]> {
  const list = narrow ? spec : { ...spec, narrow: undefined }
  const page = await listPage<{ id: string }>(db.sql, goldenListing('Customer'), {
    limit: 200,
    backward: false,
    after: undefined,
    before: undefined,
    order: [{ column: spec.unique, descending: false }],
    condition: conditionOf(list, filter, scopes),
  })
  return page.rows.map((r) => r.id)
}

const company = (n: number) => ({
  taxIds: `DE${100000000 + n}`,
  emails: `office${n}@company${n}.example`,
  phones: `+4930${1000000 + n}`,
  domains: `company${n}.example`,
  registrationIds: `HRB ${n}`,
})

describe('a narrowed filter', () => {
  const filters: Filter[] = [
    ...Object.entries(company(4711)).map(([field, value]) => ({ [field]: { contains: value } })),
    { registrationIds: { containsAny: ['HRB 5', 'HRB 250', 'hrb 7', '=', '%'] } },
    { registrationIds: { containsAll: ['HRB 5', 'HRB 250'] } },
    { registrationIds: { contains: `${'x1 '.repeat(60)}` } },
    { registrationIds: { contains: "'" } },
    { registrationIds: { contains: '=' } },
    { name: { eq: '%_\\' } },
    { name: { eq: 'ÄÖÜ' } },
    { name: { eq: 'aou' } },
    { name: { in: ['Company 7', 'Nordwind Logistik GmbH', 'ÄÖÜ'] } },
    { name: { in: [] } },
    { name: { ne: 'Company 7' }, domains: { contains: 'company8.example' } },
    { not: { emails: { contains: 'office7@company7.example' } }, name: { eq: 'Company 7' } },
    { or: [{ name: { eq: 'Company 7' } }, { billingAddress: { city: { eq: 'Hamburg' } } }] },
    { emails: { contains: "x' | 'y" } },
  ]
  for (const filter of filters)
    test(`finds the same as a pass over all records: ${JSON.stringify(filter).slice(0, 70)}`, async () => {
      assert.deepEqual(await ids(filter, true), await ids(filter, false))
    })

  test('finds something', async () => {
    for (const [field, value] of Object.entries(company(4711)))
      assert.equal((await ids({ [field]: { contains: value } }, true)).length, 1, field)
    assert.equal((await ids({ registrationIds: { contains: 'HRB 250' } }, true)).length, 2)
  })

  test('reads the index of search, and neither all golden records nor all words', async () => {
    const p = new Parameters()
    const condition = conditionOf(spec, { taxIds: { contains: 'DE100004711' } }, scopes)(p)
    const plan = await db.sql.unsafe(
      `explain select g.id from golden g where g.type = 'Customer' and g.state = 'ACTIVE' and ${condition}`,
      p.values,
    )
    const text = plan.map((r) => r['QUERY PLAN']).join('\n')
    assert.match(text, /Function Scan on golden_with_words/)
    assert.match(text, /golden_pkey/)
    assert.doesNotMatch(text, /Seq Scan/)
    const inner = await db.sql.unsafe(
      `explain select golden_id from search_text t where t.words @@ '''=de100004711'' | ''='''::tsquery and t.type = 'Customer'`,
    )
    assert.match(inner.map((r) => r['QUERY PLAN']).join('\n'), /search_text_words/)
  })

  test('takes less than half of the time of a pass', async (t) => {
    const time = async (narrow: boolean) => {
      const times: number[] = []
      for (let n = 0; n < 9; n++) {
        const began = performance.now()
        await ids({ emails: { contains: company(n * 99 + 1).emails } }, narrow)
        times.push(performance.now() - began)
      }
      return times.toSorted((a, b) => a - b)[4] ?? 0
    }
    const [pass, narrowed] = [await time(false), await time(true)]
    t.diagnostic(
      `${many} customers: ${pass.toFixed(1)} ms for a pass, ${narrowed.toFixed(1)} ms narrowed`,
    )
    assert.ok(narrowed < pass / 2, `${narrowed} ms, and a pass takes ${pass} ms`)
  })

  test('reads all records while words of other rules are stored, and finds the same', async () => {
    await db.sql`update search_fill set layout = 'other' where type = 'Customer'`
    const filter = { taxIds: { contains: 'DE100004711' } }
    assert.deepEqual(await ids(filter, true), await ids(filter, false))
    await fillSearch(db.sql, policy)
  })
})

test('a type of an installation has it too', () => {
  const own = parsePolicy([
    new Source(`
    type Site @key(fields: "id") @golden {
      id: ID!
      "Name."
      name: String!
      "Number."
      number: String @compare(as: IDENTIFIER)
      "City."
      city: String
    }`),
  ])
  const list = goldenListSpec(own, own.type('Site'))
  const text = (filter: Filter) => conditionOf(list, filter, new Set())(new Parameters())
  assert.match(text({ number: { eq: 'S-1' } }), /golden_with_words\('Site'/)
  assert.doesNotMatch(text({ city: { eq: 'Rome' } }), /golden_with_words/)
})
