import { z } from 'zod'
import { failAt, type Located } from '../mapping/document.ts'
import { foldName } from '../mapping/path.ts'
import { readYaml, type YamlFile } from '../yamlFile.ts'
import { type AuthDefinition, readAuth } from './definition/auth.ts'
import { readFeeds } from './definition/feed.ts'
import { type HttpDefinition, readHttp } from './definition/http.ts'
import { type LimitDefinitions, readLimits } from './definition/limits.ts'
import { type ObjectDefinition, readObject } from './definition/object.ts'
import { readSession, type SessionDefinition } from './definition/session.ts'
import { publicNames, readSettingDefinitions, type Setting } from './definition/settings.ts'
import { below, parseAt, shape } from './definition/shape.ts'
import { readStream, type StreamDefinition } from './definition/stream.ts'

/** A compiled connection.yaml: how the systems of a kind are asked. */
export interface Definition {
  /** The name of its file. */
  file: string
  settings: ReadonlyMap<string, Setting>
  /** The first is used whose settings are all given. */
  auth: readonly AuthDefinition[]
  http: HttpDefinition
  limits: LimitDefinitions
  /** What a write needs before it; null where it needs nothing. */
  session: SessionDefinition | null
  /** Events as they happen; null where there is no such stream. */
  stream: StreamDefinition | null
  /** By name, parents before those that refer to them. */
  objects: ReadonlyMap<string, ObjectDefinition>
}

const definitionSchema = shape({
  settings: z.unknown().optional(),
  auth: z.unknown().optional(),
  http: z.unknown().optional(),
  limits: z.unknown().optional(),
  feeds: z.unknown().optional(),
  session: z.unknown().optional(),
  stream: z.unknown().optional(),
  objects: z.record(z.string(), z.unknown()),
})

/**
 * Reads connection.yaml. `mapped` lists the objects of the kind's mapping with their aliases; null
 * where the mapping is not known. Throws ConfigError with file and line.
 */
export function readDefinition(path: string, mapped: readonly string[] | null = null): Definition {
  return compileDefinition(readYaml(path), mapped)
}

export function compileDefinition(
  file: YamlFile,
  mapped: readonly string[] | null = null,
): Definition {
  const place: Located = { value: file.value, file, path: [] }
  const given = parseAt(definitionSchema, place, '')
  const part = (key: string) => below(place, key)
  const settings =
    given.settings === undefined
      ? new Map<string, Setting>()
      : readSettingDefinitions(part('settings'))
  const auth = readAuth(part('auth'), settings)
  const taken = auth.flatMap((way) =>
    way.how === 'oauth2' ? [...way.take.keys()].map((name) => `auth.${name}`) : [],
  )
  const allowed = new Set([...publicNames(settings), ...taken])
  const feeds = readFeeds(part('feeds'), allowed)
  const objects = new Map<string, ObjectDefinition>()
  const names = mapped && new Set(mapped.map(foldName))
  for (const name of Object.keys(given.objects)) {
    const at = below(part('objects'), name)
    if (names && !names.has(foldName(name)))
      failAt(
        at,
        `objects.${name}: the mapping has no object "${name}"; it has ${mapped.join(', ')}`,
      )
    const object = readObject(name, at, allowed, feeds)
    const parent = object.under && objects.get(object.under.object)
    if (object.under && (!parent || parent.under))
      failAt(
        at,
        `objects.${name}: under: "${object.under.object}" is not an object before it that has a list of its own`,
        ['under'],
      )
    objects.set(name, object)
  }
  if (objects.size === 0) failAt(part('objects'), 'objects: is empty')
  return {
    file: file.at([]).replace(/:\d+$/, ''),
    settings,
    auth,
    http: readHttp(part('http'), allowed),
    limits: readLimits(part('limits'), settings),
    session: readSession(part('session'), allowed),
    stream: readStream(part('stream'), allowed),
    objects,
  }
}
