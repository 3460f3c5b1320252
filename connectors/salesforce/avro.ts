import { dataText } from '../../schema/kit/dataText.ts'
import { MessageError } from '../contract.ts'
import { isMap } from '../mapping/rule.ts'

type Fields = Record<string, unknown>

/** Avro's own types, which the JSON form of a union writes around a value: `{"string": "x"}`. */
const AVRO_TYPES = new Set([
  'string',
  'int',
  'long',
  'float',
  'double',
  'boolean',
  'bytes',
  'array',
])
/** The name of a record or enum with its namespace: `com.sforce.eventbus.Address`. */
const FULL_NAME = /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$/

/**
 * Returns a value without the type names that Avro's JSON form writes around values of unions. A
 * relay that prints events in this form sends `{"City": {"string": "Bonn"}}`.
 */
export function unwrapAvro(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map(unwrapAvro)
  const entries = Object.entries(value)
  const [only] = entries
  if (entries.length === 1 && only && isWrapper(only[0], only[1])) return unwrapAvro(only[1])
  return Object.fromEntries(entries.map(([name, v]) => [name, unwrapAvro(v)]))
}

/** Returns a row with its values unwrapped; its own names stay, whatever they look like. */
export function unwrapRow(row: Fields): Fields {
  if (!Object.values(row).some(isMap)) return row
  return Object.fromEntries(Object.entries(row).map(([name, v]) => [name, unwrapAvro(v)]))
}

/**
 * Returns a field of a change event without the wrapper of a record that has no namespace, as in
 * `{"Name": {"PersonName": {"LastName": "Kranz"}}}`. No field of a change event nests two levels
 * deep, so an object that holds only an object is such a wrapper.
 */
export function unwrapRecord(value: unknown): unknown {
  if (!isMap(value)) return value
  const [inner, ...more] = Object.values(value)
  return more.length === 0 && isMap(inner) ? inner : value
}

function isWrapper(name: string, value: unknown): boolean {
  if (AVRO_TYPES.has(name)) return name === 'array' ? Array.isArray(value) : !isMap(value)
  return FULL_NAME.test(name) && (isMap(value) || typeof value === 'string')
}

/** `0x40`, or `4-0x02` for the parts of the fifth field. */
const BITMAP = /^(?:(\d{1,4})-)?0x([0-9a-f]{1,512})$/i

/**
 * Returns the field names in a list of a change event's header (`changedFields`, `nulledFields`,
 * `diffFields`). In Avro they are bitmaps over the fields of the event's schema; `schema` is that
 * schema, as an object or as JSON. Throws MessageError for a bitmap without its schema: the names
 * cannot be known, and a field that was set to null would keep its old value.
 */
export function fieldNames(
  list: string,
  value: unknown,
  schema: unknown,
  object: string,
): string[] {
  const entries = Array.isArray(value) ? value.filter((v) => typeof v === 'string') : []
  return entries.flatMap((entry) => {
    const bitmap = BITMAP.exec(entry)
    if (!bitmap) return [entry]
    const refuse = (why: string): never => {
      throw new MessageError(
        'UNKNOWN_CHANGE',
        `${list} is the bitmap ${entry.slice(0, 80)}, ${why}: let the relay write field names, or send the event's Avro schema as schema:`,
        { object, field: list },
      )
    }
    const top = fieldsOf(schema)
    if (!top) return refuse('whose fields are unknown')
    const [, parent, hex = '0'] = bitmap
    if (parent === undefined) return selected(hex, top.map(nameOf)) ?? refuse('beyond the schema')
    const field = top[Number(parent)]
    const parts = fieldsOf(field?.type)
    if (!field || !parts) return refuse(`and field ${parent} of the schema has no parts`)
    return (
      selected(
        hex,
        parts.map((p) => `${nameOf(field)}.${nameOf(p)}`),
      ) ?? refuse('beyond the schema')
    )
  })
}

/** Returns the names at the bits that are set, the lowest bit first; null beyond the names. */
function selected(hex: string, names: readonly string[]): string[] | null {
  const bits = BigInt(`0x${hex}`)
  if (bits >> BigInt(names.length) !== 0n) return null
  return names.filter((_, i) => (bits >> BigInt(i)) & 1n)
}

/** Returns the fields of an Avro record, also of one in a union or printed as text; else null. */
function fieldsOf(schema: unknown): Fields[] | null {
  if (Array.isArray(schema)) return schema.map(fieldsOf).find((fields) => fields !== null) ?? null
  if (typeof schema === 'string') return schema.startsWith('{') ? fieldsOf(parsed(schema)) : null
  if (!isMap(schema)) return null
  const { fields } = schema
  if (Array.isArray(fields)) return fields.filter(isMap)
  return isMap(schema.type) || Array.isArray(schema.type) ? fieldsOf(schema.type) : null
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // A schema that cannot be read is none: the bitmaps then say so.
    return null
  }
}

function nameOf(field: Fields): string {
  return dataText(field.name ?? '')
}
