import assert from 'node:assert/strict'
import { test } from 'node:test'
import { matchBatch } from '../../../mdm/match/batch.ts'
import { matchBatchInThreads } from '../../../mdm/match/batchThreads.ts'
import type { MatchRecord, MatchType } from '../../../mdm/match/engine.ts'
import { readParameters } from '../../../mdm/match/parameters.ts'
import { createReport } from '../../../mdm/match/report.ts'
import { reportPage } from '../../../mdm/match/reportPage.ts'
import { reportQuality } from '../../../mdm/match/reportQuality.ts'

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

test('the quality of a result is what its probabilities expect; its section shows it', () => {
  const records = firms(200)
  const result = matchBatch(TYPE, [...records], { randomPairsMax: 5000 })
  const quality = reportQuality(TYPE, result)
  const { expected, thresholds, contributions, doubtful, training } = quality
  const inOne = result.pairs.filter((p) => result.clusterOf[p.a] === result.clusterOf[p.b])
  assert.equal(expected.pairs, inOne.length)
  // Every second record repeats the one before under another legal form: 100 matches.
  assert.ok(
    (expected.precision ?? 0) > 0.95 && (expected.recall ?? 0) > 0.8,
    JSON.stringify(expected),
  )
  for (const [i, step] of thresholds.entries()) {
    const before = thresholds[i - 1]
    if (before) assert.ok(step.pairs <= before.pairs && (step.recall ?? 0) <= (before.recall ?? 0))
    assert.ok(step.pairs === 0 || (step.precision ?? 0) >= step.probability - 1e-9)
  }
  const prior = result.engine.compare(result.features.at(0), result.features.at(1)).prior
  const bits = contributions.reduce((total, c) => total + c.bitsInMatches, prior)
  const mean = inOne.reduce((total, p) => total + p.weight, 0) / inOne.length
  assert.ok(Math.abs(bits - mean) < 0.01, `${bits} and ${mean}: the bits of the columns add up`)
  assert.ok(contributions.some((c) => c.name === 'name' && c.supports > 0.9))
  assert.ok(doubtful.length > 0 && doubtful.length <= 10)
  assert.match(training.warnings.join('\n'), /200 records teach too little/)
  const page = reportPage({ ...createReport(result, 'firms'), quality })
  assert.match(page, /<h2>Expected precision and recall<\/h2>/)
  assert.ok(!/<script|src=|@import|url\(/.test(page))
})

test('a result that cannot be trusted has warnings', () => {
  const type: MatchType = { ...TYPE, fields: TYPE.fields.slice(0, 2) }
  const chained = firms(120).map((r, i) => ({
    ...r,
    fields: { ...r.fields, name: i < 90 ? 'Nordwind Hafen Logistik' : `Firm ${i}`, city: 'Kiel' },
  }))
  const { training } = reportQuality(type, matchBatch(type, chained, { randomPairsMax: 5000 }))
  assert.match(training.warnings.join('\n'), /cannot be estimated|never compared/)
  const none = reportQuality(TYPE, matchBatch(TYPE, []))
  assert.deepEqual(none.expected, { pairs: 0, precision: null, recall: null })
  assert.equal(none.training.agreement, null)
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
  assert.deepEqual(two.engine.parameters, one.engine.parameters)
  assert.deepEqual(two.clusterOf, one.clusterOf)
  assert.deepEqual(two.pairs, one.pairs)
  assert.deepEqual(two.possible, one.possible)
  assert.deepEqual(two.related, one.related)
  assert.equal(two.stats.candidatePairs, one.stats.candidatePairs)
})
