import { dataText } from '../../../schema/kit/dataText.ts'
import { createDictionary, ownValue, setOwn } from '../../../schema/kit/dictionary.ts'
import type { Path } from '../../mapping/path.ts'
import { isMap } from '../../mapping/rule.ts'
import type { Json } from '../contract.ts'
import type { WrittenBody } from '../definition/template.ts'
import type { WriteField } from '../definition/writeFields.ts'

/** A value with its place in a request. */
export interface PlacedValue {
  steps: readonly (string | number)[]
  value: Json
}

/** The same, with the place and the value of the record as it is read. */
export interface Placed extends PlacedValue {
  path: Path
  wished: Json
}

/** Returns a value as the system writes it. */
export function writtenValue(field: WriteField, value: Json, empty: null | ''): Json {
  if (value === null) return empty
  const coded = typeof value === 'object' ? undefined : field.codes?.get(dataText(value))
  if (coded !== undefined) return coded
  return field.text === null ? value : field.text.replaceAll('{value}', () => dataText(value))
}

/** Returns the body of a write: values in their places. */
export function bodyOf(values: readonly PlacedValue[]): WrittenBody {
  const json = createDictionary<unknown>()
  for (const { steps, value } of values) put(json, steps, value)
  return {
    json,
    form: values.flatMap(({ steps, value }) => pairs(formName(steps), value)),
  }
}

function put(holder: unknown, [step, ...rest]: readonly (string | number)[], value: Json): void {
  if (step === undefined) return
  const [next] = rest
  const made = () => (typeof next === 'number' ? [] : createDictionary<unknown>())
  if (Array.isArray(holder) && typeof step === 'number') {
    if (next !== undefined) holder[step] ??= made()
    else holder[step] = value
    put(holder[step], rest, value)
  } else if (isMap(holder)) {
    const name = String(step)
    if (next === undefined) setOwn(holder, name, value)
    else {
      if (ownValue(holder, name) === undefined) setOwn(holder, name, made())
      put(ownValue(holder, name), rest, value)
    }
  }
}

/** Writes `address[line1]`. */
function formName([first = '', ...rest]: readonly (string | number)[]): string {
  return `${first}${rest.map((step) => `[${step}]`).join('')}`
}

function pairs(name: string, value: Json): [string, string][] {
  if (value === null) return [[name, '']]
  if (Array.isArray(value)) return value.flatMap((one, i) => pairs(`${name}[${i}]`, one))
  if (typeof value === 'object')
    return Object.entries(value).flatMap(([key, one]) => pairs(`${name}[${key}]`, one))
  return [[name, dataText(value)]]
}
