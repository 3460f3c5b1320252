import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { command } from '../../../cli/commands/reconcile.ts'
import type { Gateway } from '../../../gateway/gateway.ts'
import { type CheckResult, reconcile } from '../../../mdm/reconcile/reconcile.ts'
import {
  CHECK_NAMES,
  type CheckName,
  type ReconcileSettings,
  readReconcile,
} from '../../../mdm/reconcile/settings.ts'
import { runCommand } from '../../cli/runCommand.ts'
import { type TestDatabase, testDatabase } from '../../database.ts'
import { systems } from '../../fixtures/store.ts'
import { graph, ingestRecords, key, queryData, type WorldRecord } from '../../subgraphs/world.ts'

const settings: ReconcileSettings = {
  everyHours: 24,
  days: 1,
  compare: [{ billing: 'billing', ledger: 'erp' }],
  checks: { CUSTOMER_UNKNOWN: { days: 0 }, NOT_ARRIVED: { days: 0, owner: 'finance-systems' } },
}
const customersMax = 24
const currencies = ['EUR', 'USD', 'JPY', 'KWD']

let db: TestDatabase
let gateway: Gateway
before(async () => {
  db = await testDatabase()
  await ingestRecords(db.sql, [...Array(customersMax).keys()].flatMap(orderly))
  await ingestRecords(db.sql, harmless())
  gateway = await graph(db.sql, 0, systems, { reconcile: settings })
})
after(async () => {
  await gateway?.close(0)
  await db?.drop()
})

const run = async (checks?: readonly CheckName[]): Promise<CheckResult[]> => {
  const results = await reconcile({ sql: db.sql, settings, systems }, checks)
  assert.ok(results, 'no other process reconciles')
  return results
}
const differences = (check: CheckName) => db.sql<{ key: string; first: Date }[]>`
  select key, first_seen as first from reconcile_difference where check_name = ${check} and cleared_at is null order by key`

test('nothing differs in a world where everything agrees, also what looks like a difference and is none', async () => {
  for (const result of await run()) {
    const found = await db.sql`
      select detail from reconcile_difference where check_name = ${result.check} and cleared_at is null`
    assert.deepEqual([result.check, result.skipped, [...found]], [result.check, null, []])
  }
})

const planted = plant()

test(`finds each of ${planted.length} planted differences and nothing else`, async () => {
  assert.equal(planted.length, 50)
  await ingestRecords(
    db.sql,
    planted.flatMap((p) => p.records),
  )
  for (const { write } of planted) if (write) await plantWrite(write)
  const results = await run()
  for (const check of CHECK_NAMES) {
    const mine = planted.filter((p) => p.check === check)
    assert.deepEqual(
      (await differences(check)).map((d) => d.key),
      mine.map((p) => p.key).sort(),
      check,
    )
    const result = results.find((r) => r.check === check)
    assert.deepEqual(
      [result?.open, result?.found, result?.cleared],
      [mine.length, mine.length, 0],
      check,
    )
  }
})

test('keeps the time of the first finding; what is put right is cleared, and what returns is new', async () => {
  const before = await differences('INVOICE_NOT_POSTED')
  const posted = planted.find((p) => p.check === 'INVOICE_NOT_POSTED')
  assert.ok(posted)
  const line = posting('late', posted.key, 0, 100, 'EUR')
  await ingestRecords(db.sql, [line])
  const [fixed] = await run(['INVOICE_NOT_POSTED'])
  assert.deepEqual([fixed?.open, fixed?.found, fixed?.cleared], [4, 0, 1])
  assert.deepEqual(
    [...(await differences('INVOICE_NOT_POSTED'))],
    before.filter((d) => d.key !== posted.key),
  )
  await ingestRecords(db.sql, [{ ...line, version: 2, deleted: true }])
  const [again] = await run(['INVOICE_NOT_POSTED'])
  assert.deepEqual([again?.open, again?.found, again?.cleared], [5, 1, 0])
  const returned = (await differences('INVOICE_NOT_POSTED')).find((d) => d.key === posted.key)
  const first = before.find((d) => d.key === posted.key)
  assert.ok(returned && first && returned.first > first.first)
})

