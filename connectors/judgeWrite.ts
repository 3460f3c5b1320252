import { createHash } from 'node:crypto'
import type { FieldPolicy, Policy, TypePolicy } from '../schema/policy.ts'
import { openWrite } from './connection/write/ability.ts'
import type { WriteAbility, WriteAction } from './connection/writing.ts'
import type { Connector, FieldWriting } from './contract.ts'
import { suggestion } from './mapping/compileMapping.ts'
import { failAt, type Located } from './mapping/document.ts'
import type { ConfiguredType, ConfiguredWrite } from './readWrite.ts'
import type { ConfiguredSource } from './sources.ts'
import type { WriteTarget, WriteTargetType } from './writeTarget.ts'

/** What the checks of one golden type need. */
interface TypeContext {
  source: ConfiguredSource
  connector: Connector
  policy: Policy
  type: TypePolicy
}

/** An object of the mapping that the connection writes. */
interface WritableObject {
  name: string
  ability: WriteAbility
  writings: ReadonlyMap<string, FieldWriting>
}

/**
 * Checks `write:` of a source system against the policy, its mapping and its connection. Throws
 * ConfigError with file and line, and what is allowed.
 */
export function judgeWrite(
  source: ConfiguredSource,
  write: ConfiguredWrite,
  connector: Connector,
  policy: Policy,
): WriteTarget {
  const { name, role } = source.system
  if (!source.connection)
    failAt(write.place, `write: ${name} is not asked, so nothing can be written; add connection:`)
  const types = new Map<string, WriteTargetType>()
  for (const [typeName, configured] of write.types) {
    const type = policy.types.find((t) => t.name === typeName)
    if (!type) {
      const known = policy.types.map((t) => t.name)
      return failAt(
        configured.place,
        `write: "${typeName}" is no golden type${suggestion(typeName, known)}; allowed are ${known.join(', ')}, mode, limits, goldenIds`,
      )
    }
    types.set(typeName, judgeType(configured, { source, connector, policy, type }))
  }
  const content = JSON.stringify([write.place.value, connector.mappingVersion, policy.version])
  return {
    source: name,
    role,
    mode: write.mode,
    types,
    limits: write.limits,
    replacesGoldenIds: write.replacesGoldenIds,
    version: createHash('sha256').update(content).digest('hex').slice(0, 16),
  }
}

function judgeType(configured: ConfiguredType, ctx: TypeContext): WriteTargetType {
  const { source, type } = ctx
  const objects = objectsOf(configured, ctx)
  const update = configured.update.map((place) => {
    const field = fieldAt(place, type)
    for (const object of objects) checkField(place, field, object, 'update', source)
    checkOwner(place, field, source)
    return field.name
  })
  const { create } = configured
  if (!create) return { objects: names(objects), update, createWhen: null, createFields: [] }
  const [first] = objects.filter((o) => o.ability.create)
  if (!first)
    return failAt(
      create.place,
      `write.${type.name}.create: ${definitionFile(source)} has no create: or upsert: for ${names(objects).join(', ')}`,
    )
  const more = create.fields.map((place) => {
    const field = fieldAt(place, type)
    checkField(place, field, first, 'create', source)
    return field.name
  })
  const createFields = [...new Set([...update, ...more])]
  checkNeeds(create.place, first, createFields, type, source)
  return {
    objects: names([first, ...objects.filter((o) => o !== first)]),
    update,
    createWhen: new Map(
      [...create.when].map(([field, place]) => [
        field,
        valuesAt(place, fieldAt({ ...place, value: field }, type), ctx.policy),
      ]),
    ),
    createFields,
  }
}

const names = (objects: readonly WritableObject[]) => objects.map((o) => o.name)

/** Returns the objects that hold the type: those that are named, else all that can be written. */
function objectsOf(configured: ConfiguredType, ctx: TypeContext): WritableObject[] {
  const { connector, type } = ctx
  const mapped = connector.objects.filter((o) => o.as === type.name).map((o) => o.name)
  const all = mapped.flatMap((name) => writable(name, ctx) ?? [])
  if (all.length === 0)
    failAt(
      configured.place,
      mapped.length === 0
        ? `write: ${connector.system.name} has no object that is mapped as ${type.name}`
        : `write: ${definitionFile(ctx.source)} has no write: for ${mapped.join(', ')}`,
    )
  if (configured.objects.length === 0) return all
  return configured.objects.map((place) => {
    const name = connector.objectName(String(place.value))
    return (
      all.find((o) => o.name === name) ??
      failAt(
        place,
        `write.${type.name}.object: "${String(place.value)}" cannot be written; allowed are ${names(all).join(', ')}`,
      )
    )
  })
}

