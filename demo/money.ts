import { exponentOf } from '../schema/currencyExponents.ts'
import { ownValue } from '../schema/kit/dictionary.ts'

/** Units of each currency for one euro. Round figures: a demo needs no market. */
const perEuro: Readonly<Record<string, number>> = {
  EUR: 1,
  USD: 1.1,
  GBP: 0.85,
  CHF: 0.95,
  PLN: 4.25,
  JPY: 160,
  CNY: 7.8,
}

export const currencyCodes = Object.keys(perEuro)

function rateOf(currency: string): number {
  const rate = ownValue(perEuro, currency)
  if (!rate)
    throw new Error(
      `the demo world has no currency ${currency}; it has ${currencyCodes.join(', ')}`,
    )
  return rate
}

/** Euro cents in minor units of another currency. */
export function minorUnits(euroCents: number, currency: string): number {
  return Math.round((euroCents / 100) * rateOf(currency) * 10 ** exponentOf(currency))
}

/** Minor units as the decimal number ERP and CRM systems keep. */
export function decimal(minor: number, currency: string): number {
  return minor / 10 ** exponentOf(currency)
}

/**
 * Units of the currency for one euro, the other way round as an ERP keeps it: euros for one unit.
 */
export const exchangeRate = (currency: string) => Math.round((1 / rateOf(currency)) * 1e6) / 1e6
