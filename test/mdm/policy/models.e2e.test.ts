import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Command } from 'commander'
import { execute, parse } from 'graphql'
import pino from 'pino'
import { command as publishCommand } from '../../../cli/commands/publish.ts'
import { command as simulateCommand } from '../../../cli/commands/simulate.ts'
import { command as trainCommand } from '../../../cli/commands/train.ts'
import { type CandidateOptions, loadCandidatePolicy } from '../../../cli/config/candidatePolicy.ts'
import { openInstallation } from '../../../cli/config/installation.ts'
import {
  activeResolutionContext,
  readPolicyFiles,
  resolutionContextOf,
} from '../../../cli/config/policyFiles.ts'
import { startIngestRole } from '../../../cli/server/ingestRole.ts'
import { transaction } from '../../../mdm/db/transaction.ts'
import { type Explanation, explain, explainPairs } from '../../../mdm/explain/explain.ts'
import { accept } from '../../../mdm/inbox/accept.ts'
import { createEngine } from '../../../mdm/match/engine.ts'
import { type Parameters, priorParameters, readParameters } from '../../../mdm/match/parameters.ts'
import { listModels, readModel } from '../../../mdm/policy/models.ts'
import {
  activePolicy,
  beginPublication,
  endPublication,
  storePolicy,
  withParameters,
} from '../../../mdm/policy/policies.ts'
import { publish } from '../../../mdm/policy/publish.ts'
import { checkRebuild } from '../../../mdm/policy/rebuild.ts'
import { recordKey } from '../../../schema/recordKey.ts'
import { unbound } from '../../../subgraphs/shared/context.ts'
import { createStewardshipSubgraph } from '../../../subgraphs/stewardship/subgraph.ts'
import { runCommand } from '../../cli/runCommand.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { demoStore } from '../../fixtures/demoStore.ts'
import { attempt, done, person } from '../../fixtures/steward.ts'

const { policy, systems, connectors } = openInstallation()
const type = policy.type('Customer')
const shippedVersion = createEngine(type).version
const by = { actor: 'pia', reason: 'test' }
const out = mkdtempSync(join(tmpdir(), 'touchstone-models-'))

let db: TestDatabase
before(async () => {
  db = await testDatabase()
  await demoStore(db.sql, { seed: 5, companies: 220 }, ['Account', 'customer', 'customers'])
})
after(async () => await db?.drop())

async function says(command: Command, ...args: string[]): Promise<string> {
  const { code, output } = await runCommand(command, args, { DATABASE_URL: db.url })
  assert.equal(code, 0, output)
  return output
}
const train = (...args: string[]) => says(trainCommand, '--out', out, ...args)
async function trained(...args: string[]): Promise<string> {
  const text = await train('--type', 'Customer', ...args)
  const version = /Customer: model ([0-9a-f]{16})/.exec(text)?.[1]
  assert.ok(version, text)
  return version
}
const shipped = {
  policy,
  engines: resolutionContextOf(readPolicyFiles('schema/model'), systems).engines,
  systems: new Map(),
}
const activePipeline = async () => ({
  ...(await activeResolutionContext(db.sql, shipped, systems)),
  sql: db.sql,
})
async function put(options: CandidateOptions) {
  const candidate = await loadCandidatePolicy(db.sql, options, systems)
  const published = await publish(db.sql, candidate, resolutionContextOf(candidate, systems), by)
  assert.equal(published.code, 'DONE')
  return candidate
}
async function state() {
  return {
    golden:
      await db.sql`select id, type, values, provenance from golden where state = 'ACTIVE' order by id`,
    crosswalk:
      await db.sql`select key, golden_id from source_record where golden_id is not null order by key`,
    links: await db.sql`select a, b, weight from link order by a, b`,
  }
}
/** Returns the parameters without those that training may learn from decisions. */
function withoutMatches(parameters: unknown): unknown {
  const { levels, calibration: _, ...rest } = parameters as Parameters
  const untrainable = Object.entries(levels).map(([comparison, columns]) => [
    comparison,
    Object.entries(columns).map(([name, { r, u }]) => [name, r, u]),
  ])
  return { ...rest, levels: untrainable }
}
const versionsOfFeatures = async () =>
  (
    await db.sql<
      { version: string }[]
    >`select distinct features_version as version from source_record
      where type = 'Customer' and complete and not deleted`
  ).map((r) => r.version)

