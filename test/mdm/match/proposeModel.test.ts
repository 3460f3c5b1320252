import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Source } from 'graphql'
import { comparatorsOfName } from '../../../mdm/match/columnNames.ts'
import { traitsOf } from '../../../mdm/match/columnProfile.ts'
import type { MatchRecord } from '../../../mdm/match/engine.ts'
import { FieldNames } from '../../../mdm/match/fieldNames.ts'
import { type ProposedModel, proposeModel } from '../../../mdm/match/proposeModel.ts'
import { setOwn } from '../../../schema/kit/dictionary.ts'
import { parsePolicy } from '../../../schema/readPolicy.ts'

/** Proposes a model for columns with their values. The model must be one that `match` reads. */
function propose(columns: Record<string, unknown[]>): ProposedModel {
  const names = new FieldNames()
  const records: MatchRecord[] = []
  for (const [column, values] of Object.entries(columns)) {
    const field = names.fieldOf(column)
    for (const [i, value] of values.entries()) {
      records[i] ??= { key: `s\u0001${i}`, source: 's', fields: {} }
      setOwn(records[i].fields as Record<string, unknown>, field, value)
    }
  }
  const model = proposeModel(records, names)
  if (model.fields.length > 0) {
    const type = parsePolicy([new Source(model.sdl)]).type(model.type)
    assert.deepEqual(
      type.fields.map((f) => [f.name, f.compare?.as]),
      model.fields.map((f) => [f.name, f.as]),
    )
  }
  return model
}

const kinds = (model: ProposedModel) => model.fields.map((f) => f.as)
const repeat = <T>(values: T[], times: number) =>
  Array.from({ length: values.length * times }, (_, i) => values[i % values.length]!)

describe('a column is guessed by its name', () => {
  test('in several languages and spellings', () => {
    const expected: [string, string][] = [
      ['E-Mail', 'EMAIL'],
      ['emailAddress', 'EMAIL'],
      ['Telefonnr.', 'PHONE'],
      ['Vorname', 'GIVEN_NAME'],
      ['PRÉNOM', 'GIVEN_NAME'],
      ['apellidos', 'SURNAME'],
      ['nom_de_famille', 'SURNAME'],
      ['dateOfBirth', 'DATE_OF_BIRTH'],
      ['Geburtsdatum', 'DATE_OF_BIRTH'],
      ['date de naissance', 'DATE_OF_BIRTH'],
      ['Straße', 'STREET'],
      ['PLZ', 'POSTCODE'],
      ['código postal', 'POSTCODE'],
      ['Città', 'CITY'],
      ['raison sociale', 'ORGANISATION_NAME'],
      ['USt-IdNr.', 'IDENTIFIER'],
      ['Company Name', 'ORGANISATION_NAME'],
      ['ctry_country_code', 'COUNTRY'],
      ['Artikelbezeichnung', 'PRODUCT_NAME'],
    ]
    for (const [column, as] of expected) assert.equal(comparatorsOfName(column)[0]?.as, as, column)
    assert.deepEqual(comparatorsOfName('Kundennummer'), [])
  })

  test('but not against its values, and the reason says so', () => {
    const model = propose({ email: repeat(['Max Müller', 'Julia Weber', 'Anna Schmidt'], 10) })
    assert.deepEqual(kinds(model), ['PERSON_NAME'])
    assert.match(model.sdl, /named as "email", but only 0 % of the values are email addresses/)
  })

  test('and "name" by what it names', () => {
    assert.deepEqual(kinds(propose({ name: ['Max Müller', 'Julia Weber', 'Anna Schmidt'] })), [
      'PERSON_NAME',
    ])
    assert.deepEqual(kinds(propose({ name: ['Nordwind GmbH', 'Hafen Logistik AG', 'Acme Ltd'] })), [
      'ORGANISATION_NAME',
    ])
    assert.deepEqual(
      kinds(
        propose({ name: ['Sony DVP-NC800H Player', 'Epson ELPLP12 Lamp', 'Bose QC35 II Set'] }),
      ),
      ['PRODUCT_NAME'],
    )
    assert.deepEqual(kinds(propose({ name: ['Max Müller', 'Nordwind GmbH', 'Julia Weber'] })), [
      'NAME',
    ])
  })
})

describe('a column without a name that says anything', () => {
  const cases: [string, unknown[]][] = [
    ['EMAIL', ['a@nord.example', 'b@sued.example', 'c@west.example']],
    ['DOMAIN', ['www.nordwind.example', 'https://hafen.example/x', 'acme.co.uk']],
    ['PHONE', ['+49 30 1234890', '040/389022', '(030) 442-9912']],
    ['DATE', ['1980-02-03', '30.11.1975', '7/4/1990']],
    ['IDENTIFIER', ['DE136695976', '4006381333931', '5493001KJTIIGC8Y1R12']],
    ['PRICE', ['$1,299.00', '12.50 EUR', '€ 8']],
    ['COUNTRY', ['Germany', 'France', 'Italia']],
    [
      'ADDRESS',
      ['Hafenstraße 12, 20459 Hamburg', '3 rue de la Paix, Paris', '9 Main Street, York'],
    ],
    ['CATEGORY', repeat(['gold', 'silver', 'bronze'], 20)],
    ['IDENTIFIER', [...repeat(['A-1001', 'B-2002', 'C-3003'], 2), 'D-4004', 'E-5005']],
    ['TEXT', ['a quiet room over the harbour', 'two beds and a balcony', 'near the old town']],
  ]
  for (const [as, values] of cases)
    test(`is ${as} by values such as ${String(values[0])}`, () => {
      const model = propose({ x1: values })
      assert.deepEqual(kinds(model), [as], JSON.stringify(model.leftOut))
    })

  test('is left out with the reason if the values show nothing', () => {
    const model = propose({
      mail: ['a@nord.example', 'b@sued.example', 'c@west.example'],
      'row id': [1, 2, 3],
      code: ['X-1', 'X-2', 'X-3'],
      amount2: [10.5, 11, 12],
      active: ['true', 'false', 'true'],
      'created at': ['2024-01-01', '2024-01-02', '2024-01-03'],
      empty: [null, '', 'n/a'],
      same: ['acme', 'acme', 'acme'],
    })
    assert.deepEqual(kinds(model), ['EMAIL', 'PRICE'])
    assert.match(model.sdl, /"code": each value is of one record/)
    assert.match(model.sdl, /"created at": its name speaks of the record/)
    assert.match(model.sdl, /"empty": no record has a value/)
    assert.match(model.sdl, /"same": all values are "acme"/)
  })
})

