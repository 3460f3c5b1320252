import { dataText } from '../../../schema/kit/dataText.ts'
import { createDictionary, ownValue } from '../../../schema/kit/dictionary.ts'
import { isMap } from '../../mapping/rule.ts'
import type { PageTarget } from '../definition/pages.ts'
import type { JsonTemplate, RequestTemplate } from '../definition/request.ts'
import type { Template, TemplateValues } from '../definition/template.ts'
import type { HttpRequest } from './exchange.ts'

/** A value that a page adds to its request. */
export interface PageMark extends PageTarget {
  value: string | number
}

/** Names whose values are part of an address and not of a path. */
export interface AddressParts {
  base: string
  /** Placeholders that are inserted into a path as they are: settings, and parts of the sign-in. */
  isPlain(name: string): boolean
}

/** The name under which the values of a write stand beside others. */
const SPREAD = '...'
const LEFT_OUT = Symbol('left out')

/** Writes a request with its values. */
export function renderRequest(
  template: RequestTemplate,
  { base, isPlain }: AddressParts,
  values: TemplateValues,
  mark: PageMark | null = null,
): HttpRequest {
  const path = template.path.render(values, (text, name) =>
    isPlain(name) ? text : encodeURIComponent(text),
  )
  const url = new URL(/^https?:\/\//.test(path ?? '') ? (path ?? '') : `${base}${path ?? ''}`)
  const query = pairsOf(template.query, values)
  const headers = new Map<string, string>()
  for (const [name, text] of template.headers) {
    const value = text.render(values)
    if (value !== null) headers.set(name, value)
  }
  for (const [name, value] of values.headers ?? []) headers.set(name, value)
  const form = template.body?.as === 'form' ? pairsOf(template.body.form, values) : null
  if (form && values.body) form.push(...values.body.form.map(([n, v]): Pair => [n, v]))
  let json: unknown = template.body?.as === 'json' ? jsonOf(template.body.json, values) : undefined
  if (mark?.in === 'query') replace(query, mark)
  if (mark?.in === 'form' && form) replace(form, mark)
  if (mark?.in === 'header') headers.set(mark.name.toLowerCase(), String(mark.value))
  if (mark?.in === 'json')
    json = { ...(json as Record<string, unknown> | undefined), [mark.name]: mark.value }

  const added = query.map(pairText).join('&')
  if (added !== '') url.search = url.search === '' ? added : `${url.search.slice(1)}&${added}`
  let body: string | null = null
  if (form) {
    body = form.map(pairText).join('&')
    setDefault(headers, 'content-type', 'application/x-www-form-urlencoded')
  } else if (json !== undefined) {
    body = JSON.stringify(json)
    setDefault(headers, 'content-type', 'application/json')
  } else if (template.body?.as === 'text') {
    body = template.body.text.render(values) ?? ''
    setDefault(headers, 'content-type', 'text/plain; charset=utf-8')
  }
  return { method: template.method, url, headers: Object.fromEntries(headers), body }
}

type Pair = [name: string, value: string]

function pairsOf(given: ReadonlyMap<string, readonly Template[]>, values: TemplateValues): Pair[] {
  return [...given].flatMap(([name, texts]) =>
    texts.flatMap((text): Pair[] => {
      const listed = text.alone ? values.get(text.alone.name) : undefined
      if (Array.isArray(listed) && text.alone?.name === 'types')
        return listed.map((one: string): Pair => [name, one])
      const value = text.render(values)
      return value === null ? [] : [[name, value]]
    }),
  )
}

function replace(pairs: Pair[], { name, value }: PageMark): void {
  const at = pairs.findIndex(([n]) => n === name)
  if (at < 0) pairs.push([name, String(value)])
  else pairs[at] = [name, String(value)]
}

/** Encodes a pair; systems differ about a plus sign, so a space is %20. $ is part of OData's names. */
function pairText([name, value]: Pair): string {
  return `${encodeURIComponent(name).replaceAll('%24', '$')}=${encodeURIComponent(value)}`
}

function setDefault(map: Map<string, string>, key: string, value: string): void {
  if (!map.has(key)) map.set(key, value)
}

/** Returns a body with the values of its templates; undefined where all of it is left out. */
export function jsonOf(json: JsonTemplate, values: TemplateValues): unknown {
  const made = jsonValue(json, values)
  const isMade = json !== null && typeof json === 'object' && 'map' in json
  if (made === LEFT_OUT && !isMade) return undefined
  const value = made === LEFT_OUT ? {} : made
  return values.body && !placesValues(json) ? joined(value, values.body.json) : value
}

/** Returns whether the body says where the values of a write stand. */
function placesValues(json: JsonTemplate): boolean {
  if (json === null || typeof json !== 'object') return false
  if ('list' in json) return json.list.some(placesValues)
  if ('map' in json) return [...json.map.values()].some(placesValues)
  return json.alone?.name === 'values'
}

/** Adds values to the fixed part of a body. What is written counts before what is fixed. */
function joined(fixed: unknown, added: unknown): unknown {
  if (!isMap(fixed) || !isMap(added)) return added
  const out = createDictionary<unknown>()
  for (const [name, value] of Object.entries(fixed)) out[name] = value
  for (const [name, value] of Object.entries(added)) {
    const before = ownValue(out, name)
    out[name] = before === undefined ? value : joined(before, value)
  }
  return out
}

function jsonValue(json: JsonTemplate, values: TemplateValues): unknown {
  if (json === null || typeof json !== 'object') return json
  if ('list' in json) return listOf(json.list, values)
  if ('map' in json) {
    const entries = [...json.map].flatMap(([name, one]): [string, unknown][] => {
      const value = jsonValue(one, values)
      return name === SPREAD && isMap(value) ? Object.entries(value) : [[name, value]]
    })
    const left = entries.filter(([, value]) => value !== LEFT_OUT)
    // A reference without its id is none: {"subsidiary": {"id": "[[{subsidiary}]]"}}.
    return left.length === 0 && entries.length > 0 ? LEFT_OUT : Object.fromEntries(left)
  }
  const { alone } = json
  if (alone?.name === 'values' && values.body) return values.body.json
  const whole = alone ? values.get(alone.name) : undefined
  if (Array.isArray(whole) && alone?.filter === null) return whole
  if (typeof whole === 'number') return whole
  const text = json.render(values)
  if (text === null) return LEFT_OUT
  return alone?.filter === 'number' ? Number(text) : text
}

function listOf(list: readonly JsonTemplate[], values: TemplateValues): unknown[] {
  const [only] = list
  const ids = values.get('ids')
  if (list.length === 1 && only !== undefined && usesEach(only) && Array.isArray(ids))
    return ids.map((id: string) =>
      jsonValue(only, { ...values, get: (name) => (name === 'each' ? id : values.get(name)) }),
    )
  return list.flatMap((one) => {
    const value = jsonValue(one, values)
    const lost =
      value === LEFT_OUT ||
      (one !== null &&
        typeof one === 'object' &&
        'map' in one &&
        one.map.size > Object.keys(value as object).length)
    // A list within a list is its parts: ["{fields}", "{more}"].
    return lost ? [] : isPlaceholder(one) && Array.isArray(value) ? value : [value]
  })
}

function isPlaceholder(json: JsonTemplate): boolean {
  return json !== null && typeof json === 'object' && 'alone' in json && json.alone !== null
}

function usesEach(json: JsonTemplate): boolean {
  if (json === null || typeof json !== 'object') return false
  if ('list' in json) return json.list.some(usesEach)
  if ('map' in json) return [...json.map.values()].some(usesEach)
  return json.names.has('each')
}

/** Returns a value of an answer as the text that a request can carry; null where it has none. */
export function markText(value: unknown): string | number | null {
  if (typeof value === 'number') return value
  if (value === null || value === undefined || typeof value === 'object') return null
  const text = dataText(value)
  return text === '' || value === false ? null : text
}
