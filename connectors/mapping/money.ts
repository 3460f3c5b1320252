import type { Decimal } from 'decimal.js'
import { exponentOf } from '../../schema/currencyExponents.ts'
import { dataText } from '../../schema/kit/dataText.ts'
import { ownValue } from '../../schema/kit/dictionary.ts'
import type { Issue } from '../contract.ts'
import { show } from './convert.ts'
import { affixesOf, exactMinorUnits, parseCurrency, toMinorUnits } from './currency.ts'
import type { FieldContext } from './fieldContext.ts'
import { readNumber } from './number.ts'
import type { Scope } from './path.ts'
import { compileTiers, Exact } from './priceTiers.ts'
import { compileRule, compileWhen, isMap, type Missing, pathAt, type Rule } from './rule.ts'

export interface Money {
  /** Whole, unless the amount was compiled as exact. */
  minorUnits: number
  /** The same amount without the rounding of a number, where it was compiled as exact. */
  exact?: Decimal
  /** ISO 4217. */
  currency: string
}

const KEYS = ['major', 'minor', 'currency', 'each', 'times', 'packs', 'tiers', 'when'] as const

/**
 * Compiles `{major: path, currency: path}` for amounts in whole units or `{minor: …}` for amounts
 * in the smallest. With `each:` it is the sum over the elements, with `times:` each multiplied by
 * that number; `packs:` divides the number first, `tiers:` gives a price in steps. An amount without
 * a valid currency has no meaning and is left out. An `exact` one is not rounded.
 */
export function compileMoney(
  spec: unknown,
  name: string,
  at: readonly PropertyKey[],
  ctx: FieldContext,
  isExact = false,
): (scope: Scope, issues: Issue[]) => Money | undefined {
  if (!isMap(spec) || 'major' in spec === 'minor' in spec || spec.currency === undefined)
    return ctx.fail(
      at,
      'an amount is written {major: path, currency: path} in whole units or {minor: path, currency: path} in the smallest',
    )
  for (const key of Object.keys(spec))
    if (!(KEYS as readonly string[]).includes(key))
      ctx.fail([...at, key], `unknown key "${key}" in an amount; allowed are ${KEYS.join(', ')}`)
  const side = 'major' in spec ? 'major' : 'minor'
  const isMissing = (value: unknown) => ctx.isPlaceholder(value, 'VALUE')
  const missing: Missing = { whole: isMissing, part: isMissing }
  const rule = (key: string): Rule =>
    compileRule(ownValue(spec, key), false, [...at, key], ctx.fail, missing)
  const amountRule = rule(side)
  const currencyRule = rule('currency')
  const timesRule = 'times' in spec ? rule('times') : null
  const packs = 'packs' in spec ? compilePacks(spec.packs, [...at, 'packs'], ctx) : null
  const tiers = 'tiers' in spec ? compileTiers(spec.tiers, [...at, 'tiers'], ctx) : null
  const each = 'each' in spec ? pathAt(String(spec.each), [...at, 'each'], ctx.fail) : null
  const holds = 'when' in spec ? compileWhen(spec.when, [...at, 'when'], ctx.fail) : () => true

  const readOne = (
    scope: Scope,
    report: (code: string, detail: string) => void,
  ): Money | undefined => {
    const factor = timesRule?.(scope, report)[0] ?? 1
    const times = readNumber(factor, { separator: ctx.separator })
    if ('fault' in times) {
      report('INVALID_AMOUNT', `${show(factor)} is ${times.fault}`)
      return undefined
    }
    const quantity = packs ? packs(scope, times.number) : times.number
    const stepped = tiers?.(scope, quantity) ?? null
    const [amount] = stepped ? [stepped.toString()] : amountRule(scope, report)
    if (amount === undefined) return undefined
    const [given] = currencyRule(scope, report)
    const currency = given === undefined ? null : parseCurrency(dataText(given))
    if (!currency) {
      report(
        'INVALID_CURRENCY',
        given === undefined
          ? 'the amount has no currency'
          : `${show(given)} is not an ISO 4217 currency`,
      )
      return undefined
    }
    const { separator } = ctx
    const decimals = side === 'major' ? exponentOf(currency) : 0
    const price = stepped
      ? { number: stepped }
      : readNumber(amount, { separator, decimals, affixes: affixesOf(currency) })
    if ('fault' in price) {
      report('INVALID_AMOUNT', `${show(amount)} is ${price.fault}`)
      return undefined
    }
    const total = stepped ?? new Exact(price.number).times(quantity)
    const scale =
      side === 'major' ? 0 : (ownValue(ctx.minorExponents, currency) ?? exponentOf(currency))
    if (isExact) {
      const exact = exactMinorUnits(total, currency, scale)
      if (exact.abs().lessThanOrEqualTo(Number.MAX_SAFE_INTEGER))
        return { minorUnits: exact.toNumber() + 0, currency, exact }
    }
    const made = isExact ? null : toMinorUnits(total, currency, scale)
    if (!made) {
      report('INVALID_AMOUNT', `${show(amount)} is not an amount up to 2^53 of the smallest unit`)
      return undefined
    }
    if (made.rounded && made.value === 0) {
      report(
        'ROUNDED',
        `${show(amount)} ${currency} is less than the smallest unit; it is left out`,
      )
      return undefined
    }
    // A price times a quantity is rounded on an invoice too.
    if (made.rounded && !timesRule)
      report(
        'ROUNDED',
        `${show(amount)} ${currency} has more decimals than the currency; it was rounded half to even`,
      )
    return { minorUnits: made.value, currency }
  }

  return (scope, issues) => {
    const report = (code: string, detail: string) => {
      issues.push({ field: name, code, detail })
    }
    if (!holds(scope)) return undefined
    if (!each) return readOne(scope, report)
    let sum: Money | undefined
    for (const item of each.all(scope)) {
      const part = readOne({ ...scope, item }, report)
      if (!part) continue
      if (sum && sum.currency !== part.currency) {
        report(
          'INVALID_AMOUNT',
          `the elements have different currencies, ${sum.currency} and ${part.currency}`,
        )
        return undefined
      }
      sum = { minorUnits: (sum?.minorUnits ?? 0) + part.minorUnits, currency: part.currency }
    }
    if (!sum || Number.isSafeInteger(sum.minorUnits)) return sum
    report(
      'INVALID_AMOUNT',
      'the sum of the elements is not an amount up to 2^53 of the smallest unit',
    )
    return undefined
  }
}

/**
 * Compiles `packs: {of: path, round: path}` for prices of packs of several units: the quantity is
 * divided and rounded up or down to whole packs.
 */
function compilePacks(
  spec: unknown,
  at: readonly PropertyKey[],
  ctx: FieldContext,
): (scope: Scope, quantity: Decimal) => Decimal {
  if (!isMap(spec) || !('of' in spec) || !('round' in spec) || Object.keys(spec).length !== 2)
    return ctx.fail(at, 'packs: is written {of: path, round: path}')
  const [of, round] = [
    compileRule(spec.of, false, [...at, 'of'], ctx.fail),
    compileRule(spec.round, false, [...at, 'round'], ctx.fail),
  ]
  return (scope, quantity) => {
    const size = readNumber(of(scope, () => {})[0], { separator: ctx.separator })
    if ('fault' in size || !size.number.greaterThan(0)) return quantity
    const packs = new Exact(quantity).dividedBy(size.number)
    return round(scope, () => {})[0] === 'down' ? packs.floor() : packs.ceil()
  }
}
