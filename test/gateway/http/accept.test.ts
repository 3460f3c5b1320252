import assert from 'node:assert/strict'
import { test } from 'node:test'
import { weighAccept } from '../../../gateway/http/accept.ts'

const PLAIN = 'application/json'
const NEWER = 'application/graphql-response+json'
const STREAM = 'text/event-stream'

const cases: [string | undefined, string | null, boolean][] = [
  [undefined, PLAIN, false],
  ['', PLAIN, false],
  ['*/*', PLAIN, false],
  ['application/*', PLAIN, false],
  ['*/*;q=0.1', PLAIN, false],
  [STREAM, STREAM, true],
  ['text/*', STREAM, true],
  ['TEXT/Event-Stream', STREAM, true],
  [`${NEWER}, application/graphql+json, ${PLAIN}, ${STREAM}, multipart/mixed`, NEWER, true],
  [`${PLAIN}, ${STREAM};q=0.1`, PLAIN, true],
  [`${STREAM};q=0.1, ${PLAIN}`, PLAIN, true],
  [`${STREAM};q=0.4, ${PLAIN};q=0.9`, PLAIN, true],
  [`${STREAM};q=0.9, ${PLAIN};q=0.4`, STREAM, true],
  [`${STREAM};q=0, ${PLAIN}`, PLAIN, false],
  [`${STREAM};q=0, text/*`, null, false],
  [`${STREAM};q=0.000, */*`, PLAIN, false],
  [`${PLAIN};q=0.5, ${NEWER};q=0.9`, NEWER, false],
  [`${NEWER};q=0.1, ${PLAIN}`, PLAIN, false],
  [`${NEWER},${PLAIN};q=0.9`, NEWER, false],
  [`${PLAIN},${NEWER}`, PLAIN, false],
  // A range that names the type says more about it than a wildcard.
  [`${PLAIN};q=0.2, */*`, NEWER, false],
  [`${PLAIN};q=0.2, application/*;q=0.5`, NEWER, false],
  [`*/*, ${NEWER}`, NEWER, false],
  [`${PLAIN};q=0, */*`, NEWER, false],
  [`${PLAIN};q=0, ${NEWER};q=0, */*`, STREAM, false],
  [`${PLAIN}; charset=utf-8`, PLAIN, false],
  [`${NEWER}; charset=utf-8; q=0.3, ${PLAIN} ; q=0.2`, NEWER, false],
  [`${PLAIN};profile="a,b;q=0", image/png`, PLAIN, false],
  [`${PLAIN};q="0.1", ${NEWER};q=0.2`, NEWER, false],
  [`text/plain, ${PLAIN}, */*`, PLAIN, false],
  ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', PLAIN, false],
  ['image/png', null, false],
  ['multipart/mixed', null, false],
  ['*/*;q=0', null, false],
  [`${PLAIN};q=high`, PLAIN, false],
  [`${PLAIN};q=7, ${NEWER}`, PLAIN, false],
  [',,,', null, false],
]
for (const [header, result, events] of cases)
  test(`of "${header}" the result is ${result}${events ? ' and a stream is accepted' : ''}`, () => {
    const accepted = weighAccept(header)
    assert.deepEqual([accepted.result, accepted.events], [result, events])
  })

test('errors are PLAIN, of the newer type only if the client prefers it', () => {
  assert.equal(weighAccept(STREAM).json, PLAIN)
  assert.equal(weighAccept('image/png').json, PLAIN)
  assert.equal(weighAccept(`${STREAM}, ${NEWER};q=0.5`).json, NEWER)
  assert.equal(weighAccept(`${STREAM}, ${NEWER};q=0.5, ${PLAIN};q=0.6`).json, PLAIN)
})

test('a long header is read in linear time', () => {
  const long = `${'"'.repeat(8_000)},${'a;'.repeat(4_000)}q=1`
  assert.equal(weighAccept(long).events, false)
})
