import { getCountryCallingCode, isSupportedCountry } from 'libphonenumber-js/max'
import type { Random } from '../../random.ts'
import type { ObjectRules, Who, WrittenAt } from '../kit/store.ts'
import { company, person } from '../kit/world.ts'
import { WrongValue } from '../kit/writes.ts'

export type Fields = Record<string, unknown>

/** An entity set of a service, and how many characters its properties have at most. */
export interface EntitySet {
  name: string
  service: string
  type: string
  keys: readonly string[]
  /** Properties that a client sets. */
  texts: ReadonlyMap<string, number>
  flags: readonly string[]
  /** Days, Edm.DateTime. */
  dates: readonly string[]
  /** What `$expand` adds, with the set of its entities; those of no set are empty here. */
  navigation: ReadonlyMap<string, string | null>
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

const CHANGE = ['CreationDate', 'LastChangeDate', 'LastChangeDateTime', 'LastChangedByUser']

export const SETS: readonly EntitySet[] = [
  {
    ...{ name: 'A_BusinessPartner', service: 'API_BUSINESS_PARTNER', dates: [] },
    navigation: new Map([
      ['to_BusinessPartnerAddress', 'A_BusinessPartnerAddress'],
      ['to_BuPaIdentification', 'A_BuPaIdentification'],
      ['to_BusinessPartnerRole', 'A_BusinessPartnerRole'],
      ['to_BusinessPartnerTax', 'A_BusinessPartnerTaxNumber'],
      ['to_Customer', 'A_Customer'],
    ]),
    type: 'A_BusinessPartnerType',
    keys: ['BusinessPartner'],
    texts: lengths(
      `BusinessPartner:10 BusinessPartnerCategory:1 BusinessPartnerGrouping:4 OrganizationBPName1:40
        OrganizationBPName2:40 OrganizationBPName3:40 OrganizationBPName4:40 FirstName:40 MiddleName:40
        LastName:40 GroupBusinessPartnerName1:40 GroupBusinessPartnerName2:40 SearchTerm1:20
        CorrespondenceLanguage:2`,
    ),
    flags: ['BusinessPartnerIsBlocked', 'IsMarkedForArchiving'],
    readOnly: [
      ...['Customer', 'BusinessPartnerFullName', 'CreationDate', 'CreationTime', 'CreatedByUser'],
      ...['LastChangeDate', 'LastChangeTime', 'LastChangedByUser', 'ETag'],
    ],
  },
  {
    ...{ name: 'A_BusinessPartnerAddress', service: 'API_BUSINESS_PARTNER', dates: [] },
    navigation: new Map([
      ['to_AddressUsage', 'A_BuPaAddressUsage'],
      ['to_EmailAddress', 'A_AddressEmailAddress'],
      ['to_PhoneNumber', 'A_AddressPhoneNumber'],
      ['to_MobilePhoneNumber', null],
      ['to_URLAddress', null],
    ]),
    type: 'A_BusinessPartnerAddressType',
    keys: ['BusinessPartner', 'AddressID'],
    texts: lengths(
      `BusinessPartner:10 AddressID:10 StreetName:60 HouseNumber:10 HouseNumberSupplementText:10
        CityName:40 PostalCode:10 POBoxPostalCode:10 Region:3 Country:3 Language:2`,
    ),
    flags: [],
    readOnly: [],
  },
  {
    ...{ name: 'A_AddressEmailAddress', service: 'API_BUSINESS_PARTNER', dates: [] },
    navigation: new Map(),
    type: 'A_AddressEmailAddressType',
    keys: ['AddressID', 'Person', 'OrdinalNumber'],
    texts: lengths('AddressID:10 Person:10 OrdinalNumber:3 EmailAddress:241'),
    flags: ['IsDefaultEmailAddress'],
    readOnly: ['SearchEmailAddress'],
  },
  {
    ...{ name: 'A_AddressPhoneNumber', service: 'API_BUSINESS_PARTNER', dates: [] },
    navigation: new Map(),
    type: 'A_AddressPhoneNumberType',
    keys: ['AddressID', 'Person', 'OrdinalNumber'],
    texts: lengths(
      `AddressID:10 Person:10 OrdinalNumber:3 DestinationLocationCountry:3 PhoneNumber:30
        PhoneNumberExtension:10`,
    ),
    flags: ['IsDefaultPhoneNumber'],
    readOnly: ['InternationalPhoneNumber'],
  },
  {
    ...{ name: 'A_BuPaIdentification', service: 'API_BUSINESS_PARTNER', dates: [] },
    navigation: new Map(),
    type: 'A_BuPaIdentificationType',
    keys: ['BusinessPartner', 'BPIdentificationType', 'BPIdentificationNumber'],
    texts: lengths(
      `BusinessPartner:10 BPIdentificationType:6 BPIdentificationNumber:60
        BPIdnNmbrIssuingInstitute:40 Country:3`,
    ),
    flags: [],
    readOnly: [],
  },
  {
    ...{ name: 'A_BusinessPartnerRole', service: 'API_BUSINESS_PARTNER', dates: [] },
    navigation: new Map(),
    type: 'A_BusinessPartnerRoleType',
    keys: ['BusinessPartner', 'BusinessPartnerRole'],
    texts: lengths('BusinessPartner:10 BusinessPartnerRole:6'),
    flags: [],
    readOnly: [],
  },
  {
    ...{ name: 'A_BusinessPartnerTaxNumber', service: 'API_BUSINESS_PARTNER', dates: [] },
    navigation: new Map(),
    type: 'A_BusinessPartnerTaxNumberType',
    keys: ['BusinessPartner', 'BPTaxType'],
    texts: lengths('BusinessPartner:10 BPTaxType:4 BPTaxNumber:20 BPTaxLongNumber:60'),
    flags: [],
    readOnly: [],
  },
  {
    ...{ name: 'A_BPContactToFuncAndDept', service: 'API_BUSINESS_PARTNER' },
    navigation: new Map(),
    type: 'A_BPContactToFuncAndDeptType',
    keys: ['RelationshipNumber', 'BusinessPartnerCompany', 'BusinessPartnerPerson'],
    texts: lengths('RelationshipNumber:12 BusinessPartnerCompany:10 BusinessPartnerPerson:10'),
    flags: [],
    dates: ['ValidityEndDate'],
    readOnly: [],
  },
  {
    ...{ name: 'A_Product', service: 'API_PRODUCT_SRV', type: 'A_ProductType', dates: [] },
    keys: ['Product'],
    texts: lengths(
      `Product:40 ProductType:4 ProductGroup:9 BaseUnit:3 ProductStandardID:18
        ProductManufacturerNumber:40 IndustrySector:1 Division:2 SizeOrDimensionText:32`,
    ),
    flags: ['IsMarkedForDeletion'],
    navigation: new Map([['to_Description', null]]),
    readOnly: CHANGE,
  },
  {
    ...{ name: 'A_SalesContract', service: 'API_SALES_CONTRACT_SRV', type: 'A_SalesContractType' },
    keys: ['SalesContract'],
    texts: lengths(
      `SalesContract:10 SalesContractType:4 SalesOrganization:4 DistributionChannel:2
        OrganizationDivision:2 SoldToParty:10 PurchaseOrderByCustomer:35 TransactionCurrency:5`,
    ),
    flags: [],
    dates: ['SalesContractValidityStartDate', 'SalesContractValidityEndDate'],
    navigation: new Map([['to_Item', null]]),
    readOnly: CHANGE,
  },
  {
    ...{
      name: 'A_SalesQuotation',
      service: 'API_SALES_QUOTATION_SRV',
      type: 'A_SalesQuotationType',
    },
    keys: ['SalesQuotation'],
    texts: lengths(
      `SalesQuotation:10 SalesQuotationType:4 SalesOrganization:4 SoldToParty:10
        OverallSDProcessStatus:1 TotalNetAmount:15 TransactionCurrency:5`,
    ),
    flags: [],
    dates: ['SalesQuotationDate', 'BindingPeriodValidityEndDate'],
    navigation: new Map([['to_Item', null]]),
    readOnly: CHANGE,
  },
]

/** Properties that the published metadata shows in capitals: SAP stores them so. */
const CAPITALS: ReadonlySet<string> = new Set([
  ...['BPIdentificationType', 'BPIdentificationNumber', 'BPTaxType', 'BPTaxNumber', 'SearchTerm1'],
  ...[
    'BusinessPartner',
    'BusinessPartnerRole',
    'PostalCode',
    'POBoxPostalCode',
    'Region',
    'Country',
  ],
])
export const storedText = (name: string, value: unknown): unknown =>
  typeof value === 'string' && CAPITALS.has(name) ? value.toUpperCase() : value

/** The roles that make a partner a customer, which has the number of the partner. */
export const CUSTOMER_ROLES: ReadonlySet<unknown> = new Set(['FLCU00', 'FLCU01'])
export const setNamed = (name: string): EntitySet | undefined =>
  SETS.find((set) => set.name === name)

export const isKnown = (set: EntitySet, name: string): boolean =>
  set.texts.has(name) || [...set.flags, ...set.dates, ...set.readOnly].includes(name)

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
  if (set.dates.includes(name)) {
    if (value === null || /^\/Date\(-?\d+\)\/$/.test(String(value))) return
    throw new WrongValue(set.name, name, value, 'Edm.DateTime')
  }
  const max = set.texts.get(name)
  const expected = max === undefined ? 'Edm.Boolean' : `Edm.String of ${max}`
  const isRight =
    max === undefined
      ? typeof value === 'boolean'
      : typeof value === 'string' && value.length <= max
  if (!isRight) throw new WrongValue(set.name, name, value, expected)
}

