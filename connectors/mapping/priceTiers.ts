import { Decimal } from 'decimal.js'
import { dataText } from '../../schema/kit/dataText.ts'
import type { FieldContext } from './fieldContext.ts'
import { readNumber } from './number.ts'
import type { Scope } from './path.ts'
import { compileRule, isMap, pathAt } from './rule.ts'

/** Prices times quantities need more digits than the default of 20. */
export const Exact = Decimal.clone({ precision: 60 })

const KEYS = ['each', 'upTo', 'unit', 'flat', 'mode'] as const

/**
 * Compiles `tiers: {each: path, upTo: path, unit: path, flat: path, mode: path}`, the steps of a
 * price. In the mode `volume` the step of the whole quantity prices each unit; in `graduated` each
 * step prices its own units. `flat` is added once for each step that counts; a step without `upTo`
 * has no end. Returns the amount of a quantity, or null where the record has no steps or they do
 * not reach the quantity.
 */
export function compileTiers(
  spec: unknown,
  at: readonly PropertyKey[],
  ctx: FieldContext,
): (scope: Scope, quantity: Decimal) => Decimal | null {
  if (!isMap(spec) || typeof spec.each !== 'string' || !('unit' in spec) || !('upTo' in spec))
    return ctx.fail(
      at,
      'tiers: is written {each: path, upTo: path, unit: path}, with flat: and mode: where the price has them',
    )
  for (const key of Object.keys(spec))
    if (!(KEYS as readonly string[]).includes(key))
      ctx.fail([...at, key], `unknown key "${key}" in tiers; allowed are ${KEYS.join(', ')}`)
  const each = pathAt(spec.each, [...at, 'each'], ctx.fail)
  const rule = (key: 'upTo' | 'unit' | 'flat' | 'mode') =>
    key in spec ? compileRule(spec[key], false, [...at, key], ctx.fail) : () => []
  const [upTo, unit, flat, mode] = [rule('upTo'), rule('unit'), rule('flat'), rule('mode')]

  return (scope, quantity) => {
    const steps = each.all(scope).map((item) => {
      const read = (r: ReturnType<typeof rule>) => {
        const made = readNumber(r({ ...scope, item }, () => {})[0], { separator: ctx.separator })
        return 'fault' in made ? null : made.number
      }
      return { end: read(upTo), unit: read(unit) ?? new Exact(0), flat: read(flat) ?? new Exact(0) }
    })
    if (steps.length === 0) return null
    if (dataText(mode(scope, () => {})[0]) !== 'graduated') {
      const step = steps.find(({ end }) => end === null || quantity.lessThanOrEqualTo(end))
      return step ? new Exact(step.unit).times(quantity).plus(step.flat) : null
    }
    let total = new Exact(0)
    let from: Decimal = new Exact(0)
    for (const { end, unit: price, flat: fee } of steps) {
      const to = end === null || quantity.lessThan(end) ? quantity : end
      total = total.plus(new Exact(price).times(to.minus(from))).plus(fee)
      if (end === null || quantity.lessThanOrEqualTo(end)) return total
      from = end
    }
    return null
  }
}
