import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import type { Gateway } from '../../../gateway/gateway.ts'
import { applyPending } from '../../../mdm/ingest/pipeline.ts'
import { act, approve } from '../../../mdm/stewardship/steward.ts'
import { examineHierarchies } from '../../../mdm/tasks/hierarchyRings.ts'
import { recordKey } from '../../../schema/recordKey.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { directPipeline, drain, empty, policy, send } from '../../fixtures/store.ts'
import { graph, queryData } from '../../subgraphs/world.ts'

let db: TestDatabase
let gateway: Gateway
before(async () => {
  db = await testDatabase()
  gateway = await graph(db.sql)
})
beforeEach(async () => {
  await empty(db.sql)
  await db.sql`delete from hierarchy_ring`
})
after(async () => {
  await gateway?.close(0)
  await db?.drop()
})

const key = (id: string, source = 'crm') => recordKey(source, 'Customer', id)
/** Names without a word in common, so that no two customers are alike. */
const WORDS = ['Altenhammer', 'Brisewerk', 'Cedrano', 'Dunkelfels', 'Ebbinghof', 'Fjordlund']

let version = 0
async function store(
  records: [id: string, parent: string | null, more?: Record<string, unknown>][],
  source = 'crm',
): Promise<void> {
  version++
  await send(
    db.sql,
    records.map(([id, parent, more]) => ({
      source,
      message: {
        type: 'Customer',
        id,
        version,
        ...(more?.deleted ? { deleted: true } : {}),
        fields: {
          name: `${WORDS[(id.codePointAt(0) ?? 0) % WORDS.length]} ${id} ${id}${id}`,
          ...(parent === null ? {} : { parent: parent.includes('-') ? parent : key(parent) }),
          ...more,
        },
      },
    })),
  )
  await drain(directPipeline(db.sql))
}

const tasks = async () => [
  ...(await db.sql<{ subject: string[]; reason: string; owner: string }[]>`
    select subject, reason, owner from task where kind = 'HIERARCHY' and state = 'OPEN'
    order by subject`),
]
const rings = async () =>
  (
    await db.sql<{ members: string[] }[]>`select members from hierarchy_ring order by golden_id`
  ).map((r) => r.members)

/** Parents as the graph serves them; follows each chain to its end, so it shows loops. */
async function served(...ids: string[]): Promise<Record<string, string | null>> {
  const found = await Promise.all(
    ids.map(async (id) => {
      const { customer } = await queryData(
        gateway,
        'query ($id: ID!) { customer(id: $id) { parent { id } } }',
        { id: key(id) },
      )
      return [id, customer?.parent?.id ?? null] as const
    }),
  )
  return Object.fromEntries(found)
}

test('a ring of two and a ring of three are tasks with an owner, and one link of each is left out', async () => {
  await store([
    ['A', 'B'],
    ['B', 'A'],
    ['C', 'D'],
    ['D', 'E'],
    ['E', 'C'],
    ['F', 'A'],
  ])
  const found = await tasks()
  assert.deepEqual(found.map((t) => t.subject.length).sort(), [2, 3])
  for (const t of found) {
    assert.equal(t.owner, 'integration')
    assert.match(t.reason, /stand above each other by their parent: .* -> .*the graph leaves out/)
  }
  const parents = await served('A', 'B', 'C', 'D', 'E', 'F')
  assert.equal([parents.A, parents.B].filter((p) => p === null).length, 1)
  assert.equal([parents.C, parents.D, parents.E].filter((p) => p === null).length, 1)
  assert.equal(parents.F, key('A'), 'a record below a ring keeps its parent')
  const { tasks: shown } = await queryData(
    gateway,
    'query ($id: ID!) { tasks(filter: { about: $id, kinds: [HIERARCHY] }) { nodes { kind owner assignee records { id } } } }',
    { id: key('A') },
  )
  assert.deepEqual(
    shown.nodes.map((t: { records: object[] }) => ({ ...t, records: t.records.length })),
    [{ kind: 'HIERARCHY', owner: 'integration', assignee: null, records: 2 }],
  )
  const cut = parents.A === null ? 'B' : 'A'
  const { customer } = await queryData(
    gateway,
    'query ($id: ID!) { customer(id: $id) { children { nodes { id } } } }',
    { id: key(cut) },
  )
  assert.ok(
    !customer.children.nodes.some((n: { id: string }) => n.id === key(cut === 'A' ? 'B' : 'A')),
    'children leave the same link out',
  )
})

test('a record that names itself is a ring of one', async () => {
  await store([['A', 'A']])
  const [task] = await tasks()
  assert.deepEqual(task?.subject, [key('A')])
  assert.match(task?.reason ?? '', /names itself in parent/)
  assert.deepEqual(await served('A'), { A: null })
})

test('the ring is the same whatever arrives last, and in one batch or several', async () => {
  const links: [string, string][] = [
    ['A', 'B'],
    ['B', 'C'],
    ['C', 'A'],
  ]
  let expected: unknown
  for (const order of [
    [0, 1, 2],
    [2, 0, 1],
    [1, 2, 0],
  ]) {
    await empty(db.sql)
    await db.sql`delete from hierarchy_ring`
    for (const n of order) await store([links[n] as [string, string]])
    const found = { rings: await rings(), tasks: (await tasks()).map((t) => t.subject) }
    expected ??= found
    assert.deepEqual(found, expected)
    assert.equal(found.rings.length, 1)
  }
})

