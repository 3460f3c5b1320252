import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { pairwiseScore } from '../../demo/score.ts'
import { checkRebuild } from '../../mdm/policy/rebuild.ts'
import { type TestDatabase, testDatabase } from '../database.ts'
import { demoStore, scoreDemo } from '../fixtures/demoStore.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
after(async () => await db.drop())

test('the golden records of a demo world match its truth and equal a rebuild', async () => {
  const world = { companies: 300, seed: 1 }
  const pipeline = await demoStore(db.sql, world)
  const scores = await scoreDemo(db.sql, world)
  for (const type of ['Customer', 'Contact', 'Product', 'Contract']) {
    const score = scores.get(type)
    assert.ok(score && score.truePairs > 100, `${type} has something to find`)
    assert.ok(score.precision >= 0.98, `${type}: precision ${score.precision}`)
    assert.ok(score.recall >= 0.95, `${type}: recall ${score.recall}`)
  }
  const [left] = await db.sql<
    { exceptions: number }[]
  >`select count(*)::int as exceptions from outcome where outcome = 'EXCEPTION'`
  assert.equal(left?.exceptions, 0)
  assert.deepEqual((await checkRebuild(db.sql, pipeline)).differences, [])
})

test('computes the score as defined', () => {
  const truth = new Map([
    ['a', '1'],
    ['b', '1'],
    ['c', '1'],
    ['d', '2'],
  ])
  const clusters = new Map([
    ['a', 'x'],
    ['b', 'x'],
    ['c', 'y'],
    ['d', 'x'],
    ['unknown', 'x'],
  ])
  assert.deepEqual(pairwiseScore(clusters, truth), {
    records: 4,
    truePairs: 3,
    precision: 1 / 3,
    recall: 1 / 3,
  })
})