test('a model scores no link before it is published and every link afterwards; going back restores the former links', async () => {
  const was = await state()
  const first = await trained()
  assert.deepEqual(await state(), was, 'training changes nothing')
  assert.match(
    await train('--list'),
    new RegExp(`shipped model is active\\n +${first} .*records.*a candidate`),
  )

  // Decisions of stewards enter the training only on request.
  const pair = await db.sql<{ a: string; b: string }[]>`
    select min(golden_id::text) as a, max(golden_id::text) as b from (
      select golden_id from source_record where type = 'Customer' and golden_id is not null
      group by golden_id order by golden_id limit 2) x`
  const ids = [pair[0]?.a ?? '', pair[0]?.b ?? '']
  const rejection = await done(await activePipeline(), person('ada', 'steward'), {
    kind: 'NOT_A_MATCH',
    ids,
  })
  assert.equal(
    await trained(),
    first,
    'the same records train the same model: decisions enter only on request',
  )
  const second = await trained('--labels')
  assert.notEqual(second, first)
  const [plain, taught] = [await readModel(db.sql, first), await readModel(db.sql, second)]
  assert.ok(plain?.labels === 0 && taught && taught.labels > 0)
  assert.deepEqual(
    withoutMatches(taught.parameters),
    withoutMatches(plain.parameters),
    'training on decisions changes only m and the calibration',
  )
  // Labels of a file are added; where both label a pair, the steward's decision counts.
  const [unlabelled] = await db.sql<{ a: string; key: string; b: string }[]>`
    select source || '/' || object || '/' || source_id as a, key::text as key, (select max(key::text) from source_record y
      where y.type = 'Customer' and y.complete and not y.deleted and y.golden_id <> x.golden_id) as b
    from source_record x where type = 'Customer' and complete and not deleted order by id desc limit 1`
  const labels = join(mkdtempSync(join(tmpdir(), 'touchstone-labels-')), 'labels.csv')
  const withFile = async (...lines: string[]) => {
    writeFileSync(labels, ['a,b,same', ...lines].join('\n'))
    return await trained('--labels', labels)
  }
  assert.equal(await withFile(`${ids.join()},yes`), second, 'the label of the steward wins')
  const third = await withFile(`${unlabelled?.a},${unlabelled?.b},0`)
  assert.notEqual(third, second)
  assert.equal((await readModel(db.sql, third))?.labels, taught.labels + 1)
  // So are the latest answers to labels in the graph.
  const answered = [unlabelled?.key ?? '', unlabelled?.b ?? ''].sort()
  for (const [[a, b], answer] of [
    [answered, 'SAME'],
    [answered, 'NOT_SAME'],
    [ids.toSorted(), 'SAME'],
  ] as const)
    await db.sql`insert into match_label (a, b, type, answer, actor)
      values (${a ?? ''}, ${b ?? ''}, 'Customer', ${answer}, 'ada')`
  assert.equal(await trained('--labels'), third)
  await db.sql`delete from match_label`
  assert.equal(
    (
      await attempt(await activePipeline(), person('ada', 'steward'), {
        kind: 'UNDO',
        action: rejection,
      })
    ).code,
    'DONE',
  )

  const report = await says(simulateCommand, '--model', first)
  assert.match(report, /Customer: \d+ golden records of \d+ source records/)
  await put({ model: [first] })
  assert.deepEqual(await versionsOfFeatures(), [first])
  const now = await activePipeline()
  assert.equal(now.engines.get('Customer')?.version, first)
  assert.deepEqual((await checkRebuild(db.sql, now)).differences, [])
  const links = await db.sql<{ a: string; b: string; weight: number }[]>`
    select x.key as a, y.key as b, l.weight from link l join source_record x on x.id = l.a and x.type = 'Customer'
      join source_record y on y.id = l.b order by l.a, l.b`
  assert.notDeepEqual(
    links.map((l) => l.weight),
    was.links.map((l) => l.weight),
  )
  const explained = await explainPairs(
    db.sql,
    now,
    links.map((l): [string, string] => [l.a, l.b]),
  )
  for (const l of links) {
    const e = explained.get(`${l.a} ${l.b}`) as Explanation
    assert.equal(e.model, first)
    assert.equal(Math.fround(e.weight ?? Number.NaN), Math.fround(l.weight))
    assert.equal(e.steps.at(-1)?.total, e.weight)
  }

  assert.match(
    await says(publishCommand, '--model', second),
    /is active, with trained models of Customer: \d/,
  )
  const models = await listModels(db.sql, 10)
  const [one, other] = [
    models.find((m) => m.version === first),
    models.find((m) => m.version === second),
  ]
  assert.deepEqual(one?.inForceUntil, other?.inForceFrom, 'one followed the other')
  assert.equal(other?.inForceUntil, null)
  const list = await train('--list')
  assert.match(list, new RegExp(`${first} .*was active until`))
  assert.match(list, new RegExp(`${second} .*labels.*active since`))

  const subgraph = createStewardshipSubgraph({ ...(await activePipeline()) }, unbound(db.sql))
  const listing = await execute({
    schema: subgraph.schema,
    document: parse(
      '{ matchModels(type: "Customer") { nodes { version inForce labels records misfit inForceUntil } } }',
    ),
    contextValue: subgraph.context({ correlationId: 'c', scopes: new Set() }),
  })
  assert.equal(listing.errors, undefined)
  assert.deepEqual(
    JSON.parse(JSON.stringify(listing.data)).matchModels.nodes.map((m: Record<string, unknown>) => [
      m.version,
      m.inForce,
      Number(m.labels) > 0,
      m.misfit,
      m.inForceUntil === null,
    ]),
    [
      [third, false, true, null, true],
      [second, true, true, null, true],
      [first, false, false, null, false],
    ],
  )

  await put({ model: ['Customer=shipped'] })
  assert.deepEqual(await versionsOfFeatures(), [shippedVersion])
  assert.deepEqual(await state(), was, 'values, provenance, ids and links are unchanged')
})