test('a check that is switched off, or that nothing is named for, says so and leaves no differences', async () => {
  const off = { ...settings, compare: [], checks: { USAGE_NOT_BILLED: { off: true } } }
  const results = await reconcile({ sql: db.sql, settings: off, systems }, [
    'USAGE_NOT_BILLED',
    'INVOICE_DIFFERS',
  ])
  assert.match(results?.[0]?.skipped ?? '', /switched off/)
  assert.match(results?.[1]?.skipped ?? '', /compare:/)
  assert.deepEqual([...(await differences('USAGE_NOT_BILLED'))], [])
  assert.deepEqual([...(await differences('INVOICE_DIFFERS'))], [])
  await run()
})

test('one process reconciles at a time', async () => {
  const both = await Promise.all([
    reconcile({ sql: db.sql, settings, systems }),
    reconcile({ sql: db.sql, settings, systems }),
  ])
  assert.equal(both.filter((r) => r === null).length, 1)
})

test('the graph shows checks, trend, differences with owner and customer, and sums by month', async () => {
  const data = await queryData(
    gateway,
    `{ reconciliations { check owner open skipped lastRunAt amounts { currency decimal } trend(days: 2) { open found } }
      all: reconcileDifferences { totalCount }
      late: reconcileDifferences(filter: { checks: [NOT_ARRIVED] }) { nodes { detail owner source customerId } }
      some: reconcileDifferences(filter: { checks: [INVOICE_NOT_POSTED], currencies: ["EUR"] }) {
        nodes { id record detail amount { decimal currency } day owner customerId } }
      reconcileSums { check period differences amount { minorUnits currency } } }`,
  )
  const total = data.reconciliations.reduce((n: number, r: { open: number }) => n + r.open, 0)
  assert.equal(total, 50)
  assert.equal(data.all.totalCount, 50)
  assert.equal(
    data.reconcileSums.reduce((n: number, s: { differences: number }) => n + s.differences, 0),
    50,
  )
  for (const { lastRunAt, trend } of data.reconciliations) {
    assert.ok(lastRunAt)
    assert.equal(trend.length, 1, 'the last run of today')
  }
  assert.ok(data.late.nodes.every((n: { owner: string }) => n.owner === 'finance-systems'))
  const [sample] = data.some.nodes
  assert.match(sample.detail, /^Invoice U-\d has no posting\.$/)
  assert.equal(sample.amount.currency, 'EUR')
  assert.ok(sample.customerId)
  const [stored] =
    await db.sql`select customer from reconcile_difference where key = ${sample.record}`
  assert.equal(stored?.customer, sample.customerId)
})

test('the command lists what it found; its exit code says whether something differs', async () => {
  const env = { DATABASE_URL: db.url }
  const found = await runCommand(command, ['PAYMENT_NOT_APPLIED', '--limit', '2'], env)
  assert.equal(found.code, 2)
  assert.match(found.stdout, /PAYMENT_NOT_APPLIED +5 open, 0 new, 0 gone/)
  assert.match(found.stdout, /10\.00 EUR +The payment P-\d is applied to no invoice\./)
  assert.match(found.stdout, /and 3 more/)
  const json = await runCommand(command, ['CONTRACT_NOT_BILLED', '--json'], env)
  assert.deepEqual(
    json.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).check),
    Array(5).fill('CONTRACT_NOT_BILLED'),
  )
  const skipped = await runCommand(command, ['INVOICE_DIFFERS'], env)
  assert.equal(skipped.code, 0)
  assert.match(skipped.stdout, /not run: no billing system is compared/)
  const unknown = await runCommand(command, ['INVOICES'], env)
  assert.deepEqual([unknown.code, /there is no check "INVOICES"/.test(unknown.output)], [1, true])
  await run()
})