function writable(name: string, { source, connector }: TypeContext): WritableObject | null {
  const { connection } = source
  const entry = [...(connection?.definition.objects ?? [])].find(
    ([object]) => connector.objectName(object) === name,
  )
  const write = entry?.[1].write
  if (!connection || !write) return null
  const { ability } = openWrite(write, connection.values)
  return { name, ability, writings: connector.writings(name) }
}

function fieldAt(place: Located, type: TypePolicy): FieldPolicy {
  const name = String(place.value)
  const known = type.fields.map((f) => f.name)
  return (
    type.fields.find((f) => f.name === name) ??
    failAt(
      place,
      `write.${type.name}: unknown field "${name}"${suggestion(name, known)}; it has ${known.join(', ')}`,
    )
  )
}

/** Checks that the mapping leads back to a path that the connection writes. */
function checkField(
  place: Located,
  field: FieldPolicy,
  { name, ability, writings }: WritableObject,
  action: WriteAction,
  source: ConfiguredSource,
): void {
  const what = `write: ${field.name} cannot be written to ${name} of ${source.system.name}`
  const writing = writings.get(field.name)
  const mapped = [...writings.keys()].join(', ')
  if (!writing) failAt(place, `${what}: its mapping has no rule for it; it has ${mapped}`)
  else if (writing.obstacle)
    failAt(place, `${what}: ${writing.obstacle.why} (${writing.obstacle.line})`)
  for (const paths of writing?.parts ?? []) {
    const refusals = paths.map((path) => ability.refusalOf(path, action))
    if (refusals.every((refusal) => refusal !== null))
      failAt(place, `${what}: ${refusals.join('; ')} (${definitionFile(source)})`)
  }
}

/**
 * A field without an owner survives by another rule, so a value that comes back would count as
 * evidence. A field that the target owns at every stage is never written.
 */
function checkOwner(place: Located, field: FieldPolicy, source: ConfiguredSource): void {
  const { name, role } = source.system
  if (field.systemOfRecord.length === 0)
    failAt(
      place,
      `write: ${field.name} has no @systemOfRecord: it survives by ${field.survive}, so a value that comes back would count as a statement of ${name}`,
    )
  const ranks = field.systemOfRecord.map(({ order }) => {
    const byName = order.indexOf(name)
    return byName >= 0 ? byName : order.indexOf(role)
  })
  if (ranks.every((rank) => rank === 0))
    failAt(
      place,
      `write: ${name} (${role}) owns ${field.name} at every stage, so it is never written`,
    )
}

/** Checks that the values without which no record is created are among those of its fields. */
function checkNeeds(
  place: Located,
  { name, ability, writings }: WritableObject,
  fields: readonly string[],
  type: TypePolicy,
  source: ConfiguredSource,
): void {
  const key = (path: string) => path.toLowerCase().replaceAll('_', '')
  const written = fields.flatMap((f) => writings.get(f)?.paths ?? [])
  const paths = new Set([...written, ...Object.keys(ability.given)].map(key))
  const missing = ability.needs.filter((path) => !paths.has(key(path)))
  const givers = missing.map((path) => {
    const from = [...writings].filter(([, w]) => w.paths.map(key).includes(key(path)))
    return `${path} (${from.map(([field]) => field).join(' or ') || 'no field has it'})`
  })
  if (missing.length > 0)
    failAt(
      place,
      `write.${type.name}.create: ${definitionFile(source)} creates no ${name} without ${givers.join(', ')}; add the field to update: or to create.fields:`,
    )
}

/** Reads the values that a field must have; those of an enum have to exist. */
function valuesAt(place: Located, field: FieldPolicy, policy: Policy): string[] {
  const values = [place.value].flat().map(String)
  const known = field.kind === 'ENUM' ? policy.enums.get(field.typeName)?.values : undefined
  const unknown = known && values.find((v) => !known.some((k) => k.name === v))
  if (unknown !== undefined)
    failAt(
      place,
      `write: "${unknown}" is not a value of ${field.typeName}; allowed are ${known?.map((k) => k.name).join(', ')}`,
    )
  return values
}

function definitionFile({ connection }: ConfiguredSource): string {
  return connection?.definition.file ?? 'connection.yaml'
}
