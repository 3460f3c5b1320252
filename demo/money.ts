/** Units of each currency for one euro, and how many decimals it has. Round figures: a demo needs no market. */
const currencies: Readonly<Record<string, { perEuro: number; decimals: number }>> = {
  EUR: { perEuro: 1, decimals: 2 },
  USD: { perEuro: 1.1, decimals: 2 },
  GBP: { perEuro: 0.85, decimals: 2 },
  CHF: { perEuro: 0.95, decimals: 2 },
  PLN: { perEuro: 4.25, decimals: 2 },
  JPY: { perEuro: 160, decimals: 0 },
  CNY: { perEuro: 7.8, decimals: 2 },
}

const of = (currency: string) => {
  const found = currencies[currency]
  if (!found) throw new Error(`no such currency in the demo world: ${currency}`)
  return found
}

export const currencyCodes = Object.keys(currencies)

/** Euro cents in minor units of another currency. */
export function minorUnits(euroCents: number, currency: string): number {
  const { perEuro, decimals } = of(currency)
  return Math.round((euroCents / 100) * perEuro * 10 ** decimals)
}

/** Minor units as the decimal number ERP and CRM systems keep. */
export function decimal(minor: number, currency: string): number {
  return minor / 10 ** of(currency).decimals
}

/** Units of the currency for one euro, the other way round as an ERP keeps it: euros for one unit. */
export const exchangeRate = (currency: string) => Math.round((1 / of(currency).perEuro) * 1e6) / 1e6
