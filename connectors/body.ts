import { allStorable } from '../schema/storable.ts'
import { bounds } from './bounds.ts'
import { MessageError } from './contract.ts'

/** Escapes that JSON allows and Postgres cannot store: NUL and lone surrogates. */
const SUSPECT = /\\u(?:0000|d[89a-f])/i
/**
 * Integers from 2^53 on lose digits as JavaScript numbers, so two ids could become one: they are
 * read as text. A number beyond all of JavaScript's would become Infinity, and null when it is
 * written again: it is read as text too.
 */
const LONG_NUMBER = /\d{16}|\de\+?\d{3}/i

/**
 * Parses a message's text as JSON within the bounds (connectors/bounds.ts). NUL and lone surrogates
 * become U+FFFD, in names too. Throws MessageError BROKEN_JSON, TOO_LARGE, TOO_DEEP or
 * TOO_MANY_ELEMENTS.
 */
export function parseBody(text: string): unknown {
  if (text.length > bounds.messageCharsMax)
    throw new MessageError(
      'TOO_LARGE',
      `the message has ${text.length} characters; at most ${bounds.messageCharsMax} are allowed`,
    )
  let value: unknown
  try {
    value = parseNumbers(text)
  } catch (e) {
    // Reading long numbers calls itself for each level.
    if (e instanceof RangeError) throw tooDeep()
    // The engine's message quotes the body, which may hold personal data: only the position is
    // kept.
    const at = /position \d+( \(line \d+ column \d+\))?/.exec(
      e instanceof Error ? e.message : '',
    )?.[0]
    throw new MessageError(
      'BROKEN_JSON',
      `the body is not valid JSON${at ? `: error at ${at}` : ''}`,
    )
  }
  checkBounds(value, 1)
  return SUSPECT.test(text) || !text.isWellFormed() ? allStorable(value) : value
}

/** Parses JSON; integers that JavaScript cannot hold become texts with all their digits. */
export function parseNumbers(text: string): unknown {
  return LONG_NUMBER.test(text) ? JSON.parse(text, keepLongNumbers) : JSON.parse(text)
}

/** Parses the body as one object. Throws MessageError NOT_AN_OBJECT for any other JSON. */
export function parseObject(text: string): Record<string, unknown> {
  const value = parseBody(text)
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw new MessageError(
      'NOT_AN_OBJECT',
      'the body is valid JSON but not an object: send one record or event',
    )
  return value as Record<string, unknown>
}

function keepLongNumbers(
  this: unknown,
  _key: string,
  value: unknown,
  context?: { source?: string },
): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
  if (!Number.isFinite(value)) return context?.source ?? String(value)
  if (!Number.isInteger(value)) return value
  return context?.source && /^-?\d+$/.test(context.source) ? context.source : value
}

function tooDeep(): MessageError {
  return new MessageError(
    'TOO_DEEP',
    `the body nests objects and arrays deeper than ${bounds.nestingLevelsMax} levels`,
  )
}

function checkBounds(value: unknown, level: number): void {
  if (value === null || typeof value !== 'object') return
  if (level > bounds.nestingLevelsMax) throw tooDeep()
  const parts: unknown[] = Array.isArray(value) ? value : Object.values(value)
  const partsMax = Array.isArray(value) ? bounds.arrayElementsMax : bounds.objectFieldsMax
  if (parts.length > partsMax)
    throw new MessageError(
      'TOO_MANY_ELEMENTS',
      `${Array.isArray(value) ? 'an array' : 'an object'} has ${parts.length} elements; at most ${partsMax} are allowed`,
    )
  for (const part of parts) checkBounds(part, level + 1)
}
