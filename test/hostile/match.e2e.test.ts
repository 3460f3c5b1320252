import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'csv-parse/sync'
import { dataDirectory, touchstone } from '../cli/process.ts'
import { firstSeed } from '../property.ts'
import { hostileRecords } from './size.ts'
import { Source, TOKENS } from './tokens.ts'

/** `npm run test:hostile` takes 100,000 records. */
const count = hostileRecords(400)
const large = Math.min(200, Math.ceil(count / 500))

/** Three types that use every comparator but REFERENCE, which needs another type. */
const MODEL = `
type Company @golden { id: ID! name: String! @compare(as: ORGANISATION_NAME)
  taxIds: [String!] @compare(as: IDENTIFIER) emails: [String!] @compare(as: EMAIL)
  phones: [String!] @compare(as: PHONE) domains: [String!] @compare(as: DOMAIN)
  address: Address @compare(as: ADDRESS) }
type Person @golden { id: ID! name: String! @compare(as: PERSON_NAME)
  given: String @compare(as: GIVEN_NAME) surname: String @compare(as: SURNAME)
  born: Date @compare(as: DATE_OF_BIRTH) emails: [String!] @compare(as: EMAIL)
  street: String @compare(as: STREET) city: String @compare(as: CITY)
  region: String @compare(as: REGION) postcode: String @compare(as: POSTCODE)
  country: String @compare(as: COUNTRY) }
type Thing @golden { id: ID! name: String! @compare(as: PRODUCT_NAME)
  label: String @compare(as: NAME) sku: String @compare(as: IDENTIFIER)
  about: String @compare(as: TEXT) category: String @compare(as: CATEGORY)
  price: Price @compare(as: PRICE) size: Float @compare(as: NUMBER) since: Date @compare(as: DATE) }
type Address @group { street: String city: String region: String postcode: String country: String }
type Price @group { amount: Float currency: String }
scalar Date
`
const FIELDS = new Map(
  ['Company', 'Person', 'Thing'].map((type) => {
    const [, text = ''] = new RegExp(`type ${type} @golden \\{(.*?)\\}`, 's').exec(MODEL) ?? []
    return [type, [...text.matchAll(/(\w+): \S+ @compare/g)].map((m) => m[1] ?? '')]
  }),
)
const GROUP = ['street', 'city', 'region', 'postcode', 'country', 'amount', 'currency']

/**
 * Writes records with hostile values and names; some texts have 1 MB. Returns the names of the first
 * two, which have such texts, and of the last two that a command line can hold.
 */
function writeRecords(
  source: Source,
  file: string,
  names: readonly string[],
  records: number,
): string[] {
  const named: string[] = []
  const value = (): string => {
    const kind = source.random()
    if (kind < 0.6) return JSON.stringify(source.text())
    if (kind < 0.8) return JSON.stringify(source.some(TOKENS, 4))
    if (kind < 0.9)
      return `{${GROUP.map((name) => `"${name}":${source.chance(0.8) ? JSON.stringify(source.text()) : source.json()}`)}}`
    return source.json()
  }
  writeFileSync(file, '')
  let lines: string[] = []
  for (let n = 0; n < records; n++) {
    const fields = new Map(source.some(names, 5).map((name) => [name, value()]))
    fields.set('name', n < large ? JSON.stringify(source.long(1_000_000)) : value())
    if (source.chance(0.1)) fields.set(source.one(TOKENS), value())
    const id = source.chance(0.1) ? `${n} ${source.text()}` : `${n}`
    const origin = source.one(['crm', 'erp', 'constructor', '__proto__', source.one(TOKENS)])
    const inside = [...fields].map(([name, json]) => `${JSON.stringify(name)}:${json}`)
    const name = `${origin}/${id}`
    if (name.isWellFormed() && !name.includes('\0') && !name.startsWith('-')) named.push(name)
    lines.push(
      `{"source":${JSON.stringify(origin)},"id":${JSON.stringify(id)},"fields":{${inside}}}\n`,
    )
    if (lines.length < 1_000 && n < records - 1) continue
    appendFileSync(file, lines.join(''))
    lines = []
  }
  return [...named.slice(0, 2), ...named.slice(-2)]
}

test(`${count} hostile records are matched (seed ${firstSeed})`, async (t) => {
  const { dir } = dataDirectory(t)
  const source = new Source(firstSeed)
  writeFileSync(join(dir, 'model.graphql'), MODEL)
  const types = count < 10_000 ? ['Company'] : [...FIELDS.keys()]
  for (const type of types) {
    const records = Math.floor(count / types.length)
    const at = (name: string) => join(dir, `${type}.${name}`)
    const named = writeRecords(source, at('ndjson'), FIELDS.get(type) ?? [], records)
    const file = join(dir, 'model.graphql')
    const began = performance.now()
    const command = touchstone(
      [
        ...['match', '--model', file, '--type', type, '--records', at('ndjson')],
        ...['--out', at('csv'), '--pairs', at('pairs.csv'), '--possible', at('possible.csv')],
        ...['--report', at('html'), '--save-parameters', at('json')],
      ],
      dir,
    )
    assert.equal(await command.ended, 0, `seed ${firstSeed}, ${type}:\n${command.output()}`)
    assert.doesNotMatch(command.output(), /^\s+at /m)
    // Lines that are no record are left out, and reported.
    const left = Number(/([\d,]+) of [\d,]+ lines left out/.exec(command.output())?.[1] ?? 0)
    const rows = parse(readFileSync(at('csv')), { columns: true }) as unknown[]
    assert.equal(rows.length, records - left, 'every record is in a cluster')
    JSON.parse(readFileSync(at('json'), 'utf8'))
    const input = ['--model', file, '--type', type, '--records', at('ndjson')]
    for (const pair of [named.slice(0, 2), named.slice(2)]) {
      const why = touchstone(
        ['match', ...input, '--out', at('again.csv'), '--parameters', at('json'), '--why', ...pair],
        dir,
      )
      assert.equal(await why.ended, 0, `seed ${firstSeed}, why ${pair.join(' ')}:\n${why.output()}`)
      assert.match(why.output(), /bits +sum/)
      assert.doesNotMatch(why.output(), /^\s+at /m)
    }
    const seconds = ((performance.now() - began) / 1_000).toFixed(1)
    t.diagnostic(`${type}: ${records} records matched, ${seconds} s`)
  }
})
