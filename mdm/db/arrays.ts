import { storableJson } from '../../schema/storable.ts'

/**
 * Array types for the driver, by their fixed oids. By default the driver reads them from the server
 * on a pool's first connection. If that connection is lost meanwhile, every array parameter of the
 * pool fails from then on.
 */
export const ARRAYS = {
  booleans: array(1000, (text) => text === 't'),
  integers: array(1007, Number),
  texts: array(1009, String),
  bigints: array(1016, Number),
  reals: array(1021, Number),
  doubles: array(1022, Number),
  dates: array(1182, String),
  moments: array(1185, (text) => new Date(text)),
  jsons: array(199, (text) => JSON.parse(text)),
  jsonbs: array(3807, (text) => JSON.parse(text)),
  uuids: array(2951, String),
}

function array(oid: number, read: (text: string) => unknown) {
  return {
    to: oid,
    from: [oid],
    // A string is an array literal already.
    serialize: (items: unknown) => (Array.isArray(items) ? literal(items) : items),
    parse: (text: string) => items(text, read),
  }
}

function literal(list: unknown[]): string {
  return `{${list.map(element).join(',')}}`
}

/** Most items are ids, which need no escapes. */
const ESCAPED = /["\\]/
const ESCAPED_ALL = /["\\]/g

function element(item: unknown): string {
  if (item === null || item === undefined) return 'null'
  if (typeof item === 'number') return String(item)
  const plain = item instanceof Date ? item.toISOString() : String(item)
  return ESCAPED.test(plain) ? `"${plain.replace(ESCAPED_ALL, '\\$&')}"` : `"${plain}"`
}

/**
 * Returns JSON documents as one text for `string_to_array($1, E'\\x1f', '')`; null and undefined
 * become null. JSON text has no control characters, so nothing is quoted here nor parsed there: a
 * third of the time that an array literal takes.
 */
export function documents(values: readonly unknown[]): string {
  return values.map((v) => (v === null || v === undefined ? '' : storableJson(v))).join('\x1f')
}

/** Returns the items of a one-dimensional array literal. */
function items(text: string, read: (text: string) => unknown): unknown[] {
  if (!text.includes('"')) {
    if (text === '{}') return []
    return text
      .slice(1, -1)
      .split(',')
      .map((item) => (item === 'NULL' ? null : read(item)))
  }
  return [...text.slice(1, -1).matchAll(/"((?:[^"\\]|\\.)*)"|([^,]+)/gs)].map(
    ([, quoted, plain]) =>
      quoted !== undefined
        ? read(quoted.replace(/\\(.)/gs, '$1'))
        : plain === 'NULL'
          ? null
          : read(plain ?? ''),
  )
}
