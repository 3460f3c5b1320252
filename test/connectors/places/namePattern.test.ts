import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareOrder, compileNamePattern } from '../../../connectors/places/namePattern.ts'

const sorted = (pattern: ReturnType<typeof compileNamePattern>, names: string[]) =>
  names
    .map((name) => ({ name, keys: pattern.match(name)?.keys ?? [] }))
    .sort(compareOrder)
    .map((f) => f.name)

test('a pattern matches whole names, with stars, marks and parts', () => {
  const pattern = compileNamePattern('c?_{yyyy-MM-dd_HHmm}_*.csv*')
  assert.ok(pattern.match('c1_2026-01-31_0930_x.csv.gz'))
  assert.equal(pattern.match('c1_2026-02-31_0930_x.csv'), null, '31 February is no date')
  assert.equal(pattern.match('c1_2026-01-31_0930_xcsv'), null, 'a dot is a dot')
  assert.equal(pattern.match('c_2026-01-31_0930_.csv'), null)
  assert.ok(compileNamePattern('a(b)[1].csv').match('a(b)[1].csv'))
})

test('dates and numbers give the order, not their texts', () => {
  const names = ['o_31122025_2.csv', 'o_01012026_10.csv', 'o_01012026_9.csv']
  assert.deepEqual(sorted(compileNamePattern('o_{ddMMyyyy}_{number}.csv'), names.toReversed()), [
    'o_31122025_2.csv',
    'o_01012026_9.csv',
    'o_01012026_10.csv',
  ])
})

test('a sequence that continues counts before the date, one that restarts within it', () => {
  const names = ['o_20260102_3', 'o_20260101_4']
  assert.deepEqual(sorted(compileNamePattern('o_{yyyyMMdd}_{sequence}'), names), names)
  const restarts = compileNamePattern('o_{yyyyMMdd}_{sequence}', { restarts: true })
  assert.deepEqual(sorted(restarts, names), names.toReversed())
  const order = restarts.match('o_20260102_3')
  assert.deepEqual([order?.sequence, order?.series], [3, '20260102000000'])
  assert.equal(
    compareOrder(
      { keys: restarts.missingOrder(2, order?.series ?? '').keys, name: '' },
      { keys: order?.keys ?? [], name: '' },
    ),
    -1,
  )
})

test('a pattern that cannot be one is refused with the reason', () => {
  for (const [text, reason] of [
    ['', /is not a pattern of file names/],
    ['a/*.csv', /write one without folders/],
    ['..\\x', /write one without folders/],
    ['{sequence}_{sequence}', /a name has one \{sequence\}/],
    ['{seq}', /\{seq\} is unknown; write \{sequence\}, \{number\}, or a date/],
    ['{MMdd}', /is unknown/],
    ['a{', /a brace is open/],
  ] as const)
    assert.throws(() => compileNamePattern(text), reason)
  assert.throws(
    () => compileNamePattern('{sequence}', { restarts: true }),
    /needs \{sequence\} and a date/,
  )
})
