import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fitCalibration, learnFromLabels } from '../../../mdm/match/calibrate.ts'
import { createEngine, type MatchType } from '../../../mdm/match/engine.ts'
import { createSeededRandom } from '../../../mdm/match/random.ts'

test('scales overconfident weights down, and leaves accurate ones unchanged', () => {
  const points = (trueScale: number, trueOffset: number) => {
    const random = createSeededRandom(3)
    return Array.from({ length: 4000 }, () => {
      const weight = random() * 20 - 10
      return { weight, same: random() < 1 / (1 + 2 ** -(trueScale * weight + trueOffset)) }
    })
  }
  const over = fitCalibration(points(0.5, -1))
  assert.ok(
    Math.abs(over.scale - 0.5) < 0.1 && Math.abs(over.offset + 1) < 0.3,
    JSON.stringify(over),
  )
  const right = fitCalibration(points(1, 0))
  assert.ok(Math.abs(right.scale - 1) < 0.1 && Math.abs(right.offset) < 0.3, JSON.stringify(right))
})

test('without labels nothing changes; one label changes almost nothing', () => {
  assert.deepEqual(fitCalibration([]), { scale: 1, offset: 0 })
  const one = fitCalibration([{ weight: 8, same: false }])
  assert.ok(Math.abs(one.scale - 1) < 0.1 && Math.abs(one.offset) < 1.5, JSON.stringify(one))
})

test('decisions change m: after stewards accept differing surnames, such persons match', () => {
  const type: MatchType = {
    name: 'Person',
    uniqueIn: [],
    fields: [
      { name: 'given', list: false, compare: { as: 'GIVEN_NAME' } },
      { name: 'surname', list: false, compare: { as: 'SURNAME' } },
      { name: 'born', list: false, compare: { as: 'DATE_OF_BIRTH' } },
    ],
  }
  const engine = createEngine(type)
  const person = (surname: string) =>
    engine.standardise({
      key: surname,
      source: 's',
      fields: { given: 'Ludmilla', surname, born: '1980-05-17' },
    })
  const labels = Array.from({ length: 300 }, () => ({
    a: person('Weiss'),
    b: person('Kowalska'),
    same: true,
  }))
  const learned = createEngine(
    type,
    learnFromLabels(engine, labels, (p) => createEngine(type, p)),
  )
  const before = engine
    .compare(person('Marten'), person('Olbricht'))
    .fields.find((f) => f.dimension === 'surname')!.weight
  const after = learned
    .compare(person('Marten'), person('Olbricht'))
    .fields.find((f) => f.dimension === 'surname')!.weight
  assert.ok(after > before + 1, `${before} before, ${after} after`)
})
