import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { HttpError } from '../../../gateway/httpError.ts'
import type { Caller } from '../../../gateway/identity/caller.ts'
import { CALLER_LIMITS, CallerBounds } from '../../../gateway/limits/callerBounds.ts'
import { SharedRate } from '../../../gateway/limits/sharedRate.ts'
import { addCallerMinutes } from '../../../mdm/access/callerMinutes.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'

let db: TestDatabase
before(async () => {
  db = await testDatabase()
})
after(async () => await db?.drop())

const of = (actor: string): Caller => ({
  actor,
  roles: new Set(),
  scopes: new Set(),
  via: 'TOKEN',
  expiresAt: null,
})
const limits = { ...CALLER_LIMITS, callerOperationsPerMinuteMax: 100 }

/**
 * Creates two gateways over one database. Their clocks stand still, so that no minute ends during
 * the test.
 */
function gateways(addUp = (begun: ReadonlyMap<string, number>) => addCallerMinutes(db.sql, begun)) {
  const failed: unknown[] = []
  const rates = [1, 2].map(
    () =>
      new SharedRate(
        addUp,
        (e) => failed.push(e),
        () => 60_000,
      ),
  )
  for (const r of rates) r.stop()
  let clock = 0
  // The clock of the local buckets runs fast, so that they never limit here.
  const bounds = rates.map((rate) => new CallerBounds(limits, () => (clock += 60_000), rate))
  const begin = (n: number, actor: string) => bounds[n]?.count(of(actor))
  const exchange = () => Promise.all(rates.map((r) => r.exchange()))
  return { begin, exchange, failed }
}

test('operations at one gateway count against the caller at the other, and not against other callers', async () => {
  const { begin, exchange, failed } = gateways()
  for (let i = 0; i < 60; i++) begin(0, 'ida')
  for (let i = 0; i < 39; i++) begin(1, 'ida')
  await exchange()
  await exchange()
  begin(1, 'ida')
  await exchange()
  assert.deepEqual(failed, [])
  const counted =
    await db.sql`select sum(operations)::int as n from caller_minute where actor = 'ida'`
  assert.equal(counted[0]?.n, 100)
  for (const n of [1]) {
    assert.throws(
      () => begin(n, 'ida'),
      (e) => e instanceof HttpError && e.status === 429 && e.code === 'RATE_LIMITED',
    )
    begin(n, 'bob')
  }
})

test('each gateway limits on its own while the database is unavailable', async () => {
  const { begin, exchange, failed } = gateways(async () => Promise.reject(new Error('away')))
  for (let i = 0; i < 99; i++) begin(0, 'eve')
  await exchange()
  assert.equal(failed.length, 1)
  for (let i = 0; i < 100; i++) begin(1, 'eve')
  begin(0, 'eve')
  assert.throws(() => begin(0, 'eve'), /over all gateways/)
})
