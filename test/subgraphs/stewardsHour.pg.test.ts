import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Gateway } from '../../gateway/gateway.ts'
import { verifyAudit } from '../../mdm/audit/verifyAudit.ts'
import { checkRebuild } from '../../mdm/policy/rebuild.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { demoStore } from '../fixtures/demoStore.ts'
import { type GraphQLResponse, graph } from './world.ts'

let db: TestDatabase
let gateway: Gateway
let pipeline: Awaited<ReturnType<typeof demoStore>>

before(async () => {
  db = await testDatabase()
  pipeline = await demoStore(db.sql, { companies: 60, seed: 11 })
  gateway = await graph(db.sql, 0, [...pipeline.systems.values()])
})
after(async () => {
  await gateway?.close(0)
  await db?.drop()
})

async function as(
  actor: string,
  text: string,
  variables: object = {},
): Promise<GraphQLResponse['data']> {
  const roles = actor === 'ada' ? 'steward' : 'steward,approver'
  const res = await fetch(gateway.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-touchstone-actor': actor,
      'x-touchstone-roles': roles,
    },
    body: JSON.stringify({ query: text, variables }),
  })
  const { data, errors } = (await res.json()) as GraphQLResponse
  if (errors) throw new Error(JSON.stringify(errors, null, 1))
  return data
}

const RESULT = `__typename ... on ActionDone { action { id effect { goldenId op } } }
  ... on ActionConflict { current { id version state } } ... on ApprovalNeeded { action { id } rules }
  ... on ActionRefused { rule detail inTheWay { id } }`
const CUSTOMER = `query ($id: ID!) { customer(id: $id) { id version name sourceCount sourceRecords { nodes { id system } } invoices(first: 200) { nodes { id } } } }`
let keys = 0
const key = () => `hour-${keys++}`
const seen = ({ id, version }: { id: string; version: number }) => ({ id, version })

async function look(id: string) {
  const { customer } = await as('ada', CUSTOMER, { id })
  const invoices = customer.invoices.nodes.map((n: { id: string }) => n.id).sort()
  return {
    ...customer,
    invoices,
    sources: customer.sourceRecords.nodes.map((s: { id: string }) => s.id),
  }
}

