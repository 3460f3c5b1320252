import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VERDICTS } from '../../../connectors/connection/contract.ts'
import { compare, decide, type StatedRow } from '../../../mdm/connections/restate.ts'
import { retryAt } from '../../../mdm/connections/retryAt.ts'

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
  assert.equal(compare(row, null, { a: 1 }), 'SKIP')
  assert.equal(compare(row, null, { a: 2 }), 'ONCE')
  assert.equal(compare(row, { inboxId: 1 }, { a: 2 }), 'AGAIN')
})
