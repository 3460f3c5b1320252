import assert from 'node:assert/strict'
import { test } from 'node:test'
import { matchBatch } from '../../../mdm/match/batch.ts'
import type { Comparator, FieldValue, MatchType } from '../../../mdm/match/engine.ts'
import { createSeededRandom } from '../../../mdm/match/random.ts'

// Small generated sets of the kinds that chain easily: values shared by a family, group or office
// must not join its members.

type Fields = Record<string, FieldValue | FieldValue[] | null>
interface Made {
  thing: string
  source: string
  fields: Fields
}

const SYLLABLES =
  'ba ber bo da del fa gar ga hol jan ka ker la lin lo mer mi mo nor ni pa per ra ric ro sel si so ta ter to va ven zo'.split(
    ' ',
  )
const GIVEN =
  'James Mary Anna Michael Sarah David Emma Daniel Laura Thomas Julia Peter Lisa Paul Sophie Mark Nina Eva Clara Felix Max Leah Ahmed Yusuf Olga'.split(
    ' ',
  )
const CITIES =
  'Berlin Hamburg Munich Cologne Leipzig Dresden Bremen London Paris Boston Vienna Zurich'.split(
    ' ',
  )

function maker(seed: number) {
  const random = createSeededRandom(seed)
  const below = (n: number) => Math.floor(random() * n)
  const any = <T>(list: readonly T[]): T => list[below(list.length)]!
  const word = (n: number) => {
    const text = Array.from({ length: n }, () => any(SYLLABLES)).join('')
    return text[0]!.toUpperCase() + text.slice(1)
  }
  const surnames = Array.from({ length: 900 }, () => word(2 + below(2)))
  return {
    below,
    any,
    word,
    chance: (share: number) => random() < share,
    surname: () => surnames[Math.floor(random() ** 1.5 * surnames.length)]!,
    birth: () =>
      new Date(Date.UTC(1940, 0, 1) + below(24_000) * 86_400_000).toISOString().slice(0, 10),
    street: () => `${1 + below(150)} ${word(2)} Street`,
    phone: () => `+4930${1_000_000 + below(8_999_999)}`,
  }
}

/**
 * Families in one household: all fields agree except given name and date of birth, and half of the
 * dates are missing.
 */
function households(seed: number): Made[] {
  const { any, below, chance, surname, birth, street, phone } = maker(seed)
  return Array.from({ length: 160 }, (_, h) => {
    const home = { surname: surname(), street: street(), city: any(CITIES), phone: phone() }
    return [...new Set(Array.from({ length: 1 + below(5) }, () => any(GIVEN)))].flatMap((given) => {
      const born = birth()
      return Array.from({ length: chance(0.6) ? 2 : 1 }, (_, n) => ({
        thing: `${h} ${given}`,
        source: `s${n}`,
        fields: {
          ...home,
          givenName: chance(0.08) ? given[0]! : given,
          born: chance(0.5) ? born : null,
          street: chance(0.1) ? street() : home.street,
          phone: chance(0.6) ? home.phone : null,
        },
      }))
    })
  }).flat()
}

/**
 * People of few names in one small file: many share both names and nothing else. One in ten is there
 * twice, with a mistake in one field.
 */
function namesakes(seed: number): Made[] {
  const { any, below, chance, word, birth } = maker(seed)
  const surnames = Array.from({ length: 40 }, () => word(2))
  return Array.from({ length: 450 }, (_, n) => {
    const fields = { givenName: any(GIVEN), surname: any(surnames), born: birth() }
    const one = { thing: `${n}`, source: 's', fields }
    if (!chance(0.1)) return [one]
    const wrong = [
      { givenName: `${fields.givenName.slice(0, -1)}x` },
      { surname: `${fields.surname}h` },
      { born: `${fields.born.slice(0, -1)}${below(10)}` },
    ]
    return [one, { ...one, fields: { ...fields, ...any(wrong) } }]
  }).flat()
}

/**
 * Companies in three sources. Some have branches with the city in their names and the address,
 * phone and domain of the group.
 */
function companies(seed: number): Made[] {
  const { any, chance, word, street, phone } = maker(seed)
  return Array.from({ length: 220 }, (_, g) => {
    const name = `${word(3)} ${any(['Logistics', 'Software', 'Pharma', 'Foods', 'Metals', 'Energy', 'Media'])}`
    const form = any([
      ['GmbH', 'Gesellschaft mbH'],
      ['Ltd', 'Limited'],
    ])
    const branches = chance(0.15) ? 3 : 1
    const cities = [...new Set(Array.from({ length: branches }, () => any(CITIES)))]
    return cities.flatMap((city) => {
      const own = { street: street(), city, phone: phone() }
      return ['a', 'b', 'c'].flatMap((source): Made[] => {
        if (chance(0.3)) return []
        const named = cities.length > 1 || chance(0.1) ? `${name} ${city}` : name
        const fields = {
          name: `${named} ${any([...form, ''])}`,
          street: chance(0.8) ? own.street : null,
          city,
          phone: chance(0.5) ? own.phone : null,
          domain: chance(0.4) ? `${name.split(' ')[0]!.toLowerCase()}.com` : null,
        }
        return [{ thing: `${g} ${city}`, source, fields }]
      })
    })
  }).flat()
}

