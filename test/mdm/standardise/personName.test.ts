import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  givenNames,
  isSameGivenName,
  parseNamePart,
  parsePersonName,
} from '../../../mdm/standardise/personName.ts'

const words = (text: string) => parsePersonName(text)?.tokens.toSorted().join(' ')

test('ignores order, titles and punctuation', () => {
  assert.equal(words('Dr. John Smith'), words('SMITH, John'))
  assert.equal(words('Frau Prof. Anna Weiß'), words('anna weiss'))
  assert.equal(words("O'Brien, Mary"), words('Mary OBrien'))
})

test('reads umlauts, their spelled-out form and accents as equal', () => {
  assert.equal(words('Jürgen Müller'), words('Juergen Mueller'))
  assert.equal(words('François Hollande'), words('Francois Hollande'))
  assert.equal(words('Søren Åberg'), words('Soren Aberg'))
})

test('a name in another script is transliterated', () => {
  assert.equal(words('Владимир Путин'), 'putin vladimir')
  assert.ok(words('Κυριάκος Μητσοτάκης')?.includes('kyriakos'))
})

test('distinguishes generations, and does not read a surname like Senior as one', () => {
  assert.equal(parsePersonName('John Smith Jr.')?.suffix, 'jr')
  assert.equal(parsePersonName('John Smith III')?.suffix, 'iii')
  assert.equal(parsePersonName('John Senior')?.suffix, undefined)
})

test('accepts a name that is only a title or has no letters', () => {
  assert.deepEqual(parsePersonName('Lord')?.tokens, ['lord'])
  assert.equal(parsePersonName('n/a'), null)
  assert.equal(parsePersonName('---'), null)
  assert.equal(parsePersonName('\ud800'), null)
})

test('reads a part written in pieces as one part', () => {
  assert.equal(parseNamePart('geo rge')?.name, 'george')
  assert.deepEqual(parseNamePart('Jean-Claude'), parseNamePart('jean claude'))
})

test('matches short and foreign forms of a given name, also where one form has several names', () => {
  assert.ok(isSameGivenName('bob', 'robert'))
  assert.ok(isSameGivenName('chris', 'christopher'))
  assert.ok(isSameGivenName('chris', 'christian'))
  assert.ok(!isSameGivenName('christian', 'christopher'))
  assert.ok(
    !isSameGivenName('zyx', 'zyx'),
    'a word that is no known name is not a form of anything',
  )
})

test('distinguishes a man and a woman by patronymics and Slavic endings, and two second names in one', () => {
  assert.ok(givenNames.isManAndWoman('olegigorevich', 'olgaigorevna'))
  assert.ok(givenNames.isManAndWoman('evgeniy', 'evgeniya'))
  assert.ok(givenNames.isManAndWoman('evgenia', 'evgeniy'))
  assert.ok(!givenNames.isManAndWoman('mary', 'maria'))
  for (const [a, b, others] of [
    ['marieclaude', 'marielaure', true],
    ['hanspeter', 'hansdieter', true],
    ['elizabeth', 'elizbeth', false],
    ['katharina', 'katherine', false],
    ['hansjoa', 'hansjoachim', false],
  ] as const)
    assert.equal(givenNames.haveOtherSeconds(a, b), others, `${a} ${b}`)
})
