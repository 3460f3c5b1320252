import assert from 'node:assert/strict'
import { test } from 'node:test'
import { outcomes, TYPES, trainSmall } from '../../fixtures/matching/cases.ts'
import { readPersons } from '../../fixtures/matching/persons.ts'

/**
 * Pairs of two people who are kin and pairs of one person, in twenty languages, that share an address,
 * a phone or a mailbox and have no date of birth. Each bound is what misses today, in the half that
 * was looked at while the rules were made and in the half that was not: a change may lower it, never
 * raise it.
 */
interface Bounds {
  /** Kin that are merged: of the half looked at, of the half held. */
  merged: readonly [number, number]
  /** One person that stays two. */
  missed: readonly [number, number]
}

const BOUNDS: Record<'person' | 'parts', Record<'shipped' | 'trained', Bounds>> = {
  person: {
    shipped: { merged: [0, 1], missed: [2, 10] },
    trained: { merged: [0, 1], missed: [3, 11] },
  },
  parts: {
    shipped: { merged: [1, 2], missed: [2, 11] },
    trained: { merged: [0, 1], missed: [2, 12] },
  },
}

for (const name of ['person', 'parts'] as const)
  for (const model of ['shipped', 'trained'] as const)
    test(`kin of one household stay two and one person stays one: ${name}, ${model} model`, () => {
      const type = TYPES[name]
      const cases = readPersons()
      assert.ok(cases.length > 300)
      const parameters = model === 'trained' ? trainSmall(type) : undefined
      for (const swap of [false, true]) {
        const found = outcomes(type, cases, parameters, swap)
        for (const held of [false, true]) {
          const misses = (one: boolean) =>
            cases
              .filter((c, i) => c.held === held && c.one === one && (found[i] === 'ONE') !== one)
              .map(({ language, kind, a, b }) => `${language} ${kind}: ${a.name} | ${b.name}`)
          const atMost = (bounds: readonly [number, number], found: string[], what: string) => {
            const bound = bounds[held ? 1 : 0]
            // The pairs of the held half stay unread.
            const shown = held ? '' : `\n${found.join('\n')}`
            assert.ok(found.length <= bound, `${what}: ${found.length}, not ${bound}${shown}`)
          }
          atMost(BOUNDS[name][model].merged, misses(false), 'merged')
          atMost(BOUNDS[name][model].missed, misses(true), 'missed')
          assert.deepEqual(
            cases.filter((c, i) => c.held === held && !c.one && found[i] === 'NEITHER'),
            [],
            'kin are a possible match or related',
          )
        }
      }
    })
