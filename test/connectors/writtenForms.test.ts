import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { normalId, normalText, searchText } from '../../schema/kit/normalText.ts'
import fc from '../property.ts'
import { readOne, withMapping } from './fixture.ts'

/**
 * Values are generated first and then written as systems and people write them. The expected value
 * is the generated one, never a result of our own parser. TOUCHSTONE_VALUES_RUNS sets the number of
 * examples.
 */
const numRuns = Number(process.env.TOUCHSTONE_VALUES_RUNS ?? 400)

const mapping = (
  top: string,
) => `${top}every: { id: id, version: changed, deleted: [gone, deleted_at] }
objects:
  products:
    as: Product
    fields: { name: name, listPrice: { major: price, currency: currency } }
  contracts:
    as: Contract
    fields: { number: number, startDate: start, lines: { quantity: quantity } }
  customers:
    as: Customer
    fields:
      name: name
      legalName: legal
      tradingNames: { from: aka, split: "|" }
      paymentTerms: [terms, terms2]
      accountOwner: owner
      billingAddress: { street: street, city: city, region: region, postcode: zip }
`

describe('numbers', () => {
  const group = (digits: string, mark: string, indian: boolean) =>
    indian
      ? digits.replace(/\B(?=(\d{2})*\d{3}$)/g, mark)
      : digits.replace(/\B(?=(\d{3})+$)/g, mark)
  const point = withMapping(mapping('numbers: POINT\n'))
  const comma = withMapping(mapping('numbers: COMMA\n'))
  const unknown = withMapping(mapping(''))

  const written = fc
    .record({
      units: fc.oneof(fc.nat(2_000), fc.nat(2_000_000_000)),
      places: fc.constantFrom(0, 1, 2, 3, 4),
      negative: fc.boolean(),
      comma: fc.boolean(),
      grouping: fc.constantFrom('', 'MARK', 'INDIAN', ' ', '\u00a0', '\u202f', '\u2009', "'", '’'),
      sign: fc.constantFrom('-', '\u2212', 'AFTER', 'BRACKETS'),
      zero: fc.constantFrom('0', '\u0660', '\uff10', '\u0966'),
      around: fc.constantFrom('', ' ', '\u00a0', '\u200f'),
    })
    .map((w) => {
      const digits = String(w.units).padStart(w.places + 1, '0')
      const whole = digits.slice(0, digits.length - w.places)
      const part = digits.slice(digits.length - w.places)
      const decimal = w.comma ? ',' : '.'
      const mark =
        w.grouping === 'INDIAN' ? ',' : w.grouping === 'MARK' ? (w.comma ? '.' : ',') : w.grouping
      const indian = w.grouping === 'INDIAN' && !w.comma
      const grouped = w.grouping === 'INDIAN' && w.comma ? whole : group(whole, mark, indian)
      const plain = part === '' ? grouped : `${grouped}${decimal}${part}`
      const own = plain.replace(/\d/g, (d) =>
        String.fromCodePoint((w.zero.codePointAt(0) ?? 0) + Number(d)),
      )
      const signed = !w.negative
        ? own
        : w.sign === 'AFTER'
          ? `${own}-`
          : w.sign === 'BRACKETS'
            ? `(${own})`
            : w.sign + own
      return {
        text: w.around + signed + w.around,
        value: ((w.negative ? -1 : 1) * w.units) / 10 ** w.places + 0,
        comma: w.comma,
      }
    })

  const quantity = (from: ReturnType<typeof withMapping>, text: string) => {
    const { fields, issues } = readOne(
      from,
      'row',
      { id: 1, number: 'N', quantity: text },
      'contracts',
    ).canonical
    const lines = fields.lines as { quantity: number }[] | undefined
    return { value: lines?.[0]?.quantity, issues }
  }

  test('read as the generated number by the separator of the source', () => {
    fc.assert(
      fc.property(written, ({ text, value, comma: isComma }) => {
        const read = quantity(isComma ? comma : point, text)
        assert.deepEqual(read, { value, issues: [] }, JSON.stringify(text))
      }),
      { numRuns },
    )
  })

  test('read as the generated number or not at all, with an issue, where no separator is known', () => {
    fc.assert(
      fc.property(written, ({ text, value }) => {
        const read = quantity(unknown, text)
        if (read.issues.length === 0) assert.equal(read.value, value, JSON.stringify(text))
        else assert.equal(read.value, undefined)
      }),
      { numRuns },
    )
  })

  test('read as the generated amount in the units of its currency', () => {
    const signs = {
      EUR: ['€', 'EUR'],
      USD: ['$', 'US$'],
      GBP: ['£'],
      CHF: ['Fr.', 'CHF'],
      DKK: ['kr.'],
    }
    fc.assert(
      fc.property(
        fc.nat(100_000_000),
        fc.constantFrom(...(Object.keys(signs) as (keyof typeof signs)[])),
        fc.nat(1),
        fc.boolean(),
        fc.boolean(),
        (cents, currency, which, before, german) => {
          const digits = String(cents).padStart(3, '0')
          const whole = group(digits.slice(0, -2), german ? '.' : ',', false)
          const amount = `${whole}${german ? ',' : '.'}${digits.slice(-2)}`
          const sign = signs[currency][which % signs[currency].length]
          const price = before ? `${sign} ${amount}` : `${amount} ${sign}`
          const { fields, issues } = readOne(
            unknown,
            'row',
            { id: 1, name: 'N', price, currency },
            'products',
          ).canonical
          assert.deepEqual(fields.listPrice, { minorUnits: cents, currency }, price)
          assert.deepEqual(issues, [])
        },
      ),
      { numRuns },
    )
  })
})

