import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createEngine } from '../../../mdm/match/engine.ts'
import { readPolicy } from '../../../schema/readPolicy.ts'

const engine = createEngine(readPolicy('schema/model').type('Contact'))

function weightOf(a: string, b: string): number {
  const [one, other] = [a, b].map((name, i) =>
    engine.standardise({
      key: String(i),
      source: `s${i}`,
      fields: { name, phones: ['+924257925774'] },
    }),
  )
  return engine.weight(one!, other!)
}

test('a name in Arabic or Hebrew letters is the one in Latin letters if the consonants agree', () => {
  for (const [a, b] of [
    ['فيصل صديقي', 'Faisal Siddiqui'],
    ['فرناندو بيريز', 'Fernando Pérez'],
    ['خالد المنصوري', 'Khalid Al-Mansouri'],
    ['דוד כהן', 'David Cohen'],
  ] as const) {
    assert.ok(weightOf(a, b) > 0, `${a} and ${b}: ${weightOf(a, b)}`)
    assert.ok(weightOf(b, a) > 0, `${b} and ${a}`)
  }
})

test('other consonants are another name, in two scripts and in one', () => {
  for (const [a, b] of [
    ['فيصل صديقي', 'Khalid Siddiqui'],
    ['سعيد القحطاني', 'سعود القحطاني'],
  ] as const) {
    assert.ok(weightOf(a, b) < 0, `${a} and ${b}: ${weightOf(a, b)}`)
    assert.ok(weightOf(b, a) < 0, `${b} and ${a}`)
  }
})
