import { failAt, type Located } from '../../mapping/document.ts'
import { phoneParts } from './phoneParts.ts'
import { isTimeForm, type TimeForm, timeText } from './timeForm.ts'

/** A value of a placeholder: a text, a moment in microseconds since 1970, or a list. */
export type TemplateValue = string | number | bigint | readonly string[]

/** The values of a write: as JSON, and as the pairs of a form. */
export interface WrittenBody {
  json: Readonly<Record<string, unknown>>
  form: readonly (readonly [string, string])[]
}

/** The values with which a text is written; what is missing is empty. */
export interface TemplateValues {
  get(name: string): TemplateValue | undefined
  /** The form of moments for placeholders that state none. */
  times: TimeForm
  /** The values of a write, for its body. */
  body?: WrittenBody
  /** Headers of a write beside those of its request. */
  headers?: ReadonlyMap<string, string>
}

/** A placeholder of a text. */
interface Placeholder {
  name: string
  /** The form of a moment; null takes that of `times:`. */
  form: string | null
  filter: Filter | null
  /** The value where there is none. */
  fallback: string
}
type Part = string | Placeholder | { optional: Part[] }

export interface Template {
  text: string
  /** The names of its placeholders. */
  names: ReadonlySet<string>
  /** The names that stand outside of [[ ]]. */
  bare: ReadonlySet<string>
  /** Returns null where the text is one part [[ ]] that is left out. */
  render(values: TemplateValues, encode?: (text: string, name: string) => string): string | null
  /** The only placeholder of a text that is nothing else; null for any other text. */
  alone: { name: string; filter: string | null } | null
}

/** How a value is quoted for the language of its request. */
const FILTERS = {
  sql: (text: string) => `'${text.replaceAll("'", "''")}'`,
  odata: (text: string) => `'${text.replaceAll("'", "''")}'`,
  soql: (text: string) =>
    `'${text
      .replace(/[\\'"]/g, '\\$&')
      .replaceAll('\n', '\\n')
      .replaceAll('\r', '\\r')}'`,
  url: (text: string) => encodeURIComponent(text),
  json: (text: string) => JSON.stringify(text),
  upper: (text: string) => text.toUpperCase(),
  number: (text: string) => text,
  phoneNumber: (text: string) => phoneParts(text).number,
  phoneCountry: (text: string) => phoneParts(text).country,
} as const
type Filter = keyof typeof FILTERS

const PLACEHOLDER = /^\{([a-z][\w.]*)(?:\?([^{}:|]+))?(?::((?:'[^']*'|[^'{}|])+))?(?:\|(\w+))?\}/i

/**
 * Compiles a text with {placeholders}. A part in [[ ]] is left out where one of its placeholders is
 * empty; {name?text} is the text where the value is empty; {{ and }} are braces. `allowed` lists
 * the placeholders that have a value there. Throws ConfigError.
 */
export function compileTemplate(place: Located, allowed: ReadonlySet<string>): Template {
  const text = String(place.value)
  const names = new Set<string>()
  const bare = new Set<string>()
  const fail = (what: string): never => failAt(place, `${JSON.stringify(text)}: ${what}`)

  const read = (rest: string, inside: boolean): { parts: Part[]; rest: string } => {
    const parts: Part[] = []
    while (rest !== '') {
      if (rest.startsWith('{{') || rest.startsWith('}}')) {
        parts.push(rest[0] ?? '')
        rest = rest.slice(2)
      } else if (rest.startsWith('[[') && !inside) {
        const group = read(rest.slice(2), true)
        parts.push({ optional: group.parts })
        rest = group.rest
      } else if (rest.startsWith(']]') && inside) return { parts, rest: rest.slice(2) }
      else if (rest.startsWith('{')) {
        const found = PLACEHOLDER.exec(rest)
        if (!found)
          return fail(
            'a brace begins no placeholder; write {name}, {name|filter}, or {{ for a brace',
          )
        const [whole, name = '', fallback = '', form, filter] = found
        if (!allowed.has(name))
          fail(
            `{${name}} has no value here; ${allowed.size > 0 ? `there are ${[...allowed].map((a) => `{${a}}`).join(', ')}` : 'no placeholder has'}`,
          )
        if (filter !== undefined && !Object.hasOwn(FILTERS, filter))
          fail(`there is no filter "${filter}"; there are ${Object.keys(FILTERS).join(', ')}`)
        if (form !== undefined && !isTimeForm(form))
          fail(`"${form}" is no form of a time; write s, ms, us, iso, date or yyyy-MM-dd HH:mm:ss`)
        names.add(name)
        if (!inside && fallback === '') bare.add(name)
        parts.push({
          name,
          form: form ?? null,
          filter: (filter as Filter | undefined) ?? null,
          fallback,
        })
        rest = rest.slice(whole.length)
      } else {
        const next = rest.slice(1).search(/[{}[\]]/) + 1
        parts.push(next === 0 ? rest : rest.slice(0, next))
        rest = next === 0 ? '' : rest.slice(next)
      }
    }
    if (inside) fail('[[ is not closed by ]]')
    return { parts, rest }
  }

  const { parts } = read(text, false)
  const [only] = parts
  return {
    text,
    names,
    bare,
    alone:
      parts.length === 1 && typeof only === 'object' && 'name' in only && only.fallback === ''
        ? only
        : null,
    render: (values, encode = (value) => value) => {
      const leftOut = parts.length === 1 && typeof only === 'object' && 'optional' in only
      const written = renderParts(parts, values, encode)
      return leftOut && written === '' ? null : written
    },
  }
}

function renderParts(
  parts: readonly Part[],
  values: TemplateValues,
  encode: (text: string, name: string) => string,
): string {
  return parts
    .map((part) => {
      if (typeof part === 'string') return part
      if ('name' in part) return encode(written(part, values), part.name)
      const empty = namesIn(part.optional).some((p) => written(p, values) === '')
      return empty ? '' : renderParts(part.optional, values, encode)
    })
    .join('')
}

function namesIn(parts: readonly Part[]): Placeholder[] {
  return parts.flatMap((p) => (typeof p === 'object' && 'name' in p ? [p] : []))
}

function written({ name, form, filter, fallback }: Placeholder, values: TemplateValues): string {
  const given = values.get(name)
  const value = given === undefined || given === '' ? fallback : given
  const quote = filter ? FILTERS[filter] : (text: string) => text
  if (typeof value === 'bigint')
    return quote(timeText(value, { ...values.times, ...(form === null ? {} : { text: form }) }))
  if (typeof value === 'string' || typeof value === 'number')
    return value === '' ? '' : quote(String(value))
  return value.map(quote).join(',')
}