test('a ring closes through golden records that merge, and opens when they split', async () => {
  const same = { taxIds: ['DE136695976'], domains: ['ring.example'], name: 'Ringmutter Hansa AG' }
  await store([
    ['A', 'B'],
    ['B', null, same],
  ])
  assert.deepEqual(await tasks(), [])
  // The ERP's record of B names A, by the record that the CRM has.
  await store([['X', key('A'), same]], 'erp')
  const [task] = await tasks()
  assert.deepEqual(task?.subject, [key('A'), key('B')].sort())
  assert.equal((await db.sql`select 1 from source_record where golden_id = ${key('B')}`).length, 2)
  await store(
    [['X', key('A'), { name: 'Ganz Andere Firma GmbH', taxIds: ['IT00743110157'] }]],
    'erp',
  )
  assert.deepEqual(await tasks(), [])
  assert.deepEqual(await rings(), [])
  assert.deepEqual(await served('A'), { A: key('B') })
})

test('the task closes by itself when a source or a delete breaks the ring', async () => {
  await store([
    ['A', 'B'],
    ['B', 'A'],
  ])
  assert.equal((await tasks()).length, 1)
  await store([['A', null]])
  assert.deepEqual(await tasks(), [])
  assert.deepEqual(await served('A', 'B'), { A: null, B: key('A') })
  await store([['A', 'B']])
  assert.equal((await tasks()).length, 1, 'the same task opens again')
  await store([['B', null, { deleted: true }]])
  assert.deepEqual(await tasks(), [])
  assert.deepEqual(await rings(), [])
  const [row] = await db.sql<{ n: number }[]>`
    select count(*)::int as n from task where kind = 'HIERARCHY'`
  assert.equal(row?.n, 1)
})

test('two workers that each close half of a ring find it', async () => {
  const pairs = 8
  for (let round = 0; round < pairs; round++) {
    const [a, b] = [`A${round}`, `B${round}`]
    await store([
      [a, null],
      [b, null],
    ])
    version++
    const link = (id: string, parent: string) => ({
      source: 'crm',
      message: {
        type: 'Customer',
        id,
        version,
        fields: { name: `Half ${id} ${round * 7919}`, parent: key(parent) },
      },
    })
    await send(db.sql, [link(a, b), link(b, a)])
    await Promise.all([1, 2].map(() => applyPending(directPipeline(db.sql), 1)))
    await drain(directPipeline(db.sql))
  }
  assert.equal((await rings()).length, pairs)
  assert.equal((await tasks()).length, pairs)
})

test('a steward breaks a ring by stating another parent', async () => {
  await store([
    ['A', 'B'],
    ['B', 'A'],
    ['F', null],
  ])
  const steward = { ...directPipeline(db.sql), policy }
  const caller = (actor: string) => ({
    actor,
    roles: new Set(['steward', 'approver']),
    scopes: new Set<string>(),
    correlationId: crypto.randomUUID(),
  })
  const proposed = await act(steward, caller('ida'), {
    input: { kind: 'SET_PARENT', id: key('A'), parent: null },
    expected: { [key('A')]: 1 },
    reason: 'A is the head',
    idempotencyKey: crypto.randomUUID(),
  })
  assert.ok(proposed.code === 'NEEDS_APPROVAL')
  const done = await approve(steward, caller('olaf'), proposed.actionId, 'yes')
  assert.equal(done.code, 'DONE')
  assert.deepEqual(await tasks(), [])
  assert.deepEqual(await served('A', 'B'), { A: null, B: key('A') })
})

test('a long chain is no ring, and a link from its head to its foot is one', async () => {
  const length = 300
  const id = (n: number) => `L${n}`
  const link = (n: number): [string, string | null, Record<string, unknown>] => [
    id(n),
    n === length - 1 ? null : id(n + 1),
    { name: `${WORDS[n % WORDS.length]} ${n * 7919} ${n}` },
  ]
  await store(Array.from({ length }, (_, n) => link(n)))
  assert.deepEqual(await tasks(), [])
  await store([[id(length - 1), id(0), { name: 'Kopf der Kette' }]])
  const [ring] = await rings()
  assert.equal(ring?.length, length)
  const [task] = await tasks()
  assert.match(task?.reason ?? '', /^300 golden records/)
})

test('rings from before the upgrade are found once', async () => {
  await store([
    ['A', 'B'],
    ['B', 'A'],
    ['C', 'A'],
  ])
  const before = await rings()
  await db.sql`delete from hierarchy_ring`
  await db.sql`delete from task`
  await db.sql`delete from hierarchy_examined`
  const context = { ...directPipeline(db.sql), policy }
  assert.deepEqual(await examineHierarchies(db.sql, context), ['Customer'])
  assert.deepEqual(await rings(), before)
  assert.equal((await tasks()).length, 1)
  assert.deepEqual(await examineHierarchies(db.sql, context), [])
})

test('a parent is not offered as a match of its child', async () => {
  const alike = { name: 'Nordwind Logistik', domains: ['nordwind.example'] }
  await store([
    ['A', null, { ...alike, name: 'Nordwind Logistik Hamburg GmbH' }],
    ['B', null, { ...alike, name: 'Nordwind Logistik Bremen GmbH' }],
  ])
  const offered = async () =>
    (
      await db.sql`select 1 from task where kind in ('POSSIBLE_MATCH', 'CONFLICT') and state = 'OPEN'`
    ).length
  assert.equal(await offered(), 1, 'two branches are alike')
  await store([['B', 'A', { ...alike, name: 'Nordwind Logistik Bremen GmbH' }]])
  assert.equal(await offered(), 0, 'one states the other as its parent')
  assert.equal((await db.sql`select 1 from possible_match`).length, 0)
  await store([['B', null, { ...alike, name: 'Nordwind Logistik Bremen GmbH' }]])
  assert.equal(await offered(), 1, 'and no longer')
})
