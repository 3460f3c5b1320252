import { z } from 'zod'
import { failAt, type Located } from '../mapping/document.ts'
import { isMap } from '../mapping/rule.ts'
import { parseShape } from './parseShape.ts'

// biome-ignore lint/suspicious/noThenProperty: a word of the mapping language, and no method
export const thenFields = { then: z.enum(['whole', 'partial', 'read']).optional() }

const schema = z.strictObject({ verify: z.unknown().optional(), ...thenFields })

/**
 * Returns whether events are hints: the record that one names is read again where the system can be
 * asked.
 */
export function isThenRead(events: Located | null): boolean {
  return events !== null && isMap(events.value) && events.value.then === 'read'
}

/**
 * Returns whether `events:` has only `then:` and perhaps `verify:`, so that the kind reads its events
 * as without a definition. Throws ConfigError for a word that needs a definition.
 */
export function hasThenAlone(events: Located): boolean {
  const { value } = events
  if (!isMap(value) || !Object.hasOwn(value, 'then')) return false
  if (Object.keys(value).some((key) => !Object.hasOwn(schema.shape, key))) return false
  if (parseShape(schema, events, 'events').then === 'partial')
    failAt(events, 'then: partial needs object: and operation: beside it', ['then'])
  return true
}
