import type { Random } from '../../random.ts'
import type { ObjectRules, Who, WrittenAt } from '../kit/store.ts'
import { company, person } from '../kit/world.ts'
import { WrongValue } from '../kit/writes.ts'

export type Fields = Record<string, unknown>

/** An entity set of the service, and how many characters its properties have at most. */
export interface EntitySet {
  name: string
  type: string
  keys: readonly string[]
  /** Properties that a client sets. */
  texts: ReadonlyMap<string, number>
  flags: readonly string[]
  /** Set by SAP alone. */
  readOnly: readonly string[]
}

const lengths = (text: string) =>
  new Map(
    text.split(/\s+/).map((part): [string, number] => {
      const [name = '', length] = part.split(':')
      return [name, Number(length)]
    }),
  )

export const SETS: readonly EntitySet[] = [
  {
    name: 'A_BusinessPartner',
    type: 'A_BusinessPartnerType',
    keys: ['BusinessPartner'],
    texts: lengths(
      `BusinessPartner:10 BusinessPartnerCategory:1 BusinessPartnerGrouping:4 OrganizationBPName1:40
        OrganizationBPName2:40 FirstName:40 LastName:40 SearchTerm1:20 CorrespondenceLanguage:2`,
    ),
    flags: ['BusinessPartnerIsBlocked', 'IsMarkedForArchiving'],
    readOnly: [
      ...['BusinessPartnerFullName', 'CreationDate', 'CreationTime', 'CreatedByUser'],
      ...['LastChangeDate', 'LastChangeTime', 'LastChangedByUser', 'ETag'],
    ],
  },
  {
    name: 'A_BusinessPartnerAddress',
    type: 'A_BusinessPartnerAddressType',
    keys: ['BusinessPartner', 'AddressID'],
    texts: lengths(
      `BusinessPartner:10 AddressID:10 StreetName:60 HouseNumber:10 CityName:40 PostalCode:10
        Region:3 Country:3 Language:2`,
    ),
    flags: [],
    readOnly: [],
  },
  {
    name: 'A_BuPaIdentification',
    type: 'A_BuPaIdentificationType',
    keys: ['BusinessPartner', 'BPIdentificationType', 'BPIdentificationNumber'],
    texts: lengths(
      `BusinessPartner:10 BPIdentificationType:6 BPIdentificationNumber:60
        BPIdnNmbrIssuingInstitute:40 Country:3`,
    ),
    flags: [],
    readOnly: [],
  },
]
export const setNamed = (name: string): EntitySet | undefined =>
  SETS.find((set) => set.name === name)

export const isKnown = ({ texts, flags, readOnly }: EntitySet, name: string): boolean =>
  texts.has(name) || flags.includes(name) || readOnly.includes(name)

/** Formats a day as OData V2 does. */
const dayOf = (ms: number) => `/Date(${ms - (ms % 86_400_000)})/`
const timeOf = (ms: number) => {
  const [hours, minutes, seconds] = new Date(ms).toISOString().slice(11, 19).split(':')
  return `PT${hours}H${minutes}M${seconds}S`
}

/** The communication user of the client, and a clerk. */
const userOf = ({ cause }: Who) => (cause === 'api' ? 'CC0000000001' : 'CB9980000012')

/** Throws `WrongValue` if a property cannot have a value. */
export function checkValue(set: EntitySet, name: string, value: unknown): void {
  const max = set.texts.get(name)
  const expected = max === undefined ? 'Edm.Boolean' : `Edm.String of ${max}`
  const isRight =
    max === undefined
      ? typeof value === 'boolean'
      : typeof value === 'string' && value.length <= max
  if (!isRight) throw new WrongValue(set.name, name, value, expected)
}

function write(set: EntitySet, fields: Fields, at: WrittenAt, key: Fields): Fields {
  for (const [name, value] of Object.entries(fields)) checkValue(set, name, value)
  const empty = [...set.texts.keys()].map((name) => [name, ''] as const)
  const off = set.flags.map((name) => [name, false] as const)
  const record: Fields = {
    ...Object.fromEntries([...empty, ...off]),
    ...at.before,
    ...fields,
    ...key,
  }
  if (set.name !== 'A_BusinessPartner') return record
  const isPerson = record.BusinessPartnerCategory === '1'
  return {
    CreationDate: dayOf(at.now),
    CreationTime: timeOf(at.now),
    CreatedByUser: userOf(at),
    ...record,
    BusinessPartnerFullName: isPerson
      ? `${record.FirstName} ${record.LastName}`
      : record.OrganizationBPName1,
    // A partner that was never changed has no date of a change.
    LastChangeDate: at.before ? dayOf(at.now) : null,
    LastChangeTime: at.before ? timeOf(at.now) : 'PT00H00M00S',
    LastChangedByUser: at.before ? userOf(at) : '',
    ETag: `${at.id}${new Date(at.now).toISOString().replaceAll(/\D/g, '')}`,
  }
}

/** The id of a row is its key, joined by slashes. */
export function sapRules(random: Random): ObjectRules[] {
  let last = 1_000_000
  let lastAddress = 20_000
  const rules = (
    name: string,
    weight: number,
    newId: () => string,
    rest: Pick<ObjectRules, 'draw' | 'redraw' | 'erase'>,
  ): ObjectRules => {
    const set = setNamed(name)!
    return {
      name,
      idField: 'id',
      fields: [...set.texts.keys(), ...set.flags],
      weight,
      newId,
      write(fields, at) {
        const parts = at.id.split('/')
        const key = set.keys.map((part, n) => [part, parts[n] ?? ''] as const)
        return write(set, fields, at, Object.fromEntries(key))
      },
      ...rest,
    }
  }
  return [
    rules('A_BusinessPartner', 5, () => String(++last), {
      draw(draw) {
        const { name } = company(draw)
        if (draw.chance(0.8))
          return { BusinessPartnerCategory: '2', OrganizationBPName1: name.slice(0, 40) }
        const { given, family } = person(draw, 'example.com')
        return { BusinessPartnerCategory: '1', FirstName: given, LastName: family }
      },
      redraw: (draw) => ({ SearchTerm1: `TERM ${draw.between(1, 999)}` }),
    }),
    rules('A_BusinessPartnerAddress', 3, () => `${last}/${++lastAddress}`, {
      draw(draw) {
        const { address } = company(draw)
        return {
          StreetName: address.street.slice(0, 60),
          CityName: address.city.slice(0, 40),
          PostalCode: address.postcode.slice(0, 10),
          Country: address.country,
        }
      },
      redraw: (draw) => ({ CityName: company(draw).address.city.slice(0, 40) }),
      erase: (record) => record,
    }),
    rules('A_BuPaIdentification', 0, () => `${last}/DUNS/${random.fill('#########')}`, {
      draw: (_draw, store) =>
        store.table('A_BusinessPartner').live.length === 0 ? undefined : { Country: 'DE' },
      redraw: () => ({}),
      erase: (record) => record,
    }),
  ]
}
