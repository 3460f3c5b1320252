import { exponentOf } from '../../schema/currencyExponents.ts'
import { ownValue } from '../../schema/kit/dictionary.ts'
import type { Issue } from '../contract.ts'
import { show } from './convert.ts'
import { affixesOf, parseCurrency, toMinorUnits } from './currency.ts'
import type { FieldContext } from './fieldContext.ts'
import { readNumber } from './number.ts'
import type { Scope } from './path.ts'
import { compileRule, compileWhen, isMap, type Missing, pathAt, type Rule } from './rule.ts'

export interface Money {
  minorUnits: number
  /** ISO 4217. */
  currency: string
}

const KEYS = ['major', 'minor', 'currency', 'each', 'times', 'when'] as const

/**
 * Compiles `{major: path, currency: path}` for amounts in whole units or `{minor: …}` for amounts
 * in the smallest. With `each:` it is the sum over the elements, with `times:` each multiplied by
 * that number. An amount without a valid currency has no meaning and is left out.
 */
export function compileMoney(
  spec: unknown,
  name: string,
  at: readonly PropertyKey[],
  ctx: FieldContext,
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
  const each = 'each' in spec ? pathAt(String(spec.each), [...at, 'each'], ctx.fail) : null
  const holds = 'when' in spec ? compileWhen(spec.when, [...at, 'when'], ctx.fail) : () => true

  const readOne = (
    scope: Scope,
    report: (code: string, detail: string) => void,
  ): Money | undefined => {
    const [amount] = amountRule(scope, report)
    if (amount === undefined) return undefined
    const [given] = currencyRule(scope, report)
    const currency = given === undefined ? null : parseCurrency(String(given))
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
    const exact = readNumber(amount, { separator, decimals, affixes: affixesOf(currency) })
    const factor = timesRule?.(scope, report)[0] ?? 1
    const times = readNumber(factor, { separator })
    for (const [value, read] of [[amount, exact] as const, [factor, times] as const])
      if ('fault' in read) report('INVALID_AMOUNT', `${show(value)} is ${read.fault}`)
    if ('fault' in exact || 'fault' in times) return undefined
    const scale =
      side === 'major' ? 0 : (ownValue(ctx.minorExponents, currency) ?? exponentOf(currency))
    const made = toMinorUnits(exact.number.times(times.number), currency, scale)
    if (!made) {
      report('INVALID_AMOUNT', `${show(amount)} is not an amount up to 2^53 of the smallest unit`)
      return undefined
    }
    if (made.rounded)
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
    return sum && Number.isSafeInteger(sum.minorUnits) ? sum : undefined
  }
}