test('a mistake in the file names its place', () => {
  const dir = mkdtempSync(join(tmpdir(), 'touchstone-reconcile-'))
  const file = join(dir, 'reconcile.yaml')
  for (const [text, why] of [
    ['everyHours: 0', /everyHours/],
    ['checks: { INVOICES: { off: true } }', /checks/],
    ['compare: [{ billing: stripe, ledger: sapp }]', /no source system "sapp"/],
    ['days: soon', /days/],
  ] as const) {
    writeFileSync(file, text)
    assert.throws(() => readReconcile(file, ['stripe', 'sap']), why)
  }
  rmSync(dir, { recursive: true })
})

/** A difference that is planted: its records, or a write that did not arrive. */
interface Planted {
  check: CheckName
  key: string
  records: WorldRecord[]
  write?: { n: number; state: string }
}

/** Five differences of each check. */
function plant(): Planted[] {
  return [0, 1, 2, 3, 4].flatMap((n): Planted[] => {
    const currency = currencies[n % 4] as string
    const unposted = invoice('erp', `U-${n}`, n, 5_000 + n, currency)
    const gone = { ...invoice('erp', `G-${n}`, n, 700, currency), version: 2, deleted: true }
    const dangling = posting(`D-${n}`, key('erp', 'Invoice', `G-${n}`), n, 700, currency)
    const alone = invoice('billing', `A-${n}`, n, 900 + n, currency)
    const here = invoice('billing', `X-${n}`, n, 1_000, currency)
    const there = invoice('erp', `X-${n}`, n, n < 3 ? 1_001 : 1_000, n < 3 ? currency : 'CHF')
    const unpaid = payment(`P-${n}`, n, n < 3 ? null : key('billing', 'Invoice', `none-${n}`))
    const contract = contractOf(`L-${n}`, n, 80, 777_000 + n)
    const subscription = subscriptionOf(`V-${n}`, n, null)
    const used = usage(`V-${n}`, n, key('billing', 'Subscription', `V-${n}`))
    const won = opportunity(`W-${n}`, n, 20)
    const homeless = {
      ...payment(`H-${n}`, n, key('billing', 'Invoice', `R-${n}`)),
      fields: {
        ...payment(`H-${n}`, n, key('billing', 'Invoice', `R-${n}`)).fields,
        customer: n < 3 ? null : key('billing', 'Customer', `nobody-${n}`),
      },
    }
    const golden = key('billing', 'Customer', `B${n}`)
    return [
      { check: 'INVOICE_NOT_POSTED', key: keyOf(unposted), records: [unposted] },
      {
        check: 'POSTING_WITHOUT_INVOICE',
        key: keyOf(dangling),
        records: n < 3 ? [dangling] : [gone, dangling],
      },
      { check: 'INVOICE_NOT_IN_LEDGER', key: keyOf(alone), records: [alone] },
      {
        check: 'INVOICE_DIFFERS',
        key: `${keyOf(here)}|${keyOf(there)}`,
        records: [here, there, posting(`X-${n}`, keyOf(there), n, 1_000, currency)],
      },
      { check: 'PAYMENT_NOT_APPLIED', key: keyOf(unpaid), records: [unpaid] },
      { check: 'CONTRACT_NOT_BILLED', key: keyOf(contract), records: [contract] },
      {
        check: 'USAGE_NOT_BILLED',
        key: `${key('billing', 'Subscription', `V-${n}`)}|calls|${firstOfMonth(2)}`,
        records: [subscription, used],
      },
      { check: 'WON_NOT_ORDERED', key: keyOf(won), records: [won] },
      { check: 'CUSTOMER_UNKNOWN', key: keyOf(homeless), records: [homeless] },
      {
        check: 'NOT_ARRIVED',
        key: `erp|Customer|${golden}`,
        records: [],
        write: {
          n,
          state: ['REFUSED', 'WAITING_APPROVAL', 'PLANNED', 'UNKNOWN', 'HELD'][n] as string,
        },
      },
    ]
  })
}

