import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { valueAtRisk } from '../../../../mdm/golden/read/valueAtRisk.ts'
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