/** The fields of which the full name of a partner is made. */
function namesOf(record: Fields): unknown[] {
  if (record.BusinessPartnerCategory === '1')
    return [record.FirstName, record.MiddleName, record.LastName]
  return record.BusinessPartnerCategory === '3'
    ? [record.GroupBusinessPartnerName1, record.GroupBusinessPartnerName2]
    : [record.OrganizationBPName1, record.OrganizationBPName2]
}

/** A number of a country without its zero, behind the code of the country. */
function internationalNumber(record: Fields): string {
  const country = String(record.DestinationLocationCountry)
  const number = `${String(record.PhoneNumber)}${String(record.PhoneNumberExtension)}`
  const digits = number.replaceAll(/\D/g, '').replace(/^0/, '')
  return isSupportedCountry(country) ? `+${getCountryCallingCode(country)}${digits}` : number
}

function write(set: EntitySet, fields: Fields, at: WrittenAt, key: Fields): Fields {
  for (const [name, value] of Object.entries(fields)) checkValue(set, name, value)
  const empty = [...set.texts.keys()].map((name) => [name, ''] as const)
  const off = set.flags.map((name) => [name, false] as const)
  const never = set.dates.map((name) => [name, null] as const)
  const record: Fields = {
    ...Object.fromEntries([...empty, ...off, ...never]),
    ...at.before,
    ...Object.fromEntries(Object.entries(fields).map(([name, v]) => [name, storedText(name, v)])),
    ...key,
  }
  if (set.readOnly === CHANGE)
    return {
      CreationDate: dayOf(at.now),
      ...record,
      LastChangeDate: dayOf(at.now),
      LastChangeDateTime: `/Date(${at.now}+0000)/`,
      LastChangedByUser: userOf(at),
    }
  if (set.name === 'A_AddressPhoneNumber')
    return { ...record, InternationalPhoneNumber: internationalNumber(record) }
  if (set.name === 'A_AddressEmailAddress')
    return {
      ...record,
      SearchEmailAddress: String(record.EmailAddress).toUpperCase().slice(0, 20),
    }
  if (set.name !== 'A_BusinessPartner') return record
  return {
    CreationDate: dayOf(at.now),
    CreationTime: timeOf(at.now),
    CreatedByUser: userOf(at),
    ...record,
    BusinessPartnerFullName: namesOf(record).filter(Boolean).join(' ').slice(0, 81),
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
      fields: [...set.texts.keys(), ...set.flags, ...set.dates],
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
    ...(['A_AddressEmailAddress', 'A_AddressPhoneNumber'] as const).map((name) =>
      rules(name, 0, () => `${lastAddress}//1`, {
        // They belong to an address.
        draw: (draw, store) =>
          store.table('A_BusinessPartnerAddress').live.length === 0
            ? undefined
            : name === 'A_AddressEmailAddress'
              ? { EmailAddress: draw.fill('info-#####@example.com') }
              : { PhoneNumber: draw.fill('30#######'), DestinationLocationCountry: 'DE' },
        redraw: () => ({}),
        erase: (record) => record,
      }),
    ),
    rules('A_BuPaIdentification', 0, () => `${last}/DUNS/${random.fill('#########')}`, {
      draw: (_draw, store) =>
        store.table('A_BusinessPartner').live.length === 0 ? undefined : { Country: 'DE' },
      redraw: () => ({}),
      erase: (record) => record,
    }),
    rules('A_BusinessPartnerRole', 0, () => `${last}/FLCU01`, {
      draw: () => ({}),
      redraw: () => ({}),
    }),
    rules('A_BusinessPartnerTaxNumber', 0, () => `${last}/DE0`, {
      draw: (draw) => ({ BPTaxNumber: draw.fill('DE#########') }),
      redraw: () => ({}),
    }),
    rules('A_BPContactToFuncAndDept', 0, () => `${last}/${last}/${last}`, {
      draw: () => ({ ValidityEndDate: dayOf(Date.parse('9999-12-31')) }),
      redraw: () => ({}),
    }),
    rules('A_Product', 2, () => `TG${++last}`, {
      draw: (draw) => ({
        ...{ ProductType: 'FERT', ProductGroup: 'L001', BaseUnit: 'PC' },
        ProductManufacturerNumber: draw.fill('MN-#####'),
      }),
      redraw: (draw) => ({ ProductGroup: draw.pick(['L001', 'L002']) }),
    }),
    rules('A_SalesContract', 2, () => String(40_000_000 + ++last), {
      draw: (_draw, store) => ({
        ...{ SalesContractType: 'WK1', SalesOrganization: '1010', TransactionCurrency: 'EUR' },
        SalesContractValidityStartDate: dayOf(store.clock.now()),
        SalesContractValidityEndDate: dayOf(store.clock.now() + 365 * 86_400_000),
      }),
      redraw: (draw) => ({ PurchaseOrderByCustomer: draw.fill('PO-#####') }),
    }),
    rules('A_SalesQuotation', 2, () => String(20_000_000 + ++last), {
      draw: (draw, store) => ({
        ...{ SalesQuotationType: 'QT', SalesOrganization: '1010', TransactionCurrency: 'EUR' },
        SoldToParty: store.pick(draw, 'A_BusinessPartner') ?? '',
        SalesQuotationDate: dayOf(store.clock.now()),
        BindingPeriodValidityEndDate: dayOf(store.clock.now() + 30 * 86_400_000),
        ...{ OverallSDProcessStatus: 'A', TotalNetAmount: `${draw.between(1, 9999)}.50` },
      }),
      redraw: (draw) => ({ OverallSDProcessStatus: draw.pick(['A', 'B', 'C']) }),
    }),
  ]
}
