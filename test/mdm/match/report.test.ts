import assert from 'node:assert/strict'
import { test } from 'node:test'
import { matchBatch } from '../../../mdm/match/batch.ts'
import { matchBatchInThreads } from '../../../mdm/match/batchThreads.ts'
import type { MatchRecord, MatchType } from '../../../mdm/match/engine.ts'
import { readParameters } from '../../../mdm/match/parameters.ts'
import { createReport } from '../../../mdm/match/report.ts'
import { reportPage } from '../../../mdm/match/reportPage.ts'

const TYPE: MatchType = {
  name: 'Firm',
  uniqueIn: [],
  fields: [
    { name: 'name', list: false, compare: { as: 'ORGANISATION_NAME' } },
    { name: 'city', list: false, compare: { as: 'CITY' } },
    { name: 'phone', list: false, compare: { as: 'PHONE' } },
  ],
}

function firms(count: number): MatchRecord[] {
  return Array.from({ length: count }, (_, i) => ({
    key: `k${i}`,
    source: 's',
    fields: {
      name: `<script>Firm${(Math.floor(i / 2) * 7919).toString(36)}</script> ${i % 2 ? 'GmbH' : ''}`,
      city: `Town${i % 40}`,
      phone: `+4930${2_000_000 + Math.floor(i / 2) * 37}`,
    },
  }))
}

test('the report has the levels, the pairs and examples; its page has no script and loads nothing', () => {
  const report = createReport(
    matchBatch(TYPE, firms(200), { randomPairsMax: 5000 }),
    'firms & <b>more</b>',
  )
  assert.equal(report.stats.records, 200)
  assert.deepEqual(
    report.dimensions.map((d) => d.name),
    ['name', 'street', 'place', 'phone'],
  )
  assert.ok(report.examples.some((example) => example.title === 'Match'))
  const page = reportPage(report)
  assert.ok(page.includes('&lt;script&gt;') && page.includes('firms &amp; &lt;b&gt;more'))
  assert.ok(!/<script|<b>|src=|@import|url\(/.test(page))
  assert.ok(page.includes('<svg'))
})

test('a saved model gives the same engine when it is loaded; a broken one is rejected with the reason', () => {
  const { engine } = matchBatch(TYPE, firms(200), { randomPairsMax: 5000 })
  const text = JSON.stringify(engine.parameters)
  const again = matchBatch(TYPE, firms(200), { parameters: readParameters(text, TYPE) })
  assert.equal(again.engine.version, engine.version)
  assert.throws(() => readParameters('{"format":2}', TYPE), /format is 2/)
  const broken = JSON.parse(text)
  broken.levels.phone.phone.m = [1, 2]
  assert.throws(
    () => readParameters(JSON.stringify(broken), TYPE),
    /levels\.phone\.phone\.m needs 4 numbers/,
  )
})

test('the number of threads does not change the result', async () => {
  const options = { randomPairsMax: 20_000, candidatePairsMax: 20_000, related: true }
  const one = matchBatch(TYPE, firms(12_000), options)
  const two = await matchBatchInThreads(TYPE, firms(12_000), 2, options)
  assert.deepEqual(two.clusterOf, one.clusterOf)
  assert.deepEqual(two.pairs, one.pairs)
  assert.deepEqual(two.possible, one.possible)
  assert.deepEqual(two.related, one.related)
  assert.equal(two.stats.candidatePairs, one.stats.candidatePairs)
})
