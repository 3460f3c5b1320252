import { z } from 'zod'
import { failAt, type Located } from '../../mapping/document.ts'
import { isValueList } from '../../mapping/namedElement.ts'
import type { Path } from '../../mapping/path.ts'
import { parsePath } from '../../mapping/pathText.ts'
import { compileRequest, type JsonTemplate } from './request.ts'
import { below, pathIn, pathText, shape } from './shape.ts'
import { pathKey, stepsIn } from './writeFields.ts'
import { type MatchContext, readMatch, type WriteMatch } from './writeMatch.ts'
import { meaningOf, readRequest, updateSchema, type WriteRequest } from './writeRequest.ts'

/**
 * A list of the record whose elements are entities of their own: each value is added, or takes the
 * place of another one, by a request of its own.
 */
export interface ElementWrite {
  /** The path to the value of every element, as the mapping has it: `emails[].address`. */
  list: string
  /** An element as the system takes it; {value} is its value, {value.1} a part of it. */
  json: JsonTemplate
  /** The place of the list in a record that is created; null: it is not created with it. */
  create: readonly (string | number)[] | null
  add: WriteRequest | null
  /** `match` is compared in the element, so its paths begin there. */
  change: (WriteRequest & { match: WriteMatch }) | null
  /** What the record must have, or it has no place for an element; null: nothing. */
  needs: Path | null
  /**
   * The values of which elements are made; null: all. What its brackets hold stays when an element
   * gets another value: it decides of which kind the element is.
   */
  pattern: RegExp | null
}

const { fields: _, part: __, ...requestFields } = updateSchema.shape
const requestSchema = shape(requestFields)
export const elementSchema = shape({
  json: z.record(z.string(), z.unknown()),
  create: z.string().min(1).optional(),
  add: requestSchema.optional(),
  change: requestSchema.optional(),
  needs: pathText.optional(),
  pattern: z.string().min(1).optional(),
})

interface ElementContext extends MatchContext {
  as: 'json' | 'form'
  /** Placeholders of every update. */
  base: ReadonlySet<string>
  write: Located
}

/** Parts of a value that a pattern may take. */
const partsMax = 3
const VALUE = ['value', ...Array.from({ length: partsMax }, (_, i) => `value.${i + 1}`)]

/** Reads `elements:` of `write:`. Throws ConfigError. */
export function readElements(place: Located, ctx: ElementContext): Map<string, ElementWrite> {
  return new Map(
    Object.keys((place.value as object | undefined) ?? {}).map((list) => [
      pathKey(list),
      readElement(below(place, list), list, ctx),
    ]),
  )
}

function readElement(place: Located, list: string, ctx: ElementContext): ElementWrite {
  const what = `${ctx.what}.elements`
  const { steps } = parsePath(list)
  if (!isValueList(steps))
    failAt(place, `${what}: "${list}" is no list of values; write list[].name`)
  const json = below(place, 'json')
  const request = (key: 'add' | 'change', names: readonly string[]): WriteRequest | null => {
    const at = below(place, key)
    if (at.value === undefined) return null
    const allowed = new Set([...ctx.base, ...VALUE, 'goldenId', 'writeKey', ...names])
    const own = at.value as { json?: object }
    const value = { ...own, json: { ...(json.value as object), ...own.json } }
    const one = readRequest({ ...at, value }, { what: `${what}.${key}`, as: ctx.as, allowed })
    if (one.row !== null) failAt(at, `${what}.${key}: row: is no record; leave it out`, ['row'])
    return {
      ...{ ...one, action: 'update', meaning: meaningOf(at, ctx.write), match: null },
      given: new Map(),
    }
  }
  // Any field of the element that is changed may stand in the address of its entity.
  const change = request('change', elementNames(below(place, 'change')))
  const ownMatch = below(place, 'change', 'match')
  const create = below(place, 'create')
  const pattern = below(place, 'pattern')
  const needs = below(place, 'needs')
  const template = compileRequest([{ ...place, value: { post: '/', json: json.value } }], what, {
    allowed: new Set([...ctx.allowed, ...VALUE]),
    optional: new Set(),
  })
  if (!change && below(place, 'add').value === undefined && create.value === undefined)
    failAt(place, `${what}: needs add:, change: or create:`)
  return {
    list,
    json: template.body?.as === 'json' ? template.body.json : null,
    create: create.value === undefined ? null : stepsIn(String(create.value)),
    add: request('add', []),
    change: change && {
      ...change,
      match: ownMatch.value === undefined ? { how: 'NONE' } : readMatch(ownMatch, ctx),
    },
    needs: needs.value === undefined ? null : pathIn(needs),
    pattern: pattern.value === undefined ? null : patternAt(pattern, what),
  }
}

/** Returns the placeholders {element.NAME} that a request uses. */
function elementNames(request: Located): string[] {
  const text = JSON.stringify(request.value ?? '')
  return [...text.matchAll(/\{(element\.\w+)/g)].flatMap(([, name]) => name ?? [])
}

function patternAt(place: Located, what: string): RegExp {
  try {
    return new RegExp(`^(?:${String(place.value)})$`)
  } catch {
    return failAt(place, `${what}.pattern: is no regular expression`)
  }
}

/** Returns the values of {value} and its parts; null where no element is made of the value. */
export function valueNames(
  { pattern }: ElementWrite,
  value: string,
): Record<string, string> | null {
  const found = pattern ? pattern.exec(value) : [value]
  if (!found) return null
  const parts = [...found].slice(1)
  return Object.fromEntries([
    ['value', value],
    ...parts.slice(0, partsMax).map((part, i) => [`value.${i + 1}`, part ?? '']),
  ]) as Record<string, string>
}
