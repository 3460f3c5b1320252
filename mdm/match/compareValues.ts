import type { Agreement } from './compareName.ts'
import type {
  DateParts,
  DomainFeature,
  EmailFeature,
  IdentifierFeature,
  PriceFeature,
  ValueFeature,
} from './featureTypes.ts'
import { editDistance, jaroWinkler } from './similarity.ts'

const EMAIL = {
  EQUAL: 0,
  NEAR: 1,
  LOCAL: 2,
  DOMAIN: 3,
  SIMILAR: 4,
  DIFFERENT: 5,
  SURNAME: 6,
} as const
/** A role of mailboxes, as EmailFeature has them. */
const OF_SURNAME = 3

/** Addresses with more edits than this, or than this share of their length, are different. */
const EMAIL_EDITS_MAX = 5
const EMAIL_EDITS_SHARE = 0.3

/**
 * Compares two email addresses. A shared public mail domain is no evidence (its bits are near
 * zero). A mailbox of a function, such as info@, is shared by all who have the domain, however few.
 */
export function compareEmails(a: EmailFeature, b: EmailFeature, out: Agreement): void {
  out.bits = Math.min(a[2], b[2])
  if (a[0] === b[0] && a[1] === b[1]) {
    const ofSurname = a[4] === OF_SURNAME || b[4] === OF_SURNAME
    const shared = !ofSurname && a[4] > 0 && b[4] > 0 && a[3] > 0
    out.level = ofSurname ? EMAIL.SURNAME : shared ? EMAIL.DOMAIN : EMAIL.EQUAL
    if (shared) out.bits = a[3]
    return
  }
  const longest = Math.max(a[0].length + a[1].length, b[0].length + b[1].length) + 1
  const limit = Math.min(EMAIL_EDITS_MAX, Math.floor(longest * EMAIL_EDITS_SHARE))
  // The two sides of the @ are compared separately: nearly the distance of the whole, and the first
  // side mostly decides.
  const localEdits = editDistance(a[0], b[0], limit)
  const edits = localEdits > limit ? localEdits : localEdits + editDistance(a[1], b[1], limit)
  const role = a[4] === 1 || b[4] === 1
  const sameLocal = a[0] === b[0] && a[0].length >= 4 && !role
  const sameDomain = a[1] === b[1]
  if (role) {
    if (sameDomain && a[3] > 3) out.level = EMAIL.DOMAIN
    else
      out.level = a[0] === b[0] && editDistance(a[1], b[1], 1) <= 1 ? EMAIL.NEAR : EMAIL.DIFFERENT
  } else if (edits <= 2 && !(sameDomain && differOnlyInDigits(a[0], b[0]))) out.level = EMAIL.NEAR
  else if (sameLocal) out.level = edits <= 4 ? EMAIL.NEAR : EMAIL.LOCAL
  else if (sameDomain && a[3] > 3) out.level = EMAIL.DOMAIN
  else out.level = edits <= limit ? EMAIL.SIMILAR : EMAIL.DIFFERENT
  if (out.level === EMAIL.DOMAIN) out.bits = a[3]
}

/** smith81@ and smith82@ are two people, not a typing error. */
function differOnlyInDigits(a: string, b: string): boolean {
  return a.replace(/\d/g, '') === b.replace(/\d/g, '')
}

const PHONE = { EQUAL: 0, NEAR: 1, EXCHANGE: 2, DIFFERENT: 3 } as const

/**
 * Compares two phone numbers. A number without its country equals one with it if the national
 * digits are the same.
 */
export function comparePhones(a: ValueFeature, b: ValueFeature, out: Agreement): void {
  out.bits = Math.min(a[1], b[1])
  const one = a[0]
  const other = b[0]
  if (one === other || isSameNationalNumber(one, other)) out.level = PHONE.EQUAL
  else if (editDistance(one, other, 1) <= 1) out.level = PHONE.NEAR
  else if (one.length === other.length && one.length > 4 && other.startsWith(one.slice(0, -4)))
    out.level = PHONE.EXCHANGE
  else out.level = PHONE.DIFFERENT
}

