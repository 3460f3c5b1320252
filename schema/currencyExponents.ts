/**
 * Currency codes by the number of decimals in their minor unit, after ISO 4217 list one, funds
 * included. The table is our own because `Intl` follows CLDR: that gives the decimals people write
 * (none for HUF, IDR and COP, which have hundredths in ISO 4217), and its list of codes changes
 * with the version of Node.
 */
const CODES: Readonly<Record<number, string>> = {
  0: 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF',
  2: [
    'AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY',
    'COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS',
    'INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR',
    'MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP',
    'STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG',
    // Withdrawn since 2021; older invoices still have them.
    'ANG BGN CUC HRK SLL ZWL',
    // Units of account, to which ISO 4217 gives no minor unit.
    'XDR XSU',
  ].join(' '),
  3: 'BHD IQD JOD KWD LYD OMR TND',
  4: 'CLF UYW',
}

/** Decimals of the minor unit by currency code: 2 for EUR (cents), 0 for JPY, 3 for KWD. */
export const currencyExponents: ReadonlyMap<string, number> = new Map(
  Object.entries(CODES).flatMap(([exponent, codes]) =>
    codes.split(' ').map((code): [string, number] => [code, Number(exponent)]),
  ),
)

/** Returns the decimals of a currency's minor unit; 2 for a code that is not in the table. */
export function exponentOf(currency: string): number {
  return currencyExponents.get(currency) ?? 2
}
