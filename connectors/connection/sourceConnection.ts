import { z } from 'zod'
import { failAt, type Located } from '../mapping/document.ts'
import type { Setting } from './definition/settings.ts'
import { defaultOf, settingValue } from './definition/settingValue.ts'
import { below, duration, parseAt } from './definition/shape.ts'
import type { Definition } from './definition.ts'
import { secretAt } from './secretAt.ts'
import type { SecretReference } from './secrets.ts'

/** `connection:` of a source system in config/sources.yaml, checked against a definition. */
export interface SourceConnection {
  definition: Definition
  /** Texts, addresses and numbers by name, with defaults; a setting that is not given is absent. */
  values: ReadonlyMap<string, string>
  secrets: ReadonlyMap<string, SecretReference>
  /** The index of the way to sign in, in the definition. */
  auth: number
  /** The objects that are pulled, in the order of the definition. */
  objects: readonly string[]
  everyMs: number
  /** How often ids are listed to find deleted records, where an object needs it. */
  censusMs: number
  /** Whether hosts in private networks, and http, are allowed. */
  privateAddresses: boolean
  /** `config/sources.yaml:12`, for messages. */
  at: string
}

const everyMsDefault = 300_000
const everyMsMin = 1_000
const censusMsDefault = 86_400_000

const commonSchema = z.object({
  objects: z.array(z.string()).min(1).optional(),
  every: duration.optional(),
  census: duration.optional(),
  privateAddresses: z.boolean().optional(),
})
/** The keys of `connection:` beside the settings of the definition. */
export const COMMON_KEYS = ['definition', ...Object.keys(commonSchema.shape)]

/** Reads `connection:` of a source system. `folder` is that of its file. Throws ConfigError. */
export function readSourceConnection(
  place: Located,
  definition: Definition,
  folder: string,
): SourceConnection {
  const given = parseAt(commonSchema, place, 'connection')
  const keys = Object.keys(place.value as object)
  for (const key of keys)
    if (!COMMON_KEYS.includes(key) && !definition.settings.has(key))
      failAt(
        place,
        `connection: unknown key "${key}"; allowed are ${[...definition.settings.keys(), ...COMMON_KEYS].join(', ')}`,
        [key],
      )
  const privateAddresses = given.privateAddresses ?? false
  const values = new Map<string, string>()
  const secrets = new Map<string, SecretReference>()
  for (const setting of definition.settings.values()) {
    const at = below(place, setting.name)
    if (at.value === undefined || at.value === null) {
      const value = defaultOf(setting, values)
      if (value !== null) values.set(setting.name, checked(setting, value, at, privateAddresses))
    } else if (setting.is === 'secret')
      secrets.set(setting.name, secretAt(at, `connection.${setting.name}`, folder))
    else values.set(setting.name, checked(setting, plain(at, setting), at, privateAddresses))
  }
  if (given.every !== undefined && given.every < everyMsMin)
    failAt(below(place, 'every'), 'connection.every: must be at least 1s')
  return {
    definition,
    values,
    secrets,
    auth: wayOf(place, definition, new Set([...values.keys(), ...secrets.keys()])),
    objects: objectsOf(place, definition, given.objects),
    everyMs: given.every ?? everyMsDefault,
    censusMs: given.census ?? censusMsDefault,
    privateAddresses,
    at: place.file.at(place.path),
  }
}

/** Returns the first way to sign in whose settings are all given. */
function wayOf(place: Located, definition: Definition, known: ReadonlySet<string>): number {
  const missingOf = (names: Iterable<string>) => [...names].filter((name) => !known.has(name))
  const needed = [...definition.settings.values()].filter((s) => !s.optional).map((s) => s.name)
  const ofAuth = new Set(definition.auth.flatMap((way) => [...way.names]))
  const missing = missingOf(needed.filter((n) => !ofAuth.has(n) || definition.auth.length === 1))
  const help = (name: string) => {
    const text = definition.settings.get(name)?.help
    return text ? `${name} (${text})` : name
  }
  const [first] = missing
  if (first !== undefined) failAt(place, `connection: needs ${missing.map(help).join(', ')}`)
  const found = definition.auth.findIndex((way) => missingOf(way.names).length === 0)
  if (found >= 0) return found
  const ways = definition.auth.map((way) => missingOf(way.names).map(help).join(' and '))
  return failAt(place, `connection: needs ${ways.join('; or ')} to sign in`)
}

function objectsOf(
  place: Located,
  definition: Definition,
  chosen: readonly string[] | undefined,
): string[] {
  const all = [...definition.objects.keys()]
  for (const [i, name] of (chosen ?? []).entries())
    if (!all.includes(name))
      failAt(
        below(place, 'objects', i),
        `connection.objects: there is no object "${name}" in ${definition.file}; it has ${all.join(', ')}`,
      )
  return chosen ? all.filter((name) => chosen.includes(name)) : all
}

function plain(place: Located, setting: Setting): string {
  const { value } = place
  if (typeof value === 'string' && value.trim() !== '') return value.trim()
  if (typeof value === 'number') return String(value)
  return failAt(place, `connection.${setting.name}: must be ${article(setting)}`)
}

function article(setting: Setting): string {
  return setting.is === 'number' ? 'a number' : setting.is === 'url' ? 'an address' : 'a text'
}

function checked(
  setting: Setting,
  text: string,
  place: Located,
  privateAddresses: boolean,
): string {
  const read = settingValue(setting, text, privateAddresses)
  return 'value' in read ? read.value : failAt(place, `connection.${setting.name}: ${read.problem}`)
}
