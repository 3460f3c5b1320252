import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { SubscriptionItems } from '../../schema/operational.ts'
import { recordKey } from '../../schema/recordKey.ts'
import fc from '../property.ts'
import { connector, readOne, withMapping } from './fixture.ts'

const stripe = connector('stripe')

type Fields = Record<string, unknown>

/** A price of so many minor units for each interval. */
function price(
  unit: number | string | null,
  interval = 'month',
  count = 1,
  more: Fields = {},
): Fields {
  return {
    currency: 'usd',
    product: `prod_${String(unit)}`,
    recurring: { interval, interval_count: count, usage_type: 'licensed' },
    unit_amount: typeof unit === 'number' ? unit : null,
    unit_amount_decimal: unit === null ? null : String(unit),
    ...more,
  }
}
const item = (p: Fields, quantity: number | null = 1, more: Fields = {}) => ({
  price: p,
  quantity,
  ...more,
})

function subscription(items: Fields[], more: Fields = {}) {
  const { canonical } = readOne(stripe, 'row', {
    id: 'sub_1',
    object: 'subscription',
    customer: 'cus_1',
    status: 'active',
    currency: 'usd',
    items: { object: 'list', data: items },
    ...more,
  })
  const stored = canonical.fields.items as SubscriptionItems | undefined
  return {
    ...canonical,
    amount: canonical.fields.amount as number | undefined,
    annual: stored?.annualMinor ?? null,
    list: stored?.list ?? [],
    codes: canonical.issues.map((i) => i.code),
  }
}

