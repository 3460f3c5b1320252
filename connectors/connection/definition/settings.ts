import { z } from 'zod'
import { failAt, type Located } from '../../mapping/document.ts'
import { below, parseAt, scalar, shape } from './shape.ts'
import { compileTemplate, type Template } from './template.ts'

const IS = ['text', 'secret', 'url', 'number'] as const

/** A setting that `connection:` of a source system gives. */
export interface Setting {
  name: string
  is: (typeof IS)[number]
  help: string
  /** The whole text must match it. */
  pattern: RegExp | null
  min: number
  max: number
  optional: boolean
  default: Template | null
}

const settingSchema = shape({
  is: z.enum(IS),
  help: z.string().min(1).optional(),
  pattern: z.string().optional(),
  min: z.number().optional(),
  max: z.number().optional(),
  optional: z.boolean().optional(),
  default: scalar.optional(),
})

/**
 * Reads `settings:` of a definition. A default may use the settings above it. Throws ConfigError.
 */
export function readSettingDefinitions(place: Located): Map<string, Setting> {
  const named = parseAt(z.record(z.string(), z.unknown()), place, 'settings')
  const settings = new Map<string, Setting>()
  for (const name of Object.keys(named)) {
    const at = below(place, name)
    if (!/^[a-z][A-Za-z0-9]{0,60}$/.test(name) || RESERVED.has(name))
      failAt(
        at,
        `settings.${name}: a setting is named with a small letter, then letters and digits, and not ${[...RESERVED].join(', ')}`,
      )
    const given = parseAt(settingSchema, at, `settings.${name}`)
    if (given.is === 'secret' && given.default !== undefined)
      failAt(below(at, 'default'), `settings.${name}: a secret has no default`)
    settings.set(name, {
      name,
      is: given.is,
      help: given.help ?? '',
      pattern: given.pattern === undefined ? null : patternAt(below(at, 'pattern')),
      min: given.min ?? 0,
      max: given.max ?? Number.MAX_SAFE_INTEGER,
      optional: given.optional ?? false,
      default:
        given.default === undefined
          ? null
          : compileTemplate(below(at, 'default'), publicNames(settings)),
    })
  }
  return settings
}

/** Names of `connection:` itself, and of placeholders that are no settings. */
export const RESERVED: ReadonlySet<string> = new Set([
  ...['objects', 'every', 'census', 'privateAddresses', 'definition'],
  ...[
    'since',
    'until',
    'sinceId',
    'lastId',
    'id',
    'ids',
    'each',
    'fields',
    'size',
    'types',
    'auth',
    'record',
    'goldenId',
    'writeKey',
    'values',
  ],
])

/** The names of the settings that may stand in requests: all but secrets. */
export function publicNames(settings: ReadonlyMap<string, Setting>): Set<string> {
  return new Set([...settings.values()].filter((s) => s.is !== 'secret').map((s) => s.name))
}

function patternAt(place: Located): RegExp {
  try {
    return new RegExp(`^(?:${String(place.value)})$`, 'u')
  } catch (e) {
    return failAt(place, `not a regular expression: ${e instanceof Error ? e.message : String(e)}`)
  }
}
