import { bounds } from './bounds.ts'
import { MessageError } from './contract.ts'

/** Escapes of what JSON text may hold and Postgres cannot: NUL and halves of surrogate pairs. */
const SUSPECT = /\\u(?:0000|d[89a-f])/i
/** Whole numbers from 2^53 on lose digits as JavaScript numbers, so two ids would become one: they are read as text. */
const LONG_NUMBER = /\d{16}/

/**
 * A message's text as JSON, within the bounds (connectors/bounds.ts). NUL and lone surrogates become U+FFFD everywhere,
 * in names too, always in the same way. Throws MessageError BROKEN_JSON, TOO_LARGE, TOO_DEEP, TOO_MANY_ELEMENTS.
 */
export function parseBody(text: string): unknown {
  if (text.length > bounds.messageCharsMax)
    throw new MessageError('TOO_LARGE', `${text.length} characters; a message may have ${bounds.messageCharsMax}`)
  let value: unknown
  try {
    value = LONG_NUMBER.test(text) ? JSON.parse(text, keepLongNumbers) : JSON.parse(text)
  } catch (e) {
    // The engine's own words quote the body, which may hold personal data; only the place is said.
    const at = /position \d+( \(line \d+ column \d+\))?/.exec(e instanceof Error ? e.message : '')?.[0]
    throw new MessageError('BROKEN_JSON', `the body is no JSON${at ? `: it breaks off or goes wrong at ${at}` : ''}`)
  }
  checkBounds(value, 1)
  return SUSPECT.test(text) || !text.isWellFormed() ? cleaned(value) : value
}

/** The body as one object. */
export function parseObject(text: string): Record<string, unknown> {
  const value = parseBody(text)
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw new MessageError('NOT_AN_OBJECT', 'the body is JSON but no object: one record or event is expected')
  return value as Record<string, unknown>
}

/** Text without NUL and lone surrogates. */
export function cleanText(text: string): string {
  return text.toWellFormed().replaceAll('\u0000', '\ufffd')
}

function keepLongNumbers(this: unknown, _key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || !Number.isInteger(value)) return value
  return context?.source && /^-?\d+$/.test(context.source) ? context.source : value
}

function checkBounds(value: unknown, level: number): void {
  if (value === null || typeof value !== 'object') return
  if (level > bounds.nestingLevelsMax)
    throw new MessageError('TOO_DEEP', `more than ${bounds.nestingLevelsMax} levels of objects and arrays`)
  const parts: unknown[] = Array.isArray(value) ? value : Object.values(value)
  const partsMax = Array.isArray(value) ? bounds.arrayElementsMax : bounds.objectFieldsMax
  if (parts.length > partsMax)
    throw new MessageError(
      'TOO_MANY_ELEMENTS',
      `${Array.isArray(value) ? 'an array' : 'an object'} has ${parts.length} elements; at most ${partsMax} are allowed`,
    )
  for (const part of parts) checkBounds(part, level + 1)
}

function cleaned(value: unknown): unknown {
  if (typeof value === 'string') return cleanText(value)
  if (Array.isArray(value)) return value.map(cleaned)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [cleanText(k), cleaned(v)]))
}
