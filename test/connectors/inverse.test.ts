import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { Json } from '../../connectors/connection/contract.ts'
import type { Connector, OwnIds } from '../../connectors/contract.ts'
import { KINDS } from '../../connectors/kinds.ts'
import { sameCanonical } from '../../connectors/mapping/inversePart.ts'
import { parsePath } from '../../connectors/mapping/pathText.ts'
import { placeText, readAt, withValues } from '../../connectors/mapping/rawPath.ts'
import { openConnectors } from '../../connectors/openConnectors.ts'
import type { FieldPolicy } from '../../schema/policy.ts'
import { recordKey } from '../../schema/recordKey.ts'
import fc from '../property.ts'
import { connectors, inFolder, ofKind, policy, root, withMapping } from './fixture.ts'

const GOLDEN = new Set(policy.types.map((t) => t.name))
const sources = [
  ...KINDS.filter((kind) => kind.hasMapping).map((kind) => ofKind(kind.name)),
  ...[...connectors.values()].filter((c) => c.system.kind === 'generic'),
]

/** Each thing has one record of every object, with this id. */
const OWN_ID = '4711'
const ownIds: OwnIds = () => [OWN_ID]

const word = fc.constantFrom(
  'Müller',
  'Łódź',
  'Nord',
  'AG',
  'GmbH',
  '12',
  "O'Brien",
  '日本',
  'x,y',
  'C/O',
)
const text = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join(' '))
const digits = fc.integer({ min: 10_000_000, max: 99_999_999 }).map(String)
const country = fc.constantFrom('DE', 'FR', 'US', 'JP', 'BR', 'GB', 'NA')
const currency = fc.constantFrom('EUR', 'USD', 'JPY', 'KWD', 'ISK', 'MGA')
const day = fc
  .integer({ min: 0, max: 20_000 })
  .map((n) => new Date(Date.UTC(1990, 0, 1) + n * 86_400_000).toISOString().slice(0, 10))

const FORMATS = new Map<string, fc.Arbitrary<unknown>>([
  ['EMAIL', digits.map((d) => `a${d}@example.com`)],
  ['PHONE', digits.map((d) => `+4930${d}`)],
  ['DOMAIN', digits.map((d) => `a${d}.example`)],
  ['COUNTRY', country],
  ['CURRENCY', currency],
  ['DATE', day],
  ['TAX_ID', digits.map((d) => `DE${d}`)],
  ['GTIN', digits],
])

/** Canonical values of a field of the model. */
function canonical(field: FieldPolicy): fc.Arbitrary<unknown> {
  if (field.list) return fc.uniqueArray(canonical({ ...field, list: false }), { maxLength: 3 })
  if (field.name === 'paymentTerms') return fc.constantFrom('Net 30', 'Net 60')
  if (field.format) return FORMATS.get(field.format) ?? text
  switch (field.kind) {
    case 'INT':
      return fc.integer({ min: 1, max: 5_000 })
    case 'FLOAT':
      return fc.integer({ min: 1, max: 500_000 }).map((n) => n / 100)
    case 'BOOLEAN':
      return fc.boolean()
    case 'DATE':
      return day
    case 'MINOR_UNITS':
      return fc.integer({ min: -1_000_000_000, max: 1_000_000_000 })
    case 'ENUM':
      return fc.constantFrom(...(policy.enums.get(field.typeName)?.values ?? []).map((v) => v.name))
    case 'REFERENCE':
      return fc.uuid()
    case 'GROUP':
      return fc.record(
        Object.fromEntries(
          (policy.groups.get(field.typeName)?.fields ?? []).map((f) => [f.name, canonical(f)]),
        ),
        { requiredKeys: field.typeName === 'Money' ? ['minorUnits', 'currency'] : [] },
      )
    case 'STRING':
      return text
  }
}

/** A record with the elements of lists in which fields stand, and with what conditions ask for. */
function emptyRecord(source: Connector, object: string): Record<string, unknown> {
  let raw: Record<string, unknown> = { ...CONDITIONS.get(`${source.system.name} ${object}`) }
  const made = new Set<string>()
  for (const { paths } of source.writings(object).values())
    for (const path of paths) {
      const { steps } = parsePath(path)
      const at = steps.findIndex((s) => s.selectors.length > 0)
      const selector = steps[at]?.selectors[0]
      if (selector?.how !== 'where' || made.has(placeText(steps.slice(0, at + 1)))) continue
      made.add(placeText(steps.slice(0, at + 1)))
      const element = selector.name
        .split('.')
        .reduceRight<Json>((value, name) => ({ [name]: value }), selector.value)
      const list = placeText([
        ...steps.slice(0, at),
        { name: steps[at]?.name ?? '', selectors: [] },
      ])
      const now = readAt(raw, list)
      raw = withValues(raw, { [list]: [...(Array.isArray(now) ? now : []), element] })
    }
  return raw
}

