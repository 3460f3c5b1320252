import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openInstallation } from '../../cli/config/installation.ts'
import { readPolicyFiles, resolutionContextOf } from '../../cli/config/policyFiles.ts'
import { openPolicies } from '../../cli/server/openPolicies.ts'
import { startPublicationRunner } from '../../cli/server/publicationRunner.ts'
import type { Caller } from '../../mdm/access/caller.ts'
import { verifyAudit } from '../../mdm/audit/verifyAudit.ts'
import { transaction } from '../../mdm/db/transaction.ts'
import {
  beginPublication,
  readPublications,
  type StoredPolicy,
  storePolicy,
  withParameters,
} from '../../mdm/policy/policies.ts'
import { carryOnPublication, publish } from '../../mdm/policy/publish.ts'
import type { Simulation } from '../../mdm/policy/simulate.ts'
import { auditListing, latestAuditRows } from '../../mdm/stewardship/history.ts'
import type { Outcome } from '../../mdm/stewardship/outcome.ts'
import { approve, decide } from '../../mdm/stewardship/steward.ts'
import { DEFAULT_RULES } from '../../mdm/tasks/rules.ts'
import { createPublishPolicy } from '../../subgraphs/stewardship/publishing.ts'
import { createSimulatePolicy } from '../../subgraphs/stewardship/whatIf.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { listed } from '../fixtures/listed.ts'
import { digests } from '../fixtures/publication.ts'
import { applyRecords, attempt, key, person } from '../fixtures/steward.ts'
import { directPipeline, policy } from '../fixtures/store.ts'
import { aboveDatabase } from '../property.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
  await applyRecords(db.sql, [
    {
      source: 'crm',
      id: 'A',
      fields: { name: 'Casa Lupo', emails: ['one@casalupo.example'], currency: 'EUR' },
    },
    { source: 'crm', id: 'B', fields: { name: 'Blue Fen' } },
  ])
})
after(async () => await db?.drop())

const files = readdirSync('schema/model').map((name) => ({
  name,
  text: readFileSync(`schema/model/${name}`, 'utf8'),
}))
const CURRENCY = / {2}"Currency of its invoices.*\n {2}currency: String.*\n/
const pia = person('pia', 'publisher')

const policies = () =>
  openPolicies({
    sql: db.sql,
    databaseUrl: db.url,
    sources: undefined,
    systems: openInstallation().systems,
  })

test('a what-if runs on its own thread, one at a time, for publishers only, and names errors in the policy', {
  skip: aboveDatabase,
}, async () => {
  const tried = createSimulatePolicy(db.sql, policies(), DEFAULT_RULES, () => policy)
  const run = (who: Caller, f: typeof files, sample: number | null) =>
    tried(who, { files: f }, sample)
  const without = files.map((f) => ({
    ...f,
    text: f.text.replace(CURRENCY, ''),
  }))
  assert.notDeepEqual(without, files)
  const [report, busy] = await Promise.all([run(pia, without, null), run(pia, files, null)])
  assert.equal((busy as { rule: string }).rule, 'BUSY')
  const customers = (report as unknown as Simulation).types.find((t) => t.type === 'Customer')
  assert.deepEqual(customers?.changes, {
    count: 1,
    examples: [{ goldenId: key('crm', 'A'), detail: ['currency'] }],
  })

  const broken = files.map((f) => ({ ...f, text: f.text.replace('name: String!', 'name: Strin!') }))
  const refused = (await run(pia, broken, null)) as { rule: string; detail: string }
  assert.equal(refused.rule, 'BAD_POLICY')
  assert.match(refused.detail, /\.graphql:\d+:\d+: .*unknown type Strin/)
  const required = files.map((f) => ({
    ...f,
    text: f.text.replace(' currency: String @format(as: CURRENCY)', ' currency: Int!'),
  }))
  const unfit = (await run(pia, required, null)) as { rule: string; detail: string }
  assert.equal(unfit.rule, 'BAD_POLICY')
  assert.match(
    unfit.detail,
    /^customer\.graphql:\d+:\d+: Customer\.currency must have a value, and 1 stored value would not fit/,
  )
  const [model] = files
  for (const [more, says] of [
    [
      { name: 'Customer.parameter.json', text: '{}' },
      /Customer\.parameter\.json is neither \*\.graphql nor <Type>\.parameters\.json/,
    ],
    [model, /two files are named/],
    [{ name: 'Customer.parameters.json', text: '{' }, /^Customer\.parameters\.json:1:2: /],
    [{ name: 'x.graphql', text: '# \0' }, /x\.graphql holds a character/],
  ] as const) {
    const unfit = (await run(pia, more ? [...files, more] : [], null)) as {
      rule: string
      detail: string
    }
    assert.equal(unfit.rule, 'BAD_POLICY')
    assert.match(unfit.detail, says)
  }
  assert.equal(
    ((await run(person('ada', 'steward'), files, null)) as { rule: string }).rule,
    'MISSING_ROLE',
  )
  // Rules of one's own can ask for any value.
  assert.equal(
    ((await run({ ...pia, scopes: new Set() }, files, null)) as { rule: string }).rule,
    'MISSING_SCOPE',
  )
  assert.equal(
    (
      (await createSimulatePolicy(
        db.sql,
        undefined,
        DEFAULT_RULES,
        () => policy,
      )(pia, { files }, null)) as {
        rule: string
      }
    ).rule,
    'NOT_HERE',
  )
})

