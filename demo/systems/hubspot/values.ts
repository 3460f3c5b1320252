import type { ObjectType, Property } from './objects.ts'
import { hasForm } from './records.ts'

/** A value that HubSpot refuses, as its list of invalid properties states it. */
export interface InvalidProperty {
  isValid: false
  message: string
  error: string
  name: string
}

/** Options of enumerations: other values are refused. */
const OPTIONS: ReadonlyMap<string, readonly string[]> = new Map([
  [
    'lifecyclestage',
    [
      ...['subscriber', 'lead', 'marketingqualifiedlead', 'salesqualifiedlead', 'opportunity'],
      ...['customer', 'evangelist', 'other'],
    ],
  ],
  [
    'dealstage',
    [
      ...['appointmentscheduled', 'qualifiedtobuy', 'presentationscheduled'],
      ...['decisionmakerboughtin', 'contractsent', 'closedwon', 'closedlost'],
    ],
  ],
])

const EMAIL = /^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/
const MS = /^-?\d{10,14}$/

/** Returns a value as HubSpot stores it: a text. Times in milliseconds become ISO texts. */
export function storedValue({ kind }: Property, value: unknown): string | null {
  const text = value === null ? '' : String(value)
  if (text === '') return null
  if ((kind !== 'date' && kind !== 'datetime') || !MS.test(text)) return text
  const iso = new Date(Number(text)).toISOString()
  return kind === 'date' ? iso.slice(0, 10) : iso
}

/** Returns what is wrong with the properties of a write. */
export function invalidProperties(
  type: ObjectType,
  properties: ReadonlyMap<string, unknown>,
): InvalidProperty[] {
  return [...properties].flatMap(([name, value]): InvalidProperty[] => {
    const invalid = (error: string, message: string): InvalidProperty[] => [
      { isValid: false, message, error, name },
    ]
    const property = type.properties.get(name)
    if (!property) return invalid('PROPERTY_DOESNT_EXIST', `Property "${name}" does not exist`)
    if (property.readOnly)
      return invalid(
        'READ_ONLY_VALUE',
        `"${name}" is a read only property; its value cannot be set.`,
      )
    const text = storedValue(property, value)
    if (text === null) return []
    const midnight = Number(text) % 86_400_000 === 0 || !MS.test(String(value))
    if (!hasForm(property.kind, text) || (property.kind === 'date' && !midnight))
      return invalid(
        `INVALID_${CODES.get(property.kind)}`,
        `${text} was not a valid ${property.kind}.`,
      )
    if (name === 'email' && !EMAIL.test(text))
      return invalid('INVALID_EMAIL', `Email address ${text} is invalid`)
    const options = OPTIONS.get(name)
    if (options && !options.includes(text))
      return invalid('INVALID_OPTION', `${text} was not one of the allowed options: ${options}`)
    return []
  })
}

const CODES = new Map([
  ['number', 'DOUBLE'],
  ['bool', 'BOOLEAN'],
  ['date', 'DATE'],
  ['datetime', 'DATE'],
])