describe('what a subscription costs', () => {
  test('items of different intervals are each counted by their own', () => {
    const mixed = subscription([item(price(1000)), item(price(12_000, 'year'))])
    assert.equal(mixed.annual, 24_000)
    assert.deepEqual(
      [mixed.amount, mixed.fields.interval, mixed.fields.intervalCount],
      [undefined, undefined, undefined],
      'there is no one interval',
    )
    for (const [interval, count, perYear] of [
      ['day', 1, 365],
      ['week', 1, 52],
      ['week', 2, 26],
      ['month', 1, 12],
      ['month', 3, 4],
      ['month', 6, 2],
      ['year', 1, 1],
      ['year', 2, 0.5],
    ] as const) {
      const one = subscription([item(price(1000, interval, count))])
      assert.deepEqual([one.annual, one.amount], [1000 * perYear, 1000], `${count} ${interval}`)
      assert.deepEqual([one.fields.interval, one.fields.intervalCount], [interval, count])
    }
    const counts = subscription([item(price(300, 'month', 3)), item(price(100))])
    assert.deepEqual([counts.annual, counts.amount], [2_400, undefined])
    assert.deepEqual(mixed.issues, [])
  })

  test('prices below the smallest unit count, and are rounded once', () => {
    assert.equal(subscription([item(price('0.5'), 1000)]).annual, 6_000)
    const fine = subscription([item(price('12.345678901234'), 10)])
    assert.deepEqual([fine.annual, fine.amount, fine.codes], [1_481, 123, []])
    const tiny = subscription([item(price('0.000000000123'), 1_000_000_000)])
    assert.equal(tiny.annual, 1, '0.123 of a cent a month')
    assert.equal(
      subscription([item(price('0.333333333333'), 3), item(price('0.000000000001'), 1)]).annual,
      12,
    )
    assert.equal(subscription([item(price('0.4'))]).list[0]?.amount?.minorUnits, 0.4)
  })

  test('each item has its product, quantity, amount and interval; the subscription only what all share', () => {
    const two = subscription([item(price(1000), 2), item(price(500), 3)])
    assert.deepEqual(two.list, [
      {
        product: recordKey('stripe', 'product', 'prod_1000'),
        quantity: 2,
        amount: { minorUnits: 2000, currency: 'USD' },
        interval: 'month',
        intervalCount: 1,
        metered: false,
      },
      {
        product: recordKey('stripe', 'product', 'prod_500'),
        quantity: 3,
        amount: { minorUnits: 1500, currency: 'USD' },
        interval: 'month',
        intervalCount: 1,
        metered: false,
      },
    ])
    assert.deepEqual([two.amount, two.annual], [3_500, 42_000])
    assert.deepEqual([two.fields.product, two.fields.quantity], [undefined, undefined])
    const one = subscription([item(price(1000), 2)])
    assert.deepEqual(
      [one.fields.product, one.fields.quantity],
      [recordKey('stripe', 'product', 'prod_1000'), 2],
    )
  })

  test('currencies without decimals and with three', () => {
    const inCurrency = (currency: string, unit: string) =>
      subscription([item(price(unit, 'month', 1, { currency }))], { currency })
    assert.equal(inCurrency('jpy', '500').annual, 6_000)
    assert.equal(inCurrency('jpy', '0.5').annual, 6)
    assert.equal(inCurrency('kwd', '1234').annual, 14_808)
    assert.equal(inCurrency('ugx', '50000').annual, 6_000, 'Stripe sends UGX in hundredths')
    assert.equal(inCurrency('mga', '500').annual, 600_000, 'and MGA in whole ariary')
  })

  test('different currencies are an issue and no sum', () => {
    const items = [item(price(1000)), item(price(1000, 'month', 1, { currency: 'eur' }))]
    const two = subscription(items)
    assert.deepEqual([two.annual, two.amount, two.codes], [null, undefined, ['INVALID_CURRENCY']])
    const other = subscription([item(price(1000))], { currency: 'eur' })
    assert.deepEqual([other.annual, other.codes], [null, ['INVALID_CURRENCY']])
    assert.deepEqual(other.list.length, 1, 'the items are served with their own amounts')
  })

  test('charges by usage do not count, and need no amount', () => {
    const metered = { recurring: { interval: 'month', interval_count: 1, usage_type: 'metered' } }
    const both = subscription([item(price(1000)), item(price(7, 'month', 1, metered), null)])
    assert.deepEqual([both.annual, both.amount, both.codes], [12_000, 1_000, []])
    const alone = subscription([item(price(null, 'month', 1, metered), null)])
    assert.deepEqual([alone.annual, alone.amount, alone.codes], [0, undefined, []])
    assert.equal(alone.fields.interval, 'month')
    assert.equal(alone.list[0]?.metered, true)
  })

  test('prices in tiers count by their tiers, and are unknown without them', () => {
    const tiers = [
      { up_to: 10, unit_amount: 100, flat_amount: 500 },
      { up_to: 20, unit_amount: null, unit_amount_decimal: '50.5', flat_amount: null },
      { up_to: null, unit_amount: 10 },
    ]
    const tiered = (tiers_mode: string, quantity: number, steps: Fields[] | undefined = tiers) =>
      subscription([
        item(
          price(null, 'month', 1, { billing_scheme: 'tiered', tiers_mode, tiers: steps }),
          quantity,
        ),
      ])
    assert.equal(tiered('graduated', 10).amount, 1_500)
    assert.equal(tiered('graduated', 12).amount, 1_601)
    assert.equal(tiered('graduated', 25).amount, 2_055)
    assert.equal(tiered('volume', 10).amount, 1_500)
    assert.equal(tiered('volume', 12).amount, 606)
    assert.equal(tiered('volume', 25).amount, 250)
    const beyond = tiered('volume', 30, tiers.slice(0, 2))
    assert.deepEqual([beyond.annual, beyond.codes], [null, ['UNKNOWN_AMOUNT']])
    const unknown = subscription([item(price(1000)), item(price(null), 5)])
    assert.deepEqual(
      [unknown.annual, unknown.amount, unknown.codes],
      [null, undefined, ['UNKNOWN_AMOUNT']],
    )
  })

  test('prices of packs divide the quantity first', () => {
    const packs = (round: string) =>
      subscription([
        item(price(1000, 'month', 1, { transform_quantity: { divide_by: 10, round } }), 25),
      ])
    assert.equal(packs('up').amount, 3_000)
    assert.equal(packs('down').amount, 2_000)
  })

  test('discounts that recur are subtracted, one by a percentage and one by an amount', () => {
    const coupon = (c: Fields) => ({ id: 'di_1', coupon: { duration: 'forever', ...c } })
    const with_ = (...discounts: unknown[]) => subscription([item(price(1000))], { discounts })
    assert.deepEqual(
      [with_(coupon({ percent_off: 25 })).annual, with_(coupon({ percent_off: 25 })).amount],
      [9_000, 750],
    )
    assert.equal(with_(coupon({ percent_off: 33.3 })).annual, 8_004)
    assert.equal(with_(coupon({ amount_off: 300, currency: 'usd' })).annual, 8_400)
    assert.equal(with_(coupon({ amount_off: 3_000, currency: 'usd' })).annual, 0)
    assert.equal(
      with_(coupon({ percent_off: 50 }), coupon({ amount_off: 100, currency: 'usd' })).annual,
      4_800,
    )
    assert.equal(with_(coupon({ percent_off: 50, duration: 'once' })).annual, 12_000)
    assert.equal(
      with_({ source: { coupon: { percent_off: 50, duration: 'repeating' } } }).annual,
      6_000,
    )
    const older = subscription([item(price(1000))], {
      discounts: ['di_1'],
      discount: coupon({ percent_off: 10 }),
    })
    assert.equal(older.annual, 10_800)
    const oldest = subscription([item(price(1000))], { discount: coupon({ percent_off: 10 }) })
    assert.equal(oldest.annual, 10_800)
    const ofItem = subscription([
      item(price(1000), 1, { discounts: [coupon({ percent_off: 10 })] }),
      item(price(1000, 'year')),
    ])
    assert.equal(ofItem.annual, 11_800)
    const onMixed = [item(price(1000)), item(price(12_000, 'year'))]
    assert.equal(subscription(onMixed, { discounts: [coupon({ percent_off: 10 })] }).annual, 21_600)
  })

  test('a discount that is not known makes the amount unknown, with an issue', () => {
    const coupon = (c: Fields) => ({ id: 'di_1', coupon: { duration: 'forever', ...c } })
    const onMixed = [item(price(1000)), item(price(12_000, 'year'))]
    for (const [items, more] of [
      [[item(price(1000))], { discounts: ['di_1'] }],
      [[item(price(1000))], { discounts: ['di_1', 'di_2'], discount: coupon({ percent_off: 10 }) }],
      [[item(price(1000))], { discounts: [coupon({ amount_off: 100, currency: 'eur' })] }],
      [
        [item(price(1000))],
        { discounts: [coupon({ percent_off: 10, applies_to: { products: ['p'] } })] },
      ],
      [onMixed, { discounts: [coupon({ amount_off: 100, currency: 'usd' })] }],
      [[item(price(1000), 1, { discounts: ['di_1'] })], {}],
    ] as [Fields[], Fields][]) {
      const unknown = subscription(items, more)
      assert.deepEqual(
        [unknown.annual, unknown.amount, unknown.codes],
        [null, undefined, ['UNKNOWN_DISCOUNT']],
      )
    }
  })

  test('a list of only some items makes the amount unknown, with an issue', () => {
    const some = subscription([], {
      items: { object: 'list', data: [item(price(1000))], has_more: true },
    })
    assert.deepEqual([some.annual, some.amount, some.codes], [null, undefined, ['UNKNOWN_AMOUNT']])
  })

  test('the explanation of a mapping shows what the items decide', () => {
    const raw = {
      id: 'sub_1',
      customer: 'cus_1',
      currency: 'usd',
      quantity: 9,
      items: { data: [item(price(1000), 2), item(price(null), 1)] },
    }
    const steps = new Map(stripe.explain('subscription', raw).map((s) => [s.field, s]))
    assert.equal(steps.get('amount')?.value, undefined)
    assert.equal(steps.get('quantity')?.value, undefined)
    assert.deepEqual(
      steps.get('items')?.issues.map((i) => i.code),
      ['UNKNOWN_AMOUNT'],
    )
  })

  test('an unknown interval makes the year unknown, with an issue', () => {
    const odd = subscription([item(price(1000, 'fortnight'))])
    assert.deepEqual([odd.annual, odd.amount, odd.codes], [null, 1_000, ['UNKNOWN_INTERVAL']])
    const none = subscription([
      item(price(1000)),
      item(price(500, 'month', 1, { recurring: null })),
    ])
    assert.deepEqual(
      [none.annual, none.amount, none.codes],
      [null, undefined, ['UNKNOWN_INTERVAL']],
    )
    assert.equal(subscription([item(price(1000, 'month', 0))]).annual, null)
  })

  test('plans of older objects and subscriptions without items', () => {
    const plan = {
      id: 'plan_1',
      product: 'prod_1',
      amount: 1000,
      amount_decimal: '1000.5',
      currency: 'usd',
      interval: 'year',
      interval_count: 1,
      usage_type: 'licensed',
    }
    assert.equal(subscription([{ plan, quantity: 2 }]).annual, 2_001)
    const { fields } = subscription([], { plan, quantity: 2 })
    assert.deepEqual([fields.amount, fields.interval, fields.quantity], [2_001, 'year', 2])
  })

  test('any system may state items', () => {
    const shop = withMapping(`
objects:
  plans:
    as: Subscription
    id: id
    fields:
      items: { each: "lines[]", amount: { major: fee, currency: cur }, interval: every }
`)
    const { canonical } = readOne(
      shop,
      'row',
      {
        id: 1,
        lines: [
          { fee: '9.99', cur: 'EUR', every: 'Month' },
          { fee: 100, cur: 'EUR', every: 'year' },
        ],
      },
      'plans',
    )
    assert.deepEqual((canonical.fields.items as SubscriptionItems).annualMinor, 21_988)
    assert.equal(canonical.fields.currency, 'EUR')
  })
})

