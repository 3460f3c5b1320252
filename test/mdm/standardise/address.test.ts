import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAddress } from '../../../mdm/standardise/address.ts'

test('normalises street types and separates the house number', () => {
  const a = parseAddress({
    street: 'Lindenstraße 12',
    city: 'Köln',
    postcode: '50667',
    country: 'Deutschland',
  })
  const b = parseAddress({
    street: 'Lindenstr. 12',
    city: 'Koeln',
    postcode: '50667',
    country: 'DE',
  })
  assert.deepEqual(a?.street, b?.street)
  assert.equal(a?.number, '12')
  assert.equal(a?.city, b?.city)
  assert.equal(a?.country, 'DE')
  assert.deepEqual(
    parseAddress({ street: '850 W. Eastwood Avenue' })?.street,
    parseAddress({ street: '850 West Eastwood Ave' })?.street,
  )
})

test('finds country, postcode, region and city from the end of a text', () => {
  assert.deepEqual(parseAddress('7 calder crescent, figtree, nsw, 3810'), {
    street: ['calder', 'cres'],
    number: '7',
    city: 'figtree',
    region: 'nsw',
    postcode: '3810',
  })
  const uk = parseAddress('10 Downing Street, London SW1A 2AA, United Kingdom')
  assert.deepEqual(
    [uk?.number, uk?.city, uk?.postcode, uk?.country],
    ['10', 'london', 'sw1a2aa', 'GB'],
  )
  const us = parseAddress('1600 Pennsylvania Ave NW, Washington, DC 20500-0003, USA')
  assert.deepEqual(
    [us?.number, us?.city, us?.postcode, us?.region],
    ['1600', 'washington', '20500', 'dc'],
  )
})

test('distinguishes a leading house number from a postcode, and a trailing postcode from a house number', () => {
  const a = parseAddress('3855 North Seeley Avenue, 60618')
  assert.deepEqual([a?.number, a?.postcode], ['3855', '60618'])
  assert.equal(parseAddress('12345')?.postcode, undefined)
})

test('reads flats and post boxes', () => {
  assert.equal(parseAddress({ street: '12 High St Apt 4b' })?.unit, '4b')
  assert.equal(parseAddress({ street: 'P.O. Box 123' })?.number, '123')
})

test('accepts empty and meaningless text', () => {
  assert.equal(parseAddress(''), null)
  assert.equal(parseAddress({ street: null, city: '-' }), null)
  assert.ok(parseAddress('x'.repeat(1_000_000)))
})

test('reads a counted street with and without its ending, and what announces a house number', () => {
  for (const [a, b] of [
    ['14135 22nd Street', '14135 22 St'],
    ['5 Second Avenue', '5 2nd Ave'],
    ['No. 321, Lake Road', '321 Lake Road'],
    ['#321 Lake Road', '321 Lake Rd'],
    ['Lake Road Nr. 321', '321 Lake Road'],
    ['4753-59 W. Washington', '4753 W Washington'],
    ['1710-1718 S. Loomis', '1710 S. Loomis'],
  ])
    assert.deepEqual(parseAddress({ street: a! }), parseAddress({ street: b! }), `${a} | ${b}`)
  assert.equal(parseAddress({ street: '37-11 Main St' })?.street.includes('11'), true)
  assert.equal(parseAddress({ street: 'Sakura 1-5' })?.street.includes('5'), true)
})

test('finds a country at the end of the last part, and no state of another one', () => {
  assert.equal(parseAddress('12 Lake Road, Phnom Penh Cambodia')?.country, 'KH')
  assert.equal(parseAddress('12 Lake Road, Trenton New Jersey')?.country, undefined)
  assert.equal(parseAddress('12 Lake Road, Atlanta Georgia')?.country, undefined)
  assert.equal(parseAddress('12 Lake Road, Santa Fe New Mexico')?.country, undefined)
})
