import { Decimal } from 'decimal.js'

/** How the numbers of a cell are shown: a date, a number with zeros before it, or a plain number. */
export type CellFormat =
  | { kind: 'NUMBER' }
  | { kind: 'DATE' }
  | { kind: 'ZEROS'; before: string; digits: number; after: string }

const NUMBER: CellFormat = { kind: 'NUMBER' }
/** Numbers of the formats of dates and times that every workbook has. */
const DATES = new Set([
  14, 15, 16, 17, 18, 19, 20, 21, 22, 27, 28, 29, 30, 31, 34, 35, 36, 45, 46, 47, 50, 51, 52, 53,
  54, 55, 56, 57, 58,
])
const ZEROS = /^(?:"([^"]*)"|\\(.))?(0{2,})(?:"([^"]*)"|\\(.))?$/

/** Returns the format of a number, by its code where the workbook defines one. */
export function cellFormat(id: number, code: string | undefined): CellFormat {
  if (code === undefined) return DATES.has(id) ? { kind: 'DATE' } : NUMBER
  const zeros = ZEROS.exec(code)
  if (zeros)
    return {
      kind: 'ZEROS',
      before: zeros[1] ?? zeros[2] ?? '',
      digits: zeros[3]?.length ?? 0,
      after: zeros[4] ?? zeros[5] ?? '',
    }
  const first = code.split(';', 1)[0] ?? ''
  // A bracket that never closes ends with the code: each one would search for its end again.
  const bare = first.replace(/"[^"]*"|\\.|\[(?!h|m|s)[^\]]*(?:\]|$)|_.|\*./gi, '')
  return /[dyhsm]/i.test(bare) && !/[0#?]/.test(bare.replaceAll(/\.0+/g, ''))
    ? { kind: 'DATE' }
    : NUMBER
}

/** A number has no more digits in a workbook; the others are zeros. */
const digitsMax = 15

/**
 * Returns a stored number as text. Numbers keep the 15 digits that a workbook has; longer ones are
 * written with an exponent, because their last digits are lost.
 */
export function numberText(stored: string, format: CellFormat, since1904: boolean): string | null {
  const number = toDecimal(stored)
  if (!number) return null
  const rounded = number.toSignificantDigits(digitsMax)
  if (format.kind === 'DATE' && !rounded.isNegative()) return dateText(rounded, since1904)
  if (rounded.abs().greaterThanOrEqualTo('1e15'))
    // Programs other than Excel may write all digits.
    return /^-?\d+$/.test(stored) && !rounded.equals(number) ? stored : rounded.toExponential()
  if (format.kind === 'ZEROS' && rounded.isInteger() && !rounded.isNegative())
    return format.before + rounded.toFixed().padStart(format.digits, '0') + format.after
  return rounded.toFixed()
}

function toDecimal(text: string): Decimal | null {
  if (!/^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:E[-+]?\d{1,3})?$/i.test(text)) return null
  return new Decimal(text)
}

const dayMs = 86_400_000
/** The day 0. Day 60 is 29 February 1900, which did not exist; before it, days are one later. */
const epoch1900 = Date.UTC(1899, 11, 30)
const epoch1904 = Date.UTC(1904, 0, 1)
const missingDay = 60
/** 31 December 9999, the last day of Excel. */
const lastDay = 2_958_466

function dateText(serial: Decimal, since1904: boolean): string {
  if (serial.greaterThan(lastDay)) return serial.toFixed()
  const days = serial.floor().toNumber()
  const seconds = serial.minus(days).times(86_400).round().toNumber()
  const time = new Date(seconds * 1_000).toISOString().slice(11, 19)
  if (days === 0 && !since1904) return seconds === 0 ? '0' : time
  const shift = !since1904 && days < missingDay ? 1 : 0
  const at = new Date(
    (since1904 ? epoch1904 : epoch1900) + (days + shift) * dayMs + seconds * 1_000,
  )
  if (Number.isNaN(at.getTime())) return serial.toFixed()
  const iso = at.toISOString()
  return seconds === 0 ? iso.slice(0, 10) : iso.slice(0, 19)
}
