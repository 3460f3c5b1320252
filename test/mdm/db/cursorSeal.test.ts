import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CursorSeal } from '../../../mdm/db/cursorSeal.ts'
import { cursorText, decodeCursor, encodeCursor, openCursor } from '../../../mdm/feed/cursor.ts'
import fc from '../../property.ts'

const [old, next] = ['o'.repeat(32), 'n'.repeat(32)]
const epoch = crypto.randomUUID()

test('a sealed text opens with every key of the installation, for its purpose only, and unchanged only', () => {
  const before = new CursorSeal([old])
  const rotated = new CursorSeal([next, old])
  const after = new CursorSeal([next])
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(), (bytes, at) => {
      const content = Buffer.from(bytes)
      const text = before.seal('list', content)
      assert.deepEqual(rotated.open('list', text), content)
      assert.equal(after.open('list', text), null)
      assert.equal(before.open('feed', text), null)
      assert.deepEqual(after.open('list', rotated.seal('list', content)), content)
      const sealed = Buffer.from(text, 'base64url')
      const i = at % sealed.length
      sealed[i] = (sealed[i] ?? 0) ^ 1
      assert.equal(before.open('list', sealed.toString('base64url')), null)
      assert.equal(before.open('list', text.slice(0, -(1 + (at % (text.length - 1))))), null)
    }),
  )
})

test('sealed texts of one content differ, and their length does not show how many digits a number has', () => {
  const seal = new CursorSeal([old])
  const of = (position: number) =>
    cursorText({ epoch, place: { kind: 'TAIL', position }, own: { seal, delivered: position } })
  assert.notEqual(of(7), of(7))
  assert.equal(of(7).length, of(2 ** 52).length)
  const listed = (n: number) =>
    seal.seal('list', Buffer.from(JSON.stringify(['arrival+', String(n)])))
  assert.equal(listed(1).length, listed(2 ** 52).length)
})

test('a place of a caller with row rights is read back, and no other cursor is', () => {
  const seal = new CursorSeal([old])
  const place = { kind: 'SCAN' as const, position: 12, scanned: crypto.randomUUID() }
  const text = cursorText({ epoch, place, own: { seal, delivered: 3 } })
  const read = openCursor(text, seal)
  assert.deepEqual([read.place, read.own?.delivered, read.epoch], [place, 3, epoch])
  const code = { code: 'CURSOR_INVALID' }
  assert.throws(() => decodeCursor(text), code)
  assert.throws(() => openCursor(encodeCursor(epoch, place), seal), code)
  for (const bad of ['', 'A', 'Ag', 'x'.repeat(1_000), seal.seal('list', Buffer.from('[]'))])
    assert.throws(() => openCursor(bad, seal), code, bad)
})

test('disguised numbers are different for each number, always the same, and do not count', () => {
  const seal = new CursorSeal([old])
  const numbers = Array.from({ length: 2_000 }, (_, n) => seal.disguise('audit', n))
  assert.equal(new Set(numbers).size, numbers.length)
  assert.ok(numbers.every((n) => Number.isInteger(n) && n >= 0 && n < 2 ** 30))
  assert.deepEqual(
    numbers.slice(0, 9),
    Array.from({ length: 9 }, (_, n) => seal.disguise('audit', n)),
  )
  assert.notDeepEqual(
    numbers,
    numbers.toSorted((a, b) => a - b),
  )
  assert.notEqual(new CursorSeal([next]).disguise('audit', 1), numbers[1])
})
