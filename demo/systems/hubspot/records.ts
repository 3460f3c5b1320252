import { ownValue, setOwn } from '../../../schema/kit/dictionary.ts'
import type { Who, WrittenAt } from '../kit/store.ts'
import { WrongValue } from '../kit/writes.ts'
import type { ObjectType, Property, PropertyKind } from './objects.ts'

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
export function writeRecord(type: ObjectType, fields: Fields, at: WrittenAt): HubspotRecord {
  const before = at.before as HubspotRecord | undefined
  const time = new Date(at.now).toISOString()
  const properties: Record<string, string> = { ...before?.properties }
  for (const [name, value] of Object.entries(fields)) {
    const property = type.properties.get(name)
    if (!property || property.readOnly) continue
    // dictionary: the name is a property of the object type
    if (value === null || value === '') delete properties[name]
    else setOwn(properties, name, checked(type, property, value))
  }
  setOwn(properties, 'hs_object_id', at.id)
  if (!before) {
    const { type: source, id } = sourceOf(at)
    properties.hs_object_source = source
    properties.hs_object_source_id = id
    properties.hs_object_source_label = source
  }
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

/** The app whose token the client uses, and a user of the account. */
export const APP_ID = '5512201'
const USER = 'userId:9586504'

/** Returns what HubSpot states about who made a change. */
export function sourceOf({ by }: Who): { type: string; id: string } {
  if (by === 'api') return { type: 'INTEGRATION', id: APP_ID }
  return by === 'user'
    ? { type: 'CRM_UI', id: USER }
    : { type: 'AUTOMATION_PLATFORM', id: 'enrollmentId:301' }
}

function checked(type: ObjectType, { name, kind }: Property, value: unknown): string {
  const text = String(value)
  if (!hasForm(kind, text)) throw new WrongValue(type.name, name, text, kind)
  return text
}

export const hasForm = (kind: PropertyKind, text: string): boolean =>
  FORMS.get(kind)?.test(text) ?? true

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
