import { ownValue } from '../../../schema/kit/dictionary.ts'
import { readNamedElement } from '../../mapping/namedElement.ts'
import { compilePath, isEmpty, type Path, scopeOf } from '../../mapping/path.ts'
import { type PathStep, parsePath } from '../../mapping/pathText.ts'
import { placeText } from '../../mapping/rawPath.ts'
import type { Json } from '../contract.ts'
import type { TemplateValue } from '../definition/template.ts'
import type { WriteDefinition } from '../definition/write.ts'
import { type ElementWrite, valueNames } from '../definition/writeElement.ts'
import { pathKey } from '../definition/writeFields.ts'
import type { WriteMatch } from '../definition/writeMatch.ts'
import { idText } from '../pull/rows.ts'
import { jsonOf } from '../request/render.ts'
import type { RecordWrite } from '../writing.ts'
import type { Placed } from './body.ts'
import type { FailWrite } from './failWrite.ts'

/** The element of a list to which a path leads. */
interface ElementPlace {
  element: ElementWrite
  steps: readonly PathStep[]
  /** Null for the path of the list itself. */
  value: string | null
}

/** Returns the element that a path names, if elements of its list are written; else null. */
export function elementOf({ elements }: WriteDefinition, text: string): ElementPlace | null {
  if (elements.size === 0) return null
  const steps = stepsOf(text)
  const named = readNamedElement(steps)
  const element = elements.get(pathKey(placeText(named?.list ?? steps)))
  return element ? { element, steps, value: named?.value ?? null } : null
}

function stepsOf(text: string): PathStep[] {
  try {
    return parsePath(text).steps
  } catch {
    // What is no path names no element.
    return []
  }
}

/** A value that is added to a list, or that takes the place of another one. */
export interface ElementChange {
  element: ElementWrite
  /** The path of the new value. */
  path: Path
  value: string
  /** Placeholders of the value. */
  names: Readonly<Record<string, TemplateValue>>
  /** The element whose value is replaced; null: one is added. */
  replaced: { path: Path; at: readonly PathStep[]; names: Readonly<Record<string, string>> } | null
}

/**
 * Returns what a write changes in lists. A value that leaves a list gives its element to one that
 * comes. Calls `fail` where one leaves and none takes its place: nothing is deleted in a target.
 */
export function elementChanges(
  definition: WriteDefinition,
  { values, expected }: Pick<RecordWrite, 'values' | 'expected'>,
  fail: FailWrite,
): ElementChange[] {
  const places = Object.entries(values).flatMap(([text, value]) => {
    const place = elementOf(definition, text)
    if (!place || place.value === null) return []
    const names = valueNames(place.element, place.value)
    if (!names) return fail('PERMANENT', 'VALUE_REFUSED', `no element is made of ${text}`)
    return [{ ...place, value: place.value, text, names, leaves: value === null }]
  })
  return [...Map.groupBy(places, (p) => p.element)].flatMap(([element, all]) => {
    const leaving = all.filter((p) => p.leaves)
    const changes = all
      .filter((p) => !p.leaves)
      .map(({ text, value, names }): ElementChange => {
        const kind = kindOf(names)
        const i = element.change ? leaving.findIndex((p) => kindOf(p.names) === kind) : -1
        const [old] = i < 0 ? [] : leaving.splice(i, 1)
        const replaced = old && {
          path: compilePath(old.text),
          at: old.steps.slice(0, -1),
          names: fieldsOf(expected?.record, old.steps),
        }
        return { element, path: compilePath(text), value, names, replaced: replaced ?? null }
      })
    if (leaving.length > 0)
      fail(
        'PERMANENT',
        'ELEMENT_LEFT',
        `${leaving.map((p) => p.text).join(', ')} would be left over, and nothing is deleted in a target`,
        { advice: 'remove it in the system itself' },
      )
    return changes
  })
}

/** The parts of a value that decide of which kind its element is. */
function kindOf({ value: _, ...parts }: Readonly<Record<string, string>>): string {
  return JSON.stringify(parts)
}

/** Returns the fields of an element as placeholders {element.NAME}; empty where it has no value. */
function fieldsOf(record: unknown, steps: readonly PathStep[]): Record<string, string> {
  const element = compilePath(placeText(steps.slice(0, -1))).first(scopeOf(record))
  if (typeof element !== 'object' || element === null) return {}
  return Object.fromEntries(
    Object.entries(element).flatMap(([name, value]) => {
      const text = isEmpty(value) ? '' : idText(value)
      return text === null ? [] : [[`element.${name}`, text]]
    }),
  )
}

/** Returns the elements of a record that is created, in their places in its body. */
export function createdElements(
  definition: WriteDefinition,
  write: Pick<RecordWrite, 'values'>,
  { fail, settings }: { fail: FailWrite; settings: ReadonlyMap<string, string> },
): Placed[] {
  const present = Object.entries(write.values).filter(([, value]) => value !== null)
  const given = { values: Object.fromEntries(present), expected: null }
  const made = Map.groupBy(elementChanges(definition, given, fail), (c) => c.element)
  return [...made].flatMap(([{ create, json }, all]) =>
    all.flatMap(({ path, value, names }, i): Placed[] => {
      const get = (name: string) => ownValue(names, name) ?? settings.get(name)
      const body = jsonOf(json, { get, times: { text: 'iso', zone: 'UTC' } })
      return create ? [{ path, steps: [...create, i], value: body as Json, wished: value }] : []
    }),
  )
}

/** Returns how a change of an element is compared: paths of the element become those of the record. */
export function matchWithin(at: readonly PathStep[], match: WriteMatch): WriteMatch {
  const within = (path: Path) => compilePath(`${placeText(at)}.${path.text}`)
  if (match.how === 'ETAG') return { ...match, etag: match.etag && within(match.etag) }
  return match.how === 'VERSION' ? { ...match, version: within(match.version) } : match
}
