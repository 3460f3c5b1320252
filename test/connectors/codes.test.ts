import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openConnectors } from '../../connectors/openConnectors.ts'
import { readPolicy } from '../../schema/readPolicy.ts'

const dir = mkdtempSync(join(tmpdir(), 'touchstone-codes-'))
after(() => rmSync(dir, { recursive: true, force: true }))
const policy = readPolicy('schema/model')

const MAPPING = `objects:
  customers:
    as: Customer
    id: id
    version: changed
    fields:
      name: name
      lifecycle: { from: stage, codes: stage }
      currency: { from: currency, codes: currency }
      paymentTerms: { from: terms, codes: paymentTerms }
      billingAddress: { city: town, country: { from: country, codes: country } }
  products: { as: Product, id: id, version: changed, fields: { name: name, unit: { from: [unit, uom], codes: unit } } }
`
const SOURCES = `sources:
  - { name: shop, kind: generic, role: CRM, trust: 0.5, mapping: shop.yaml, codes: [shop.codes.yaml] }
  - { name: plain, kind: generic, role: ERP, trust: 0.5, mapping: shop.yaml }
`
const CODES = `stage: { new: LEAD, "won*": CUSTOMER, lost: null }
currency: { "€": EUR, SFR: CHF }
paymentTerms: { "30 days": Net 30, "30T": Net 30, sofort: Due on receipt }
country: { BRD: DE }
unit: { Stk: PCE, "Stück": PCE, kg: KGM }
`

function open(codes = CODES) {
  writeFileSync(join(dir, 'shop.yaml'), MAPPING)
  writeFileSync(join(dir, 'sources.yaml'), SOURCES)
  writeFileSync(join(dir, 'shop.codes.yaml'), codes)
  const connectors = openConnectors(join(dir, 'sources.yaml'), policy, {})
  return (source: string) => {
    const connector = connectors.get(source)
    assert.ok(connector)
    return connector
  }
}
const mapped = (raw: object, source = 'shop', codes = CODES, object = 'customers') => {
  const { fields, issues } = open(codes)(source).map(object, {
    id: '1',
    changed: '2026-01-01',
    name: 'Casa Lupo',
    ...raw,
  })
  const { name: _, ...rest } = fields
  return { ...rest, issues: issues.map((i) => `${i.field} ${i.code}`) }
}

test('maps stage, currency, payment terms, country and unit of a system to canonical codes', () => {
  const raw = { stage: 'Won - 2026', currency: 'sfr', terms: ' 30t ', country: 'BRD', town: 'Hof' }
  assert.deepEqual(mapped(raw), {
    lifecycle: 'CUSTOMER',
    currency: 'CHF',
    paymentTerms: 'Net 30',
    billingAddress: { city: 'Hof', country: 'DE' },
    issues: [],
  })
  assert.deepEqual(mapped({ uom: 'STÜCK' }, 'shop', CODES, 'products'), { unit: 'PCE', issues: [] })
})

test('keeps canonical codes, and parses countries and currencies that the list leaves out', () => {
  assert.deepEqual(mapped({ stage: 'LEAD', currency: 'usd', terms: 'net 30', country: 'Italy' }), {
    lifecycle: 'LEAD',
    currency: 'USD',
    paymentTerms: 'Net 30',
    billingAddress: { country: 'IT' },
    issues: [],
  })
})

test('reports an unmapped code as an issue; a code mapped to null is none', () => {
  const raw = { stage: 'limbo', currency: 'XXQ', terms: '14 Tage', country: 'Atlantis' }
  assert.deepEqual(mapped(raw), {
    issues: ['lifecycle', 'currency', 'paymentTerms', 'billingAddress.country'].map(
      (f) => `${f} UNKNOWN_CODE`,
    ),
  })
  assert.deepEqual(mapped({ stage: 'lost' }), { issues: [] })
})

test('keeps the codes of a system without lists; a changed list changes the mapping version', () => {
  assert.deepEqual(mapped({ terms: '14 Tage', stage: 'lead' }, 'plain'), {
    lifecycle: 'LEAD',
    paymentTerms: '14 Tage',
    issues: [],
  })
  const versions = (codes: string) => ['shop', 'plain'].map((s) => open(codes)(s).mappingVersion)
  const [was, now] = [versions(CODES), versions(CODES.replace('Net 30', 'NET30'))]
  assert.notEqual(was[0], now[0])
  assert.equal(was[1], now[1])
})

test('rejects a malformed list with file and line', () => {
  assert.throws(
    () => open('unit: [Stk]\n'),
    /shop\.codes\.yaml:1: unit: must be a map of codes to canonical ones/,
  )
  assert.throws(
    () => open('unit:\n  a: PCE\n  b: [PCE]\n'),
    /shop\.codes\.yaml:3: unit\.b: a canonical code is a single/,
  )
  assert.throws(() => open('- unit\n'), /must be a map of lists by name/)
})
