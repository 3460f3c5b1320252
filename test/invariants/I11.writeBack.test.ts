import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from '../property.ts'
import { fields, type Rule, runNetwork, silentAfterWrites } from './I11network.ts'

const networks = Number(process.env.TOUCHSTONE_I11_NETWORKS ?? 60)

const field = fc.constantFrom(...fields)

function network(rules: readonly Rule[]) {
  const automation = fc.record({ rule: fc.constantFrom(...rules), field, other: field })
  const system = fc.record({
    role: fc.constantFrom('CRM', 'BILLING', 'ERP', 'SUCCESS'),
    trust: fc.constantFrom(0.5, 0.7, 0.9),
    update: fc.option(fc.subarray(fields, { minLength: 1 }), { freq: 4 }),
    automations: fc.array(automation, { maxLength: 2 }),
    isPartial: fc.boolean(),
    isPulled: fc.boolean(),
  })
  return fc.record({
    systems: fc.array(system, { minLength: 2, maxLength: 6 }),
    edits: fc.array(
      fc.record({
        system: fc.nat(5),
        field,
        empties: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
      }),
      { minLength: 2, maxLength: 12 },
    ),
    seeds: fc.infiniteStream(fc.nat()),
  })
}

const randomOf = (stream: fc.Stream<number>) => () =>
  (Number(stream.next().value) % 1_000_003) / 1_000_003

test('I11: golden records are the same whether write-back is on or off, and systems fall silent', () => {
  let writes = 0
  fc.assert(
    fc.property(network(['REVERT', 'LOUD', 'FOLLOW', 'COUNT']), ({ systems, edits, seeds }) => {
      const result = runNetwork({ systems, edits, random: randomOf(seeds), isWritten: true })
      assert.deepEqual(result.withWrites, result.alone)
      assert.ok(result.isSilent, 'the systems go on for ever')
      assert.ok(result.fieldWritesMax <= silentAfterWrites, `${result.fieldWritesMax} writes`)
      writes += result.writes
    }),
    { numRuns: networks },
  )
  assert.ok(writes > networks, `${writes} writes in ${networks} networks`)
})