test('publishes a policy by a mutation: a second publisher approves, a thread updates the records, and back again', async () => {
  const steward = directPipeline(db.sql)
  const mutation = createPublishPolicy(steward, policies())
  const ask = (who: Caller, command: object, idempotencyKey: string = crypto.randomUUID()) =>
    mutation(who, {
      reason: 'test',
      idempotencyKey,
      instead: shipped.version,
      ...command,
    }) as Promise<Outcome>
  const rule = (o: Outcome) => ('rule' in o ? o.rule : o.code)
  const [max, ada] = [person('max', 'publisher'), person('ada', 'steward', 'approver')]
  const without = files.map((f) => ({ ...f, text: f.text.replace(CURRENCY, '') }))
  const value = async () =>
    (
      await db.sql`select values ->> 'currency' as currency from golden where id = ${key('crm', 'A')}`
    )[0]?.currency
  // The store of this file has other source systems than the ones that the threads load.
  const shipped = readPolicyFiles('schema/model')
  await publish(db.sql, shipped, resolutionContextOf(shipped, openInstallation().systems), {
    actor: 'cli',
    reason: 'test',
  })
  const [was, logged] = [
    await digests(db.sql),
    (await listed(db.sql, auditListing, latestAuditRows)).length,
  ]

  assert.equal(rule(await ask(ada, { files: without })), 'MISSING_ROLE')
  assert.equal(rule(await ask(pia, { files: without, version: 'x' })), 'BAD_POLICY')
  assert.equal(rule(await ask(pia, { version: 'x' })), 'BAD_POLICY')
  assert.equal(rule(await ask(pia, { files: without, instead: 'x' })), 'POLICY_CHANGED')
  const proposed = await ask(pia, { files: without }, 'first')
  assert.ok(
    proposed.code === 'NEEDS_APPROVAL' && proposed.rules[0] === 'PUBLISH',
    JSON.stringify(proposed),
  )
  assert.deepEqual(await ask(pia, { files: without }, 'first'), proposed)
  const id = proposed.actionId
  assert.equal(rule(await approve(steward, pia, id, 'mine')), 'OWN_PROPOSAL')
  assert.equal(rule(await approve(steward, ada, id, 'an approver of values')), 'MISSING_ROLE')
  assert.equal((await readPublications(db.sql, 9)).length, 1, 'nothing else is in force yet')
  assert.equal((await approve(steward, max, id, 'yes')).code, 'DONE')
  assert.equal(rule(await approve(steward, max, id, 'twice')), 'NOT_PROPOSED')

  // The policy is active from here on; the runner applies it to the existing records.
  const [running] = await readPublications(db.sql, 9)
  assert.deepEqual(
    [running?.state, running?.inForce, running?.actor, running?.actionId],
    ['RUNNING', true, 'pia', id],
  )
  assert.equal(await value(), 'EUR')
  const failures: unknown[] = []
  const publisher = await startPublicationRunner({
    sql: db.sql,
    databaseUrl: db.url,
    sources: undefined,
    everyMs: 100,
    failed: (e) => failures.push(e),
  })
  const finished = async () => {
    while ((await readPublications(db.sql, 1))[0]?.state !== 'DONE') await sleep(20)
    return (await readPublications(db.sql, 1))[0]
  }
  const done = await finished()
  assert.equal(await value(), null)
  assert.ok(
    done && done.done > 0 && done.done === done.total && done.events > 0 && done.problem === null,
  )

  // Restores the former policy, without a second person because these rules need none.
  const free = {
    ...steward,
    rules: { ...DEFAULT_RULES, approval: { ...DEFAULT_RULES.approval, publishing: false } },
  }
  const back = createPublishPolicy(free, policies())
  const command = { files, instead: done.version, reason: 'test', idempotencyKey: 'back' }
  const returned = (await back(pia, command)) as Outcome
  assert.equal(returned.code, 'DONE')
  await finished()
  await publisher.stop()
  assert.deepEqual(failures, [])
  assert.deepEqual(await digests(db.sql), was)
  assert.deepEqual(await back(pia, command), returned, 'a repeated request has no second effect')
  const to = { version: done.version, instead: (await readPublications(db.sql, 1))[0]?.version }
  assert.equal(
    rule(await ask(pia, { version: to.instead, instead: to.instead })),
    'ALREADY_IN_FORCE',
  )
  const again = await ask(pia, to, 'again')
  assert.ok(again.code === 'NEEDS_APPROVAL')
  assert.equal((await decide(steward, max, again.actionId, 'DECLINED', 'not now')).code, 'DONE')
  assert.equal(rule(await ask(pia, to, 'again')), 'DECLINED')
  const undo = await attempt(steward, person('sue', 'steward'), { kind: 'UNDO', action: id })
  assert.equal(rule(undo), 'NOT_UNDOABLE')
  const log =
    await db.sql`select body ->> 'event' as event, body ->> 'approvedBy' as "by" from audit where id > ${logged} order by id`
  assert.deepEqual(
    log.map((a) => `${a.event} ${a.by ?? ''}`.trim()),
    ['PROPOSE', 'PUBLISH max', 'PUBLISHED', 'PUBLISH', 'PUBLISHED', 'PROPOSE', 'DECLINED'],
  )
  assert.equal((await verifyAudit(db.sql)).broken, null)
})

test('a policy that is invalid when its publication resumes reports the problem and is retried', async () => {
  const kept = { ...withParameters(readPolicyFiles('schema/model'), new Map([['Nobody', {}]])) }
  await transaction(db.sql, async (tx) => {
    await storePolicy(tx, kept)
    await beginPublication(tx, kept.version, 'pia', 'test')
  })
  const open = (k: StoredPolicy) => resolutionContextOf(k, openInstallation().systems)
  await assert.rejects(carryOnPublication(db.sql, open), /no golden type Nobody/)
  assert.match((await readPublications(db.sql, 1))[0]?.problem ?? '', /no golden type Nobody/)
})