/** A customer in three systems, what it bought, and everything that follows. */
function orderly(n: number): WorldRecord[] {
  const currency = currencies[n % 4] as string
  const word = `${String.fromCharCode(97 + (n % 26))}${['ulvo', 'endri', 'ostak', 'irmen'][n % 4]}${n}`
  const fields = {
    name: `${word} Works`,
    domains: [`${word}.example`],
    phones: [`+4930555${1000 + n}`],
  }
  const contract = contractOf(`K${n}`, n)
  const posted = invoice('erp', `R-${n}`, n, 10_000 + n, currency)
  const won = opportunity(`O${n}`, n, 70)
  return [
    ...(['crm', 'billing', 'erp'] as const).map((source) => ({
      source,
      type: 'Customer',
      id: `${source[0]?.toUpperCase()}${n}`,
      fields,
    })),
    contract,
    subscriptionOf(`S${n}`, n, keyOf(contract)),
    usage(`T${n}`, n, key('billing', 'Subscription', `S${n}`)),
    {
      ...invoice('billing', `R-${n}`, n, 10_000 + n, currency),
      fields: {
        ...invoice('billing', `R-${n}`, n, 10_000 + n, currency).fields,
        subscription: key('billing', 'Subscription', `S${n}`),
      },
    },
    posted,
    posting(`${n}a`, keyOf(posted), n, 10_000 + n, currency),
    posting(`${n}b`, keyOf(posted), n, -10_000 - n, currency),
    payment(`Y${n}`, n, key('billing', 'Invoice', `R-${n}`)),
    won,
    {
      source: 'crm',
      type: 'SalesOrder',
      id: `A${n}`,
      fields: {
        customer: key('crm', 'Customer', `C${n}`),
        opportunity: keyOf(won),
        orderDate: ago(65),
      },
    },
  ]
}

/** What looks like a difference and is none. */
function harmless(): WorldRecord[] {
  const change = (record: WorldRecord, fields: Record<string, unknown>): WorldRecord => ({
    ...record,
    fields: { ...record.fields, ...fields },
  })
  const unmetered = change(subscriptionOf('flat', 1, key('crm', 'Contract', 'K1')), {
    items: { annualMinor: 100, list: [{ metered: false }] },
  })
  const viaQuote = opportunity('quoted', 2, 20)
  return [
    change(invoice('erp', 'draft', 0, 100, 'EUR'), { status: 'Draft' }),
    change(invoice('billing', 'void', 0, 100, 'EUR'), { status: 'void' }),
    invoice('erp', 'zero', 0, 0, 'EUR'),
    change(invoice('erp', 'today', 0, 100, 'EUR'), { issueDate: ago(0) }),
    { ...invoice('erp', 'deleted', 0, 100, 'EUR'), deleted: true },
    // Systems that are neither billing nor ERP hold copies of invoices.
    { ...invoice('billing', 'copy', 0, 100, 'EUR'), source: 'crm' },
    change(payment('failed', 0, null), { status: 'failed' }),
    change(payment('today', 0, null), { paidOn: ago(0) }),
    change(payment('nothing', 0, null), { amount: 0 }),
    posting('journal', null, 0, 500, 'EUR'),
    change(contractOf('over', 0), { status: 'EXPIRED', endDate: ago(10) }),
    // An ERP system invoices some contracts without a subscription.
    contractOf('invoiced', 10, 90, 555_000),
    change(invoice('billing', 'of contract', 10, 0, 'EUR'), {
      contract: key('crm', 'Contract', 'invoiced'),
    }),
    change(contractOf('later', 9), { startDate: ago(-10) }),
    unmetered,
    usage('flat', 1, keyOf(unmetered)),
    change(usage('now', 1, key('billing', 'Subscription', 'none')), { day: ago(0) }),
    change(usage('empty', 1, key('billing', 'Subscription', 'none')), { quantity: 0 }),
    change(opportunity('lost', 0, 20), { isWon: false }),
    viaQuote,
    { source: 'crm', type: 'Quote', id: 'Q', fields: { opportunity: keyOf(viaQuote) } },
    { source: 'crm', type: 'SalesOrder', id: 'Q', fields: { quote: key('crm', 'Quote', 'Q') } },
  ]
}

function keyOf({ source, type, id }: WorldRecord): string {
  return key(source, type, id)
}

