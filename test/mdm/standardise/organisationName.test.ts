import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseOrganisationName } from '../../../mdm/standardise/organisationName.ts'

const parse = (text: string) => {
  const name = parseOrganisationName(text)
  return name && [name.tokens.join(' '), name.legalForm]
}

test('splits off legal forms of many countries in any position', () => {
  for (const text of [
    'Iskra GmbH',
    'ISKRA G.m.b.H.',
    'Iskra Gesellschaft mit beschränkter Haftung',
    'Iskra mbH',
  ])
    assert.deepEqual(parse(text), ['iskra', 'gmbh'], text)
  assert.deepEqual(parse('OOO Iskra'), ['iskra', 'llc'])
  assert.deepEqual(parse('Iskra Sp. z o.o.'), parse('Iskra Spółka z o.o.'))
  assert.deepEqual(parse('Iskra S.r.l.')?.[0], 'iskra')
  assert.deepEqual(parse('Iskra, S.A. de C.V.')?.[0], 'iskra')
  assert.deepEqual(parse('Iskra Pty Ltd')?.[0], 'iskra')
  assert.deepEqual(parse('Iskra GmbH & Co. KG'), ['iskra', 'gmbhcokg'])
})

test('splits off legal forms in their own script', () => {
  assert.equal(parse('株式会社東沢鉄工')?.[0], parse('東沢鉄工')?.[0])
  assert.equal(
    parse('Общество с ограниченной ответственностью Искра')?.[0],
    parse('Искра ООО')?.[0],
  )
})

test('keeps a legal form that begins a name, and the words of a name of legal forms alone', () => {
  assert.ok(parse('AS Roma')?.[0]?.includes('roma'))
  assert.deepEqual(parse('AS Roma')?.[0]?.split(' ').length, 2)
  assert.ok(parse('The Limited')?.[0])
})

test('normalises ampersands, connecting words, dots, number words and plurals', () => {
  assert.equal(parse('JPMorgan Chase & Co.')?.[0], parse('JPMorgan Chase and Co')?.[0])
  assert.equal(parse('A.B.C. Company')?.[0], parse('ABC Co.')?.[0])
  assert.equal(parse('First International Bank')?.[0], parse('1st Intl. Bank')?.[0])
  assert.equal(parse('Brigade Forty 4')?.[0], parse('Brigade 44')?.[0])
  assert.equal(
    parse('U.S. Department of State')?.[0],
    parse('United States Department of State')?.[0],
  )
})

test('accepts an empty name', () => {
  assert.equal(parse('n/a'), null)
  assert.equal(parse('   '), null)
})

test('reads a form that is written in one with the name, misspelled or cut off', () => {
  assert.deepEqual(parse('IskraAG'), parse('Iskra AG'))
  assert.deepEqual(parse('IskraGmbH'), parse('Iskra GmbH'))
  assert.deepEqual(parse('Iskra Aktiengeselschaft'), parse('Iskra AG'))
  assert.deepEqual(parse('ISKRA JOYNT STOCK COMPANY'), parse('Iskra JSC'))
  assert.deepEqual(parse('ISKRA JOINT STOCK COMPAN'), parse('Iskra JSC'))
  assert.equal(parse('IskraTEL')?.[0], 'iskratel')
})

test('keeps partnerships apart by who is liable', () => {
  const forms = ['KG', 'OHG', 'GbR', 'LLP'].map((form) => parse(`Iskra ${form}`)?.[1])
  assert.equal(new Set(forms).size, forms.length)
  assert.deepEqual(parse('Iskra GmbH & Co. OHG'), parse('Iskra GmbH & Co. KG'))
})

test('leaves out that a company is being wound up', () => {
  assert.deepEqual(parse('Iskra GmbH i.L.'), parse('Iskra GmbH'))
  assert.deepEqual(parse('Iskra SA (en liquidation)'), parse('Iskra SA'))
  assert.equal(parse('Liquidation World')?.[0], 'liquidation world')
})
