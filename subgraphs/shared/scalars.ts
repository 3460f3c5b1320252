import { GraphQLError, GraphQLScalarType, Kind, valueFromASTUntyped } from 'graphql'

const DAY = /^\d{4}-\d{2}-\d{2}$/
/** A moment of RFC 3339, in which the seconds may be left out. */
const MOMENT =
  /^(\d{4}-\d{2}-\d{2})T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})$/

/** Postgres and ISO 8601 have no other years without an agreement about their form. */
const FIRST_YEAR = '0001'

function bad(message: string): never {
  throw new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } })
}

function parseDay(value: unknown): string {
  if (typeof value !== 'string' || !DAY.test(value))
    return bad('a Date is a text like "2026-03-01"')
  return isDay(value) && value >= FIRST_YEAR ? value : bad(`${value} is not a day of the calendar`)
}

/** Date moves a day that a month does not have, as 30 February, into the next month. */
function isDay(text: string): boolean {
  const at = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(at.getTime()) && at.toISOString().slice(0, 10) === text
}

function parseMoment(value: unknown): string {
  const text = typeof value === 'string' ? value : ''
  const day = MOMENT.exec(text)?.[1]
  const at = new Date(text)
  if (day === undefined || Number.isNaN(at.getTime()))
    return bad('a DateTime is a text like "2026-03-01T09:30:00Z", with its offset')
  if (!isDay(day)) return bad(`${day} is not a day of the calendar`)
  const utc = at.toISOString()
  // The offset may lead beyond: then the year has a sign.
  return /^\d/.test(utc) && utc >= FIRST_YEAR
    ? utc
    : bad(`${text} is not in the years 0001 to 9999 in UTC`)
}

function parseMinorUnits(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value))
    return bad('MinorUnits is a whole number up to 2^53, in the smallest unit of the currency')
  return value
}

/**
 * Calendar dates stay text from source to response; a value with another format is returned
 * unchanged.
 */
export const DateScalar = new GraphQLScalarType<string, string>({
  name: 'Date',
  serialize: (value) => String(value),
  parseValue: parseDay,
  parseLiteral: (node) => parseDay(node.kind === Kind.STRING ? node.value : null),
})

export const DateTimeScalar = new GraphQLScalarType<string, string>({
  name: 'DateTime',
  serialize: (value) => (value instanceof Date ? value.toISOString() : String(value)),
  parseValue: parseMoment,
  parseLiteral: (node) => parseMoment(node.kind === Kind.STRING ? node.value : null),
})

export const JsonScalar = new GraphQLScalarType<unknown, unknown>({
  name: 'JSON',
  serialize: (value) => value,
  parseValue: withExactNumbers,
  parseLiteral: (node, variables) => withExactNumbers(valueFromASTUntyped(node, variables)),
})

/**
 * Rejects numbers that have lost digits: another value than the one that was sent would be stored.
 */
function withExactNumbers(value: unknown): unknown {
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value))
    return bad('a whole number beyond 2^53 loses digits; write it as a text')
  if (typeof value === 'number' && !Number.isFinite(value)) return bad('a number of JSON is finite')
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(withExactNumbers)
  return value
}

export const MinorUnitsScalar = new GraphQLScalarType<number, number>({
  name: 'MinorUnits',
  serialize: parseMinorUnits,
  parseValue: parseMinorUnits,
  parseLiteral: (node) => parseMinorUnits(node.kind === Kind.INT ? Number(node.value) : null),
})

export const scalars = {
  Date: DateScalar,
  DateTime: DateTimeScalar,
  JSON: JsonScalar,
  MinorUnits: MinorUnitsScalar,
}