/** Raw values without which a rule is not read, or the record is another one. */
const CONDITIONS = new Map<string, Record<string, unknown>>([
  ['stripe contract', { metadata: { contract_number: 'C-1' } }],
  ['sap A_BusinessPartner', { Customer: '1', BusinessPartnerCategory: '2' }],
  ['zuora CurrentContract', { termType: 'TERMED', currentTermPeriodType: 'Month' }],
])

interface Case {
  source: Connector
  object: string
  field: FieldPolicy
  key: string
}

const cases = sources.flatMap((source) =>
  source.objects
    .filter((o) => GOLDEN.has(o.as))
    .flatMap(({ name, as }) => {
      const writings = source.writings(name)
      return policy
        .type(as)
        .fields.filter((f) => writings.get(f.name)?.obstacle === null)
        .map(
          (field): Case => ({
            source,
            object: name,
            field,
            key: `${source.system.name} ${name}.${field.name}`,
          }),
        )
    }),
)

/** The canonical value that a record gives after a write: references become keys of the record. */
function expectedOf({ source, field }: Case, value: unknown, now: unknown): unknown {
  if (field.kind !== 'REFERENCE') return value
  const keys = source.objects.map((o) => recordKey(source.system.name, o.name, OWN_ID))
  return keys.includes(String(now)) ? now : keys
}

const run = (one: Case, value: unknown, raw: Record<string, unknown>) =>
  one.source.invert(one.object, one.field.name, value, raw, ownIds)

/** Forms in which systems write the same value. */
const REWRITTEN = (value: Json, choice: number): Json => {
  if (typeof value === 'number') return choice === 0 ? String(value) : value
  if (typeof value === 'boolean') return [String(value), value ? 'T' : 'F', value][choice] ?? value
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(value)) return value
  const forms = [`${value}T10:30:00Z`, `/Date(${Date.parse(value)})/`, value.replaceAll('-', '')]
  return forms[choice] ?? value
}