function isSameNationalNumber(a: string, b: string): boolean {
  if (a.startsWith('+') && b.startsWith('+')) return false
  const short = a.length < b.length ? a : b
  const long = a.length < b.length ? b : a
  return short.length >= 7 && !short.startsWith('+') && long.endsWith(short)
}

const DOMAIN = { EQUAL: 0, LABEL: 1, DIFFERENT: 2 } as const

/** Compares two registrable domains. */
export function compareDomains(a: DomainFeature, b: DomainFeature, out: Agreement): void {
  out.bits = Math.min(a[2], b[2])
  out.level =
    a[0] === b[0]
      ? DOMAIN.EQUAL
      : a[1] === b[1] && a[1].length >= 4
        ? DOMAIN.LABEL
        : DOMAIN.DIFFERENT
}

const BIRTH = { EQUAL: 0, NEAR: 1, TWO_PARTS: 2, YEAR: 3, DECADE: 4, DIFFERENT: 5 } as const
const DAY_MS = 86_400_000

function days(a: DateParts, b: DateParts): number {
  return (
    Math.abs(
      Date.UTC(a[0], Math.max(0, a[1] - 1), a[2] || 1) -
        Date.UTC(b[0], Math.max(0, b[1] - 1), b[2] || 1),
    ) / DAY_MS
  )
}

function digits(date: DateParts): string {
  return String(date[0] * 10_000 + date[1] * 100 + date[2])
}

/** Returns whether the digits of two dates differ by one edit at most. */
function areNearlyEqual(a: DateParts, b: DateParts): boolean {
  // One edit of two dates of eight digits leaves a part unchanged.
  const equalLengths = a[0] >= 1000 && b[0] >= 1000 && a[0] <= 9999 && b[0] <= 9999
  if (equalLengths && a[0] !== b[0] && a[1] !== b[1] && a[2] !== b[2]) return false
  return editDistance(digits(a), digits(b), 1) <= 1
}

/**
 * Compares two dates of birth. A date without day or month equals one that has them if the rest is
 * equal.
 */
export function compareBirths(a: DateParts, b: DateParts, out: Agreement): void {
  out.bits = Number.NaN
  const year = a[0] === b[0]
  const month = a[1] === b[1] && a[1] > 0
  const day = a[2] === b[2] && a[2] > 0
  if (year && month && day) out.level = BIRTH.EQUAL
  else if ((year && a[1] === b[2] && a[2] === b[1]) || areNearlyEqual(a, b)) out.level = BIRTH.NEAR
  else if (Number(year) + Number(month) + Number(day) === 2) out.level = BIRTH.TWO_PARTS
  else if (year && (a[1] === 0 || b[1] === 0)) out.level = BIRTH.TWO_PARTS
  else {
    const apart = days(a, b)
    out.level = apart <= 366 ? BIRTH.YEAR : apart <= 3660 ? BIRTH.DECADE : BIRTH.DIFFERENT
  }
}

const DATE = { EQUAL: 0, NEAR: 1, WEEK: 2, MONTH: 3, YEAR: 4, DIFFERENT: 5 } as const

/** Compares two dates other than dates of birth: nearness in time counts. */
export function compareDates(a: DateParts, b: DateParts, out: Agreement): void {
  out.bits = Number.NaN
  const apart = days(a, b)
  if (apart === 0) out.level = DATE.EQUAL
  else if ((a[0] === b[0] && a[1] === b[2] && a[2] === b[1]) || (apart > 7 && areNearlyEqual(a, b)))
    out.level = DATE.NEAR
  else
    out.level =
      apart <= 7 ? DATE.WEEK : apart <= 31 ? DATE.MONTH : apart <= 366 ? DATE.YEAR : DATE.DIFFERENT
}

/**
 * Levels of the column "identifier". The engine makes a conflict of DIFFERENT if check digits are
 * right.
 */
export const IDENTIFIER = { EQUAL: 0, NEAR: 1, OTHER_SCHEME: 2, DIFFERENT: 3 } as const

