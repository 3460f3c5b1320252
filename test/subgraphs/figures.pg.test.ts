import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { isSampled } from '../../mdm/stewardship/secondOpinions.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { graph, ingestRecords, key } from './world.ts'

let db: TestDatabase
let gateway: Awaited<ReturnType<typeof graph>>
const fields = { name: 'Quince Trading', domains: ['quince.example'] }
before(async () => {
  db = await testDatabase()
  await ingestRecords(db.sql, [
    { source: 'crm', type: 'Customer', id: 'A', fields },
    { source: 'crm', type: 'Customer', id: 'B', fields: { name: 'Blue Fen' } },
    { source: 'erp', type: 'Customer', id: 'B', fields: { name: 'Casa Lupo', taxIds: ['IT1'] } },
  ])
  gateway = await graph(db.sql)
})
after(async () => {
  await gateway?.close(0)
  await db?.drop()
})

async function as(actor: string, text: string) {
  const res = await fetch(gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-touchstone-actor': actor },
    body: JSON.stringify({ query: text }),
  })
  const { data, errors } = (await res.json()) as { data: never; errors?: unknown }
  assert.equal(errors, undefined, JSON.stringify(errors))
  // biome-ignore lint/suspicious/noExplicitAny: data of any operation
  return data as any
}
const FIGURES = `{ stewardFigures(days: 7) { actor decisions undone medianSeconds opinions perDay
  agreement { share low high } } }`
/** Of one moment, so that the times between decisions are exact. */
const began = Date.now()
const OPINIONS = '{ secondOpinions { type a { id values } b { id values } } }'

/** Stores a decision as `execute` does; its id decides whether it is sampled. */
async function decided(
  n: number,
  at: { actor: string; ago: number; kind?: string; state?: string },
) {
  const id = `${n.toString(16).padStart(8, '0')}-0000-4000-8000-000000000000`
  const [a, b] = ['A', 'B'].map((x) => key('crm', 'Customer', x)) as [string, string]
  const before = [
    [a, [a]],
    [b, [b, key('erp', 'Customer', 'B')]],
  ]
  await db.sql`
    insert into action (id, kind, type, state, input, expected, actor, reason, idempotency_key, correlation_id, subjects,
      before, proposed_at)
    values (${id}, ${at.kind ?? 'MERGE'}, 'Customer', ${at.state ?? 'DONE'}, '{}', '{}', ${at.actor}, 'test', ${id}, ${id},
      ${[a, b]}::uuid[], ${JSON.stringify(before)}::text::jsonb, ${new Date(began - at.ago * 1_000)})`
  return id
}

test('figures count decisions by steward and day, with the time between those of one sitting', async () => {
  // Ten, twenty and thirty seconds apart, after a pause that is no time for a decision.
  for (const [n, ago] of [5_000, 160, 150, 130, 100].entries())
    await decided(n + 1, { actor: 'ida', ago, state: n === 0 ? 'UNDONE' : 'DONE' })
  await decided(9, { actor: 'ida', ago: 90, kind: 'UNDO' })
  await decided(10, { actor: 'jan', ago: 4 * 86_400 })
  const { stewardFigures } = await as('ida', FIGURES)
  const [ida, jan] = stewardFigures
  assert.deepEqual(
    [ida.actor, ida.decisions, ida.undone, ida.opinions, ida.agreement],
    ['ida', 5, 1, 0, null],
  )
  assert.ok(Math.abs(ida.medianSeconds - 20) < 0.01, `${ida.medianSeconds}`)
  assert.equal(ida.perDay.length, 7)
  assert.equal(
    ida.perDay.reduce((sum: number, n: number) => sum + n, 0),
    5,
  )
  assert.deepEqual([jan.perDay[2], jan.decisions, jan.medianSeconds], [1, 1, null])
})

test('one decision in twenty waits for another steward, blind, until that one has answered', async () => {
  const sampled = await decided(20, { actor: 'ida', ago: 60 })
  assert.ok(isSampled(sampled) && !isSampled(await decided(21, { actor: 'ida', ago: 50 })))
  assert.deepEqual((await as('ida', OPINIONS)).secondOpinions, [], 'nobody checks themselves')
  const { secondOpinions } = await as('eva', OPINIONS)
  assert.equal(secondOpinions.length, 1)
  const [{ a, b }] = secondOpinions
  assert.deepEqual(
    [a.id, b.id],
    [key('crm', 'Customer', 'A'), key('erp', 'Customer', 'B')],
    'of each side the record with the most values',
  )
  assert.equal(a.values.name, 'Quince Trading')
  const answer = (who: string, what: string) =>
    as(who, `mutation { answerLabels(answers: [{ a: "${a.id}", b: "${b.id}", answer: ${what} }]) }`)
  await answer('eva', 'NOT_SAME')
  await answer('max', 'SAME')
  await answer('joe', 'UNSURE')
  await answer('ida', 'SAME')
  assert.deepEqual((await as('eva', OPINIONS)).secondOpinions, [])
  const { stewardFigures } = await as('eva', FIGURES)
  const ida = stewardFigures.find((s: { actor: string }) => s.actor === 'ida')
  assert.equal(ida.opinions, 2, 'neither her own nor one who is unsure')
  assert.equal(ida.agreement.share, 0.5)
  assert.ok(ida.agreement.low > 0.05 && ida.agreement.high < 0.95)
  await answer('eva', 'SAME')
  const after = (await as('eva', FIGURES)).stewardFigures
  assert.equal(after.find((s: { actor: string }) => s.actor === 'ida').agreement.share, 1)
})

test('about 5 % of random ids are sampled, by the program and the database alike', async () => {
  const ids = Array.from({ length: 4_000 }, () => crypto.randomUUID())
  const share = ids.filter(isSampled).length / ids.length
  assert.ok(share > 0.035 && share < 0.065, `${share}`)
  const rows = await db.sql<{ id: string }[]>`
    select id from unnest(${ids}::uuid[]) u (id) where ('x' || left(id::text, 8))::bit(32)::bigint % 20 = 0`
  assert.deepEqual(rows.map((r) => r.id).sort(), ids.filter(isSampled).sort())
})
