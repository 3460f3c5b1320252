import { ConfigError } from '../../schema/kit/configError.ts'
import type { YamlFile } from '../yamlFile.ts'
import { isMap } from './rule.ts'

/**
 * A value of a mapping with its location, so that a mistake is reported there after overlays were
 * merged.
 */
export interface Located {
  value: unknown
  file: YamlFile
  path: readonly PropertyKey[]
}

/** One object, merged from its mapping and the overlays. */
export interface ObjectDocument {
  name: string
  /** Location of the object itself. */
  place: Located
  parts: Map<string, Located>
  fields: Map<string, Located>
}

export interface MappingDocument {
  settings: Map<string, Located>
  every: Map<string, Located>
  objects: Map<string, ObjectDocument>
}

const TOP_KEYS = [
  ...['ids', 'dates', 'zone', 'numbers', 'placeholders', 'minorExponents'],
  ...['events', 'every', 'objects', 'kept'],
]
const EVERY_KEYS = ['id', 'version', 'deleted']
const OBJECT_KEYS = ['as', 'aliases', 'id', 'version', 'deleted', 'of', 'when', 'fields']

/**
 * Reads mapping files and merges later ones into earlier ones: an object's fields one by one, its
 * other parts whole, aliases added. A field set to null is removed. Throws ConfigError.
 */
export function readDocument(files: YamlFile[]): MappingDocument {
  const doc: MappingDocument = { settings: new Map(), every: new Map(), objects: new Map() }
  for (const file of files) {
    const top = mapOf({ value: file.value, file, path: [] }, 'a mapping', TOP_KEYS)
    for (const [key, part] of top) {
      if (key === 'objects')
        for (const [name, object] of mapOf(part, 'objects')) mergeObject(doc, name, object)
      else if (key === 'kept')
        for (const [name, object] of mapOf(part, 'kept')) mergeKept(doc, name, object)
      else if (key === 'every')
        for (const [name, p] of mapOf(part, 'every', EVERY_KEYS)) doc.every.set(name, p)
      else doc.settings.set(key, part)
    }
  }
  return doc
}

/** Returns the names of the objects of mapping files, with their aliases. Throws ConfigError. */
export function objectNames(files: YamlFile[]): string[] {
  return [...readDocument(files).objects.values()].flatMap(({ name, parts }) => [
    name,
    ...[parts.get('aliases')?.value ?? []].flat().map(String),
  ])
}

export function failAt(place: Located, message: string, below: readonly PropertyKey[] = []): never {
  throw new ConfigError(`${place.file.at([...place.path, ...below])}: ${message}`)
}

function mergeObject(doc: MappingDocument, name: string, place: Located): void {
  const parts = mapOf(place, `the object ${name}`, OBJECT_KEYS)
  const object = doc.objects.get(name) ?? { name, place, parts: new Map(), fields: new Map() }
  for (const [key, part] of parts) {
    if (key === 'fields')
      for (const [field, rule] of mapOf(part, 'fields')) {
        if (rule.value === null) object.fields.delete(field)
        else object.fields.set(field, rule)
      }
    else if (key === 'aliases') {
      const before = object.parts.get('aliases')?.value
      object.parts.set(key, {
        ...part,
        value: [...(Array.isArray(before) ? before : []), ...[part.value].flat()],
      })
    } else object.parts.set(key, part)
  }
  doc.objects.set(name, object)
}

/** Merges `Task:` alone, `Task: [aliases]` or `Task: {aliases, id, version, deleted}`. */
function mergeKept(doc: MappingDocument, name: string, place: Located): void {
  const parts = isMap(place.value)
    ? mapOf(place, `the kept object ${name}`, ['aliases', 'id', 'version', 'deleted'])
    : new Map<string, Located>()
  if (Array.isArray(place.value)) parts.set('aliases', place)
  else if (!isMap(place.value) && place.value !== null)
    failAt(
      place,
      `kept.${name}: must be empty, a list of aliases, or a map with aliases:, id:, version:, deleted:`,
    )
  parts.set('as', { ...place, value: 'Kept' })
  doc.objects.set(name, { name, place, parts, fields: new Map() })
}

function mapOf(place: Located, what: string, keys?: readonly string[]): Map<string, Located> {
  if (!isMap(place.value)) return failAt(place, `${what} must be a map of names`)
  const out = new Map<string, Located>()
  for (const [key, value] of Object.entries(place.value)) {
    if (keys && !keys.includes(key))
      failAt(place, `unknown key "${key}" in ${what}; allowed are ${keys.join(', ')}`, [key])
    out.set(key, { value, file: place.file, path: [...place.path, key] })
  }
  return out
}