describe('the inverse of a mapping', () => {
  test('gives the wished value, and changes no other field that it does not name', () => {
    const written = new Map<string, number>()
    for (const one of cases) {
      const others = cases.filter((c) => c.source === one.source && c.object === one.object)
      fc.assert(
        fc.property(
          canonical(one.field),
          fc.array(
            fc
              .constantFrom(...others)
              .chain((c) => canonical(c.field).map((value) => ({ c, value }))),
            { maxLength: 2 },
          ),
          fc.integer({ min: 0, max: 3 }),
          (value, before, choice) => {
            let raw = emptyRecord(one.source, one.object)
            for (const { c, value } of before) {
              const made = run(c, value, raw)
              if ('refused' in made) continue
              const forms = [...made.values].map(([path, v]) => [path, REWRITTEN(v, choice)])
              raw = withValues(raw, Object.fromEntries(forms) as Record<string, Json>)
            }
            const made = run(one, value, raw)
            if ('refused' in made) {
              assert.ok(made.refused.detail, one.key)
              return
            }
            const now = one.source.map(one.object, raw)
            const values = Object.fromEntries(made.values)
            const after = one.source.map(one.object, withValues(raw, values))
            const got = after.fields[one.field.name]
            assert.ok(
              sameCanonical(got, expectedOf(one, value, got)),
              `${one.key}: ${JSON.stringify({ raw, value, values, got })}`,
            )
            for (const name of new Set([...Object.keys(now.fields), ...Object.keys(after.fields)]))
              if (name !== one.field.name && !made.also.includes(name))
                assert.deepEqual(after.fields[name], now.fields[name], `${one.key} ${name}`)
            const again = run(one, value, withValues(raw, values))
            assert.deepEqual(again, { values: new Map(), also: [] }, one.key)
            written.set(one.key, (written.get(one.key) ?? 0) + 1)
          },
        ),
        { numRuns: 5 },
      )
    }
    const without = cases.filter((c) => !written.has(c.key)).map((c) => c.key)
    assert.deepEqual(without, [])
  })

  test('writes each value in the form in which the record has it', () => {
    const shop = withMapping(`
dates: DMY
numbers: COMMA
objects:
  contract:
    as: Contract
    id: id
    fields:
      number: number
      termMonths: months
      startDate: start
      value: { major: total, currency: currency }
      status: { from: state, map: { 1: ACTIVE, 2: EXPIRED, off: DRAFT, d: DRAFT, "C*": CANCELLED } }
      currency: { from: currency, codes: currency }
  customer:
    as: Customer
    id: id
    fields:
      name: [name, domain]
      domains: domain
      billingAddress: { city: city, street: { join: [line1, line2], with: ", " }, country: [code, country] }
      paymentTerms: { join: [{ constant: Net }, days] }
      lifecycle: { from: stage, map: { lead: LEAD, won: CUSTOMER, signed: CUSTOMER } }
`)
    const contract = { id: 1, number: 'C-1', currency: 'EUR' }
    const table: [object: string, field: string, wished: unknown, raw: object, written: object][] =
      [
        ['contract', 'startDate', '2026-03-01', { start: '31/12/2025' }, { start: '01/03/2026' }],
        ['contract', 'startDate', '2026-03-01', { start: '1.2.2025' }, { start: '1.3.2026' }],
        ['contract', 'startDate', '2026-03-01', { start: 1_735_725_600 }, { start: 1_772_359_200 }],
        ['contract', 'startDate', '2026-03-01', { start: '20251231' }, { start: '20260301' }],
        [
          'contract',
          'startDate',
          '2026-03-01',
          { start: '2025-12-31T23:30:00+02:00' },
          { start: '2026-03-01T23:30:00+02:00' },
        ],
        [
          'contract',
          'startDate',
          '2026-03-01',
          { start: '/Date(1767139200000)/' },
          { start: '/Date(1772323200000)/' },
        ],
        ['contract', 'startDate', '2026-03-01', {}, { start: '2026-03-01' }],
        [
          'contract',
          'startDate',
          '2026-03-01',
          { end: '/Date(1767139200000)/' },
          { start: '/Date(1772323200000)/' },
        ],
        ['contract', 'startDate', null, { start: '2026-03-01' }, { start: null }],
        ['contract', 'termMonths', 24, { months: '12' }, { months: '24' }],
        [
          'contract',
          'value',
          { minorUnits: 1250, currency: 'EUR' },
          { total: '9,90' },
          { total: '12,50' },
        ],
        [
          'contract',
          'value',
          { minorUnits: 1250, currency: 'EUR' },
          { total: 9.9 },
          { total: 12.5 },
        ],
        [
          'contract',
          'value',
          { minorUnits: 1250, currency: 'USD' },
          { total: 9.9 },
          { total: 12.5, currency: 'USD' },
        ],
        ['contract', 'status', 'EXPIRED', { state: 1 }, { state: 2 }],
        ['contract', 'status', 'EXPIRED', { state: '1' }, { state: '2' }],
        ['contract', 'status', 'DRAFT', { state: '1' }, { state: 'd' }],
        ['customer', 'name', 'New', { domain: 'old.example' }, { name: 'New' }],
        ['customer', 'paymentTerms', 'Net 30', { days: 14 }, { days: 30 }],
        ['customer', 'lifecycle', 'CUSTOMER', { stage: 'lead' }, { stage: 'won' }],
        ['customer', 'lifecycle', 'CUSTOMER', { stage: 'signed' }, {}],
        [
          'customer',
          'billingAddress',
          { city: 'Lyon', street: 'Rue 1, Cour', country: 'FR' },
          { line1: 'Weg 3', country: 'Deutschland' },
          { city: 'Lyon', line1: 'Rue 1', line2: 'Cour', country: 'Frankreich' },
        ],
        [
          'customer',
          'billingAddress',
          null,
          { line1: 'Weg 3', code: 'DE' },
          { line1: null, code: null },
        ],
      ]
    for (const [object, field, wished, raw, written] of table) {
      const record = object === 'contract' ? { ...contract, ...raw } : { id: 1, name: 'A', ...raw }
      const own = field === 'name' ? { ...record, name: '' } : record
      const made = shop.invert(object, field, wished, own, ownIds)
      assert.deepEqual('values' in made && Object.fromEntries(made.values), written, field)
    }
    const refused = (object: string, field: string, wished: unknown, raw: object) => {
      const made = shop.invert(
        object,
        field,
        wished,
        { id: 1, name: 'A', number: 'C', ...raw },
        ownIds,
      )
      return 'refused' in made ? made.refused.code : null
    }
    assert.equal(refused('contract', 'status', 'CANCELLED', {}), 'NO_CODE')
    assert.equal(
      refused('contract', 'startDate', '2026-03-01', { start: '1 March 2025' }),
      'UNKNOWN_FORM',
    )
    assert.equal(refused('contract', 'number', null, {}), 'REQUIRED')
    assert.equal(refused('contract', 'renewal', 'NONE', {}), 'NOT_MAPPED')
    assert.equal(refused('customer', 'paymentTerms', 'on receipt', {}), 'UNKNOWN_FORM')
    assert.equal(refused('customer', 'name', 'N/A', {}), 'NOT_THE_VALUE')
  })

  test('uses only the places that the connection writes', () => {
    const zuora = ofKind('zuora')
    const write = (canWrite: (path: string) => boolean) => {
      const raw = { id: '1', name: 'A', salesRep: 'B' }
      const made = zuora.invert('Account', 'accountOwner', 'C', raw, ownIds, canWrite)
      return 'refused' in made ? made.refused.code : Object.fromEntries(made.values)
    }
    assert.deepEqual(
      write(() => true),
      { salesRep: 'C' },
    )
    assert.deepEqual(
      write((path) => path !== 'salesRep'),
      { salesRepName: 'C' },
    )
    assert.deepEqual(
      write(() => false),
      'NOT_WRITABLE',
    )
  })

  test('finds codes in the code lists of an installation', () => {
    const write = inFolder((dir) => {
      const path = join(dir, 'sources.yaml')
      writeFileSync(
        join(dir, 'codes.yaml'),
        'paymentTerms: { N30: Net 30, ZB30: Net 30, N60: Net 60 }\ncountry: { Deutschl.: DE }\n',
      )
      writeFileSync(
        path,
        'sources:\n  - { name: crm, kind: zuora, role: CRM, trust: 0.5, codes: codes.yaml }\n',
      )
      const crm = openConnectors(path, policy, {}).get('crm')
      return (field: string, value: unknown, raw: Record<string, unknown>) => {
        const made = crm?.invert('Account', field, value, { id: '1', name: 'A', ...raw }, ownIds)
        return made && ('refused' in made ? made.refused.code : Object.fromEntries(made.values))
      }
    })
    assert.deepEqual(write('paymentTerms', 'Net 30', {}), { paymentTerm: 'N30' })
    assert.deepEqual(write('paymentTerms', 'Net 30', { paymentTerm: 'ZB30' }), {})
    assert.deepEqual(write('paymentTerms', 'Net 45', {}), 'NO_CODE')
    const address = { billTo: { city: 'Köln', country: 'Deutschl.' } }
    assert.deepEqual(write('billingAddress', { city: 'Bonn', country: 'DE' }, address), {
      'billTo.city': 'Bonn',
    })
    assert.deepEqual(write('billingAddress', { city: 'Köln', country: 'FR' }, address), {
      'billTo.country': 'FR',
    })
  })

  test('docs/write-back.md lists the fields that each mapping can write', () => {
    const lines = sources
      .filter((s) => s.system.kind !== 'generic')
      .flatMap((source) =>
        source.objects
          .filter((o) => GOLDEN.has(o.as))
          .map(({ name, as }) => {
            const fields = policy.type(as).fields.map((f) => f.name)
            const writings = source.writings(name)
            const list = (isWritable: boolean) =>
              fields
                .filter(
                  (f) => writings.has(f) && (writings.get(f)?.obstacle === null) === isWritable,
                )
                .join(', ') || '-'
            return `| ${source.system.kind} | ${name} | ${as} | ${list(true)} | ${list(false)} |`
          }),
      )
    const doc = readFileSync(join(root, 'docs/write-back.md'), 'utf8')
    const listed = doc.split('\n').filter((line) => /^\| [a-z]+ \| \w+ \| [A-Z]\w+ \|/.test(line))
    assert.deepEqual(listed, lines, `the table is now\n${lines.join('\n')}`)
  })
})
