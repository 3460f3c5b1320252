import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { clusterStory } from '../../../mdm/explain/clusterStory.ts'
import { type Explanation, explain, explainPairs, pairName } from '../../../mdm/explain/explain.ts'
import type { Pipeline } from '../../../mdm/ingest/pipeline.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { demoStore } from '../../fixtures/demoStore.ts'

let db: TestDatabase
let pipeline: Pipeline
before(async () => {
  db = await testDatabase()
  pipeline = await demoStore(db.sql, { seed: 5, companies: 40 })
})
after(async () => await db?.drop())

/** Counts transactions: every explanation must read one snapshot. */
function counted() {
  const count = { transactions: 0 }
  const sql = new Proxy(db.sql, {
    get(target, name) {
      if (name === 'begin') count.transactions++
      const value = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return { sql, count }
}

test('every explanation of a link ends in its stored weight, and its steps add up', async () => {
  const links = await db.sql<{ a: string; b: string; type: string; weight: number }[]>`
    select x.key as a, y.key as b, x.type, l.weight from link l
      join source_record x on x.id = l.a join source_record y on y.id = l.b order by l.a, l.b`
  assert.ok(links.length > 200, `${links.length} links`)
  assert.deepEqual(
    new Set(links.map((l) => l.type)),
    new Set(pipeline.policy.types.map((t) => t.name)),
  )
  const { sql, count } = counted()
  // Every second pair is requested in reverse order: a pair has one weight.
  const pairs = links.map((l, i): [string, string] => (i % 2 ? [l.a, l.b] : [l.b, l.a]))
  const found = await explainPairs(sql, pipeline, pairs)
  assert.equal(count.transactions, 1)
  assert.equal(found.size, links.length)
  for (const [i, l] of links.entries()) {
    const e = found.get(pairName(...(pairs[i] as [string, string]))) as Explanation
    assert.equal(Math.fround(e.weight ?? Number.NaN), Math.fround(l.weight), `${l.a} ${l.b}`)
    assert.equal(e.linkWeight, l.weight)
    assert.equal(e.steps.at(-1)?.total, e.weight)
    assert.equal(e.steps[0]?.total, e.prior)
    let total = 0
    for (const step of e.steps) {
      total += step.weight
      assert.ok(Math.abs(step.total - total) < 1e-6, `${step.dimension} of ${l.a} ${l.b}`)
      if (step.kind !== 'COMPARISON' || step.m === null || step.u === null) continue
      if (step.leftOut === null)
        assert.ok(
          Math.abs(Math.log2(step.m / step.u) + step.adjustment - step.weight) < 1e-6,
          step.dimension,
        )
      else assert.equal(step.weight, 0)
    }
    assert.ok(e.usableKeys > 0, 'a link rests on a key')
    assert.equal(e.verdict === 'TOGETHER', e.a.goldenId === e.b.goldenId)
  }
})

test('the joins of a story build its golden record from its live source records, each once', async () => {
  const rows = await db.sql<{ id: string; live: number }[]>`
    select g.id, count(*) filter (where r.complete and not r.deleted)::int as live
    from golden g join source_record r on r.golden_id = g.id where g.state = 'ACTIVE'
    group by g.id having count(*) > 2 order by count(*) desc, g.id limit 12`
  assert.ok(rows.length > 5)
  for (const { id, live } of rows) {
    const story = await clusterStory(db.sql, pipeline, id)
    assert.ok(story && !story.cut)
    assert.equal(story.joins.length, live - 1)
    assert.equal(story.joins.at(-1)?.sizeA ?? 0, live - (story.joins.at(-1)?.sizeB ?? 0))
    for (const join of story.joins) {
      assert.equal(join.because, 'EVIDENCE')
      assert.ok((join.weight ?? 0) >= (pipeline.engines.get(story.type)?.matchWeightMin ?? 0))
      assert.ok(join.link && story.links.includes(join.link), 'every join has a stored link')
    }
    assert.deepEqual(
      story.links.map((l) => l.weight),
      story.links.map((l) => l.weight).toSorted((x, y) => y - x),
    )
  }
})

test('explains two golden records by the best pair of their source records', async () => {
  const [pair] = await db.sql<
    { a: string; b: string; own: string; other: string; weight: number }[]
  >`
    select x.golden_id as a, y.golden_id as b, p.a as own, p.b as other, p.weight from possible_match p
      join source_record x on x.key = p.a join source_record y on y.key = p.b
    where (select count(*) from source_record m where m.golden_id in (x.golden_id, y.golden_id)) > 2
      and x.golden_id <> y.golden_id
    order by p.weight desc limit 1`
  assert.ok(pair, 'the demo world has possible matches')
  const e = (await explain(db.sql, pipeline, pair.a, pair.b)) as Explanation
  assert.ok(e.pairsCompared > 1)
  assert.ok(Math.fround(e.weight ?? -99) >= Math.fround(pair.weight))
  assert.ok(e.a.goldenId === pair.a && e.b.goldenId === pair.b)
  const alone = (await explain(db.sql, pipeline, pair.a, pair.b, { whole: false })) as Explanation
  assert.deepEqual([alone.a.key, alone.b.key, alone.pairsCompared], [pair.a, pair.b, 1])
})