test('a simulation notes stored values that a field of another kind would lose', async () => {
  const folder = mkdtempSync(join(out, 'kinds-'))
  for (const [name, text] of Object.entries(readPolicyFiles('schema/model').model))
    writeFileSync(
      join(folder, name),
      text.replace(' currency: String @format(as: CURRENCY)', ' currency: Int'),
    )
  assert.match(
    await says(simulateCommand, '--policy', folder),
    /note: [\d,]+ stored values of Customer\.currency do not fit this policy/,
  )
})

test('running workers load a published model and match new records with it', async () => {
  const role = startIngestRole({
    config: { workers: 1, batchRowsMax: 100, attemptsMax: 1 },
    sources: undefined,
    databaseUrl: db.url,
    logLevel: 'error',
    log: pino({ level: 'silent' }),
  })
  try {
    const deliver = async (id: string) => {
      const body = JSON.stringify({
        shop_customer_id: id,
        company_name: `Casa Lupo ${id}`,
        modified_at: '2026-01-01T00:00:00Z',
      })
      const messages = connectors.get('webshop')?.split(body, 'customers', id) ?? []
      await accept(
        db.sql,
        messages.map((m) => ({ ...m, source: 'webshop', correlationId: crypto.randomUUID() })),
      )
      for (;;) {
        const [row] = await db.sql<{ version: string }[]>`
          select features_version as version from source_record where key = ${recordKey('webshop', 'customers', id)}`
        if (row) return row.version
        await new Promise((r) => setTimeout(r, 50))
      }
    }
    assert.equal(await deliver('BEFORE'), shippedVersion)
    const [model] = await listModels(db.sql, 1)
    await put({ model: [model?.version ?? ''] })
    assert.equal(await deliver('AFTER'), model?.version)
    const e = await explain(
      db.sql,
      await activePipeline(),
      recordKey('webshop', 'customers', 'BEFORE'),
      recordKey('webshop', 'customers', 'AFTER'),
    )
    assert.equal((e as Explanation).model, model?.version)
    assert.deepEqual((await checkRebuild(db.sql, await activePipeline())).differences, [])
  } finally {
    await role.close()
  }
})

