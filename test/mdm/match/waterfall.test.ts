import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createEngine, type FieldValue } from '../../../mdm/match/engine.ts'
import { priorParameters } from '../../../mdm/match/parameters.ts'
import { waterfall } from '../../../mdm/match/waterfall.ts'
import { waterfallText } from '../../../mdm/match/waterfallText.ts'
import { policy } from '../../fixtures/store.ts'
import fc from '../../property.ts'

const type = policy.type('Customer')
const address = (street: string, city: string) => ({ street, city, country: 'DE' })
const fields = fc.record(
  {
    name: fc.constantFrom(
      'Nordwind Logistik GmbH',
      'Nordwind Logistics',
      'Casa Lupo S.r.l.',
      'Nordwind',
    ),
    taxIds: fc.subarray(['DE136695976', 'IT00743110157']),
    phones: fc.subarray(['+493012345678', '+390612345678']),
    domains: fc.subarray(['nordwind.example', 'casalupo.example']),
    billingAddress: fc.constantFrom(
      address('Hafenstr. 1', 'Hamburg'),
      address('Hafenstraße 1', 'Bremen'),
      address('Via Appia 9', 'Roma'),
    ),
  },
  { requiredKeys: ['name'] },
)
const calibration = fc.record({
  scale: fc.constantFrom(0.5, 1, 1.4),
  offset: fc.constantFrom(-2, 0, 1.5),
})

test('leads from the prior to the weight step by step, with and without calibration, for any agreement', () => {
  const seen = new Set<string>()
  fc.assert(
    fc.property(fields, fields, calibration, (one, other, calibrated) => {
      const engine = createEngine(type, { ...priorParameters(type), calibration: calibrated })
      const [a, b] = [one, other].map((f, i) =>
        engine.standardise({
          key: String(i),
          source: `s${i}`,
          fields: f as Record<string, FieldValue | FieldValue[]>,
        }),
      )
      assert.ok(a && b)
      const comparison = engine.compare(a, b)
      const steps = waterfall(comparison)
      assert.equal(
        steps.at(-1)?.total,
        engine.weight(a, b),
        'the sum is the weight that clustering uses',
      )
      let total = 0
      for (const step of steps) {
        total += step.weight
        assert.ok(Math.abs(total - step.total) < 1e-9, step.level)
        seen.add(step.kind)
        if (step.leftOut) seen.add(step.leftOut)
        if (
          step.kind === 'COMPARISON' &&
          step.m !== null &&
          step.u !== null &&
          step.leftOut === null
        )
          assert.ok(
            Math.abs(Math.log2(step.m / step.u) + step.adjustment - step.weight) < 1e-9,
            step.level,
          )
      }
      const calibrates = calibrated.scale !== 1 || calibrated.offset !== 0
      if (!calibrates) assert.ok(steps.every((s) => s.kind !== 'CALIBRATION'))
    }),
    { numRuns: 300, seed: 3 },
  )
  for (const kind of ['PRIOR', 'COMPARISON', 'RELATION', 'CALIBRATION', 'REPEATS'])
    assert.ok(seen.has(kind), kind)
})

test('prints agreeing values with m, u and term frequency, and missing values last', () => {
  const engine = createEngine(type)
  const record = (name: string, more: object) =>
    engine.standardise({ key: name, source: name, fields: { name, ...more } })
  const both = { domains: ['nordwind.example'] }
  const text = waterfallText(
    waterfall(engine.compare(record('Nordwind', both), record('Nordwind GmbH', both))),
  )
  assert.match(text, /^ +bits +sum\n +-\d+\.\d\d +-\d+\.\d\d {2}two random records\n/)
  assert.match(text, /name: equal \(m 0\.\d+, u [\d.e-]+(, (rare|common) [+-][\d.]+)?\)/)
  assert.match(text, /missing in one of the two: .*taxId.*phone/)
})
