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

test("takes a man's and a woman's name of one stem for two names, and short forms for one", () => {
  const two =
    'giuseppe/giuseppina carlo/carla aurelio/aurelia andre/andrea andre/andree paul/paula paul/pauline karl/karla iwan/iwanna josef/josefa daniel/daniela gabriel/gabriella marius/maria konstantinos/konstantina vicente/vicenta rimantas/rimante george/georgina nikolay/nikolina'
  for (const pair of two.split(' ')) {
    const [man, woman] = pair.split('/') as [string, string]
    assert.ok(givenNames.isManAndWoman(man, woman), pair)
    assert.ok(givenNames.isManAndWoman(woman, man), pair)
  }
  const one =
    'kathy/kathleen bob/robert katrin/katrina christin/christina helen/helena lukas/luka joachim/achim gosia/malgorzata pepe/jose jussi/johannes erzsi/erzsebet'
  for (const pair of one.split(' ')) {
    const [a, b] = pair.split('/') as [string, string]
    assert.ok(givenNames.isSame(a, b), pair)
    assert.ok(!givenNames.isManAndWoman(a, b), pair)
  }
  for (const [a, b] of [
    ['janis', 'janice'],
    ['tony', 'tonya'],
    ['jesse', 'jessee'],
  ] as const)
    assert.ok(!givenNames.isManAndWoman(a, b), 'a short stem shows nothing')
})

test('takes a surname and the form of it that a wife, sister or daughter has for one', () => {
  for (const [man, woman] of [
    ['stoyanov', 'stoyanova'],
    ['petrauskas', 'petrauskaite'],
    ['petrauskas', 'petrauskiene'],
    ['kalnins', 'kalnina'],
    ['papadopoulos', 'papadopoulou'],
    ['georgiadis', 'georgiadi'],
  ] as const)
    assert.ok(givenNames.isOneSurname(man, woman), woman)
  assert.ok(!givenNames.isOneSurname('williams', 'william'))
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
