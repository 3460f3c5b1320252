import { compilePath, isEmpty, type Path, scopeOf } from '../../mapping/path.ts'
import { parsePath } from '../../mapping/pathText.ts'
import type { TemplateValues } from '../definition/template.ts'
import type { WriteDefinition } from '../definition/write.ts'
import { valueNames } from '../definition/writeElement.ts'
import { pathKey, stepsIn, type WriteField } from '../definition/writeFields.ts'
import type { WriteRequest } from '../definition/writeRequest.ts'
import type { WriteAbility } from '../writing.ts'
import { elementOf } from './elements.ts'

/** `write:` of an object with the settings of a source system. */
export interface OpenWrite {
  definition: WriteDefinition
  create: WriteRequest | null
  goldenId: Path | null
  /** The place of the golden id in a request; null where it is an element of a list, or none. */
  goldenField: WriteField | null
  ability: WriteAbility
}

/** Resolves the settings in `write:`. */
export function openWrite(
  definition: WriteDefinition,
  settings: ReadonlyMap<string, string>,
): OpenWrite {
  const { find, once, match, updates, needs, empty } = definition
  const values = {
    get: (name: string) => settings.get(name),
    times: { text: 'iso', zone: 'UTC' },
  }
  const goldenId = goldenPath(definition, values)
  const goldenField = goldenId && fieldOf(goldenId)
  // Without the field of the golden id nothing shows that a record was created already.
  const needsGoldenId = once.by !== 'KEY'
  const create = goldenId || !needsGoldenId ? (definition.create ?? definition.upsert) : null
  const refusalOf: WriteAbility['refusalOf'] = (path, action = 'update', record) => {
    const requests = action === 'create' ? [create ?? []].flat() : updates
    if (requests.length === 0)
      return `write: has no ${action}:${action === 'create' && definition.goldenId && !goldenId ? ' without the setting of the golden id' : ''}`
    const place = elementOf(definition, path)
    if (place) {
      const { element, value } = place
      const { list, pattern, needs } = element
      if (action === 'create' && !element.create) return `no new record has ${list}`
      if (action === 'update' && !element.add && !element.change) return `${list} is not changed`
      if (value !== null && !valueNames(element, value))
        return `no element of ${list} is made of ${value}: it has to be ${pattern?.source}`
      if (record && needs && isEmpty(needs.first(scopeOf(record))))
        return `${list} has no place in a record without ${needs.text}`
      return null
    }
    const key = keyOf(path)
    const isGoldenId =
      goldenField !== null &&
      key === pathKey(goldenField.path.text) &&
      (action === 'create' || !definition.isGoldenIdOfRecord)
    if (key !== null && (isGoldenId || requests.some(({ fields }) => fields.has(key)))) return null
    return `"${path}" is none of the fields of write:`
  }
  return {
    definition,
    create,
    goldenId,
    goldenField,
    ability: {
      create: create !== null,
      update: updates.length > 0,
      goldenId: goldenId?.text ?? null,
      find: find && goldenId ? { lagMs: find.lagMs } : null,
      guard: match.how,
      once: once.by === 'KEY' ? { by: 'KEY', onceMs: once.onceMs } : { by: once.by },
      given: Object.fromEntries(
        [...(create?.given ?? [])].flatMap(([path, template]) => {
          const text = template.render(values)
          return text === null ? [] : [[path, text]]
        }),
      ),
      needs: needs.map((path) => path.text),
      empties: empty !== undefined,
      refusalOf,
      addsElement: (path) => elementOf(definition, path) !== null,
    },
  }
}

function goldenPath({ goldenId }: WriteDefinition, values: TemplateValues): Path | null {
  if (!goldenId || [...goldenId.names].some((name) => values.get(name) === undefined)) return null
  const text = goldenId.render(values)
  return text ? compilePath(text) : null
}

function fieldOf(path: Path): WriteField | null {
  const isElement = parsePath(path.text).steps.some((s) =>
    s.selectors.some((x) => x.how !== 'index'),
  )
  return isElement ? null : { path, steps: stepsIn(path.text), codes: null, text: null }
}

/** Returns the key of a path; null for a text that is none. */
export function keyOf(path: string): string | null {
  try {
    return pathKey(path)
  } catch {
    // What is no path is no field.
    return null
  }
}
