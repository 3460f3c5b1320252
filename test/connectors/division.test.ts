import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { divisionsOf } from '../../connectors/mapping/division.ts'
import fc from '../property.ts'
import { withMapping } from './fixture.ts'

const divide = (text: string, currents: readonly unknown[] = [], widths = [10, 10, 10]) =>
  divisionsOf(text, { between: ' ', widths, currents })

describe('a text that is divided over places of stated widths', () => {
  test('fills each place with as many words as it holds', () => {
    assert.deepEqual(divide('Muster AG'), [['Muster AG']])
    assert.deepEqual(divide('Muster und Söhne AG'), [['Muster und', 'Söhne AG']])
    assert.deepEqual(divide('Zehn lang. und elf lang'), [['Zehn lang.', 'und elf', 'lang']])
    assert.deepEqual(divide(''), [[]])
  })

  test('is none where it does not fit, or a word would be cut', () => {
    assert.deepEqual(divide('Maschinenbau AG'), [])
    assert.deepEqual(divide('eins zwei drei vier fünf sechs sieben'), [])
    assert.deepEqual(divide('eins zwei', [], [4]), [])
  })

  test('keeps a place whose text the new one begins with, if it goes on in the next place', () => {
    assert.deepEqual(divide('Allee 7', ['Allee', '5']), [['Allee', '7'], ['Allee 7']])
    assert.deepEqual(divide('Muster AG', ['Muster', '']), [['Muster AG']])
    assert.deepEqual(divide('Weg 7', ['Allee', '5']), [['Weg 7']])
  })

  test('is the text again when its places are joined, and no place holds more than its width', () => {
    const words = fc.array(fc.stringMatching(/^[a-zß日]{1,12}$/), { minLength: 1, maxLength: 9 })
    const width = fc.integer({ min: 1, max: 20 })
    const place = fc.tuple(width, fc.option(fc.stringMatching(/^[a-z]{1,5}$/), { nil: '' }))
    fc.assert(
      fc.property(words, fc.array(place, { minLength: 1, maxLength: 4 }), (parts, places) => {
        const text = parts.join(' ')
        const widths = places.map(([w]) => w)
        for (const division of divide(
          text,
          places.map(([, now]) => now),
          widths,
        )) {
          assert.equal(division.join(' '), text)
          assert.ok(division.length <= widths.length)
        }
        const [greedy] = divide(text, [], widths)
        for (const [i, part] of (greedy ?? []).entries()) assert.ok(part.length <= widths[i]!)
        const isOneWidth = widths.every((w) => w === widths[0])
        if (greedy || !isOneWidth) return
        // With one width no other division at blanks fits either.
        const fits = (rest: string[], places: number): boolean =>
          rest.length === 0 ||
          (places > 0 &&
            rest.some(
              (_, i) =>
                rest.slice(0, i + 1).join(' ').length <= widths[0]! &&
                fits(rest.slice(i + 1), places - 1),
            ))
        assert.ok(!fits(parts, widths.length), text)
      }),
    )
  })
})

describe('a joined name with widths', () => {
  const shop = withMapping(`
objects:
  partner:
    as: Customer
    id: id
    fields:
      name: { join: [name1, name2], widths: [10, 10] }
`)
  const write = (name: string | null, raw: object) => {
    const made = shop.invert('partner', 'name', name, { id: 1, ...raw }, () => [])
    return 'refused' in made ? made.refused : Object.fromEntries(made.values)
  }

  test('is written into its fields, and fields that are not needed any more are emptied', () => {
    assert.deepEqual(write('Muster und Söhne', { name1: 'Alt' }), {
      name1: 'Muster und',
      name2: 'Söhne',
    })
    assert.deepEqual(write('Neu', { name1: 'Muster', name2: 'AG' }), { name1: 'Neu', name2: null })
    assert.deepEqual(write('Neu', { name1: 'Alt', name2: '' }), { name1: 'Neu' })
  })

  test('is refused where it does not fit, and never cut', () => {
    assert.deepEqual(write('Donaudampfschifffahrt', { name1: 'Alt' }), {
      code: 'TOO_LONG',
      detail:
        'the text has 21 characters, and does not fit into name1 (10 characters), name2 (10 characters) without a cut within a word',
    })
  })

  test('is a mistake with file and line where the widths are not those of its parts', () => {
    const mistake = (rule: string) => () =>
      withMapping(`objects: { partner: { as: Customer, id: id, fields: { name: ${rule} } } }`)
    assert.throws(mistake('{ join: [a, b], widths: [10] }'), /widths: must list for each part/)
    assert.throws(mistake('{ join: [a, b], widths: [10, 0] }'), /widths: must list for each part/)
    assert.throws(mistake('{ from: a, widths: [10] }'), /only allowed beside join/)
    assert.throws(mistake('{ join: [a, { from: b }], widths: [1, 2] }'), /needs a path/)
  })
})
