import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { readPolicyFiles, resolutionContextOf } from '../../../cli/config/policyFiles.ts'
import { verifyAudit } from '../../../mdm/audit/verifyAudit.ts'
import { explainPairs } from '../../../mdm/explain/explain.ts'
import { createEngine } from '../../../mdm/match/engine.ts'
import { priorParameters } from '../../../mdm/match/parameters.ts'
import {
  activePolicy,
  policyVersionOf,
  type StoredPolicy,
  withParameters,
} from '../../../mdm/policy/policies.ts'
import { publish } from '../../../mdm/policy/publish.ts'
import { checkRebuild } from '../../../mdm/policy/rebuild.ts'
import { changesNothing, simulate } from '../../../mdm/policy/simulate.ts'
import type { TypePolicy } from '../../../schema/policy.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import {
  actualChanges,
  compareEvents,
  digests,
  predictedChanges,
  readStore,
} from '../../fixtures/publication.ts'
import { applyRecords, attempt, done, key, person } from '../../fixtures/steward.ts'
import { directPipeline, systems } from '../../fixtures/store.ts'

let db: TestDatabase
const shipped = readPolicyFiles('schema/model')
const by = { actor: 'pia', reason: 'test' }
const ada = person('ada', 'steward')

/**
 * The shipped policy with another owner of the name, stricter matching of customers and looser
 * matching of contacts.
 */
function changed(): StoredPolicy {
  const customer = shipped.model['customer.graphql'] ?? ''
  const owned = customer.replace(
    '@systemOfRecord(order: [ERP, CRM, BILLING])\n  "Name in',
    '@systemOfRecord(order: [BILLING, ERP, CRM])\n  "Name in',
  )
  assert.notEqual(owned, customer, 'the model names the owner of the name')
  const model = { ...shipped.model, 'customer.graphql': owned }
  const [type, contact] = ['Customer', 'Contact'].map((t) =>
    directPipeline(db.sql).policy.type(t),
  ) as [TypePolicy, TypePolicy]
  const parameters = {
    Customer: { ...priorParameters(type), matchWeightMin: between(type) },
    Contact: { ...priorParameters(contact), matchWeightMin: -20, linkWeightMin: -30 },
  }
  return { version: policyVersionOf(model, parameters), model, parameters }
}

/**
 * Returns a threshold between two weights: domain, phone and name do not reach it, with a tax id
 * they do.
 */
function between(type: TypePolicy): number {
  const engine = createEngine(type)
  const fields = { name: 'Firma Zahl 1', domains: ['firm1.example'], phones: ['+493012341001'] }
  const weigh = (more: object) => {
    const [a, b] = ['a', 'b'].map((s) =>
      engine.standardise({ key: s, source: s, fields: { ...fields, ...more } }),
    )
    return a && b ? engine.compare(a, b).weight : 0
  }
  return (weigh({}) + weigh({ taxIds: ['DE100000001'] })) / 2
}

before(async () => {
  db = await testDatabase()
  const nordwind = { domains: ['nordwind.example'], phones: ['+493012345678'] }
  const records = Array.from({ length: 12 }, (_, i) => {
    const own = { domains: [`firm${i}.example`], phones: [`+49301234${1000 + i}`] }
    return ['crm', 'billing', 'erp'].slice(0, 1 + (i % 3)).map((source) => ({
      source,
      id: `F${i}`,
      fields: {
        name: source === 'billing' ? `Firma Zahl ${i}` : `Firma Zahl ${i} GmbH`,
        ...own,
        taxIds: i % 2 ? [`DE${100000000 + i}`] : [],
      },
    }))
  }).flat()
  await applyRecords(db.sql, [
    ...records,
    { source: 'crm', id: 'N', fields: { name: 'Nordwind Logistik GmbH', ...nordwind } },
    { source: 'billing', id: 'N', fields: { name: 'Nordwind Logistik', ...nordwind } },
    { source: 'erp', id: 'L', fields: { name: 'Casa Lupo S.r.l.' } },
    {
      source: 'crm',
      id: 'M',
      type: 'Contact',
      fields: { name: 'Maria Moser', phones: ['+493012345678'] },
    },
    {
      source: 'erp',
      id: 'M',
      type: 'Contact',
      fields: { name: 'Petra Klein', phones: ['+493012345678'] },
    },
  ])
  // Assertions of stewards hold under any policy.
  await done(directPipeline(db.sql), ada, {
    kind: 'MERGE',
    ids: [key('erp', 'L'), key('crm', 'F0')],
    choices: [],
  })
})
after(async () => await db?.drop())

async function state() {
  return {
    golden:
      await db.sql`select id, type, values, provenance from golden where state = 'ACTIVE' order by id`,
    crosswalk:
      await db.sql`select key, golden_id from source_record where golden_id is not null order by key`,
    links: await db.sql`select a, b, weight from link order by a, b`,
  }
}