describe('dates', () => {
  const sources = {
    DMY: withMapping(mapping('dates: DMY\n')),
    MDY: withMapping(mapping('dates: MDY\n')),
    none: withMapping(mapping('')),
  }
  const two = (n: number) => String(n).padStart(2, '0')
  const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')
  const monate =
    'Januar Februar März April Mai Juni Juli August September Oktober November Dezember'.split(' ')
  const written = fc
    .record({
      at: fc.date({
        min: new Date('1950-01-01T00:00:00Z'),
        max: new Date('2025-12-31T23:59:59Z'),
        noInvalidDate: true,
      }),
      form: fc.nat(9),
      clock: fc.nat(4),
      offset: fc.integer({ min: -44, max: 56 }).map((quarters) => quarters * 15),
    })
    .map(({ at, form, clock, offset }) => {
      const [y, m, d] = [at.getUTCFullYear(), at.getUTCMonth() + 1, at.getUTCDate()]
      const [h, min, s] = [at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()]
      const days: [string, 'DMY' | 'MDY' | null][] = [
        [`${y}-${two(m)}-${two(d)}`, null],
        [`${y}/${m}/${d}`, null],
        [`${two(d)}.${two(m)}.${y}`, null],
        [`${d}. ${monate[m - 1]} ${y}`, null],
        [`${d}-${months[m - 1]}-${y}`, null],
        [`${months[m - 1]} ${d}, ${y}`, null],
        [`${y}年${m}月${d}日`, null],
        [`${d}/${m}/${y}`, 'DMY'],
        [`${two(m)}/${two(d)}/${y}`, 'MDY'],
        [`${two(m)}-${two(d)}-${y}`, 'MDY'],
      ]
      const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`
      const half = `${h % 12 === 0 ? 12 : h % 12}:${two(min)}:${two(s)} ${h < 12 ? 'am' : 'PM'}`
      const clocks = [
        '',
        ` ${two(h)}:${two(min)}:${two(s)}`,
        ` ${half}`,
        ` ${h}:${two(min)}:${two(s)}.000 ${zone}`,
        ` ${half.replace(' ', '\u202f')}`,
      ]
      const [day = '', order = null] = days[form] ?? []
      const local = Math.floor(at.getTime() / 1000) * 1000
      const midnight = Date.UTC(y, m - 1, d)
      const moment = clock === 0 ? midnight : clock === 3 ? local - offset * 60_000 : local
      return {
        text: day + clocks[clock],
        day: `${y}-${two(m)}-${two(d)}`,
        micros: BigInt(moment) * 1000n,
        order,
      }
    })
  const read = (from: ReturnType<typeof withMapping>, text: string) => {
    const [change] = from.read(
      'row',
      JSON.stringify({ id: 1, number: 'N', changed: text }),
      'contracts',
    )
    const { fields, issues } = from.map('contracts', { id: 1, number: 'N', start: text })
    return { day: fields.startDate, micros: change?.version, issues: issues.length }
  }

  test('are the day that is written and the moment that is meant', () => {
    fc.assert(
      fc.property(written, ({ text, day, micros, order }) => {
        const got = read(sources[order ?? 'none'], text)
        assert.deepEqual(got, { day, micros, issues: 0 }, text)
      }),
      { numRuns },
    )
  })

  test('are the day that is written or none, with an issue, where the order is not known', () => {
    fc.assert(
      fc.property(written, ({ text, day }) => {
        const { fields, issues } = sources.none.map('contracts', {
          id: 1,
          number: 'N',
          start: text,
        })
        if (issues.length === 0) assert.equal(fields.startDate, day, text)
        else assert.equal(fields.startDate, undefined)
      }),
      { numRuns },
    )
  })

  test('that no calendar has are refused in every form', () => {
    const impossible = fc.constantFrom(
      [2, 30],
      [2, 31],
      [4, 31],
      [6, 31],
      [9, 31],
      [11, 31],
      [13, 1],
    )
    fc.assert(
      fc.property(
        impossible,
        fc.integer({ min: 1950, max: 2049 }),
        fc.nat(5),
        ([m = 0, d = 0], y, form) => {
          const text = [
            `${y}-${two(m)}-${two(d)}`,
            `${y}${two(m)}${two(d)}`,
            `${y}${two(m)}${two(d)}120000`,
            `${two(d)}.${two(m)}.${y}`,
            `${d}/${m}/${y}`,
            `${d}-${months[m - 1] ?? 'Smarch'}-${y}`,
          ][form]
          const { fields, issues } = sources.DMY.map('contracts', {
            id: 1,
            number: 'N',
            start: text,
          })
          assert.equal(fields.startDate, undefined, text)
          assert.equal(issues.length, 1, text)
        },
      ),
      { numRuns },
    )
  })
})

describe('texts', () => {
  const words =
    'Schlössl Lüneburg Aubé Ångström Łódź Việt 東京 한국 Ελλάς Молоко नमस्ते می\u200cخواهم 👩\u200d🚀 葛\u{e0100}城 O’Brien GmbH'.split(
      ' ',
    )
  const invisible = [
    ...'\u200b\u2060\ufeff\u00ad\u200e\u200f\u202a\u202c\u202e\u2066\u2069\u061c\u034f\u180e\u3164',
  ]
  const blanks = [...' \u00a0\u2007\u202f\u2009\u3000\t']
  const damaged = fc
    .record({
      words: fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 4 }),
      form: fc.constantFrom('NFC' as const, 'NFD' as const),
      hide: fc.array(fc.constantFrom(...invisible), { minLength: 5, maxLength: 5 }),
      blank: fc.array(fc.constantFrom(...blanks), { minLength: 1, maxLength: 3 }),
      ends: fc.boolean(),
    })
    .map((x) => {
      const clean = x.words.join(' ').normalize('NFC')
      const parts = x.words.map((w, i) => {
        // Inside a word only where no joiner holds the characters together.
        const [first = '', ...rest] = w.normalize(x.form)
        const inside = /^[a-z]/i.test(w) ? (x.hide[i] ?? '') : ''
        return `${first}${inside}${rest.join('')}${x.hide[4]}`
      })
      const text = parts.join(x.blank.join(''))
      return { clean, text: x.ends ? `${x.blank.join('')}${text}\u00a0` : text }
    })

  test('that people cannot tell apart are stored as one, and once in a list', () => {
    const shop = withMapping(mapping(''))
    fc.assert(
      fc.property(damaged, ({ clean, text }) => {
        const row = {
          id: 1,
          name: text,
          aka: `${text}|${clean}|${clean.normalize('NFD')}`,
          city: text,
        }
        const { fields } = readOne(shop, 'row', row, 'customers').canonical
        assert.equal(fields.name, clean)
        assert.deepEqual(fields.tradingNames, [clean])
      }),
      { numRuns },
    )
  })

  test('have a normal form that is its own', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary', maxLength: 20 }),
          damaged.map((d) => d.text),
        ),
        (text) => {
          const once = normalText(text)
          assert.equal(normalText(once), once)
          assert.equal(once.normalize('NFC'), once)
          assert.equal(searchText(once), once)
          assert.equal(normalId(normalId(text)), normalId(text))
        },
      ),
      { numRuns },
    )
  })

  test('take time in proportion to their length', () => {
    const long = ['\u200d', 'ک\u200c', '\u{1f3f4}\u{e0067}', '\u115f', 'e\u034f', '👩\u200d'].map(
      (s) => s.repeat(50_000),
    )
    const begin = performance.now()
    for (const text of long) normalText(text)
    assert.ok(performance.now() - begin < 5_000)
  })
})

describe('placeholders', () => {
  const nothing =
    'NULL,null,N/A,n/a,#N/A,#REF!,#VALUE!,-,--,—,?,...,tbd,TBA,unknown,Unknown,None,nil,undefined,n.a.,not available,Not Provided,xxx,k.A.,inconnu,desconocido,不明,\\N'.split(
      ',',
    )
  const values: Record<string, string[]> = {
    name: ['Unknown Ltd', 'Null AG', 'N/A Records GmbH', 'Acme'],
    legal: ['TBD Holdings SE', 'Nil & Sons'],
    terms: ['Net 30', '-30 days'],
    terms2: ['Net 60'],
    owner: ['Jennifer Null', 'Nan Goldin', 'Xxavier'],
    street: ['Null Street 1', '?huis 4'],
    city: ['Leer', 'Nice', 'X'],
    region: ['NA', 'Bayern'],
    zip: ['0000', 'N1 9GU'],
  }
  const cell = (name: string) =>
    fc.oneof(
      fc
        .constantFrom(...(values[name] ?? []))
        .map((text) => ({ text, value: text as string | undefined })),
      fc
        .tuple(
          fc.constantFrom(...nothing),
          fc.constantFrom('', ' ', '\u00a0', '\u200b'),
          fc.constantFrom('plain', '()', '[]', '<>', '""'),
        )
        .map(([word, blank, brackets]) => {
          const inner = brackets === 'plain' ? word : brackets[0] + word + brackets[1]
          return { text: blank + inner + blank, value: undefined }
        }),
    )
  const rows = fc.record(Object.fromEntries(Object.keys(values).map((name) => [name, cell(name)])))
  const shop = withMapping(mapping(''))

  test('are never a value, and values that look like one are', () => {
    fc.assert(
      fc.property(rows, (row) => {
        const raw = Object.fromEntries(Object.entries(row).map(([name, c]) => [name, c.text]))
        const { fields } = readOne(shop, 'row', { id: 1, ...raw }, 'customers').canonical
        const address = (fields.billingAddress ?? {}) as Record<string, unknown>
        assert.deepEqual(
          [fields.name, fields.legalName, fields.paymentTerms, fields.accountOwner],
          [
            row.name?.value,
            row.legal?.value,
            row.terms?.value ?? row.terms2?.value,
            row.owner?.value,
          ],
        )
        assert.deepEqual(
          [address.street, address.city, address.region, address.postcode],
          [row.street?.value, row.city?.value, row.region?.value, row.zip?.value],
        )
      }),
      { numRuns },
    )
  })
})

describe('deletions', () => {
  const shop = withMapping(mapping('dates: DMY\n'))
  const time = fc
    .date({ min: new Date('1990-01-01'), max: new Date('2030-01-01'), noInvalidDate: true })
    .chain((d) =>
      fc.constantFrom<unknown>(
        d.toISOString(),
        d.toISOString().slice(0, 19).replace('T', ' '),
        d.toISOString().slice(0, 10),
        d.getTime(),
        Math.floor(d.getTime() / 1000),
        `${d.getUTCDate()}/${d.getUTCMonth() + 1}/${d.getUTCFullYear()} 5:02 pm`,
      ),
    )
  const flag = fc.oneof(
    time.map((value) => ({ value, deleted: true, issues: 0 })),
    fc
      .constantFrom<unknown>(true, 'true', 'T', 'Y', 'X', 'x', 1, '1', 'Ja', 'oui', '-1')
      .map((value) => ({ value, deleted: true, issues: 0 })),
    fc
      .constantFrom<unknown>(
        false,
        'false',
        'F',
        'N',
        0,
        '0',
        'nein',
        null,
        '',
        'NULL',
        '-',
        '0000-00-00',
      )
      .map((value) => ({ value, deleted: false, issues: 0 })),
    fc
      .constantFrom<unknown>('perhaps', 2, 7, 'B', 'see notes', [])
      .map((value) => ({ value, deleted: false, issues: 1 })),
  )

  test('follow the flag or are reported', () => {
    fc.assert(
      fc.property(flag, ({ value, deleted, issues }) => {
        const row = { id: 1, name: 'N', gone: value }
        const { change, canonical } = readOne(shop, 'row', row, 'customers')
        assert.equal(change.deleted, deleted, JSON.stringify(value))
        assert.equal(canonical.issues.length, issues, JSON.stringify(value))
      }),
      { numRuns },
    )
  })
})
