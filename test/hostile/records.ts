import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { type Source, TOKENS } from './tokens.ts'

const folder = new URL('../../', import.meta.url)
const SYSTEMS = [
  ['salesforce', 'connectors/salesforce/mapping.yaml'],
  ['stripe', 'connectors/stripe/mapping.yaml'],
  ['netsuite', 'connectors/netsuite/mapping.yaml'],
  ['webshop', 'config/webshop.mapping.yaml'],
  ['hooks', 'config/webshop.mapping.yaml'],
] as const
export type System = (typeof SYSTEMS)[number][0]

/** A record of a source system, as text, because JSON can write what no JavaScript value holds. */
export interface HostileRecord {
  system: System
  object: string
  /** Undefined where the id itself is hostile. */
  id: string | undefined
  /** The record as JSON. */
  json: string
  /** True if the record has only texts under its own fields: then it is stored as it was sent. */
  plain: boolean
}

interface ObjectFields {
  name: string
  type: string
  id: string
  version: string
  /** The field that a complete record must have. */
  required: Readonly<Record<string, string>>
  /** Every path that the mapping reads. */
  paths: readonly string[]
}

/** Fields without which a record is not complete. */
const REQUIRED: Readonly<
  Record<System, Readonly<Record<string, Readonly<Record<string, string>>>>>
> = {
  salesforce: {
    Account: { Name: 'Account' },
    Contact: { LastName: 'Contact' },
    Product2: { Name: 'Product' },
    Contract: { ContractNumber: 'C-1' },
  },
  stripe: { customer: { name: 'Customer' }, product: { name: 'Product' } },
  netsuite: { customer: { companyName: 'Customer' }, contact: { lastName: 'Contact' } },
  webshop: {
    customers: { company_name: 'Customer' },
    contacts: { full_name: 'Contact' },
    products: { title: 'Product' },
    contracts: { contract_no: 'C-1' },
  },
  hooks: { customers: { company_name: 'Customer' }, contacts: { full_name: 'Contact' } },
}

const OBJECTS: ReadonlyMap<System, readonly ObjectFields[]> = new Map(
  SYSTEMS.map(([system, file]) => {
    const { every, objects } = parse(readFileSync(new URL(file, folder), 'utf8')) as {
      every: Record<string, unknown>
      objects: Record<string, Record<string, unknown>>
    }
    const own = Object.entries(objects).flatMap(([name, o]): ObjectFields[] =>
      o.of === undefined
        ? [
            {
              name,
              type: String(o.as),
              id: [o.id ?? every.id].flat().map(String)[0] ?? 'id',
              version: [o.version ?? every.version].flat().map(String)[0] ?? 'version',
              required: REQUIRED[system][name] ?? {},
              paths: [...new Set(pathsIn(o.fields))],
            },
          ]
        : [],
    )
    return [system, own]
  }),
)

/** Returns every text in the rules of fields that may be a path. */
function pathsIn(rules: unknown, key = ''): string[] {
  if (['map', 'otherwise', 'constant', 'with', 'codes', 'ref', 'extract', 'as'].includes(key))
    return []
  if (typeof rules === 'string') return [rules]
  if (Array.isArray(rules)) return rules.flatMap((r) => pathsIn(r))
  if (rules === null || typeof rules !== 'object') return []
  return Object.entries(rules).flatMap(([k, r]) => pathsIn(r, k))
}

export function objectsOf(system: System): readonly ObjectFields[] {
  return OBJECTS.get(system) ?? []
}

let count = 0

/** Makes a record with hostile values, and some with hostile keys, ids and versions. */
export function hostileRecord(
  source: Source,
  system: System,
  object: ObjectFields = source.one(objectsOf(system)),
): HostileRecord {
  const fields = new Map<string, string>()
  const number = count++
  const id = idOf(source, system, number)
  fields.set(object.id, source.chance(0.02) ? source.json() : JSON.stringify(id))
  if (!source.chance(0.1)) fields.set(object.version, JSON.stringify(time(number)))
  else if (source.chance(0.5)) fields.set(object.version, source.json())
  const texts = source.chance(0.5)
  const value = () => (texts ? JSON.stringify(source.text()) : source.json())
  for (const [name, word] of Object.entries(object.required))
    fields.set(name, source.chance(0.7) ? value() : JSON.stringify(`${word} ${number}`))
  for (const path of source.some(object.paths, 8)) set(fields, path, value)
  let plain = texts && fields.get(object.id) === JSON.stringify(id)
  const members = [...fields].map(([name, json]) => `${JSON.stringify(name)}:${json}`)
  if (source.chance(0.15)) {
    plain = false
    for (let n = source.below(4); n >= 0; n--)
      members.push(`${JSON.stringify(source.one(TOKENS))}:${value()}`)
    // A name that occurs twice.
    if (members.length > 0 && source.chance(0.3)) members.push(source.one(members))
  }
  const own = fields.get(object.id) === JSON.stringify(id)
  return { system, object: object.name, id: own ? id : undefined, json: `{${members}}`, plain }
}