/**
 * Compares two identifiers; only identifiers of one scheme can differ. VAT numbers of two countries
 * count as one scheme: they are two taxpayers far more often than one.
 */
export function compareIdentifiers(
  a: IdentifierFeature,
  b: IdentifierFeature,
  out: Agreement,
): void {
  out.bits = Math.min(a[3], b[3])
  if (a[1] === b[1]) out.level = IDENTIFIER.EQUAL
  else if (
    !(a[2] && b[2]) &&
    Math.min(a[1].length, b[1].length) >= 6 &&
    !areConsecutive(a[1], b[1]) &&
    editDistance(a[1], b[1], 1) <= 1
  )
    out.level = IDENTIFIER.NEAR
  else
    out.level =
      a[0] === b[0] ||
      (a[0].startsWith('VAT:') && b[0].startsWith('VAT:')) ||
      mayBeGtinByChance(a, b) ||
      mayBeGtinByChance(b, a)
        ? IDENTIFIER.DIFFERENT
        : IDENTIFIER.OTHER_SCHEME
}

/** One number in ten has the check digit of a GTIN; beside plain numbers of its length it is one too. */
function mayBeGtinByChance(gtin: IdentifierFeature, plain: IdentifierFeature): boolean {
  return gtin[0] === 'GTIN' && plain[0] === `D${gtin[1].replace(/^0+/, '').length}`
}

/** Numbers issued one after the other differ in their last digits; that is no typing error. */
function areConsecutive(a: string, b: string): boolean {
  return a.length === b.length && a.slice(0, -2) === b.slice(0, -2) && /^\d\d$/.test(a.slice(-2))
}

/** Compares two values as wholes: categories and the like. */
export function compareCategories(a: ValueFeature, b: ValueFeature, out: Agreement): void {
  out.bits = Math.min(a[1], b[1])
  const isNear =
    isInitialOf(a[0], b[0]) ||
    isInitialOf(b[0], a[0]) ||
    (a[0].length > 4 && jaroWinkler(a[0], b[0]) > 0.9)
  out.level = a[0] === b[0] ? 0 : isNear ? 1 : 2
}

/** Returns whether one value is the first letter of the other: "f" of "female". */
function isInitialOf(letter: string, word: string): boolean {
  return letter.length === 1 && word.length > 1 && word.startsWith(letter)
}

/** Compares two references to golden records. */
export function compareReferences(a: ValueFeature, b: ValueFeature, out: Agreement): void {
  out.bits = Math.min(a[1], b[1])
  out.level = a[0] === b[0] ? 0 : 1
}

/**
 * Compares two prices by their ratio. Prices in different currencies cannot be compared and get the
 * level "within half".
 */
export function comparePrices(a: PriceFeature, b: PriceFeature, out: Agreement): void {
  out.bits = Number.NaN
  if (a[1] && b[1] && a[1] !== b[1]) {
    out.level = 4
    return
  }
  const ratio = Math.min(a[0], b[0]) / Math.max(a[0], b[0])
  out.level =
    ratio > 0.9999
      ? 0
      : ratio >= 0.98
        ? 1
        : ratio >= 0.9
          ? 2
          : ratio >= 0.7
            ? 3
            : ratio >= 0.5
              ? 4
              : 5
}

/** Whole numbers in this range are taken for years. */
const YEAR_MIN = 1500
const YEAR_MAX = 2100

function isYear(number: number): boolean {
  return Number.isInteger(number) && number >= YEAR_MIN && number <= YEAR_MAX
}

/** Compares two numbers by their ratio, and years by their distance: the ratio of any two is near 1. */
export function compareNumbers(a: number, b: number, out: Agreement): void {
  out.bits = Number.NaN
  const difference = Math.abs(a - b)
  const apart = difference / Math.max(Math.abs(a), Math.abs(b), 1e-9)
  if (isYear(a) && isYear(b)) out.level = difference === 0 ? 0 : difference === 1 ? 1 : 3
  else out.level = apart < 1e-6 ? 0 : apart <= 0.02 ? 1 : apart <= 0.1 ? 2 : 3
}
