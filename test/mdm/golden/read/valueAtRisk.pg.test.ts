import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  loadUnratedCurrencies,
  valueAtRisk,
  valueAtRiskOfGolden,
} from '../../../../mdm/golden/read/valueAtRisk.ts'
import { currencyRates, DEFAULT_RULES, readRules } from '../../../../mdm/tasks/rules.ts'
import { currencyExponents } from '../../../../schema/currencyExponents.ts'
import { recordKey } from '../../../../schema/recordKey.ts'
import { type TestDatabase, testDatabase } from '../../../database.ts'
import { directPipeline, drain, send } from '../../../fixtures/store.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
after(async () => await db?.drop())

test('an open balance counts in whole units of its currency, whatever its number of decimals', async () => {
  const customer = (code: string) => recordKey('billing', 'Customer', code)
  await send(
    db.sql,
    [...currencyExponents].flatMap(([code, exponent]) => [
      {
        source: 'billing',
        message: { type: 'Customer', id: code, version: 1, fields: { name: `Customer ${code}` } },
      },
      {
        source: 'billing',
        message: {
          type: 'Invoice',
          id: code,
          version: 1,
          fields: {
            customer: customer(code),
            status: 'open',
            balance: 1_299 * 10 ** exponent,
            currency: code,
          },
        },
      },
    ]),
  )
  await drain(directPipeline(db.sql))
  const codes = [...currencyExponents.keys()]
  const found = await db.sql.begin((tx) =>
    valueAtRisk(tx, new Map(codes.map((code) => [code, [customer(code)]])), new Map()),
  )
  assert.deepEqual(
    codes.filter((code) => found.get(code) !== 1_299),
    [],
  )
})

test('values at risk compare in one currency, by the rates of the configuration', async () => {
  const customer = (code: string) => recordKey('billing', 'Customer', code)
  const read = (rates: ReadonlyMap<string, number>) =>
    db.sql.begin(async (tx) => ({
      found: await valueAtRisk(
        tx,
        new Map(['EUR', 'JPY', 'KWD', 'XAF'].map((code) => [code, [customer(code)]])),
        rates,
      ),
      total: await valueAtRiskOfGolden(
        tx,
        ['EUR', 'JPY'].map((code) => customer(code)),
        rates,
      ),
      unrated: await loadUnratedCurrencies(
        tx,
        ['EUR', 'JPY', 'XAF'].map((code) => customer(code)),
        rates,
      ),
    }))
  const rates = currencyRates({
    ...DEFAULT_RULES,
    currency: {
      base: 'EUR',
      rates: new Map([
        ['JPY', 0.006],
        ['KWD', 3],
      ]),
    },
  })
  const { found, total, unrated } = await read(rates)
  const rounded = [...found].map(([code, value]) => [code, Math.round(value * 1_000) / 1_000])
  assert.deepEqual(Object.fromEntries(rounded), { EUR: 1_299, JPY: 7.794, KWD: 3_897, XAF: 1_299 })
  assert.equal(Math.round(total), 1_307)
  assert.deepEqual(unrated, ['XAF'], 'counts as it is, and is named')
  assert.equal((await read(currencyRates(DEFAULT_RULES))).found.get('JPY'), 1_299)
  assert.deepEqual((await read(currencyRates(DEFAULT_RULES))).unrated, [])
})

test('the shipped rules have rates, and wrong ones are refused with their place', (t) => {
  const shipped = readRules('config/stewardship.yaml')
  assert.equal(currencyRates(shipped).get('EUR'), 1)
  assert.ok((currencyRates(shipped).get('USD') ?? 0) > 0.5)
  const dir = mkdtempSync(join(tmpdir(), 'touchstone-rules-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const file = join(dir, 'rules.yaml')
  const text = readFileSync('config/stewardship.yaml', 'utf8')
  for (const [wrong, why] of [
    ['{ Dollar: 0.9 }', /currency/],
    ['{ USD: -1 }', /currency\.rates\.USD/],
    ['{ EUR: 2 }', /the rate of the base currency is 1/],
  ] as const) {
    writeFileSync(file, text.replace(/rates: \{[^}]*\}/, `rates: ${wrong}`))
    assert.throws(() => readRules(file), why)
  }
})