/** Sets a value under a path of the mapping, with the objects and lists around it. */
function set(fields: Map<string, string>, path: string, value: () => string): void {
  const [head = '', ...inner] = path.replace(/^\$\./, '').replaceAll('"', '').split('.')
  const name = head.replace(/\[.*$/, '')
  let json = value()
  for (const part of inner.reverse()) {
    json = `{${JSON.stringify(part.replace(/\[.*$/, ''))}:${json}}`
    if (part.includes('[')) json = `{${JSON.stringify(part.replace(/\[.*$/, ''))}:[${json}]}`
  }
  fields.set(name, head.includes('[') ? `[${json}]` : json)
}

function idOf(source: Source, system: System, number: number): string {
  if (system === 'salesforce') return `001${String(number).padStart(12, '0')}`
  if (source.chance(0.1)) return `${number} ${source.one(TOKENS)}`.slice(0, 250)
  return `H-${number}`
}

const firstVersion = Date.UTC(2024, 0, 1)

function time(number: number): string {
  return new Date(firstVersion + number * 1_000).toISOString()
}

/** A delivery of records: the path behind /ingest/, the body, and headers of its own. */
export interface HostileDelivery {
  system: System
  path: string
  body: string
  headers: Record<string, string>
  records: readonly HostileRecord[]
}

/** Makes a delivery in the form that the system sends. */
export function hostileDelivery(
  source: Source,
  system: System,
  recordsMax: number,
): HostileDelivery {
  const objects = objectsOf(system)
  // A bare record does not name its object, so those of one body have the same.
  const only = system === 'webshop' ? source.one(objects) : undefined
  const records = Array.from({ length: 1 + source.below(recordsMax) }, () =>
    hostileRecord(source, system, only ?? source.one(objects)),
  )
  const list = (texts: string[]) => (texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(',')}]`)
  const made = (path: string, body: string, headers: Record<string, string> = {}) => ({
    system,
    path,
    body,
    headers,
    records,
  })
  switch (system) {
    case 'salesforce':
      return made('salesforce', list(records.map((r) => changeEvent(source, r))))
    case 'stripe':
      return made('stripe', list(records.map((r) => stripeEvent(source, r))))
    case 'netsuite':
      return made('netsuite', list(records.map((r) => netsuiteEvent(source, r))))
    case 'webshop':
      return source.chance(0.7)
        ? made(`webshop/${only?.name}`, list(records.map((r) => r.json)))
        : made('webshop', list(records.map((r) => genericEvent(source, r))))
    case 'hooks':
      return made(
        'hooks',
        `{"kind":${source.json()},"events":[${records
          .map((r) => definedEvent(source, r))
          .join(',')}]}`,
        { 'x-topic': headerText(source) },
      )
  }
}

function name(source: Source, object: string): string {
  return source.chance(0.95) ? JSON.stringify(object) : source.json()
}

/** A hostile text that an HTTP header can carry: Latin-1 without control characters. */
export function headerText(source: Source): string {
  return source
    .text()
    .replace(/[^\t\x20-\x7e\x80-\xff]/g, '?')
    .slice(0, 4_000)
    .trim()
}

function changeEvent(source: Source, r: HostileRecord): string {
  const header = {
    entityName: source.chance(0.95) ? r.object : source.text(),
    changeType: source.one(['CREATE', 'CREATE', 'UPDATE', 'UNDELETE', 'DELETE', 'GAP_CREATE', 'x']),
    recordIds: source.chance(0.9) ? [r.id ?? '001000000000000AAA'] : [source.text(), source.text()],
    commitTimestamp: 1_767_340_800_000 + count,
    commitNumber: source.chance(0.9) ? count : source.text(),
    changedFields: source.chance(0.7)
      ? source.some(TOKENS, 3)
      : ['0x40', '4-0x02', `0x${'f'.repeat(600)}`],
    nulledFields: source.some(TOKENS, 2),
    diffFields: source.chance(0.1) ? source.some(TOKENS, 2) : [],
  }
  const uuid = source.chance(0.5)
    ? `,"event":{"EventUuid":${JSON.stringify(`${count++}${source.text()}`)}}`
    : ''
  const schema = source.chance(0.2) ? `,"schema":${source.json()}` : ''
  const inside = r.json === '{}' ? '' : `,${r.json.slice(1, -1)}`
  return `{"payload":{"ChangeEventHeader":${JSON.stringify(header)}${inside}}${uuid}${schema}}`
}

function stripeEvent(source: Source, r: HostileRecord): string {
  const type = source.chance(0.9)
    ? `${r.object}.${source.one(['created', 'updated', 'deleted', 'paid'])}`
    : source.text()
  const previous = source.chance(0.3) ? `,"previous_attributes":${source.json()}` : ''
  const subject = `{"object":${name(source, r.object)},${r.json.slice(1)}`
  return `{"id":${JSON.stringify(`evt_${count++}${source.chance(0.1) ? source.text() : ''}`)},"object":"event","type":${JSON.stringify(type)},"created":${source.chance(0.95) ? 1_767_340_800 + count : source.json()},"data":{"object":${subject.replace(/,\}$/, '}')}${previous}}}`
}

function definedEvent(source: Source, r: HostileRecord): string {
  const id = JSON.stringify(`${count++}-${source.chance(0.2) ? source.text() : ''}`)
  const action = source.chance(0.8) ? '"upsert"' : source.json()
  const at = source.chance(0.8) ? '"2026-01-01T00:00:00Z"' : source.json()
  return `{"id":${id},"topic":${name(source, r.object)},"action":${action},"at":${at},"data":${r.json}}`
}

function genericEvent(source: Source, r: HostileRecord): string {
  const type = source.chance(0.9) ? '"upsert"' : '"delete"'
  const version = source.chance(0.8) ? '"2026-01-01T00:00:00Z"' : source.json()
  return `{"object":${name(source, r.object)},"type":${type},"id":${JSON.stringify(r.id ?? source.text())},"version":${version},"record":${r.json}}`
}

function netsuiteEvent(source: Source, r: HostileRecord): string {
  const type = source.chance(0.95)
    ? source.one(['create', 'edit', 'xedit', 'delete'])
    : source.text()
  const modified = source.chance(0.9) ? '"2026-01-02T08:00:00Z"' : source.json()
  return `{"recordType":${name(source, r.object)},"type":${JSON.stringify(type)},"id":${JSON.stringify(r.id ?? source.text())},"lastModified":${modified},"record":${r.json}}`
}
