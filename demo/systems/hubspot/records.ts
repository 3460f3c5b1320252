import { ownValue, setOwn } from '../../../schema/kit/dictionary.ts'
import type { ObjectType, PropertyKind } from './objects.ts'

type Fields = Record<string, unknown>

/** A record with all properties that have a value. */
export interface HubspotRecord extends Fields {
  id: string
  properties: Record<string, string>
  createdAt: string
  updatedAt: string
  archived: boolean
  archivedAt?: string
}

const FORMS: ReadonlyMap<PropertyKind, RegExp> = new Map([
  ['number', /^-?\d+(\.\d+)?$/],
  ['bool', /^(true|false)$/],
  ['date', /^\d{4}-\d\d-\d\d$/],
  ['datetime', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/],
])

/** Returns a record after a user's write. Throws if a value has not the form of its property. */
export function writeRecord(
  type: ObjectType,
  fields: Fields,
  at: { id: string; now: number; before: Fields | undefined },
): HubspotRecord {
  const before = at.before as HubspotRecord | undefined
  const time = new Date(at.now).toISOString()
  const properties: Record<string, string> = { ...before?.properties }
  for (const [name, value] of Object.entries(fields)) {
    const property = type.properties.get(name)
    if (!property || property.readOnly) continue
    // dictionary: the name is a property of the object type
    if (value === null || value === '') delete properties[name]
    else setOwn(properties, name, checked(`${type.name}.${name}`, property.kind, value))
  }
  setOwn(properties, 'hs_object_id', at.id)
  setOwn(properties, type.created, before?.createdAt ?? time)
  setOwn(properties, type.modified, time)
  return {
    id: at.id,
    properties,
    createdAt: before?.createdAt ?? time,
    updatedAt: time,
    archived: false,
  }
}

function checked(where: string, kind: PropertyKind, value: unknown): string {
  const text = String(value)
  if (!(FORMS.get(kind)?.test(text) ?? true)) throw new Error(`${where}: "${text}" is no ${kind}`)
  return text
}

/** Returns an archived record. HubSpot does not move the time of the last change. */
export const archiveRecord = (record: Fields, now: number): HubspotRecord => ({
  ...(record as HubspotRecord),
  archived: true,
  archivedAt: new Date(now).toISOString(),
})

/** Returns a record with the properties that a caller asked for; null where one has no value. */
export function showRecord(
  type: ObjectType,
  record: HubspotRecord,
  asked: readonly string[] | undefined,
): HubspotRecord {
  const names = asked
    ? [...asked.filter((name) => type.properties.has(name)), ...always(type)].sort()
    : type.shown
  const properties: Record<string, string | null> = {}
  for (const name of names) setOwn(properties, name, ownValue(record.properties, name) ?? null)
  return { ...record, properties: properties as Record<string, string> }
}

const always = (type: ObjectType) => [type.created, type.modified, 'hs_object_id']
