import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { VERDICTS } from '../../../connectors/connection/contract.ts'
import { compare, decide, type StatedRow } from '../../../mdm/connections/restate.ts'
import { retryAt } from '../../../mdm/connections/retryAt.ts'
import type { WrittenValue } from '../../../mdm/echo/echo.ts'

const minutes = (ms: number) => ms / 60_000

test('what passes by itself is tried again soon, what a person has to correct later', () => {
  assert.equal(minutes(retryAt('RETRY', 1, null, 0, 0)), 0.5)
  assert.equal(minutes(retryAt('RETRY', 99, null, 0, 0)), 30)
  assert.equal(minutes(retryAt('SIGN_IN', 1, null, 0, 0)), 15)
  assert.equal(minutes(retryAt('FORBIDDEN', 1, null, 0, 0)), 60)
  for (const verdict of [...VERDICTS, null]) {
    const pauses = [1, 2, 3, 9].map((n) => retryAt(verdict, n, null, 0, 0))
    assert.deepEqual(
      pauses,
      pauses.toSorted((a, b) => a - b),
      `${verdict}`,
    )
    assert.ok(retryAt(verdict, 1, null, 0, 0.99) > 0)
  }
})

test('the time that the system names is never undercut', () => {
  assert.equal(retryAt('WAIT', 1, 86_400_000, 0, 0.9), 86_400_000)
  assert.ok(retryAt('WAIT', 1, 10, 0, 0.9) > 10)
})

const row: StatedRow = { messageId: 'm', key: 'k', version: 5, deleted: false, raw: { a: 1 } }
const stored = { version: 5, deleted: false, statedBy: 7, deletedByArrival: false }
const CASES: [
  title: string,
  row: Partial<StatedRow>,
  known: number | null,
  stored: Partial<typeof stored> | null,
  settled: boolean,
  expected: ReturnType<typeof decide>,
][] = [
  ['a new row', {}, null, null, true, 'ONCE'],
  ['a row that cannot be read', { key: null }, 3, stored, true, 'ONCE'],
  ['a known row that counts', {}, 7, stored, true, 'ONCE'],
  ['a known row, and another of its version came later', {}, 3, stored, true, 'COMPARE'],
  [
    'a known deletion, and a live row of its version came later',
    { deleted: true },
    3,
    stored,
    true,
    'AGAIN',
  ],
  [
    'an older live row of a record that was deleted by arrival',
    {},
    3,
    { version: 9, deleted: true, deletedByArrival: true },
    true,
    'NOW',
  ],
  [
    'an older live row of a record that was deleted by version',
    {},
    3,
    { version: 9, deleted: true },
    true,
    'ONCE',
  ],
  ['an older row of a record that is newer', {}, 3, { version: 9 }, true, 'ONCE'],
  ['without a version', { version: null }, 3, stored, true, 'COMPARE'],
  ['without a version, while others wait', { version: null }, 3, stored, false, 'AGAIN'],
  ['without a version, new, while others wait', { version: null }, null, stored, false, 'ONCE'],
  ['without a version, of an exception', { version: null }, 3, null, true, 'ONCE'],
  [
    'without a version, of a deleted record',
    { version: null },
    3,
    { deleted: true },
    true,
    'AGAIN',
  ],
  [
    'a known deletion without a version',
    { version: null, deleted: true },
    3,
    { deleted: true },
    true,
    'SKIP',
  ],
  [
    'a deletion without a version, again',
    { version: null, deleted: true },
    3,
    stored,
    true,
    'AGAIN',
  ],
]

test('decides which row of a page is a new message', () => {
  for (const [title, more, known, record, settled, expected] of CASES)
    assert.equal(
      decide(
        { ...row, ...more },
        known === null ? null : { inboxId: known },
        record && { ...stored, ...record },
        settled,
      ),
      expected,
      title,
    )
})

describe('a row without news', () => {
  const map = (raw: Record<string, unknown>) => ({
    ...{ type: 'Customer', issues: [], complete: true },
    fields: { a: Number(raw.a) },
  })
  const written: WrittenValue = {
    ...{ intentId: 1, path: 'a', value: 2, since: 0, appliedAt: 5, state: 'SEEN' },
  }
  const decided = (a: unknown, more: Partial<WrittenValue> | null = null, known = false) =>
    compare(
      { ...row, version: null, raw: { a } },
      known ? { inboxId: 1 } : null,
      { raw: { a: 1 }, written: more ? [{ ...written, ...more }] : [] },
      map,
      10,
    )

  test('is the stored one', () => {
    assert.equal(decided(1), 'SKIP')
    assert.equal(decided(2), 'ONCE')
    assert.equal(decided(2, null, true), 'AGAIN')
  })

  test('holds a written value that was seen before, in any form', () => {
    assert.equal(decided(2, {}), 'SKIP')
    assert.equal(decided('2', {}), 'SKIP')
    assert.equal(decided(2, { state: 'WRITTEN' }, true), 'AGAIN', 'its first sight is news')
    assert.equal(decided(1, {}, true), 'AGAIN', 'the former value has come back')
    assert.equal(decided(3, {}), 'ONCE')
    assert.equal(decided(2, { state: 'ENDED' }), 'ONCE', 'it was typed since')
    assert.equal(decided(1, { state: 'ENDED' }), 'SKIP')
  })
})
