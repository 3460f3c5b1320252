import { Decimal } from 'decimal.js'
import { asciiDigits } from '../../schema/kit/asciiDigits.ts'
import { normalCode } from '../../schema/kit/normalText.ts'

/**
 * The decimal separator of a source system. It decides only numbers that can be read in two ways,
 * such as 1,234; with null they are not read.
 */
export type DecimalSeparator = 'POINT' | 'COMMA' | null

export type ReadNumber = { number: Decimal } | { fault: string }

export interface NumberForms {
  separator: DecimalSeparator
  /**
   * Texts of a currency that may stand beside the number, in lower case, the longest first; none for
   * a plain number.
   */
  affixes?: readonly string[]
  /**
   * The decimals of an amount, where they are known. With three, the three digits after a point are
   * decimals, because programs write a point; with none, those after a comma are thousands.
   */
  decimals?: number
}

/** 1234.5 and 3.0E7; the integer part may be empty. */
const SCIENTIFIC = /^(\d+[.,]?\d*|[.,]\d+)e([+-]?\d{1,3})$/i
/** Groups of three with a blank or an apostrophe, which are never decimal separators. */
const SPACED = /^([1-9]\d{0,2}(?:([ '])\d{3})(?:\2\d{3})*)(?:[.,](\d+))?$/
const THOUSANDS = { '.': /^[1-9]\d{0,2}(?:\.\d{3})+$/, ',': /^[1-9]\d{0,2}(?:,\d{3})+$/ }
/** 12,34,567: India groups the last three digits and pairs before them. */
const INDIAN = /^[1-9]\d?(?:,\d{2})+,\d{3}$/

const notANumber = { fault: 'not a number' }

/**
 * Reads a number as people and programs write it: 1234.5, 1,234.50, 1.234,50, 1 234,50, 1'234.50,
 * 12,34,567.00, 1234.50-, (1,234.50), 3.0E7, in the digits of any script. A separator that can only
 * be a decimal one is one; where both readings are possible the separator of the source decides.
 */
export function readNumber(value: unknown, forms: NumberForms): ReadNumber {
  if (typeof value === 'number')
    return Number.isFinite(value) ? { number: new Decimal(value) } : notANumber
  // The compatibility form would make 52 of 5² and 11 of ①1.
  if (typeof value !== 'string' || value.length > charsMax || /\p{No}/u.test(value))
    return notANumber
  let { separator } = forms
  let text = asciiDigits(normalCode(value.replace(/[’‘ʼʹ´`′٬]/g, "'"))).replace(/[−–—]/g, '-')
  if (text.includes('٫')) {
    text = text.replace('٫', '.')
    separator = 'POINT'
  }
  const { negative, rest } = takeSign(text, forms.affixes ?? [])
  const digits = readUnsigned(rest, separator, forms.decimals)
  if (digits === null) return notANumber
  if (digits === 'AMBIGUOUS') {
    const [whole, part] = rest.split(/[.,]/)
    return {
      fault: `either ${whole}.${part} or ${whole}${part}; write numbers: POINT or COMMA in the mapping, for the decimal separator of the source`,
    }
  }
  const number = new Decimal(digits)
  return { number: negative && !number.isZero() ? number.negated() : number }
}

const charsMax = 400

/** Takes one sign off, before or after the number or as brackets, and the texts of a currency. */
function takeSign(text: string, affixes: readonly string[]): { negative: boolean; rest: string } {
  const inner = /^\((.+)\)$/.exec(text)?.[1]
  let rest = withoutAffix(inner ?? text, affixes)
  // "12,-" is a price without cents; the separator before the dash is the decimal one.
  rest = rest.replace(/(\d)([.,])-{1,2}$/, '$1$20')
  const sign = /^([+-]) ?(.+)$/.exec(rest) ?? /^()([^e]*?) ?-$/i.exec(rest)
  if (inner !== undefined) return { negative: true, rest }
  if (!sign) return { negative: false, rest }
  return { negative: sign[1] !== '+', rest: withoutAffix(sign[2] ?? '', affixes) }
}

function withoutAffix(text: string, affixes: readonly string[]): string {
  const lower = text.toLowerCase()
  const signed = /^[+-] ?/.exec(lower)?.[0] ?? ''
  const after = /^(.*?)\.?( ?-)?$/.exec(lower)
  for (const affix of affixes) {
    if (lower.startsWith(affix, signed.length)) {
      const rest = text.slice(signed.length + affix.length)
      // The point of "Fr.50" belongs to the sign, that of "$.50" to the number.
      if (!rest.startsWith('.') || !/\p{L}$/u.test(affix)) return signed + rest.trim()
      return /^[a-z]{3}$/.test(affix) ? text : signed + rest.slice(1).trim()
    }
    if (after?.[1]?.endsWith(affix))
      return text.slice(0, after[1].length - affix.length).trim() + (after[2] ?? '')
  }
  return text
}

/** Returns a number in plain digits; null where it is none. */
function readUnsigned(
  text: string,
  separator: DecimalSeparator,
  decimals: number | undefined,
): string | 'AMBIGUOUS' | null {
  if (/^\d+$/.test(text)) return text
  const scientific = SCIENTIFIC.exec(text)
  if (scientific) return `${(scientific[1] ?? '').replace(',', '.')}e${scientific[2]}`
  const spaced = SPACED.exec(text)
  if (spaced) return `${(spaced[1] ?? '').replace(/[ ']/g, '')}.${spaced[3] ?? '0'}`
  if (!/^[\d.,]+$/.test(text)) return null
  const last = Math.max(text.lastIndexOf('.'), text.lastIndexOf(','))
  const mark = text[last] === '.' ? '.' : ','
  const [whole, part] = [text.slice(0, last), text.slice(last + 1)]
  if (/[.,]/.test(whole)) {
    const group = mark === '.' ? ',' : '.'
    if (isGrouped(text, mark)) return text.replaceAll(mark, '')
    return isGrouped(whole, group) && part !== '' ? `${whole.replaceAll(group, '')}.${part}` : null
  }
  if (part === '') return mark === '.' && whole !== '' ? whole : null
  // No group of thousands begins with 0, has more than three digits, or is followed by other than 3.
  if (part.length !== 3 || !/^[1-9]\d{0,2}$/.test(whole)) return `${whole || '0'}.${part}`
  const programs = (mark === '.' && decimals === 3) || (mark === ',' && decimals === 0)
  if (separator === null && !programs) return 'AMBIGUOUS'
  return (mark === '.') === (separator !== 'COMMA') ? `${whole}.${part}` : whole + part
}

function isGrouped(text: string, mark: '.' | ','): boolean {
  return THOUSANDS[mark].test(text) || (mark === ',' && INDIAN.test(text))
}
