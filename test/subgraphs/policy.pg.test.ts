import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { readPolicyFiles } from '../../cli/config/policyFiles.ts'
import { openPolicies } from '../../cli/server/openPolicies.ts'
import type { Gateway } from '../../gateway/gateway.ts'
import { transaction } from '../../mdm/db/transaction.ts'
import { createEngine } from '../../mdm/match/engine.ts'
import { priorParameters } from '../../mdm/match/parameters.ts'
import {
  activePolicy,
  beginPublication,
  policyVersionOf,
  storePolicy,
  withParameters,
} from '../../mdm/policy/policies.ts'
import { DEFAULT_RULES } from '../../mdm/tasks/rules.ts'
import { policyResolvers } from '../../subgraphs/stewardship/policy.ts'
import { createSimulatePolicy } from '../../subgraphs/stewardship/whatIf.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { person } from '../fixtures/steward.ts'
import { policy, systems } from '../fixtures/store.ts'
import { graph, ingestRecords, query, queryData, world } from './world.ts'

let db: TestDatabase
let gateway: Gateway
before(async () => {
  db = await testDatabase()
  await ingestRecords(db.sql, world)
  gateway = await graph(db.sql)
})
after(async () => {
  await gateway?.close(0)
  await db?.drop()
})

const TEXT = `query ($version: String) { policyText(version: $version) {
  version trainedTypes files { name text types } } }`
const MATCHING = `query ($type: String!) { matching(type: $type) {
  type model prior threshold linkThreshold training { records pairs }
  comparisons { name fields dimension levels { name m u weight } }
  sweep { weight probability pairs precision recall } } }`

test('matching shows the levels and thresholds of the engine that runs', async () => {
  const { matching } = await queryData(gateway, MATCHING, { type: 'Customer' })
  const engine = createEngine(policy.type('Customer'))
  assert.equal(matching.model, engine.version)
  assert.equal(matching.threshold, engine.matchWeightMin)
  assert.equal(matching.training, null, 'a shipped model')
  const name = matching.comparisons.find((c: { name: string }) => c.name === 'name')
  assert.deepEqual(name.fields, ['name', 'legalName', 'tradingNames'])
  for (const { m, u, weight } of name.levels) assert.ok(Math.abs(weight - Math.log2(m / u)) < 1e-9)
  assert.equal(matching.comparisons.length, engine.scorer.columns.length)
})

test('the sweep counts the stored links, and expects of them what their weights say', async () => {
  const { matching } = await queryData(gateway, MATCHING, { type: 'Customer' })
  const links = await db.sql<{ weight: number }[]>`
    select l.weight from link l join source_record r on r.id = l.a where r.type = 'Customer' and not r.deleted`
  assert.ok(links.length > 0)
  const probability = (w: number) => 1 / (1 + 2 ** -w)
  const all = links.reduce((sum, l) => sum + probability(l.weight), 0)
  for (const { weight, pairs, precision, recall } of matching.sweep) {
    const over = links.filter((l) => l.weight >= weight)
    const expected = over.reduce((sum, l) => sum + probability(l.weight), 0)
    assert.equal(pairs, over.length)
    assert.ok(Math.abs((precision ?? 0) - (over.length > 0 ? expected / over.length : 0)) < 1e-9)
    assert.ok(Math.abs(recall - expected / all) < 1e-9)
  }
  assert.ok(matching.sweep.some((t: { weight: number }) => t.weight === matching.threshold))
  const contract = await queryData(gateway, MATCHING, { type: 'Product' })
  assert.deepEqual(
    contract.matching.sweep.map((t: { pairs: number }) => t.pairs),
    contract.matching.sweep.map(() => 0),
    'links of other types do not count',
  )
})

test('matching needs the scopes of every compared field, and a type that is matched', async () => {
  const unknown = await query(gateway, MATCHING, { type: 'Widget' })
  assert.equal(unknown.errors?.[0]?.extensions.code, 'NOT_MATCHED')
  const engines = new Map(policy.types.map((t) => [t.name, createEngine(t)]))
  const { Query } = policyResolvers({ policy, engines } as never) as unknown as {
    Query: {
      matching: (_: null, args: object, context: object) => { type: string } | null
      policyText: (_: null, args: object, context: object) => Promise<unknown>
    }
  }
  const asked = (scopes: string[], bound: object | null) =>
    Query.matching(null, { type: 'Customer' }, { scopes: new Set(scopes), bound })
  assert.throws(() => asked(['stewardship:read'], null), { extensions: { code: 'MISSING_SCOPE' } })
  assert.equal(asked(['stewardship:read', 'pii:read'], null)?.type, 'Customer')
  assert.equal(asked(['stewardship:read', 'pii:read'], {}), null, 'the sweep counts every record')
  assert.equal(await Query.policyText(null, {}, { bound: {} }), null, 'as publishing is not theirs')
})

test('the texts of the policy are those of its files, and null for an unknown version', async () => {
  const { policyText } = await queryData(gateway, TEXT)
  assert.equal(policyText.version, null, 'nothing was published')
  const customer = policyText.files.find((f: { types: string[] }) => f.types.includes('Customer'))
  assert.equal(customer.text, readFileSync(`schema/model/${customer.name}`, 'utf8'))
  assert.equal((await queryData(gateway, TEXT, { version: 'none' })).policyText, null)
})

test('files keep the trained models of the active policy where they are asked to', async () => {
  const parameters = { ...priorParameters(policy.type('Customer')), priorWeight: -9.5 }
  const trained = withParameters(
    readPolicyFiles('schema/model'),
    new Map([['Customer', parameters]]),
  )
  await transaction(db.sql, async (tx) => {
    await storePolicy(tx, trained)
    await beginPublication(tx, trained.version, 'pia', 'test')
  })
  const { policyText } = await queryData(gateway, TEXT)
  assert.deepEqual([policyText.version, policyText.trainedTypes], [trained.version, ['Customer']])
  const policies = openPolicies({ sql: db.sql, databaseUrl: db.url, sources: undefined, systems })
  const tried = createSimulatePolicy(db.sql, policies, DEFAULT_RULES, () => policy)
  const files = policyText.files.map(({ name, text }: { name: string; text: string }) => ({
    name,
    text,
  }))
  const pia = person('pia', 'publisher')
  const kept = await tried(pia, { files, keepModels: true }, 1)
  // The database orders the keys of a model, so the version is that of the stored text.
  const stored = await activePolicy(db.sql)
  assert.equal(
    (kept as { policy?: string }).policy,
    policyVersionOf(stored?.model ?? {}, stored?.parameters ?? {}),
  )
  const without = await tried(pia, { files }, 1)
  assert.equal(
    (without as { policy?: string }).policy,
    readPolicyFiles('schema/model').version,
    'shipped weights',
  )
})