const perYear = { day: 365n, week: 52n, month: 12n, year: 1n }
const generated = fc.record({
  interval: fc.constantFrom<keyof typeof perYear>('day', 'week', 'month', 'year'),
  count: fc.constantFrom(1, 2, 3, 4, 6, 12),
  // The price in units of 10^-12 of a cent.
  fine: fc.bigInt({ min: 0n, max: 10n ** 17n }),
  quantity: fc.integer({ min: 0, max: 100_000 }),
})

test('property: the year is the exact sum of price, quantity and intervals, rounded once', () => {
  fc.assert(
    fc.property(fc.array(generated, { minLength: 1, maxLength: 8 }), (items) => {
      const text = (fine: bigint) => {
        const digits = fine.toString().padStart(13, '0')
        return `${digits.slice(0, -12)}.${digits.slice(-12)}`
      }
      const { annual, codes } = subscription(
        items.map((i) => item(price(text(i.fine), i.interval, i.count), i.quantity)),
      )
      // Over the common denominator of 12 intervals and 10^12.
      const exact = items.reduce(
        (sum, i) =>
          sum + (i.fine * BigInt(i.quantity) * perYear[i.interval] * 12n) / BigInt(i.count),
        0n,
      )
      const unit = 12n * 10n ** 12n
      assert.deepEqual(codes, [])
      const difference = BigInt(annual ?? -1) * unit - exact
      assert.ok(difference <= unit / 2n && -difference <= unit / 2n, `${annual} for ${exact}`)
    }),
    { numRuns: Number(process.env.TOUCHSTONE_MONEY_RUNS ?? 300) },
  )
})

