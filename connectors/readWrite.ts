import { z } from 'zod'
import { below, parseAt, shape } from './connection/definition/shape.ts'
import { failAt, type Located } from './mapping/document.ts'
import { isMap } from './mapping/rule.ts'
import { WRITE_LIMITS, WRITE_MODES, type WriteLimits, type WriteMode } from './writeTarget.ts'

/** `write:` of a source system in config/sources.yaml, before policy and mapping check it. */
export interface ConfiguredWrite {
  place: Located
  mode: WriteMode
  /** By golden type. */
  types: ReadonlyMap<string, ConfiguredType>
  limits: WriteLimits
  replacesGoldenIds: boolean
}

export interface ConfiguredType {
  place: Located
  /** Empty: every object of the type that the connection writes. */
  objects: readonly Located[]
  update: readonly Located[]
  create: { place: Located; when: ReadonlyMap<string, Located>; fields: readonly Located[] } | null
}

const modeNames = WRITE_MODES.map((mode) => mode.toLowerCase())
const modeSchema = z.enum(modeNames, { error: `must be one of ${modeNames.join(', ')}` })
const bound = z.int().positive()
const limitsSchema = shape({
  perMinute: bound.optional(),
  perDay: bound.optional(),
  changedRecordsMax: bound.optional(),
})
const goldenIdsSchema = z.enum(['leave', 'replace'], { error: 'must be leave or replace' })
const names = z.array(z.string()).min(1)
const typeSchema = shape({
  object: z.union([z.string(), names]).optional(),
  update: names.optional(),
  create: shape({
    when: z.record(z.string(), z.union([z.string(), names])),
    fields: names.optional(),
  }).optional(),
})

/** Reads `write:` of a source system. Throws ConfigError. */
export function readWriteConfig(place: Located): ConfiguredWrite {
  if (!isMap(place.value))
    return failAt(place, 'write: must be a map with mode:, limits:, goldenIds: and golden types')
  const { mode, limits, goldenIds, ...types } = place.value
  if (mode === undefined) failAt(place, `write: needs mode: ${modeNames.join(', ')}`)
  const given = parseAt(modeSchema, below(place, 'mode'), 'write.mode')
  const bounds =
    limits === undefined ? {} : parseAt(limitsSchema, below(place, 'limits'), 'write.limits')
  return {
    place,
    mode: WRITE_MODES.find((m) => m.toLowerCase() === given) ?? 'OFF',
    types: new Map(Object.keys(types).map((type) => [type, readType(below(place, type), type)])),
    limits: { ...WRITE_LIMITS, ...bounds },
    replacesGoldenIds:
      goldenIds !== undefined &&
      parseAt(goldenIdsSchema, below(place, 'goldenIds'), 'write.goldenIds') === 'replace',
  }
}

function readType(place: Located, type: string): ConfiguredType {
  const given = parseAt(typeSchema, place, `write.${type}`)
  if (!given.update && !given.create)
    failAt(place, `write.${type}: needs update: with a list of fields, or create:`)
  const list = (at: Located): Located[] =>
    Array.isArray(at.value)
      ? at.value.map((_, i) => below(at, i))
      : at.value === undefined
        ? []
        : [at]
  const create = below(place, 'create')
  const when = below(create, 'when')
  return {
    place,
    objects: list(below(place, 'object')),
    update: list(below(place, 'update')),
    create: given.create
      ? {
          place: create,
          when: new Map(Object.keys(given.create.when).map((field) => [field, below(when, field)])),
          fields: list(below(create, 'fields')),
        }
      : null,
  }
}