/** Returns the day that many days ago. */
function ago(days: number): string {
  return new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10)
}

/** Returns the first day of the month that many months ago. */
function firstOfMonth(months: number): string {
  const now = new Date()
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months, 1))
    .toISOString()
    .slice(0, 10)
}

function invoice(
  source: 'erp' | 'billing',
  number: string,
  n: number,
  total: number,
  currency: string,
): WorldRecord {
  const customer = key(source, 'Customer', `${source[0]?.toUpperCase()}${n}`)
  const issueDate = firstOfMonth(1)
  return {
    source,
    type: 'Invoice',
    id: number,
    fields: { customer, number, status: 'open', issueDate, total, currency },
  }
}

function posting(
  id: string,
  invoiceKey: string | null,
  n: number,
  amount: number,
  currency: string,
): WorldRecord {
  const customer = key('erp', 'Customer', `E${n}`)
  const postingDate = firstOfMonth(1)
  return {
    source: 'erp',
    type: 'Posting',
    id,
    fields: {
      customer,
      invoice: invoiceKey,
      account: '1400',
      postingDate,
      amount,
      currency,
      legalEntity: 'DE01',
    },
  }
}

function payment(id: string, n: number, invoiceKey: string | null): WorldRecord {
  const customer = key('billing', 'Customer', `B${n}`)
  return {
    source: 'billing',
    type: 'Payment',
    id,
    fields: {
      customer,
      invoice: invoiceKey,
      status: 'succeeded',
      paidOn: ago(20),
      amount: 1_000,
      currency: 'EUR',
    },
  }
}

function contractOf(
  id: string,
  n: number,
  sinceDays = 60,
  minorUnits = 100_000 + n * 31,
): WorldRecord {
  const customer = key('crm', 'Customer', `C${n}`)
  return {
    source: 'crm',
    type: 'Contract',
    id,
    fields: {
      number: `NR-${id}-${n * 7919}`,
      customer,
      status: 'ACTIVE',
      startDate: ago(sinceDays),
      endDate: ago(-300),
      value: { minorUnits, currency: 'EUR' },
    },
  }
}

function subscriptionOf(id: string, n: number, contract: string | null): WorldRecord {
  const customer = key('billing', 'Customer', `B${n}`)
  const items = { annualMinor: 1_200, list: [{ metered: true }] }
  return {
    source: 'billing',
    type: 'Subscription',
    id,
    fields: { customer, contract, status: 'active', startDate: ago(60), currency: 'EUR', items },
  }
}

function usage(id: string, n: number, subscription: string): WorldRecord {
  const customer = key('billing', 'Customer', `B${n}`)
  const day = firstOfMonth(2)
  return {
    source: 'billing',
    type: 'UsageRecord',
    id,
    fields: { customer, subscription, meter: 'calls', day, quantity: 12.5, unit: 'call' },
  }
}

function opportunity(id: string, n: number, closedDaysAgo: number): WorldRecord {
  const customer = key('crm', 'Customer', `C${n}`)
  return {
    source: 'crm',
    type: 'Opportunity',
    id,
    fields: {
      customer,
      name: id,
      isClosed: true,
      isWon: true,
      closeDate: ago(closedDaysAgo),
      amount: 5_000,
      currency: 'EUR',
    },
  }
}

/** Stores a write that did not reach the ERP system, beside others that need not or did. */
async function plantWrite({ n, state }: { n: number; state: string }): Promise<void> {
  const golden = key('billing', 'Customer', `B${n}`)
  const writes = [
    ['Customer', state],
    ['Shadow', 'SHADOW'],
    // A later plan succeeded.
    ['Late', 'REFUSED'],
    ['Late', 'DONE'],
  ] as const
  for (const [object, s] of writes)
    await db.sql`
      insert into write_intent (golden_id, type, source, object, operation, state, version, changes, values, former, hash,
        policy_version, position, planned_at)
      values (${golden}, 'Customer', 'erp', ${object}, 'UPDATE', ${s}, 1, '{}', '{}', '{}', 'h', 'p', 1, now() - interval '1 hour')`
}