/**
 * Inventors with many spellings, aliases, titles and initials, and few employers. No two share a
 * name.
 */
function inventors(seed: number): Made[] {
  const { any, below, chance, surname, word } = maker(seed)
  const firms = Array.from({ length: 30 }, () => `${word(3)} ${any(['Corporation', 'Inc', 'AG'])}`)
  const names = new Set<string>()
  return Array.from({ length: 260 }, (_, i) => {
    const [given, middle, last, city, firm] = [
      any(GIVEN),
      any([...'ABCDEFGHJKLMR']),
      surname(),
      any(CITIES),
      any(firms),
    ]
    if (names.has(`${given} ${last}`)) return []
    names.add(`${given} ${last}`)
    const forms = [
      `${last}, ${given} ${middle}.`,
      `${given} ${middle}. ${last}`,
      `Dr. ${given} ${last}`,
      `${last.toUpperCase()} ${given.toUpperCase()}`,
      `Prof. Dr. ${given} ${middle} ${last}`,
    ]
    return Array.from({ length: 1 + below(4) }, () => ({
      thing: String(i),
      source: 'patents',
      fields: {
        name: any(forms),
        aliases: chance(0.3) ? [any(forms), `${given[0]}. ${last}`] : null,
        city: chance(0.85) ? city : any(CITIES),
        employer: chance(0.15) ? any(firms) : firm,
      },
    }))
  }).flat()
}

const type = (
  name: string,
  fields: Record<string, Comparator>,
  group: string[] = [],
): MatchType => ({
  name,
  uniqueIn: [],
  fields: Object.entries(fields).map(([field, as]) => ({
    name: field,
    list: field === 'aliases',
    compare: group.includes(field) ? { as, group: 'name' } : { as },
  })),
})
const HOME = { street: 'STREET', city: 'CITY', phone: 'PHONE' } as const

for (const { kind, of, make, precision, recall } of [
  {
    kind: 'households',
    of: type('Person', {
      givenName: 'GIVEN_NAME',
      surname: 'SURNAME',
      born: 'DATE_OF_BIRTH',
      ...HOME,
    }),
    make: households,
    precision: 0.97,
    recall: 0.95,
  },
  {
    kind: 'namesakes in a small file',
    of: type('Person', { givenName: 'GIVEN_NAME', surname: 'SURNAME', born: 'DATE_OF_BIRTH' }),
    make: namesakes,
    precision: 0.95,
    recall: 0.9,
  },
  {
    kind: 'companies with branches',
    of: type('Company', { name: 'ORGANISATION_NAME', ...HOME, domain: 'DOMAIN' }),
    make: companies,
    precision: 0.93,
    recall: 0.95,
  },
  {
    kind: 'inventors with titles and initials',
    of: type(
      'Inventor',
      { name: 'PERSON_NAME', aliases: 'PERSON_NAME', city: 'CITY', employer: 'ORGANISATION_NAME' },
      ['name', 'aliases'],
    ),
    make: inventors,
    precision: 0.95,
    recall: 0.93,
  },
])
  test(`${kind}: does not chain, and misses few matches`, () => {
    for (const seed of [1, 2]) {
      const made = make(seed)
      const records = made.map(({ source, fields }, i) => ({
        key: `r${String(i).padStart(5, '0')}`,
        source,
        fields,
      }))
      const { clusterOf } = matchBatch(of, records, { randomPairsMax: 40_000 })
      const sizes = (names: readonly unknown[]) =>
        [...Map.groupBy(names, (n) => n).values()].map((list) => list.length)
      const pairs = (names: readonly unknown[]) =>
        sizes(names).reduce((sum, n) => sum + (n * (n - 1)) / 2, 0)
      const things = made.map((m) => m.thing)
      const found = [...clusterOf]
      const both = pairs(found.map((c, i) => `${c} ${things[i]}`))
      const [p, r] = [both / pairs(found), both / pairs(things)]
      const largest = Math.max(...sizes(found))
      const summary = `seed ${seed}: precision ${p.toFixed(3)}, recall ${r.toFixed(3)}, largest ${largest}`
      assert.ok(
        p >= precision && r >= recall && largest <= 1.5 * Math.max(...sizes(things)),
        summary,
      )
      if (process.env.TOUCHSTONE_SHOW) console.log(kind, summary)
    }
  })