describe('customers without a name', () => {
  const nameOf = (fields: Fields) =>
    readOne(stripe, 'row', { id: 'cus_NffrFeUfNV2Hib', object: 'customer', ...fields }).canonical

  test('what is known of a customer stands in for its name', () => {
    const shipping = { name: 'Liefer Nur SARL' }
    assert.equal(nameOf({ name: 'A', email: 'a@b.example' }).fields.name, 'A')
    assert.equal(
      nameOf({ name: null, shipping, email: 'a@b.example' }).fields.name,
      'Liefer Nur SARL',
    )
    assert.equal(nameOf({ name: ' ', description: 'B', shipping }).fields.name, 'B')
    const ofEmail = (email: string) => nameOf({ name: null, email }).fields.name
    assert.equal(ofEmail('ada@b.example'), '@b.example', 'the address may be hidden, names are not')
    for (const email of ['ada@gmail.com', 'ada@yahoo.co.uk', 'ada@gmx.de', ''])
      assert.equal(ofEmail(email), 'cus_NffrFeUfNV2Hib', email)
    assert.equal(ofEmail('ada@gmail-shop.example'), '@gmail-shop.example')
    assert.equal(nameOf({}).fields.name, 'cus_NffrFeUfNV2Hib')
    assert.ok(nameOf({}).complete)
  })
})
