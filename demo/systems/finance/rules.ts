import countries from 'i18n-iso-countries/index.js'
import { ownValue, setOwn } from '../../../schema/kit/dictionary.ts'
import type { Random } from '../../random.ts'
import type { ObjectRules, WrittenAt } from '../kit/store.ts'
import { COMPANIES, DRAWS, REDRAWS } from './draws.ts'
import { CHANGED, ENTITIES, type Entity } from './entities.ts'
import { emptyRecord, type Fields, momentOf, storedValue } from './values.ts'

export type { Fields } from './values.ts'

/** Users change these often. */
const WEIGHTS = new Map([
  ['CustomersV3', 6],
  ['ContactPersons', 5],
  ['SalesOrderHeadersV2', 3],
])
/** Prefixes of the numbers that sequences give. */
const SEQUENCES = new Map([
  ['CustomersV3', 'C'],
  ['ContactPersons', 'CP'],
  ['ProductsV2', 'P'],
  ['ReleasedProductsV2', 'I'],
  ['SalesOrderHeadersV2', 'SO'],
])

/** Returns the tag of a version: the version of the record and its id, as the service packs them. */
const tagOf = (version: number, recordId: number): string =>
  `W/"${Buffer.from(`'${version},${recordId}'`).toString('base64')}"`

/** Counts what the system numbers: records, versions, parties and the sequences of numbers. */
export class Counters {
  readonly #random: Random
  readonly #last = new Map<string, number>()
  readonly #recordIds = new Map<string, number>()

  constructor(random: Random) {
    this.#random = random
  }

  next(name: string): string {
    const number = (this.#last.get(name) ?? 0) + 1
    this.#last.set(name, number)
    return String(number).padStart(6, '0')
  }

  /** Returns a new tag of a record. Its version is 1 at first, then any number. */
  tag(set: string, id: string): string {
    const known = this.#recordIds.get(`${set} ${id}`)
    const recordId = known ?? 68_719_482_000 + Number(this.next('record'))
    this.#recordIds.set(`${set} ${id}`, recordId)
    return tagOf(known === undefined ? 1 : this.#random.between(2, 2_147_483_647), recordId)
  }
}

/** The id of a record in the store: the values of its key, joined by a hyphen or, where they are many, by bars. */
export const idOfKey = ({ keys }: Entity, fields: Fields): string =>
  keys.map((name) => String(ownValue(fields, name) ?? '')).join(keys.length > 2 ? '|' : '-')

const isoOf = (code: unknown) => countries.alpha3ToAlpha2(String(code)) ?? ''

/** Returns the fields that the system makes of others. */
function derived({ set }: Entity, record: Fields): Fields {
  if (set === 'ContactPersons')
    return { ContactPersonName: [record.FirstName, record.LastName].filter(Boolean).join(' ') }
  if (set !== 'CustomersV3') return {}
  const lines = [
    record.AddressStreet,
    [record.AddressZipCode, record.AddressCity].filter(Boolean).join(' '),
    record.AddressCountryRegionId,
  ]
  return {
    FullPrimaryAddress: lines.filter(Boolean).join('\n'),
    AddressCountryRegionISOCode: isoOf(record.AddressCountryRegionId),
    DeliveryAddressCountryRegionISOCode: isoOf(record.DeliveryAddressCountryRegionId),
    InvoiceAddressCountryRegionISOCode: isoOf(record.InvoiceAddressCountryRegionId),
  }
}

function write(entity: Entity, fields: Fields, at: WrittenAt, counters: Counters): Fields {
  const record: Fields = at.before ? { ...at.before } : emptyRecord(entity)
  if (!at.before) {
    for (const name of entity.keys)
      setOwn(record, name, storedValue(entity, entity.fields.get(name)!, ownValue(fields, name)))
    if (entity.fields.has('OrderCreationDateTime')) record.OrderCreationDateTime = momentOf(at.now)
    if (entity.set === 'CustomersV3') {
      record.PartyType = 'Organization'
      record.SalesCurrencyCode = new Map(COMPANIES).get(String(record.dataAreaId)) ?? ''
      if ((fields.PartyNumber ?? '') === '') record.PartyNumber = counters.next('party')
    }
    if (entity.set === 'ContactPersons') record.ContactPersonPartyNumber = counters.next('party')
  }
  for (const [name, value] of Object.entries(fields)) {
    if (entity.keys.includes(name) || (name === 'PartyNumber' && value === '')) continue
    setOwn(record, name, storedValue(entity, entity.fields.get(name)!, value))
  }
  setOwn<unknown>(record, CHANGED, momentOf(at.now))
  return { ...record, ...derived(entity, record), '@odata.etag': counters.tag(entity.set, at.id) }
}

/** Returns the rules of all entities. */
export function financeRules(counters: Counters): ObjectRules[] {
  return ENTITIES.map((entity): ObjectRules => {
    const { set } = entity
    return {
      name: set,
      idField: 'id',
      fields: [...entity.fields.keys()].filter((name) => name !== CHANGED),
      weight: WEIGHTS.get(set) ?? 2,
      newId() {
        throw new Error(`a record of ${set} is made with its key`)
      },
      write: (fields, at) => write(entity, fields, at, counters),
      ...(entity.writable && { erase: (record: Fields) => record }),
      draw(random, store) {
        const drawn = DRAWS.get(set)!(random, store)
        if (!drawn) return undefined
        const numbered = keyed(entity, drawn, counters)
        return { ...numbered, id: idOfKey(entity, numbered) }
      },
      redraw: REDRAWS.get(set)!,
    }
  })
}

/** Returns the fields of a new record with a key: what is missing comes from a number sequence. */
export function keyed(entity: Entity, fields: Fields, counters: Counters): Fields {
  const number = entity.keys.at(-1)!
  const prefix = SEQUENCES.get(entity.set)
  if (prefix === undefined || (ownValue(fields, number) ?? '') !== '') return fields
  const given: Fields = { ...fields }
  setOwn<unknown>(given, number, `${prefix}-${counters.next(entity.set)}`)
  return given
}
