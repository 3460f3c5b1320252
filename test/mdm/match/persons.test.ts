import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Parameters } from '../../../mdm/match/parameters.ts'
import type { MatchType } from '../../../mdm/match/plan.ts'
import { outcomes, TYPES, trainSmall } from '../../fixtures/matching/cases.ts'
import { readPersons } from '../../fixtures/matching/persons.ts'

/**
 * Pairs of two people who are kin and pairs of one person, in many languages, that share an address,
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

const LISTS = ['persons.txt', 'persons.second.txt'] as const
type Bound = Record<(typeof LISTS)[number], Bounds>

const BOUNDS: Record<'person' | 'parts', Record<'shipped' | 'trained', Bound>> = {
  person: {
    shipped: {
      'persons.txt': { merged: [0, 1], missed: [2, 8] },
      'persons.second.txt': { merged: [1, 0], missed: [0, 1] },
    },
    trained: {
      'persons.txt': { merged: [0, 1], missed: [3, 9] },
      'persons.second.txt': { merged: [0, 0], missed: [0, 1] },
    },
  },
  parts: {
    shipped: {
      'persons.txt': { merged: [1, 2], missed: [2, 9] },
      'persons.second.txt': { merged: [1, 1], missed: [1, 0] },
    },
    trained: {
      'persons.txt': { merged: [0, 1], missed: [2, 10] },
      'persons.second.txt': { merged: [0, 1], missed: [2, 0] },
    },
  },
}

for (const name of ['person', 'parts'] as const)
  for (const model of ['shipped', 'trained'] as const)
    test(`kin of one household stay two and one person stays one: ${name}, ${model} model`, () => {
      const parameters = model === 'trained' ? trainSmall(TYPES[name]) : undefined
      for (const list of LISTS)
        for (const swap of [false, true])
          check(TYPES[name], list, parameters, swap, BOUNDS[name][model][list])
    })

function check(
  type: MatchType,
  list: (typeof LISTS)[number],
  parameters: Parameters | undefined,
  swap: boolean,
  bounds: Bounds,
): void {
  const cases = readPersons(list)
  assert.ok(cases.length >= 80)
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
      assert.ok(found.length <= bound, `${list}, ${what}: ${found.length}, not ${bound}${shown}`)
    }
    atMost(bounds.merged, misses(false), 'merged')
    atMost(bounds.missed, misses(true), 'missed')
    assert.deepEqual(
      cases.filter((c, i) => c.held === held && !c.one && found[i] === 'NEITHER'),
      [],
      'kin are a possible match or related',
    )
  }
}
