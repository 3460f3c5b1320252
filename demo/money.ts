import { exponentOf } from '../schema/currencyExponents.ts'
import { ownValue } from '../schema/kit/dictionary.ts'

/** Units of each currency for one euro. Rounded: a demo needs no market rates. */
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

/** Converts euro cents to minor units of another currency. */
export function minorUnits(euroCents: number, currency: string): number {
  return Math.round((euroCents / 100) * rateOf(currency) * 10 ** exponentOf(currency))
}

/** Converts minor units to the decimal number that ERP and CRM systems store. */
export function decimal(minor: number, currency: string): number {
  return minor / 10 ** exponentOf(currency)
}

/** Returns euros for one unit of the currency, the direction that an ERP stores. */
export const exchangeRate = (currency: string) => Math.round((1 / rateOf(currency)) * 1e6) / 1e6