test('the simulation predicts every event of a publication; an interrupted publication resumes; going back restores the state', async () => {
  const was = await state()
  const candidate = resolutionContextOf(changed(), systems)
  const [stored, tables] = [await readStore(db.sql), await digests(db.sql)]
  const report = await simulate(db.sql, candidate, { examplesMax: 1_000 })
  assert.deepEqual(await state(), was, 'a simulation writes nothing')
  assert.deepEqual(await digests(db.sql), tables, 'a simulation writes nothing')
  const customers = report.types.find((t) => t.type === 'Customer')
  assert.ok(
    customers && customers.splits.count > 0 && customers.fields.some((f) => f.field === 'name'),
    JSON.stringify(customers),
  )
  const contacts = report.types.find((t) => t.type === 'Contact')
  assert.ok(contacts && contacts.absorbed > 0, JSON.stringify(contacts))

  const unexpected = await publish(db.sql, changed(), candidate, { ...by, instead: 'f'.repeat(16) })
  assert.deepEqual(unexpected, { code: 'POLICY_CHANGED', active: null })
  assert.deepEqual(await digests(db.sql), tables, 'a refused publication writes nothing')

  let steps = 0
  const expected = { ...by, instead: null }
  const stopped = publish(db.sql, changed(), candidate, expected, () => {
    if (++steps === 1) throw new Error('pulled the plug')
  })
  await assert.rejects(stopped, /pulled the plug/)
  const busy = await publish(db.sql, shipped, resolutionContextOf(shipped, systems), by)
  assert.equal(busy.code, 'BUSY')
  const published = await publish(db.sql, changed(), candidate, expected)
  assert.ok(published.code === 'DONE' && published.resumed)
  assert.deepEqual(
    await publish(db.sql, shipped, resolutionContextOf(shipped, systems), expected),
    {
      code: 'POLICY_CHANGED',
      active: changed().version,
    },
  )
  assert.equal((await activePolicy(db.sql))?.version, changed().version)
  assert.deepEqual((await checkRebuild(db.sql, candidate)).differences, [])

  // The expected changes of each golden record, computed from the stored state before and after.
  const after = await readStore(db.sql)
  assert.deepEqual(
    predictedChanges(report),
    actualChanges(stored, after, Object.keys(predictedChanges(report))),
  )
  const events = await compareEvents(db.sql, stored, after)
  assert.deepEqual(
    [events.missing, events.redundant],
    [[], []],
    'every changed golden record has its event, and no other has one',
  )
  const causes =
    await db.sql`select distinct cause ->> 'source' as source, cause ->> 'sourceId' as policy from change
    where position > ${stored.position}`
  assert.deepEqual([...causes], [{ source: 'publication', policy: changed().version }])
  assert.ok(changesNothing(await simulate(db.sql, candidate)))

  const back = await publish(db.sql, shipped, resolutionContextOf(shipped, systems), by)
  assert.equal(back.code, 'DONE')
  assert.deepEqual(await state(), was, 'values, provenance, ids and links are unchanged')
  assert.deepEqual(
    await digests(db.sql),
    tables,
    'so are keys, features, possible matches and open tasks',
  )
  assert.equal((await verifyAudit(db.sql)).broken, null)
})

test('records that a worker writes under the former policy during a publication are resolved again under the new one', async () => {
  // The calibration changes every weight and no golden record.
  const type = directPipeline(db.sql).policy.type('Customer')
  const recalibrated = withParameters(
    shipped,
    new Map([['Customer', { ...priorParameters(type), calibration: { scale: 1, offset: 0.25 } }]]),
  )
  const candidate = resolutionContextOf(recalibrated, systems)
  const [was] = await db.sql<
    { canonical: object }[]
  >`select canonical from source_record where key = ${key('crm', 'F1')}`
  let late = false
  await publish(db.sql, recalibrated, candidate, by, async () => {
    if (late) return
    late = true
    await applyRecords(db.sql, [
      { source: 'crm', id: 'F1', version: 9, fields: { ...was?.canonical, currency: 'EUR' } },
    ])
  })
  assert.ok(late)
  const found =
    await db.sql`select distinct features_version as version from source_record where type = 'Customer'`
  assert.deepEqual(
    found.map((f) => f.version),
    [candidate.engines.get('Customer')?.version],
  )
  const links = await db.sql<{ a: string; b: string; weight: number }[]>`
    select x.key as a, y.key as b, l.weight from link l join source_record x on x.id = l.a join source_record y on y.id = l.b`
  const explained = await explainPairs(
    db.sql,
    candidate,
    links.map((l): [string, string] => [l.a, l.b]),
  )
  for (const l of links)
    assert.equal(
      Math.fround(explained.get(`${l.a} ${l.b}`)?.weight ?? Number.NaN),
      Math.fround(l.weight),
    )
  assert.deepEqual((await checkRebuild(db.sql, candidate)).differences, [])
  assert.equal(
    (await publish(db.sql, shipped, resolutionContextOf(shipped, systems), by)).code,
    'DONE',
  )
})

test('a sample covers random golden records and those linked to them', async () => {
  const candidate = resolutionContextOf(changed(), systems)
  const [all, some] = [
    await simulate(db.sql, candidate),
    await simulate(db.sql, candidate, { sample: 4 }),
  ]
  const of = (s: typeof all) => s.types.find((t) => t.type === 'Customer')
  assert.ok((of(some)?.records ?? 0) > 0 && (of(some)?.records ?? 0) < (of(all)?.records ?? 0))
  assert.ok((of(some)?.changes.count ?? 0) <= (of(all)?.changes.count ?? 0))
})

test('rejects a policy with a mistake before any change', async () => {
  const text = shipped.model['customer.graphql'] ?? ''
  const broken = {
    ...shipped,
    model: { ...shipped.model, 'customer.graphql': text.replace('name: String!', 'name: Strin!') },
  }
  assert.throws(
    () => resolutionContextOf(broken, systems),
    /customer\.graphql:\d+:\d+: Customer\.name: unknown type Strin/,
  )
  const unknown = { ...shipped, parameters: { Client: {} } }
  assert.throws(() => resolutionContextOf(unknown, systems), /no golden type Client/)
  assert.equal(
    (await attempt(directPipeline(db.sql), person('carl'), { kind: 'RETIRE', id: key('crm', 'N') }))
      .code,
    'REFUSED',
  )
})
