import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Source } from 'graphql'
import { matchBatch } from '../../../mdm/match/batch.ts'
import type { MatchRecord } from '../../../mdm/match/engine.ts'
import { createSeededRandom } from '../../../mdm/match/random.ts'
import { waterfall } from '../../../mdm/match/waterfall.ts'
import { parsePolicy } from '../../../schema/readPolicy.ts'

const [type] = parsePolicy([
  new Source('type Product @golden { id: ID!  name: String @compare(as: PRODUCT_NAME) }'),
]).types
assert.ok(type)

const words = 'kora belo tami suno refa gilo venu paxo dore lisa mako nivu'.split(' ')

/**
 * Returns products of two shops. Every seventh has a variant of nearly the same name; with `twice`,
 * a shop lists every fourth twice.
 */
function shops(twice: boolean): MatchRecord[] {
  const random = createSeededRandom(5)
  const word = () => words[Math.floor(random() * words.length)] + String(Math.floor(random() * 90))
  const records: MatchRecord[] = []
  const add = (source: string, id: string, name: string) =>
    records.push({ key: `${source}/${id}`, source, fields: { name } })
  for (let n = 0; n < 600; n++) {
    const name = `${word()} ${word()} ${word()}`
    add('left', `${n}`, name)
    add('right', `${n}`, name)
    if (n % 7 === 0) add('left', `${n}-sister`, `${name} ${words[n % words.length]}`)
    if (twice && n % 4 === 0)
      for (const source of ['left', 'right']) add(source, `${n}-again`, name)
  }
  return records
}

test('if sources rarely have duplicates, two records of one source lose weight, and the waterfall shows it', () => {
  const { engine, features, records } = matchBatch(type, shops(false))
  assert.ok(engine.parameters.sameSourceWeight < -1, `${engine.parameters.sameSourceWeight} bits`)
  const at = (key: string) => {
    const found = features[records.findIndex((r) => r.key === key)]
    assert.ok(found)
    return found
  }
  const across = waterfall(engine.compare(at('left/0'), at('right/0')))
  assert.ok(!across.some((s) => s.kind === 'SOURCE'))
  const within = waterfall(engine.compare(at('left/0'), at('left/0-sister')))
  assert.equal(within.find((s) => s.kind === 'SOURCE')?.weight, engine.parameters.sameSourceWeight)
  assert.equal(within.at(-1)?.total, engine.weight(at('left/0'), at('left/0-sister')))
})

test('if a source has duplicates as often as two sources share a thing, no weight is deducted', () => {
  const one = shops(true).filter((r) => r.source === 'left')
  // One shop under two names: each record is assigned to either at random.
  const random = createSeededRandom(9)
  const mixed = [...shops(true)].map((r) => ({ ...r, source: random() < 0.5 ? 'left' : 'right' }))
  assert.equal(matchBatch(type, mixed).engine.parameters.sameSourceWeight, 0)
  assert.equal(matchBatch(type, one).engine.parameters.sameSourceWeight, 0)
})
