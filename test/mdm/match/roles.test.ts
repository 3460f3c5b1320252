import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { matchBatch } from '../../../mdm/match/batch.ts'
import {
  type Comparator,
  createEngine,
  type FieldValue,
  type MatchType,
} from '../../../mdm/match/engine.ts'
import { planComparisons } from '../../../mdm/match/plan.ts'
import { createSeededRandom } from '../../../mdm/match/random.ts'

type Fields = Record<string, FieldValue | FieldValue[]>

/** Returns a type with one field for each comparator; names of lists end in "s". */
function typeOf(...fields: [name: string, as: Comparator][]): MatchType {
  return {
    name: 'Thing',
    uniqueIn: [],
    fields: fields.map(([name, as]) => ({ name, list: name.endsWith('s'), compare: { as } })),
  }
}

/** Returns the level of each column of two records, by the name of its field. */
function levelsOf(type: MatchType, a: Fields, b: Fields): Map<string, string> {
  const engine = createEngine(type)
  const [one, other] = [a, b].map((fields, i) =>
    engine.standardise({ key: String(i), source: `s${i}`, fields }),
  )
  return new Map(
    engine.compare(one!, other!).fields.map((f) => [`${f.field} ${f.dimension}`, f.level]),
  )
}

const contextOf = (...fields: [string, Comparator][]) =>
  planComparisons(typeOf(...fields)).flatMap((c) => (c.context ? [c.name] : []))

describe('roles of names', () => {
  test('the first name is the thing, names of another sort are context', () => {
    assert.deepEqual(contextOf(['name', 'PERSON_NAME'], ['firm', 'ORGANISATION_NAME']), ['firm'])
    assert.deepEqual(contextOf(['firm', 'ORGANISATION_NAME'], ['contact', 'PERSON_NAME']), [
      'contact',
    ])
    assert.deepEqual(contextOf(['name', 'PRODUCT_NAME'], ['brand', 'ORGANISATION_NAME']), ['brand'])
    assert.deepEqual(contextOf(['title', 'TEXT'], ['authors', 'PERSON_NAME']), ['authors'])
    assert.deepEqual(contextOf(['title', 'TEXT'], ['author', 'NAME']), ['author'])
  })

  test('a product name is the thing wherever it stands', () => {
    for (const maker of ['NAME', 'PERSON_NAME', 'ORGANISATION_NAME'] as const)
      assert.deepEqual(contextOf(['maker', maker], ['title', 'PRODUCT_NAME']), ['maker'])
  })

  test('given name and surname are the thing wherever they stand; a party may be either', () => {
    assert.deepEqual(
      contextOf(['firm', 'ORGANISATION_NAME'], ['given', 'GIVEN_NAME'], ['last', 'SURNAME']),
      ['firm'],
    )
    assert.deepEqual(contextOf(['name', 'NAME'], ['alias', 'PERSON_NAME']), [])
    assert.deepEqual(contextOf(['name', 'ORGANISATION_NAME'], ['legal', 'ORGANISATION_NAME']), [])
  })

  test('a text that comes first is a title, a later one is not', () => {
    const titles = (...fields: [string, Comparator][]) =>
      planComparisons(typeOf(...fields)).flatMap((c) => (c.title ? [c.name] : []))
    assert.deepEqual(titles(['title', 'TEXT'], ['venue', 'TEXT']), ['title'])
    assert.deepEqual(titles(['name', 'PRODUCT_NAME'], ['description', 'TEXT']), [])
  })

  test('the brand inside a product name counts once', () => {
    const type = typeOf(['name', 'PRODUCT_NAME'], ['brand', 'ORGANISATION_NAME'])
    const engine = createEngine(type)
    const bits = (fields: Fields) => {
      const [name] = engine.standardise({ key: 'k', source: 's', fields }).u as [
        { t: string[]; b: number[] }[],
      ]
      return name[0]!.b[name[0]!.t.indexOf('brontek')]!
    }
    assert.ok(bits({ name: 'Brontek lantern' }) > 5)
    assert.ok(bits({ name: 'Brontek lantern', brand: 'Brontek' }) <= 1)
  })

  test('one shared author of many is little, all of them are equal in any order', () => {
    const type = typeOf(['title', 'TEXT'], ['authors', 'PERSON_NAME'])
    const level = (a: string[], b: string[]) =>
      levelsOf(type, { title: 'x', authors: a }, { title: 'x', authors: b }).get('authors name')
    const [ann, bo, cy, di] = ['Ann Brook', 'Bo Castor', 'Cy Dorn', 'Di Elm']
    assert.equal(level([ann, bo], [bo, ann]), 'equal')
    assert.equal(level([ann], [bo, ann]), 'one holds the other')
    assert.equal(level([ann, bo, cy], [ann, di, 'Ed Fox']), 'some in common')
    assert.equal(level([ann, bo], [cy, di]), 'nothing in common')
  })
})

