import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closedUntil } from '../../connectors/calendar.ts'
import type { ClosedTime } from '../../schema/closedTime.ts'

const hour = 3_600_000
const utc = (text: string) => Date.parse(text)
const until = (calendar: ClosedTime[], at: string, hold: 'PULL' | 'POSTINGS' = 'PULL') => {
  const closed = closedUntil(calendar, hold, utc(at))
  return closed && new Date(closed.until).toISOString()
}
const weekly: ClosedTime = {
  holds: ['PULL'],
  why: 'weekly maintenance',
  at: '0 22 * * 6',
  zone: 'Europe/Berlin',
  ms: 6 * hour,
}

test('a time that comes again is closed from its begin to its end, by the clock of its zone', () => {
  for (const [at, expected] of [
    ['2026-11-28T20:59:59.999Z', null],
    ['2026-11-28T21:00:00.000Z', '2026-11-29T03:00:00.000Z'],
    ['2026-11-29T02:59:59.999Z', '2026-11-29T03:00:00.000Z'],
    ['2026-11-29T03:00:00.000Z', null],
    // The clocks of Berlin go forward in this night, and back in the other: the length is real time.
    ['2026-03-28T22:00:00.000Z', '2026-03-29T03:00:00.000Z'],
    ['2026-10-24T21:00:00.000Z', '2026-10-25T02:00:00.000Z'],
  ] as const)
    assert.equal(until([weekly], at), expected, at)
  assert.equal(until([weekly], '2026-11-28T22:00:00Z', 'POSTINGS'), null, 'it holds pulls alone')
})

test('times that follow each other count as one, and the first reason is shown', () => {
  const calendar: ClosedTime[] = [
    { holds: ['PULL'], why: 'move', from: utc('2026-11-29T02:00Z'), to: utc('2026-11-30T00:00Z') },
    weekly,
    { holds: ['PULL'], why: 'more', from: utc('2026-11-30T00:00Z'), to: utc('2026-11-30T01:00Z') },
    { holds: ['PULL'], why: 'gap', from: utc('2026-11-30T02:00Z'), to: utc('2026-11-30T03:00Z') },
  ]
  assert.equal(until(calendar, '2026-11-28T21:30:00Z'), '2026-11-30T01:00:00.000Z')
  const closed = closedUntil(calendar, 'PULL', utc('2026-11-28T21:30:00Z'))
  assert.equal(closed?.why, 'weekly maintenance')
})

test('a period of days begins on the last day of a month', () => {
  const monthEnd: ClosedTime = {
    holds: ['POSTINGS'],
    why: 'closing',
    at: '0 0 L * *',
    zone: 'UTC',
    ms: 48 * hour,
  }
  assert.equal(until([monthEnd], '2026-02-28T00:00:00Z', 'POSTINGS'), '2026-03-02T00:00:00.000Z')
  assert.equal(until([monthEnd], '2026-03-01T23:59:59Z', 'POSTINGS'), '2026-03-02T00:00:00.000Z')
  assert.equal(until([monthEnd], '2026-03-02T00:00:00Z', 'POSTINGS'), null)
})

test('a calendar that never opens ends the search', () => {
  const always: ClosedTime = { holds: ['PULL'], why: 'x', at: '* * * * *', zone: 'UTC', ms: hour }
  const closed = closedUntil([always], 'PULL', utc('2026-11-28T22:00:00Z'))
  assert.ok(closed && closed.until > utc('2026-11-28T23:00:00Z'))
})

test('many questions within a second have the same response as single ones', () => {
  const begin = utc('2026-11-28T21:00:00Z')
  for (let ms = -3; ms <= 3; ms++)
    assert.equal(closedUntil([weekly], 'PULL', begin + ms) !== null, ms >= 0, `${ms} ms`)
})