test('rejects a model that does not fit, with the reason, before any change', async () => {
  const before = await state()
  const [model] = await listModels(db.sql, 1)
  const version = model?.version ?? ''
  const dir = mkdtempSync(join(tmpdir(), 'touchstone-policy-'))
  for (const [file, text] of Object.entries(readPolicyFiles('schema/model').model))
    writeFileSync(
      join(dir, file),
      text.replace('domains: [String!] @compare(as: DOMAIN)', 'domains: [String!]'),
    )
  const refuses = (options: CandidateOptions, says: RegExp) =>
    assert.rejects(loadCandidatePolicy(db.sql, options, systems), says)
  await refuses(
    { policy: dir, model: [version] },
    /does not fit: it was trained under policy [0-9a-f]+, which compares otherwise: it knows .*domains \(domains as DOMAIN.*train it again/,
  )
  await refuses(
    { model: ['0123456789abcdef'] },
    /no model 0123456789abcdef: "touchstone train --list"/,
  )
  await refuses({ model: [version, 'Customer=shipped'] }, /two models of Customer/)
  await refuses({ model: ['Client=shipped'] }, /no golden type Client/)
  await refuses({ policy: dir, shipped: true }, /give one of/)
  await refuses({}, /models alone/)
  assert.deepEqual(await state(), before)
})

test('rejects a model file of another type or with a field that is not compared, and names it', () => {
  const parameters: Parameters = priorParameters(type)
  const text = (change: object) => JSON.stringify({ ...parameters, ...change })
  assert.throws(
    () => readParameters(text({}), policy.type('Product')),
    /the model is of Customer, and was given for Product/,
  )
  const levels = { shoeSize: { value: { m: [0.9, 0.1], r: [0.5, 0.5], u: [0.1, 0.9] } } }
  assert.throws(
    () => readParameters(text({ levels }), type),
    /knows shoeSize, which Customer does not compare/,
  )
  // The description beside the parameters does not enter the version.
  const annotated = createEngine(
    type,
    readParameters(text({ policyVersion: 'x', trainedBy: 'y' }), type),
  )
  assert.equal(annotated.version, shippedVersion)
})

test('reports an active model that this program cannot read, with the policy and a remedy that works', async () => {
  const levels = { shoeSize: { value: { m: [0.9, 0.1], r: [0.5, 0.5], u: [0.1, 0.9] } } }
  const { model } = readPolicyFiles('schema/model')
  const spoiled = withParameters(
    { version: '', model, parameters: {} },
    new Map([['Customer', { ...priorParameters(type), levels }]]),
  )
  const before = await activePolicy(db.sql)
  await transaction(db.sql, async (tx) => {
    await storePolicy(tx, spoiled)
    const begun = await beginPublication(tx, spoiled.version, 'test', 'spoiled')
    await endPublication(tx, begun?.id ?? 0)
  })
  await assert.rejects(
    activePipeline(),
    new RegExp(
      `policy ${spoiled.version}, model of Customer: .*shoeSize.*publish --model Customer=shipped`,
    ),
  )
  assert.match(await says(publishCommand, '--model', 'Customer=shipped'), /is active: /)
  assert.equal((await activePipeline()).engines.get('Customer')?.version, shippedVersion)
  const active = (await activePolicy(db.sql))?.version
  const refused = await runCommand(publishCommand, ['--shipped', '--instead', 'shipped'], {
    DATABASE_URL: db.url,
  })
  assert.equal(refused.code, 1)
  assert.match(
    refused.output,
    new RegExp(`policy ${active} is active, not the shipped one: .*nothing was changed`),
  )
  assert.match(
    await says(simulateCommand, '--policy', 'schema/model', '--sample', '1'),
    /the active policy is /,
  )
  // A folder without parameters drops a trained model, and the command reports it.
  await put({ to: before?.version ?? '' })
  assert.match(
    await says(publishCommand, '--shipped'),
    /note: the trained model of Customer becomes inactive/,
  )
})