describe('numbers that decide', () => {
  const TITLE = typeOf(['title', 'TEXT'])
  const PRODUCT = typeOf(['name', 'PRODUCT_NAME'], ['model', 'PRODUCT_NAME'])
  const title = (a: string, b: string) =>
    levelsOf(TITLE, { title: a }, { title: b }).get('title text')
  const product = (a: Fields, b: Fields) => levelsOf(PRODUCT, a, b).get('name product name')

  test('titles that differ in a number, an edition or the platform are sequels', () => {
    const sequels = 'equal but for a number or platform'
    assert.equal(title('Night Harbour', 'Night Harbour II'), sequels)
    assert.equal(title('Tidal Models, 2nd edition 2', 'Tidal Models, 2nd edition 3'), sequels)
    assert.equal(title('Night Harbour PS2', 'Night Harbour Xbox'), sequels)
    assert.notEqual(title('Night Harbour', 'Night Harbour 1'), sequels)
    assert.notEqual(title('Night Harbour', 'Night Harbour Xbox'), sequels)
    assert.notEqual(title('2', '3'), sequels)
  })

  test('a model number of its own field is compared with that of the other and with its name', () => {
    const lamp = { name: 'Brontek desk lamp', model: 'LM-4410' }
    assert.equal(product(lamp, { name: 'Desk lamp', model: 'LM4410' }), 'same model number')
    assert.equal(product(lamp, { name: 'Desk lamp LM4410' }), 'same model number')
    assert.equal(product(lamp, { name: 'Desk lamp', model: 'BRO LM4410' }), 'same model number')
    assert.equal(
      product(lamp, { name: 'Brontek desk lamp', model: 'LM-4410BK' }),
      'same model number with another ending',
    )
    assert.equal(
      product(lamp, { name: 'Brontek desk lamp', model: 'KX-9021' }),
      'other model number',
    )
  })

  test('years are near when they are neighbours, other numbers by their ratio', () => {
    const type = typeOf(['n', 'NUMBER'])
    const level = (a: string, b: string) => levelsOf(type, { n: a }, { n: b }).get('n number')
    assert.equal(level('2001', '2001'), 'equal')
    assert.equal(level('2001', '2002'), 'within 2 %')
    assert.equal(level('2001', '1999'), 'different')
    assert.equal(level('20010', '19990'), 'within 2 %')
  })
})

describe('training', () => {
  const type = typeOf(['title', 'TEXT'], ['authors', 'PERSON_NAME'])

  test('under 500 records the shipped levels are used, with the frequencies of the data', () => {
    const random = createSeededRandom(2)
    const word = () => Math.floor(random() * 1e9).toString(36)
    const result = matchBatch(
      type,
      Array.from({ length: 100 }, (_, i) => ({
        key: String(i),
        source: 's',
        fields: { title: `${word()} ${word()}`, authors: [`${word()} ${word()}`] },
      })),
    )
    const shipped = createEngine(type).scorer.columns
    for (const [at, column] of result.engine.scorer.columns.entries())
      for (const [level, share] of column.m.entries())
        assert.ok(Math.abs(share - shipped[at]!.m[level]!) < 1e-9, `${column.name}, ${level}`)
    assert.match(String(result.stats.shippedBecause), /^100 records teach too little/)
    assert.ok(Object.keys(result.engine.parameters.frequencies).length > 0)
  })
})
