import { createHash, randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import stringify from 'safe-stable-stringify'
import { ownValue } from '../schema/kit/dictionary.ts'
import type { Policy } from '../schema/policy.ts'
import { storable } from '../schema/storable.ts'
import { parseBody, parseObject } from './body.ts'
import { goldenIdReader } from './connection/write/goldenIds.ts'
import type { Connector, DeliveryHeaders, InboundMessage, SourceSystem } from './contract.ts'
import { MessageError } from './contract.ts'
import { readLocated } from './file/rowMessage.ts'
import { definedEvents } from './generic/definedEvents.ts'
import { hasThenAlone, isThenRead } from './generic/then.ts'
import { compileVerification } from './generic/verification.ts'
import { type HintsOf, hintReader } from './hints.ts'
import type { Delivery, Kind } from './kind.ts'
import { findKind } from './kinds.ts'
import { readCodeLists } from './mapping/codes.ts'
import { compileMapping, type Mapping } from './mapping/compileMapping.ts'
import { failAt } from './mapping/document.ts'
import { fieldWritings, invertField } from './mapping/invertField.ts'
import { isMap } from './mapping/rule.ts'
import { readPulled } from './pulledMessage.ts'
import { verifyBy } from './signature.ts'
import { type ConfiguredSource, readSources } from './sources.ts'
import { readYaml, type YamlFile } from './yamlFile.ts'

/** An idempotency key longer than this is replaced by its hash. */
const messageIdCharsMax = 200
/**
 * Part of every mapping's version. It rises when the same mapping reads values differently, so that
 * stored records are mapped again after an upgrade. 2: Unicode forms, placeholders, numbers, dates.
 */
const mappingLanguage = 2
/** Messages in one delivered body. */
export const messagesMax = 1_000

/**
 * Opens the configured source systems, by name, with their mappings compiled against the policy.
 * Throws ConfigError with file and line. Reads files once; a changed mapping needs a restart.
 */
export function openConnectors(
  configPath: string,
  policy: Policy,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Map<string, Connector> {
  return new Map(readSources(configPath, env).map((s) => [s.system.name, openConnector(s, policy)]))
}

/** The files of a source system's mapping and code lists, read once. */
export interface MappingFiles {
  kind: Kind
  mappings: YamlFile[]
  codes: YamlFile[]
}

/** Throws ConfigError for a file that cannot be read. */
export function readMappingFiles(source: ConfiguredSource): MappingFiles {
  const kind = findKind(source.system.kind)
  if (!kind) throw new Error(`no kind ${source.system.kind}`)
  const own = kind.hasMapping
    ? [fileURLToPath(new URL(`./${kind.name}/mapping.yaml`, import.meta.url))]
    : []
  return {
    kind,
    mappings: [...own, ...source.mappings].map(readYaml),
    codes: source.codes.map(readYaml),
  }
}

/** Compiles the mapping of a source system against a policy. Throws ConfigError. */
export function openConnector(
  source: ConfiguredSource,
  policy: Policy,
  { kind, mappings: files, codes: lists }: MappingFiles = readMappingFiles(source),
): Connector {
  const mapping = compileMapping(files, source.system.name, policy, readCodeLists(lists))
  const events = eventsOf(kind, mapping, source.system.address ?? null)
  const texts = JSON.stringify([mappingLanguage, ...[...files, ...lists].map((f) => f.value)])
  return createConnector(
    source.system,
    events,
    mapping,
    createHash('sha256').update(texts).digest('hex').slice(0, 16),
    hintReader(events, mapping, source.connection, isThenRead(mapping.events)),
    source.connection,
  )
}

/** Returns the kind as the mapping defines its events. Throws ConfigError. */
function eventsOf(kind: Kind, mapping: Mapping, address: string | null): Kind {
  const { events } = mapping
  if (!events) return kind
  const alone = hasThenAlone(events)
  const verify = isMap(events.value) ? ownValue(events.value, 'verify') : undefined
  if (kind.hasOwnEvents && (!alone || verify !== undefined))
    failAt(
      events,
      `events: may only have then: read or whole, because code reads the events of ${kind.name}`,
    )
  if (!alone) return definedEvents(kind, mapping, events, address)
  if (verify === undefined) return kind
  const place = { ...events, value: verify, path: [...events.path, 'verify'] }
  return { ...kind, verify: compileVerification(place, address) }
}

export function createConnector(
  system: SourceSystem,
  kind: Kind,
  mapping: Mapping,
  mappingVersion = '',
  hintsOf: HintsOf | null = null,
  connection?: ConfiguredSource['connection'],
): Connector {
  const goldenIds = connection ? goldenIdReader(connection) : null
  return {
    ...(goldenIds ? { goldenIdOf: goldenIds.of, foreignGoldenIds: goldenIds } : {}),
    system,
    mappingVersion,
    read: (format, body, object) => {
      const value = parseObject(body)
      return format === 'event'
        ? kind.readEvent(mapping, value, object)
        : (readPulled(mapping, value, object, (record) => kind.readRow(mapping, record, object)) ??
            readLocated(value, (record) => kind.readRow(mapping, record, object)))
    },
    map: (object, raw) => mapping.require(object).map(raw),
    explain: (object, raw) => mapping.require(object).explain(raw),
    invert: (object, field, value, raw, ownIds, canWrite = () => true) =>
      invertField(mapping.require(object), field, value, raw, { ownIds, canWrite }),
    writings: (object) => fieldWritings(mapping.require(object)),
    objects: mapping.names.map((name) => ({ name, as: mapping.require(name).as })),
    objectName: (name) => mapping.find(name)?.name ?? null,
    verify: (headers, body, now) => verifyBy(kind.verify, system.secrets, headers, body, now),
    split: (body, object, deliveryId, headers) =>
      split({ kind, hintsOf }, body, object, deliveryId, headers ?? null),
  }
}

function split(
  { kind, hintsOf }: { kind: Kind; hintsOf: HintsOf | null },
  body: string,
  object: string | null,
  deliveryId: string | null,
  headers: DeliveryHeaders | null,
): InboundMessage[] {
  const value = parseBody(body)
  const delivery: Delivery | null = headers ? { headers, body: value } : null
  // Rows of a file with a named object are records, whatever the definition of events says.
  const rows = kind.messagesIn !== undefined && headers === null && object !== null
  const list = Array.isArray(value) ? value : null
  const several = kind.messagesIn && !rows ? kind.messagesIn(value) : list
  const items: unknown[] = several ?? [value]
  if (items.length > messagesMax)
    throw new MessageError(
      'TOO_MANY_MESSAGES',
      `the body holds ${items.length} messages; at most ${messagesMax} are accepted`,
    )
  const seen = new Set<string>()
  return items.map((item, i) => {
    // A single message keeps its bytes; each of several gets its own text.
    const text = several ? JSON.stringify(item) : storable(body)
    const fields =
      item !== null && typeof item === 'object' && !Array.isArray(item)
        ? (item as Record<string, unknown>)
        : {}
    const event = !rows && kind.isEvent(fields, delivery)
    const named = (rows ? null : kind.objectOf(fields, delivery)) ?? object
    const own = event ? distinct(kind.eventId(fields, delivery), seen, i) : null
    const delivered =
      deliveryId === null ? null : items.length === 1 ? deliveryId : `${deliveryId}/${i}`
    // A delivery without any id is always new: a hash of its content would lose a record that returns
    // to an earlier form.
    const unnamed = () =>
      delivery && kind.messagesIn
        ? `delivery:${randomUUID()}`
        : contentKey(event ? 'event' : 'row', named, item)
    const hints = (event && delivery && hintsOf?.(fields, named, delivery)) || null
    return {
      ...(hints ? { hints } : {}),
      messageId: keyOf(own ?? delivered ?? unnamed()),
      object: named === null ? null : storable(named).slice(0, 200),
      format: event ? 'event' : 'row',
      body: (event && delivery && kind.storedText?.(text, delivery)) || text,
    }
  })
}

/**
 * Returns the id of an event, with its index where an earlier one of the same body has that id: it
 * would count as the same event and be lost.
 */
function distinct(id: string | null, seen: Set<string>, index: number): string | null {
  if (id === null || !seen.has(id)) {
    if (id !== null) seen.add(id)
    return id
  }
  return `${id}/${index}`
}

/** Names a message by its content, whatever the order of its fields. */
function contentKey(format: string, object: string | null, value: unknown): string {
  return `${format}:${createHash('sha256')
    .update(`${object ?? ''}\u0000${stringify(value)}`)
    .digest('base64url')}`
}

function keyOf(id: string): string {
  const clean = storable(id)
  return clean.length <= messageIdCharsMax
    ? clean
    : `sha256:${createHash('sha256').update(clean).digest('base64url')}`
}