test('a steward works an hour in the demo world: find, preview, merge, rejection, approval, unmerge, undo', async () => {
  // The queue lists the most valuable tasks first.
  const { tasks, taskCounts } = await as(
    'ada',
    `{ taskCounts { total kinds { value count } } tasks(first: 100, filter: { kinds: [POSSIBLE_MATCH, CONFLICT] }) {
      nodes { id kind priority stake reason records { id } } } }`,
  )
  assert.ok(taskCounts.total > 0 && tasks.nodes.length > 0, 'the demo world has tasks')
  const priorities = tasks.nodes.map((t: { priority: number }) => t.priority)
  assert.deepEqual(
    priorities,
    priorities.toSorted((a: number, b: number) => b - a),
  )

  // This pair is not a match, which closes the task for good.
  const [first] = tasks.nodes
  const pair = await db.sql<{ id: string; version: number }[]>`
    select id, version from golden where id = any(${first.records.map((r: { id: string }) => r.id)}::uuid[])`
  const no = await as(
    'ada',
    `mutation ($i: NotAMatchInput!, $k: String!) { notAMatch(input: $i, reason: "looked at both", idempotencyKey: $k) { ${RESULT} } }`,
    {
      i: { records: pair.map(seen) },
      k: key(),
    },
  )
  assert.equal(no.notAMatch.__typename, 'ActionDone', JSON.stringify(no))
  assert.equal(
    (await as('ada', 'query ($id: ID!) { task(id: $id) { open } }', { id: first.id })).task.open,
    false,
  )

  // Merges two customers with invoices. Their total value may be high enough to need a second
  // person.
  const rich = (
    await db.sql<{ id: string }[]>`
      select g.id from golden g join source_record r on r.golden_id = g.id join invoice i on i.customer = r.key and not i.deleted
      where g.type = 'Customer' and g.state = 'ACTIVE' group by g.id having count(*) > 1 order by count(*) desc, g.id limit 2`
  ).map((r) => r.id)
  const before = await Promise.all(rich.map(look))
  const [a, b] = before
  assert.ok(a && b && a.invoices.length > 1 && b.invoices.length > 1)
  const merge = { records: before.map(seen), choices: [{ field: 'name', golden: b.id }] }
  const { previewAction } = await as(
    'ada',
    `query ($a: StewardActionInput!) { previewAction(action: $a) { __typename ... on ActionPreview { approval records { goldenId op after } children { type count to } tasks { id } } } }`,
    { a: { merge } },
  )
  assert.equal(previewAction.__typename, 'ActionPreview')
  const moved = previewAction.children.find((c: { type: string }) => c.type === 'Invoice')
  const [into, from] = moved.to === a.id ? [a, b] : [b, a]
  assert.equal(moved.count, from.invoices.length, 'the preview counts the moved invoices')

  const MERGE = `mutation ($i: MergeInput!, $k: String!) { mergeRecords(input: $i, reason: "one firm", idempotencyKey: $k) { ${RESULT} } }`
  const stale = await as('ada', MERGE, {
    i: { records: [seen(a), { id: b.id, version: b.version + 1 }] },
    k: key(),
  })
  assert.equal(stale.mergeRecords.__typename, 'ActionConflict')
  let merged = (await as('ada', MERGE, { i: merge, k: key() })).mergeRecords
  if (merged.__typename === 'ApprovalNeeded') {
    const APPROVE = `mutation ($id: ID!) { approveAction(action: $id, reason: "agreed") { ${RESULT} } }`
    assert.equal(
      (await as('ada', APPROVE, { id: merged.action.id })).approveAction.rule,
      'MISSING_ROLE',
    )
    merged = (await as('bert', APPROVE, { id: merged.action.id })).approveAction
  }
  assert.equal(merged.__typename, 'ActionDone', JSON.stringify(merged))
  const one = await look(from.id)
  assert.deepEqual(
    [one.id, one.name],
    [into.id, b.name],
    'both ids lead to the older record, with the chosen name',
  )
  assert.deepEqual(
    one.invoices,
    [...a.invoices, ...b.invoices].sort(),
    'the survivor has all invoices',
  )

  // This field needs the approval of finance.
  const OVERRIDE = `mutation ($i: OverrideInput!, $k: String!) { overrideField(input: $i, reason: "register", idempotencyKey: $k) { ${RESULT} } }`
  const marked = (
    await as('ada', OVERRIDE, {
      i: { record: seen(one), field: 'legalName', value: 'One Firm AG' },
      k: key(),
    })
  ).overrideField
  assert.deepEqual(marked.rules, ['FIELD'])
  const own = await as(
    'ada',
    `mutation ($id: ID!) { withdrawAction(action: $id, reason: "later") { ${RESULT} } }`,
    {
      id: marked.action.id,
    },
  )
  assert.equal(own.withdrawAction.__typename, 'ActionDone')

  // Removes one wrong source record, and brings it back by an undo.
  const out = from.sources[0]
  const UNMERGE = `mutation ($i: UnmergeInput!, $k: String!) { unmergeRecord(input: $i, reason: "another firm", idempotencyKey: $k) { ${RESULT} } }`
  const unmerged = (await as('ada', UNMERGE, { i: { record: seen(one), source: out }, k: key() }))
    .unmergeRecord
  assert.equal(unmerged.__typename, 'ActionDone', JSON.stringify(unmerged))
  assert.ok(!(await look(into.id)).sources.includes(out))
  const UNDO = `mutation ($id: ID!, $k: String!) { undoAction(action: $id, reason: "was right before", idempotencyKey: $k) { ${RESULT} } }`
  const early = (await as('ada', UNDO, { id: merged.action.id, k: key() })).undoAction
  assert.deepEqual([early.rule, early.inTheWay.id], ['LATER_ACTION_IN_THE_WAY', unmerged.action.id])
  assert.equal(
    (await as('ada', UNDO, { id: unmerged.action.id, k: key() })).undoAction.__typename,
    'ActionDone',
  )
  assert.deepEqual((await look(into.id)).invoices, one.invoices)

  // Undoes the merge itself: everything is as before, invoice by invoice.
  assert.equal(
    (await as('ada', UNDO, { id: merged.action.id, k: key() })).undoAction.__typename,
    'ActionDone',
  )
  for (const was of before)
    assert.deepEqual({ ...(await look(was.id)), version: 0 }, { ...was, version: 0 })
  assert.deepEqual((await checkRebuild(db.sql, pipeline)).differences, [])
  const { broken, rows } = await verifyAudit(db.sql)
  assert.equal(broken, null)
  assert.ok(rows >= 7)
})
