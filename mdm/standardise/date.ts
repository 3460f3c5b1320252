/**
 * A date: year, month, day, 0 if unknown. A month over 12 or a day over 31 is an error of the
 * source; such a date is still compared digit by digit.
 */
export type DateParts = [year: number, month: number, day: number]

const MONTHS = new Map<string, number>()
for (const [index, names] of [
  'jan january januar janvier enero gennaio januari janeiro',
  'feb february februar fevrier febrero febbraio februari fevereiro',
  'mar march maerz mrz mars marzo maart marco',
  'apr april avril abril aprile',
  'may mai mayo maggio mei maio',
  'jun june juni juin junio giugno junho',
  'jul july juli juillet julio luglio julho',
  'aug august aout agosto augustus',
  'sep sept september septembre septiembre settembre setembro',
  'oct october oktober okt octobre octubre ottobre outubro',
  'nov november novembre noviembre novembro',
  'dec december dezember dez decembre diciembre dicembre dezembro',
].entries())
  for (const name of names.split(' ')) MONTHS.set(name, index + 1)

/** Two-digit years up to this one are 20xx, later ones 19xx. */
const TWO_DIGIT_YEAR_PIVOT = 30
/** Later years stand for "no end" or "unknown". */
const YEAR_MAX = 2150

function year(text: string): number {
  const value = Number(text)
  if (text.length === 2) return value <= TWO_DIGIT_YEAR_PIVOT ? 2000 + value : 1900 + value
  return value
}

function checked(y: number, m: number, d: number): DateParts | null {
  return y < 1 || y > YEAR_MAX ? null : [y, m, d]
}

/**
 * Reads a date written in any of the usual ways: 2026-03-01, 20260301, 01.03.2026, 3/1/2026, 1
 * March 2026, Mar 1, 2026, 1.3.26, 2026-03, 2026, ISO instants. Slashed dates with both numbers up
 * to 12 are read month first, dotted and dashed ones day first; the comparison treats a swapped
 * pair as nearly equal, so a wrong guess costs little. Null when it is no date.
 * @param folded lower-case Latin text
 */
export function parseDate(folded: string): DateParts | null {
  const text = folded.trim().slice(0, 40)
  let m = /^(\d{4})[-/.](\d{1,2})(?:[-/.](\d{1,2})(?:[t ].*)?)?$/.exec(text)
  if (m) return orderMonthDay(Number(m[1]), Number(m[2]), Number(m[3] ?? 0))
  m = /^(\d{4})(\d{2})(\d{2})$/.exec(text)
  if (m) return orderMonthDay(Number(m[1]), Number(m[2]), Number(m[3]))
  m = /^(\d{1,2})([-/. ])(\d{1,2})[-/. ](\d{4}|\d{2})$/.exec(text)
  if (m) {
    const first = Number(m[1])
    const second = Number(m[3])
    const monthFirst = m[2] === '/' ? first <= 12 : first <= 12 && second > 12
    return monthFirst
      ? orderMonthDay(year(m[4]!), first, second)
      : orderMonthDay(year(m[4]!), second, first)
  }
  m =
    /^(\d{1,2})(?:st|nd|rd|th|\.|er)?[ -]*(?:de |of )?([a-z]{3,})\.?,?[ -]*(?:de )?(\d{4}|\d{2})$/.exec(
      text,
    )
  let month = m && MONTHS.get(m[2]!)
  if (m && month) return checked(year(m[3]!), month, Number(m[1]))
  m = /^([a-z]{3,})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4}|\d{2})$/.exec(text)
  month = m && MONTHS.get(m[1]!)
  if (m && month) return checked(year(m[3]!), month, Number(m[2]))
  m = /^(\d{4})$/.exec(text)
  if (m) return checked(Number(m[1]), 0, 0)
  return null
}

function orderMonthDay(y: number, m: number, d: number): DateParts | null {
  return m > 12 && d <= 12 && d > 0 ? checked(y, d, m) : checked(y, m, d)
}
