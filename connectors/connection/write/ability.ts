import { compilePath, type Path } from '../../mapping/path.ts'
import { pathKey, type WriteDefinition, type WriteRequest } from '../definition/write.ts'
import type { WriteAbility } from '../writing.ts'

/** `write:` of an object with the settings of a source system. */
export interface OpenWrite {
  definition: WriteDefinition
  create: WriteRequest | null
  goldenId: Path | null
  ability: WriteAbility
}

/** Resolves the settings in `write:`. */
export function openWrite(
  definition: WriteDefinition,
  settings: ReadonlyMap<string, string>,
): OpenWrite {
  const { find, once, match, updates, needs, empty } = definition
  const goldenId = goldenPath(definition, settings)
  // Without the field of the golden id nothing shows that a record was created already.
  const needsGoldenId = once.by !== 'KEY'
  const create = goldenId || !needsGoldenId ? (definition.create ?? definition.upsert) : null
  const refusalOf: WriteAbility['refusalOf'] = (path, action = 'update') => {
    const requests = action === 'create' ? [create ?? []].flat() : updates
    if (requests.length === 0)
      return `write: has no ${action}:${action === 'create' && definition.goldenId && !goldenId ? ' without the setting of the golden id' : ''}`
    const key = keyOf(path)
    const isGoldenId =
      goldenId !== null &&
      key === pathKey(goldenId.text) &&
      (action === 'create' || !definition.isGoldenIdOfRecord)
    if (key !== null && (isGoldenId || requests.some(({ fields }) => fields.has(key)))) return null
    return `"${path}" is none of the fields of write:`
  }
  return {
    definition,
    create,
    goldenId,
    ability: {
      create: create !== null,
      update: updates.length > 0,
      goldenId: goldenId?.text ?? null,
      find: find && goldenId ? { lagMs: find.lagMs } : null,
      guard: match.how,
      once: once.by === 'KEY' ? { by: 'KEY', onceMs: once.onceMs } : { by: once.by },
      needs: needs.map((path) => path.text),
      empties: empty !== undefined,
      refusalOf,
    },
  }
}

function goldenPath(
  { goldenId }: WriteDefinition,
  settings: ReadonlyMap<string, string>,
): Path | null {
  if (!goldenId || [...goldenId.names].some((name) => !settings.has(name))) return null
  const times = { text: 'iso', zone: 'UTC' }
  const text = goldenId.render({ get: (name) => settings.get(name), times })
  return text ? compilePath(text) : null
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
