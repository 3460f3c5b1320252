import { z } from 'zod'
import { failAt, type Located } from '../../mapping/document.ts'
import { foldName, type Path } from '../../mapping/path.ts'
import { parsePath } from '../../mapping/pathText.ts'
import { isMap, pathAt } from '../../mapping/rule.ts'
import type { Json } from '../contract.ts'
import { below, pathText, shape } from './shape.ts'

/** A field that can be written. */
export interface WriteField {
  /** The path of the record as it is read. */
  path: Path
  /** The place in the body of a request: names, and indexes of lists. */
  steps: readonly (string | number)[]
  /** Values that are written otherwise than they are read. */
  codes: ReadonlyMap<string, Json> | null
  /** A text in which {value} stands for the value: the address of another record, as OData has it. */
  text: string | null
}

const fieldSchema = z.union([
  z.string().min(1),
  shape({
    to: z.string().min(1),
    codes: z.record(z.string(), z.unknown()).optional(),
    text: z.string().includes('{value}').optional(),
  }),
])
export const fieldsSchema = z.union([
  z.array(pathText).min(1),
  z.record(z.string(), fieldSchema.nullable()),
])
/**
 * Reads `fields:`: a list of paths, or a map of paths to their names in the request. They are below
 * `part`, where the request writes a part of the record alone.
 */
export function readFields(place: Located, part: string | null = null): Map<string, WriteField> {
  const { value } = place
  const entries: [string, unknown, Located][] = Array.isArray(value)
    ? value.map((path, i) => [String(path), String(path), below(place, i)])
    : Object.entries(value as object).map(([path, to]) => [path, to, below(place, path)])
  const fields = new Map<string, WriteField>()
  for (const [name, given, at] of entries) {
    const text = part === null ? name : `${part}.${name}`
    const path = pathAt(text, at.path, (where, message) => failAt({ ...at, path: where }, message))
    if (given === null) continue
    const to = isMap(given) ? String(given.to) : String(given)
    const key = pathKey(text)
    if (fields.has(key)) failAt(at, `fields: "${text}" is there twice`)
    const codes = isMap(given) && isMap(given.codes) ? given.codes : null
    fields.set(key, {
      path,
      steps: stepsAt(to, at),
      codes: codes ? new Map(Object.entries(codes) as [string, Json][]) : null,
      text: isMap(given) && typeof given.text === 'string' ? given.text : null,
    })
  }
  return fields
}

/** Returns the steps of a name in a request. Throws an Error where it names no single place. */
export function stepsIn(text: string): (string | number)[] {
  return parsePath(text).steps.flatMap(({ name, selectors }) => [
    ...(name === null ? [] : [name]),
    ...selectors.map((s) => {
      if (s.how === 'index') return s.index
      throw new Error(
        `"${text}" names no single place in a request; write name, name.name or name[0]`,
      )
    }),
  ])
}

function stepsAt(text: string, place: Located): (string | number)[] {
  try {
    return stepsIn(text)
  } catch (e) {
    return failAt(place, e instanceof Error ? e.message : String(e))
  }
}

/** Returns the same text for all ways to write a path: names are compared as in a mapping. */
export function pathKey(text: string): string {
  const { steps } = parsePath(text)
  return JSON.stringify(
    steps.map(({ name, selectors }) => [name === null ? null : foldName(name), selectors]),
  )
}
