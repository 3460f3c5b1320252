import { createHash } from 'node:crypto'
import { ConfigError } from '../schema/kit/configError.ts'
import type { Policy } from '../schema/policy.ts'
import { type Connector, MessageError } from './contract.ts'
import { judgeWrite } from './judgeWrite.ts'
import { findKind } from './kinds.ts'
import { compileMapping } from './mapping/compileMapping.ts'
import { isMap } from './mapping/rule.ts'
import { shapesOf } from './mapping/shape.ts'
import {
  createConnector,
  type MappingFiles,
  openConnector,
  readMappingFiles,
} from './openConnectors.ts'
import type { ConfiguredSource } from './sources.ts'
import type { JudgedTarget } from './writeTarget.ts'
import type { YamlFile } from './yamlFile.ts'

/** The source systems whose mappings are judged by one policy after the other. */
export interface JudgedConnectors {
  /** By name; `judge` replaces its entries, so holders of the map see the present ones. */
  connectors: Map<string, Connector>
  /** The source systems with `write:`, by name; `judge` replaces the entries too. */
  targets: Map<string, JudgedTarget>
  /**
   * Compiles every mapping against a policy. A source system with a mistake in its mapping is held;
   * the others go on.
   */
  judge(policy: Policy): void
}

/**
 * Opens source systems and judges their mappings by the shipped policy. Reads files once; a changed
 * mapping needs a restart.
 */
export function judgeConnectors(
  sources: readonly ConfiguredSource[],
  shipped: Policy,
): JudgedConnectors {
  const read = sources.map((source) => ({ source, files: attempt(() => readMappingFiles(source)) }))
  const connectors = new Map<string, Connector>()
  const targets = new Map<string, JudgedTarget>()
  const judge = (policy: Policy) => {
    for (const { source, files } of read) {
      const opened =
        'mistake' in files
          ? files
          : attempt(() => openConnector(source, policy, fitted(files.value, policy, shipped)))
      const connector =
        'mistake' in opened
          ? heldConnector(source, opened.mistake, 'value' in files ? files.value : null, shipped)
          : withShapes(opened.value, policy, shipped)
      connectors.set(source.system.name, connector)
      const target = judgeTarget(source, connector, policy)
      if (target) targets.set(source.system.name, target)
    }
  }
  judge(shipped)
  return { connectors, targets, judge }
}

/** A mistake in `write:` holds the target alone: nothing is written, and messages are read. */
function judgeTarget(
  source: ConfiguredSource,
  connector: Connector,
  policy: Policy,
): JudgedTarget | null {
  const { write } = source
  if (!write) return null
  const at = { source: source.system.name, mode: write.mode }
  if (connector.held !== undefined) return { ...at, target: null, held: connector.held }
  const judged = attempt(() => judgeWrite(source, write, connector, policy))
  return 'mistake' in judged
    ? { ...at, target: null, held: judged.mistake }
    : { ...at, target: judged.value, held: null }
}

function attempt<T>(work: () => T): { value: T } | { mistake: string } {
  try {
    return { value: work() }
  } catch (e) {
    if (e instanceof ConfigError) return { mistake: e.message }
    throw e
  }
}

/**
 * A policy may leave out types and fields of the shipped model. The mapping that comes with a kind
 * follows it, because nobody wrote a mistake there; an installation's own files have to.
 */
function fitted(files: MappingFiles, policy: Policy, shipped: Policy): MappingFiles {
  const [own, ...overlays] = files.mappings
  if (!own || !files.kind.hasMapping || policy === shipped) return files
  const fieldsOf = (of: Policy, type: string) =>
    of.types.find((t) => t.name === type)?.fields.map((f) => f.name)
  const fit = (object: Record<string, unknown>): Record<string, unknown> => {
    const before = fieldsOf(shipped, String(object.as))
    const now = fieldsOf(policy, String(object.as))
    if (!before || !isMap(object.fields)) return object
    if (!now) return withoutType(object)
    const kept = Object.entries(object.fields).filter(
      ([name]) => now.includes(name) || !before.includes(name),
    )
    return { ...object, fields: Object.fromEntries(kept) }
  }
  return { ...files, mappings: [eachObject(own, fit), ...overlays] }
}

/**
 * The same mapping gives other records where a policy changes the fields that it fills. So its
 * version names them, unless they are those of the shipped policy.
 */
function withShapes(connector: Connector, policy: Policy, shipped: Policy): Connector {
  const types = [...new Set(connector.objects.map((o) => o.as))].sort()
  const shapes = (of: Policy) => JSON.stringify(types.map((type) => shapesOf(type, of)))
  if (shapes(policy) === shapes(shipped)) return connector
  const hash = createHash('sha256').update(shapes(policy)).digest('hex').slice(0, 16)
  return { ...connector, mappingVersion: `${connector.mappingVersion}-${hash}` }
}

/**
 * Returns a connector that accepts deliveries, so that nothing is lost, and reads none of them until
 * the mapping is right.
 */
function heldConnector(
  source: ConfiguredSource,
  mistake: string,
  files: MappingFiles | null,
  policy: Policy,
): Connector {
  const held = () => {
    throw new MessageError(
      'SOURCE_HELD',
      `${source.system.name} is held until its mapping is right: ${mistake}`,
    )
  }
  return {
    ...accepting(source, files, policy),
    held: mistake,
    mappingVersion: '',
    read: held,
    map: held,
    explain: held,
    invert: held,
    writings: held,
    objects: [],
    objectName: () => null,
  }
}

/** Returns a connector that verifies and splits deliveries as the mapping says, and maps nothing. */
function accepting(
  source: ConfiguredSource,
  files: MappingFiles | null,
  policy: Policy,
): Connector {
  if (files) {
    const mappings = files.mappings.map(withoutFields)
    const opened = attempt(() => openConnector(source, policy, { ...files, mappings, codes: [] }))
    if ('value' in opened) return opened.value
  }
  const kind = findKind(source.system.kind)
  if (!kind) throw new Error(`no kind ${source.system.kind}`)
  return createConnector(source.system, kind, compileMapping([], source.system.name, policy))
}

/** Keeps names, ids and definitions of events of a mapping; its objects fill no type. */
function withoutFields(file: YamlFile): YamlFile {
  return eachObject(file, withoutType)
}

function withoutType({ fields: _, ...rest }: Record<string, unknown>): Record<string, unknown> {
  return { ...rest, as: 'Kept' }
}

/** Returns the file with other objects; its lines stay. */
function eachObject(
  file: YamlFile,
  change: (object: Record<string, unknown>) => Record<string, unknown>,
): YamlFile {
  if (!isMap(file.value) || !isMap(file.value.objects)) return file
  const objects = Object.entries(file.value.objects).map(([name, object]) => [
    name,
    isMap(object) ? change(object) : object,
  ])
  return { ...file, value: { ...file.value, objects: Object.fromEntries(objects) } }
}
