import type { ParquetParsers } from 'hyparquet'
import { createDictionary, type Dictionary } from '../../../schema/kit/dictionary.ts'
import type { ParquetNode } from './parquetSchema.ts'

/** A value that is not what its column states, as bytes that are not UTF-8. */
export class UnreadableValue {
  readonly reason: string
  constructor(reason: string) {
    this.reason = reason
  }
}

export type ParquetValue = string | number | boolean | ParquetValue[] | Dictionary<ParquetValue>

const NOT_TEXT = new UnreadableValue('bytes that are not UTF-8 text')
const NOT_A_TIME = new UnreadableValue('a time outside of the years 0 to 9999')
const NOT_JSON = new UnreadableValue('a text that is not JSON')

const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Returns the text of bytes. The default of hyparquet replaces what it cannot decode. */
function textOf(bytes: Uint8Array): string | UnreadableValue {
  try {
    return text.decode(bytes)
  } catch (e) {
    if (!(e instanceof TypeError)) throw e
    return NOT_TEXT
  }
}

/** Returns the day of a moment, with its time unless that is midnight, in UTC. */
function timeOf(millis: number): string | UnreadableValue {
  const date = new Date(millis)
  const year = date.getUTCFullYear()
  if (!(year >= 0 && year <= 9999)) return NOT_A_TIME
  const iso = date.toISOString()
  return iso.endsWith('T00:00:00.000Z') ? iso.slice(0, 10) : iso
}

/** Integers may come as numbers where the column is a dictionary of 32 bits. */
const millisOf = (value: bigint | number, perMilli: bigint) =>
  timeOf(Number(BigInt(value) / perMilli))

/** Parsers that keep what a text can say and mark what it cannot. */
export const PARSERS: Partial<ParquetParsers> = {
  stringFromBytes: (bytes) => bytes && textOf(bytes),
  jsonFromBytes: (bytes) => {
    if (!bytes) return undefined
    const json = textOf(bytes)
    if (typeof json !== 'string') return json
    try {
      return JSON.parse(json) as unknown
    } catch (e) {
      if (!(e instanceof SyntaxError)) throw e
      return NOT_JSON
    }
  },
  dateFromDays: (days) => timeOf(days * 86_400_000),
  timestampFromMilliseconds: (millis) => millisOf(millis, 1n),
  timestampFromMicroseconds: (micros) => millisOf(micros, 1_000n),
  timestampFromNanoseconds: (nanos) => millisOf(nanos, 1_000_000n),
}

/** Returns a value as JSON could hold it; null for none. */
export function plainValue(
  value: unknown,
  node: ParquetNode,
): ParquetValue | UnreadableValue | null {
  if (value === null || value === undefined) return null
  if (value instanceof UnreadableValue) return value
  switch (node.kind) {
    case 'DECIMAL':
      return decimalText(value, node.scale)
    case 'FLOAT':
      return typeof value === 'number' ? shortFloat(value) : scalarOf(value)
    case 'LIST':
      return listOf(Array.isArray(value) ? value : [value], node)
    case 'STRUCTURE':
      return structureOf(value as object, node)
    default:
      return scalarOf(value)
  }
}

/** Returns a value without a declared structure: a number, a text, or what JSON holds. */
function scalarOf(value: unknown): ParquetValue | UnreadableValue | null {
  if (typeof value === 'string' || typeof value === 'boolean') return value
  // Data frames write NaN where they have no value.
  if (typeof value === 'number') return Number.isFinite(value) ? value : null
  if (typeof value === 'bigint')
    return BigInt(Number(value)) === value && Number.isSafeInteger(Number(value))
      ? Number(value)
      : String(value)
  if (value instanceof Uint8Array) return textOf(value)
  if (value === null || value === undefined) return null
  if (Array.isArray(value)) return listOf(value, { kind: 'LIST', name: '', scale: 0, children: [] })
  const object = createDictionary<ParquetValue>()
  for (const [name, member] of Object.entries(value)) {
    const plain = scalarOf(member)
    if (plain instanceof UnreadableValue) return plain
    if (plain !== null) object[name] = plain
  }
  return object
}

function listOf(values: readonly unknown[], node: ParquetNode): ParquetValue[] | UnreadableValue {
  const [element] = node.children
  const list: ParquetValue[] = []
  for (const member of values) {
    const plain = element ? plainValue(member, element) : scalarOf(member)
    if (plain instanceof UnreadableValue) return plain
    if (plain !== null) list.push(plain)
  }
  return list
}

function structureOf(value: object, node: ParquetNode): Dictionary<ParquetValue> | UnreadableValue {
  const members = new Map(Object.entries(value))
  const object = createDictionary<ParquetValue>()
  for (const child of node.children) {
    const plain = plainValue(members.get(child.name), child)
    if (plain instanceof UnreadableValue) return plain
    if (plain !== null) object[child.name] = plain
  }
  return object
}

/** Returns a decimal with all its digits: 12345678901234567.89 is no number in JavaScript. */
function decimalText(value: unknown, scale: number): string | UnreadableValue {
  const unscaled = value instanceof Uint8Array ? signedInteger(value) : integerOf(value)
  if (unscaled === null) return new UnreadableValue('a decimal that is no whole number')
  if (scale <= 0) return String(unscaled * 10n ** BigInt(-scale))
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

function integerOf(value: unknown): bigint | null {
  if (typeof value === 'bigint') return value
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : null
}

/** Reads bytes as a whole number in two's complement, the most significant byte first. */
function signedInteger(bytes: Uint8Array): bigint {
  let value = 0n
  for (const byte of bytes) value = value * 256n + BigInt(byte)
  return bytes.length > 0 ? BigInt.asIntN(bytes.length * 8, value) : 0n
}

/** Returns the shortest number that has the same single precision: 0.1, not 0.10000000149. */
function shortFloat(value: number): number | null {
  if (!Number.isFinite(value)) return null
  for (let digits = 6; digits <= 9; digits++) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === value) return short
  }
  return value
}
