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

/** A change with its place in the order of arrival, which a replay keeps. */
interface Arrived {
  change: RecordChange
  arrival: number
  correction?: boolean
}

function apply(messages: readonly Arrived[]): RecordState | null {
  return messages.reduce<RecordState | null>(
    (state, { change, arrival, correction }) =>
      fold(state, change, arrival, arrival, correction).state ?? state,
    null,
  )
}

const inOrder = (changes: readonly RecordChange[]): Arrived[] =>
  changes.map((change, i) => ({ change, arrival: i + 1 }))
const foldAll = (changes: RecordChange[]) => apply(inOrder(changes))

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
  assert.ok(first.state)
  const again = fold(first.state, whole(null, { b: 2, a: 1 }), 200, 2)
  assert.deepEqual([again.skipped, again.state?.version], ['UNCHANGED', 100])
  const second = fold(first.state, whole(null, { a: 9 }), 200, 2)
  assert.equal(second.state?.version, 200)
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

/** The same messages in another order of application, some of them twice. */
function shuffled(messages: readonly Arrived[], random: fc.Stream<number>): Arrived[] {
  return [...messages, ...messages]
    .map((m) => ({ m, at: random.next().value as number }))
    .sort((x, y) => x.at - y.at)
    .map(({ m }) => m)
}

const anyChange = fc
  .record({
    version: fc.integer({ min: 1, max: 4 }),
    partial: fc.boolean(),
    deleted: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
    sequence: fc.option(fc.integer({ min: 0, max: 3_000 })),
    raw: fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 0, max: 3 }), {
      maxKeys: 3,
    }),
  })
  .map(
    ({ version, partial, deleted, sequence, raw }): RecordChange => ({
      ...whole(version, partial && deleted ? {} : { ...raw }, deleted),
      partial,
      ...(sequence === null ? {} : { order: { by: 'SEQUENCE', numbers: [0n, BigInt(sequence)] } }),
    }),
  )

test('I1, I9: the state does not depend on the order of application, and applying a message twice changes nothing', () => {
  fc.assert(
    fc.property(
      fc.array(anyChange, { maxLength: 8 }),
      fc.infiniteStream(fc.nat()),
      (changes, random) => {
        const messages = inOrder(changes)
        assert.deepEqual(visible(apply(shuffled(messages, random))), visible(apply(messages)))
      },
    ),
    { numRuns: 2_000 },
  )
})

test('I10: of whole statements of one version the last to arrive counts, applied in any order and again', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 6 }),
      fc.boolean(),
      fc.infiniteStream(fc.nat()),
      (values, versioned, random) => {
        const messages = inOrder(values.map((value) => whole(versioned ? 7 : null, { value })))
        assert.equal(apply(shuffled(messages, random))?.raw.value, values.at(-1))
      },
    ),
    { numRuns: 2_000 },
  )
})

test('I10: within one version a stated sequence counts before the order of arrival, far beyond 999', () => {
  const at = (commit: bigint, sequence: bigint, raw: Record<string, unknown>): RecordChange => ({
    ...part(5, raw),
    order: { by: 'SEQUENCE', numbers: [commit, sequence] },
  })
  const name = (changes: RecordChange[]) => foldAll(changes)?.raw.Name
  assert.equal(name([at(0n, 1201n, { Name: 'new' }), at(0n, 1200n, { Name: 'old' })]), 'new')
  assert.equal(name([at(0n, 10_000n, { Name: 'new' }), at(0n, 9_999n, { Name: 'old' })]), 'new')
  // A later transaction begins its sequence again.
  assert.equal(name([at(8n, 1n, { Name: 'new' }), at(7n, 400n, { Name: 'old' })]), 'new')
  assert.equal(
    name([at(8n, 1n, { Name: 'new' }), whole(5, { Name: 'a row of that instant' })]),
    'new',
  )
  assert.equal(name([at(8n, 1n, { Name: 'old' }), at(8n, 1n, { Name: 'new' })]), 'new')
})

test('a deletion and a live statement of one version: the later counts, and a live one after the deletion is doubtful', () => {
  const doubt = (messages: Arrived[]) => apply(messages)?.tied?.doubt ?? []
  const gone = { change: whole(5, {}, true), arrival: 1 }
  const live = { change: whole(5, { a: 1 }), arrival: 2 }
  for (const messages of [
    [gone, live],
    [live, gone],
  ]) {
    assert.equal(apply(messages)?.deleted, false)
    assert.deepEqual(doubt(messages), [1])
    assert.deepEqual(doubt([...messages, { change: whole(6, { a: 2 }), arrival: 3 }]), [])
    const last = [...messages, { change: whole(5, {}, true), arrival: 3 }]
    assert.deepEqual([apply(last)?.deleted, doubt(last)], [true, []])
  }
  const before = { change: whole(5, { a: 1 }), arrival: 0 }
  assert.deepEqual(doubt([before, gone]), [])
  assert.deepEqual(doubt([gone, before]), [])
  assert.deepEqual(doubt([gone, { change: whole(null, { a: 1 }), arrival: 9 }]), [])
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
        const messages = all.map(({ version, value, correction }, i) => ({
          change: whole(version, { value }),
          arrival: i + 1,
          correction,
        }))
        const state = apply(messages)
        assert.deepEqual(visible(apply(shuffled(messages, random))), visible(state))
        const newest = Math.max(...all.map((m) => m.version))
        const corrected = all.findLast((m) => m.version === newest && m.correction)
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
    doubt: state.tied?.doubt ?? [],
  }
}