test('a number is a date only if it is one of our time; other writings of a date stay one', () => {
  for (const text of ['1010', '3050', '20269999', '10101010', '99999999'])
    assert.ok(!traitsOf(text).has('date'), text)
  for (const text of ['1850', '2024', '20240229', '1010-05-17', '17.5.1010'])
    assert.ok(traitsOf(text).has('date'), text)
})

test('names of columns become names of fields, each its own; hostile ones are harmless', () => {
  const names = ['Straße', 'strasse', '__proto__', 'constructor', '1. Telefon', '\u202e', 'a"b\n}']
  const model = propose(
    Object.fromEntries(names.map((n) => [n, ['Anna Weiß', 'Max Roth', 'Jo Ost']])),
  )
  const fields = model.fields.map((f) => f.name)
  assert.equal(new Set(fields).size, fields.length)
  assert.deepEqual(fields.slice(0, 2), ['strasse', 'strasse_2'])
  assert.ok(!model.sdl.includes('\u202e') && model.sdl.includes('\\u202e'))
})

test('a column keeps a valid name that another column before it would get', () => {
  const names = new FieldNames()
  assert.deepEqual(names.fieldsOf(['E-Mail', 'e_mail', 'e_mail_2', 'e mail']), [
    'e_mail_3',
    'e_mail',
    'e_mail_2',
    'e_mail_4',
  ])
  assert.deepEqual(names.all(), ['e_mail_3', 'e_mail', 'e_mail_2', 'e_mail_4'])
  assert.equal(names.columnOf('e_mail_3'), 'E-Mail')
})

test('a table of very many columns gives a model that can be used, of those that say most', () => {
  const wide = Array.from({ length: 300 }, (_, i): [string, string[]] => [
    `remark ${i}`,
    ['quiet and light', 'near the harbour', 'with a balcony'],
  ])
  const model = propose(
    Object.fromEntries([
      ...wide,
      ['email', ['a@nord.example', 'b@sued.example', 'c@west.example']],
    ]),
  )
  assert.equal(model.fields.length, 100)
  assert.equal(model.fields.at(-1)?.as, 'EMAIL')
  assert.match(model.sdl, /"remark 299": others say more/)
})

test('several phones are one comparison, and so are a full name and its parts', () => {
  const model = propose({
    phone: ['+49 30 1234890', '040/389022'],
    mobile: ['+49 170 1234890', '0171/389022'],
    'full name': ['Max Müller', 'Julia Weber'],
    'last name': ['Müller', 'Weber'],
  })
  assert.deepEqual(
    model.fields.map((f) => f.group),
    ['phone', 'phone', 'names', 'names'],
  )
})

test('a value of a megabyte takes no time', () => {
  const started = performance.now()
  for (const text of ['a@'.repeat(500_000), '1.'.repeat(500_000), 'x,'.repeat(500_000)])
    traitsOf(text.slice(0, 300))
  propose({ x: ['.'.repeat(1_000_000), `${'a.'.repeat(500_000)}@`, '9 '.repeat(500_000)] })
  assert.ok(performance.now() - started < 2_000)
})

// Sets with models that people wrote, where they exist; nothing of them is part of the project.
const sets = join(import.meta.dirname, '../../../../shared/data/er')

test('agrees with the models of labelled sets, or compares a name as NAME', {
  skip: !existsSync(sets),
}, () => {
  for (const set of readdirSync(sets)) {
    const file = join(sets, set, 'model.graphql')
    if (!existsSync(file)) continue
    const [type] = parsePolicy([new Source(readFileSync(file, 'utf8'))]).types
    const names = new FieldNames()
    const lines = readFileSync(join(sets, set, 'records.ndjson'), 'utf8')
      .trim()
      .split('\n')
    const records = lines.slice(0, 200).map((line, i): MatchRecord => {
      const { source, fields } = JSON.parse(line)
      for (const name of Object.keys(fields)) names.fieldOf(name)
      return { key: String(i), source, fields }
    })
    const found = new Map(proposeModel(records, names).fields.map((f) => [f.name, f.as]))
    for (const { name, compare } of type?.fields ?? []) {
      const as = found.get(name)
      if (as === 'NAME' && compare?.as.endsWith('_NAME')) continue
      assert.equal(as, compare?.as, `${set}.${name}`)
    }
  }
})
