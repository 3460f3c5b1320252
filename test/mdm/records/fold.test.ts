import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RecordChange } from '../../../connectors/contract.ts'
import { fold, type RecordState } from '../../../mdm/records/fold.ts'
import fc from '../../property.ts'

const whole = (
  version: number | null,
  raw: Record<string, unknown>,
  deleted = false,
): RecordChange => ({
  object: 'Account',
  sourceId: '1',
  version: version === null ? null : BigInt(version),
  deleted,
  partial: false,
  raw,
})
const part = (version: number, raw: Record<string, unknown>, deleted = false): RecordChange => ({
  ...whole(version, raw, deleted),
  partial: true,
})

function foldAll(changes: RecordChange[]): RecordState | null {
  let state: RecordState | null = null
  let arrival = 1
  for (const c of changes) {
    const result = fold(state, c, 0, arrival++)
    if ('state' in result) state = result.state
  }
  return state
}

test('I10: an older version never overwrites a newer one', () => {
  const state = foldAll([whole(2, { Name: 'new' }), whole(1, { Name: 'old' })])
  assert.deepEqual(state?.raw, { Name: 'new' })
  const stale = fold(state, whole(1, { Name: 'old' }), 0, 3)
  assert.deepEqual(stale, { skipped: 'NOT_NEWER' })
})

test('I10: a tombstone that comes before its record still holds, and the values of the record are stored', () => {
  const state = foldAll([whole(5, {}, true), whole(3, { Name: 'x' })])
  assert.equal(state?.deleted, true)
  assert.deepEqual(state?.raw, { Name: 'x' })
})

test('a record that was deleted lives again with a newer whole version', () => {
  assert.equal(
    foldAll([whole(1, { a: 1 }), whole(2, {}, true), whole(3, { a: 2 })])?.deleted,
    false,
  )
})

test('a part that comes before its whole stays on top of it, field by field', () => {
  const state = foldAll([part(5, { Phone: 'new' }), whole(3, { Name: 'n', Phone: 'old' })])
  assert.deepEqual(state?.raw, { Name: 'n', Phone: 'new' })
  assert.deepEqual(
    foldAll([part(2, { Phone: 'old' }), whole(3, { Name: 'n', Phone: 'new' })])?.raw,
    {
      Name: 'n',
      Phone: 'new',
    },
  )
})

test('a field that a newer whole version does not have is gone', () => {
  assert.deepEqual(foldAll([whole(1, { a: 1, b: 2 }), whole(2, { a: 3 })])?.raw, { a: 3 })
})

test('without versions, equal content changes nothing and other content counts from its arrival', () => {
  const first = fold(null, whole(null, { a: 1, b: 2 }), 100, 1)
  assert.ok('state' in first)
  assert.deepEqual(fold(first.state, whole(null, { b: 2, a: 1 }), 200, 2), { skipped: 'UNCHANGED' })
  const second = fold(first.state, whole(null, { a: 9 }), 200, 2)
  assert.ok('state' in second)
  assert.equal(second.state.version, 200)
})

test('without versions, the later of two messages of one instant wins, whatever their content', () => {
  for (const value of ['a', 'b', 'c', 'd', 'e', 'f']) {
    const state = foldAll([whole(null, { value }), whole(null, {}, true)])
    assert.equal(state?.deleted, true)
    assert.equal(foldAll([whole(null, { value: 'x' }), whole(null, { value })])?.raw.value, value)
  }
})

test('a version before 1970, such as year 1 of an unset column, outranks a missing version', () => {
  const yearOne = -62_135_596_800_000_000
  assert.deepEqual(foldAll([whole(yearOne, { a: 1 })])?.raw, { a: 1 })
  assert.deepEqual(foldAll([part(yearOne, { a: 1 }), whole(yearOne + 1_000_000, { b: 2 })])?.raw, {
    b: 2,
  })
})

test('treats every field name as a plain field', () => {
  for (const name of ['', ' deleted', ' =', '__proto__', 'constructor']) {
    const raw = JSON.parse(`{${JSON.stringify(name)}: {"is": 1}}`)
    const state = foldAll([part(5, raw), whole(3, { a: 1 })])
    assert.deepEqual(
      Object.entries(state?.raw ?? {}).sort(),
      Object.entries({ ...raw, a: 1 }).sort(),
      name,
    )
    assert.equal(state?.deleted, false)
  }
})

test('I1, I9: the state does not depend on the order of changes, and applying one twice changes nothing', () => {
  const change = fc
    .record({
      version: fc.integer({ min: 1, max: 5 }),
      partial: fc.boolean(),
      deleted: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
      raw: fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 0, max: 3 }), {
        maxKeys: 3,
      }),
    })
    .map(
      ({ version, partial, deleted, raw }): RecordChange => ({
        ...whole(version, partial && deleted ? {} : { ...raw }, deleted),
        partial,
      }),
    )
  fc.assert(
    fc.property(
      fc.array(change, { maxLength: 8 }),
      fc.infiniteStream(fc.nat()),
      (changes, random) => {
        const shuffled = [...changes, ...changes]
          .map((c) => ({ c, at: random.next().value as number }))
          .sort((x, y) => x.at - y.at)
          .map(({ c }) => c)
        const [one, other] = [foldAll(changes), foldAll(shuffled)]
        assert.deepEqual(visible(other), visible(one))
      },
    ),
    { numRuns: 2_000 },
  )
})

test('I1, I10: a correction outranks its version and nothing newer, in any order of application; the last one counts', () => {
  const message = fc.record({
    version: fc.integer({ min: 1, max: 4 }),
    correction: fc.boolean(),
    value: fc.integer({ min: 0, max: 9 }),
  })
  fc.assert(
    fc.property(
      fc.array(message, { minLength: 1, maxLength: 8 }),
      fc.infiniteStream(fc.nat()),
      (all, random) => {
        const messages = all.map((m, i) => ({ ...m, arrival: i + 1 }))
        const apply = (list: typeof messages) =>
          list.reduce<RecordState | null>((state, { version, value, arrival, correction }) => {
            const result = fold(state, whole(version, { value }), 0, arrival, correction)
            return 'state' in result ? result.state : state
          }, null)
        const shuffled = [...messages, ...messages]
          .map((m) => ({ m, at: random.next().value as number }))
          .sort((x, y) => x.at - y.at)
          .map(({ m }) => m)
        const state = apply(messages)
        assert.deepEqual(visible(apply(shuffled)), visible(state))
        const newest = Math.max(...messages.map((m) => m.version))
        const corrected = messages.findLast((m) => m.version === newest && m.correction)
        if (corrected) assert.equal(state?.raw.value, corrected.value)
      },
    ),
    { numRuns: 1_000 },
  )
})

/** Returns the part of a state that callers see; the representation of stamps is internal. */
function visible(state: RecordState | null) {
  if (!state) return null
  return {
    raw: Object.fromEntries(Object.entries(state.raw).sort()),
    deleted: state.deleted,
    version: state.version,
  }
}
