import { salesforceId } from '../../checkDigits.ts'
import type { Random } from '../../random.ts'
import type { ObjectRules, Store, Who } from '../kit/store.ts'
import { article, company, person } from '../kit/world.ts'
import { OBJECT_TYPES, type ObjectType } from './objects.ts'
import { type Fields, touch, writeRecord } from './records.ts'

type Draw = (random: Random, store: Store) => Fields | undefined

const dayMs = 86_400_000
const usersMax = 20
const amount = (random: Random, max: number) => random.between(100, max * 100) / 100
const dateOf = (time: number) => new Date(time).toISOString().slice(0, 10)
const around = (random: Random, store: Store) =>
  dateOf(store.clock.now() + random.between(-90, 300) * dayMs)

/** Stages with what Salesforce derives from them. */
const STAGES: readonly [stage: string, probability: number, forecast: string][] = [
  ['Prospecting', 10, 'Pipeline'],
  ['Qualification', 20, 'Pipeline'],
  ['Proposal/Price Quote', 75, 'Best Case'],
  ['Negotiation/Review', 90, 'Commit'],
  ['Closed Won', 100, 'Closed'],
  ['Closed Lost', 0, 'Omitted'],
]
const INDUSTRIES = ['Manufacturing', 'Technology', 'Retail', 'Energy', 'Healthcare']

const owner = (random: Random, store: Store) => ({ OwnerId: store.pick(random, 'User')! })
const fieldOf = (store: Store, object: string, id: string, name: string) =>
  new Map(Object.entries(store.table(object).get(id)!.record)).get(name)

function ofAccount(random: Random, store: Store) {
  const AccountId = store.pick(random, 'Account')
  if (AccountId === undefined) return undefined
  const CurrencyIsoCode = fieldOf(store, 'Account', AccountId, 'CurrencyIsoCode')
  return { AccountId, ...(CurrencyIsoCode !== null && { CurrencyIsoCode }) }
}

function domainOf(store: Store, accountId: string | undefined): string {
  const website = accountId && fieldOf(store, 'Account', accountId, 'Website')
  return website ? new URL(String(website)).hostname.replace('www.', '') : 'example.com'
}

/** Draws a line: a price book entry with its product, a quantity and a price. */
function line(random: Random, store: Store) {
  const PricebookEntryId = store.pick(random, 'PricebookEntry')
  if (PricebookEntryId === undefined) return undefined
  return {
    PricebookEntryId,
    Product2Id: fieldOf(store, 'PricebookEntry', PricebookEntryId, 'Product2Id'),
    Quantity: random.between(1, 40),
    UnitPrice: fieldOf(store, 'PricebookEntry', PricebookEntryId, 'UnitPrice'),
    CurrencyIsoCode: fieldOf(store, 'PricebookEntry', PricebookEntryId, 'CurrencyIsoCode'),
  }
}

const DRAWS: ReadonlyMap<string, Draw> = new Map<string, Draw>([
  [
    'User',
    (random, store) => {
      if (store.table('User').live.length >= usersMax) return undefined
      const drawn = person(random, 'example.com')
      const { given: FirstName, family: LastName, email: Email, title: Title } = drawn
      const Username = `${random.token(6).toLowerCase()}.${Email}`
      return { FirstName, LastName, Email, Title, Username, IsActive: true, UserType: 'Standard' }
    },
  ],
  [
    'Account',
    (random, store) => {
      const { address, ...drawn } = company(random)
      const isPerson = random.chance(0.1)
      const someone = person(random, drawn.domain)
      const parent = random.chance(0.1) ? store.pick(random, 'Account') : undefined
      const own = isPerson
        ? {
            IsPersonAccount: true,
            Salutation: random.pick(['Mr.', 'Ms.', null]),
            FirstName: someone.given,
            LastName: someone.family,
            PersonEmail: someone.email,
          }
        : {
            Name: drawn.name,
            Website: `https://www.${drawn.domain}`,
            Industry: random.pick(INDUSTRIES),
            NumberOfEmployees: drawn.employees,
            Registration_Number__c: drawn.taxId,
            ...(random.chance(0.3) && { DunsNumber: random.fill('#########') }),
            ...(parent && { ParentId: parent }),
          }
      return {
        ...own,
        ...owner(random, store),
        Type: random.pick(['Prospect', 'Customer - Direct', 'Customer - Channel']),
        Phone: drawn.phone,
        AccountNumber: random.fill('CD######'),
        CurrencyIsoCode: drawn.currency,
        Payment_Terms__c: random.pick(['Net 30', 'Net 60', null]),
        BillingStreet: address.street,
        BillingCity: address.city,
        BillingState: address.region,
        BillingPostalCode: address.postcode,
        BillingCountryCode: address.country,
      }
    },
  ],
  [
    'Contact',
    (random, store) => {
      const account = random.chance(0.95) ? ofAccount(random, store) : undefined
      const drawn = person(random, domainOf(store, account?.AccountId))
      return {
        ...account,
        ...owner(random, store),
        FirstName: random.chance(0.95) ? drawn.given : null,
        LastName: drawn.family,
        Email: drawn.email,
        Phone: drawn.phone,
        Title: random.chance(0.6) ? drawn.title : null,
      }
    },
  ],
  [
    'Lead',
    (random, store) => {
      const { address, ...drawn } = company(random)
      const someone = person(random, drawn.domain)
      return {
        ...owner(random, store),
        FirstName: someone.given,
        LastName: someone.family,
        Email: someone.email,
        Company: drawn.name,
        Status: random.pick(['Open - Not Contacted', 'Working - Contacted']),
        LeadSource: random.pick(['Web', 'Phone Inquiry', 'Partner Referral']),
        Street: address.street,
        City: address.city,
        PostalCode: address.postcode,
        CountryCode: address.country,
      }
    },
  ],
  [
    'Product2',
    (random) => {
      const drawn = article(random)
      return {
        Name: drawn.name,
        ProductCode: drawn.sku,
        StockKeepingUnit: random.chance(0.8) ? drawn.sku : null,
        Description: drawn.description,
        Family: drawn.period ? 'Services' : 'Hardware',
        IsActive: true,
        CurrencyIsoCode: 'EUR',
        List_Price__c: drawn.priceMinor / 100,
        QuantityUnitOfMeasure: drawn.period ? null : 'Each',
      }
    },
  ],
  [
    'Pricebook2',
    (_random, store) =>
      store.table('Pricebook2').live.length > 0
        ? undefined
        : { Name: 'Standard Price Book', IsActive: true, IsStandard: true },
  ],
  [
    'PricebookEntry',
    (random, store) => {
      const Product2Id = store.pick(random, 'Product2')
      const Pricebook2Id = store.pick(random, 'Pricebook2')
      if (Product2Id === undefined || Pricebook2Id === undefined) return undefined
      return {
        Product2Id,
        Pricebook2Id,
        Name: fieldOf(store, 'Product2', Product2Id, 'Name'),
        ProductCode: fieldOf(store, 'Product2', Product2Id, 'ProductCode'),
        CurrencyIsoCode: random.pick(['EUR', 'USD', 'GBP']),
        UnitPrice: amount(random, 4000),
        IsActive: true,
      }
    },
  ],
  [
    'Contract',
    (random, store) => {
      const account = ofAccount(random, store)
      if (!account) return undefined
      return {
        ...account,
        ...owner(random, store),
        Status: random.pick(['Draft', 'In Approval Process', 'Activated']),
        StartDate: around(random, store),
        ContractTerm: random.pick([12, 24, 36]),
        Contract_Value__c: amount(random, 200_000),
        Renewal__c: random.pick(['Automatic', 'Manual', 'None']),
      }
    },
  ],
  [
    'Opportunity',
    (random, store) => {
      const account = ofAccount(random, store)
      if (!account) return undefined
      return {
        ...account,
        ...owner(random, store),
        Name: `${random.pick(['New', 'Renewal', 'Upgrade'])} ${random.fill('####')}`,
        StageName: random.pick(STAGES)[0],
        Amount: random.chance(0.9) ? amount(random, 90_000) : null,
        CloseDate: around(random, store),
        Type: random.pick(['New Customer', 'Existing Customer - Upgrade']),
        LeadSource: random.pick(['Web', 'Partner Referral', null]),
      }
    },
  ],
  [
    'OpportunityLineItem',
    (random, store) => {
      const OpportunityId = store.pick(random, 'Opportunity')
      const drawn = line(random, store)
      return OpportunityId && drawn ? { OpportunityId, ...drawn } : undefined
    },
  ],
  [
    'Order',
    (random, store) => {
      const account = ofAccount(random, store)
      if (!account) return undefined
      return {
        ...account,
        ...owner(random, store),
        Status: random.pick(['Draft', 'Activated']),
        EffectiveDate: around(random, store),
        PoNumber: random.fill('PO-#####'),
        TotalAmount: 0,
        Pricebook2Id: store.pick(random, 'Pricebook2')!,
      }
    },
  ],
  [
    'OrderItem',
    (random, store) => {
      const OrderId = store.pick(random, 'Order')
      const drawn = line(random, store)
      return OrderId && drawn ? { OrderId, ...drawn } : undefined
    },
  ],
  [
    'Asset',
    (random, store) => {
      const account = ofAccount(random, store)
      const Product2Id = store.pick(random, 'Product2')
      if (!account || Product2Id === undefined) return undefined
      return {
        ...account,
        Product2Id,
        Name: fieldOf(store, 'Product2', Product2Id, 'Name'),
        Status: random.pick(['Shipped', 'Installed']),
        SerialNumber: random.fill('SN-#######'),
        Quantity: random.between(1, 5),
        InstallDate: around(random, store),
      }
    },
  ],
  [
    'Quote',
    (random, store) => {
      const OpportunityId = store.pick(random, 'Opportunity')
      if (OpportunityId === undefined) return undefined
      return {
        ...owner(random, store),
        OpportunityId,
        AccountId: fieldOf(store, 'Opportunity', OpportunityId, 'AccountId'),
        CurrencyIsoCode: fieldOf(store, 'Opportunity', OpportunityId, 'CurrencyIsoCode'),
        Pricebook2Id: store.pick(random, 'Pricebook2')!,
        Name: `Quote ${random.fill('####')}`,
        Status: random.pick(['Draft', 'Presented', 'Accepted', 'Rejected']),
        ExpirationDate: around(random, store),
        Subtotal: amount(random, 90_000),
        TotalPrice: amount(random, 90_000),
        GrandTotal: amount(random, 90_000),
      }
    },
  ],
  [
    'QuoteLineItem',
    (random, store) => {
      const QuoteId = store.pick(random, 'Quote')
      const drawn = line(random, store)
      return QuoteId && drawn ? { QuoteId, ...drawn } : undefined
    },
  ],
  [
    'Entitlement',
    (random, store) => {
      const account = ofAccount(random, store)
      if (!account) return undefined
      return {
        AccountId: account.AccountId,
        Name: `Support ${random.fill('####')}`,
        Type: random.pick(['Phone Support', 'Web Support', null]),
        Status: random.pick(['Active', 'Inactive', 'Expired']),
        StartDate: around(random, store),
        EndDate: around(random, store),
      }
    },
  ],
])

const REDRAWS: ReadonlyMap<string, (random: Random) => Fields> = new Map<
  string,
  (random: Random) => Fields
>([
  ['User', (random) => ({ Title: random.pick(['Account Executive', 'Sales Engineer']) })],
  [
    'Account',
    (random) => ({
      Phone: random.fill('+49 ### ######'),
      Payment_Terms__c: random.pick(['Net 14', 'Net 30', null]),
    }),
  ],
  ['Contact', (random) => ({ Title: random.pick(['CEO', 'Buyer', null]) })],
  ['Lead', (random) => ({ Rating: random.pick(['Hot', 'Warm', 'Cold', null]) })],
  ['Product2', (random) => ({ List_Price__c: amount(random, 900), IsActive: random.chance(0.8) })],
  ['Pricebook2', () => ({ IsActive: true })],
  ['PricebookEntry', (random) => ({ UnitPrice: amount(random, 900) })],
  ['Contract', (random) => ({ Status: random.pick(['Draft', 'Activated', 'Expired']) })],
  [
    'Opportunity',
    (random) => ({ StageName: random.pick(STAGES)[0], Amount: amount(random, 90_000) }),
  ],
  ['OpportunityLineItem', (random) => ({ Quantity: random.between(1, 90) })],
  ['Order', (random) => ({ PoNumber: random.fill('PO-#####') })],
  ['OrderItem', (random) => ({ Quantity: random.between(1, 90) })],
  ['Quote', (random) => ({ Status: random.pick(['Presented', 'Accepted', 'Rejected']) })],
  ['QuoteLineItem', (random) => ({ Quantity: random.between(1, 90) })],
  ['Entitlement', (random) => ({ Status: random.pick(['Active', 'Expired']) })],
  ['Asset', (random) => ({ Status: random.pick(['Installed', 'Obsolete']) })],
])

/** Users write these often, and price books never. */
const WEIGHTS = new Map([
  ['User', 0],
  ['Pricebook2', 0],
  ['Account', 5],
  ['Contact', 7],
  ['Opportunity', 5],
])

/** Objects that users do not delete: they make the record inactive. */
const NOT_DELETED = new Set(['User', 'Product2', 'Pricebook2', 'PricebookEntry'])

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** Returns an id of 18 characters; within an object, later ids are greater. */
export function idOf(prefix: string, number: number): string {
  let digits = ''
  for (let rest = number, at = 0; at < 9; at++, rest = Math.floor(rest / 62))
    digits = base62[rest % 62] + digits
  return salesforceId(`${prefix}5g0${digits}`)
}

const fullName = (record: Fields) =>
  [record.FirstName, record.LastName].filter((part) => part !== null).join(' ')

/** Returns a record with the fields that Salesforce derives from others. */
function derive(type: ObjectType, record: Fields, number: () => number): Fields {
  const padded = () => String(number()).padStart(8, '0')
  switch (type.name) {
    case 'Account':
      return record.IsPersonAccount ? { ...record, Name: fullName(record) } : record
    case 'User':
    case 'Contact':
    case 'Lead':
      return { ...record, Name: fullName(record) }
    case 'Opportunity': {
      const [stage, Probability, ForecastCategoryName] =
        STAGES.find(([name]) => name === record.StageName) ?? STAGES[0]!
      return {
        ...record,
        Probability,
        ForecastCategoryName,
        ForecastCategory: ForecastCategoryName.replace(' ', ''),
        IsClosed: stage.startsWith('Closed'),
        IsWon: stage === 'Closed Won',
      }
    }
    case 'Contract':
      return { ...record, ContractNumber: record.ContractNumber ?? padded() }
    case 'Order':
      return { ...record, OrderNumber: record.OrderNumber ?? padded() }
    case 'OrderItem':
      return {
        ...record,
        OrderItemNumber: record.OrderItemNumber ?? padded(),
        TotalPrice: priceOf(record),
      }
    case 'Quote':
      return { ...record, QuoteNumber: record.QuoteNumber ?? padded() }
    case 'QuoteLineItem':
    case 'OpportunityLineItem':
      return { ...record, TotalPrice: priceOf(record) }
    default:
      return record
  }
}

const priceOf = ({ Quantity, UnitPrice }: Fields) =>
  Math.round(Number(Quantity) * Number(UnitPrice) * 100) / 100

/** Returns the rules of all objects. `userOf` returns the user who makes a change. */
export function salesforceRules(random: Random, userOf: (who: Who) => string): ObjectRules[] {
  const first = random.between(1_000_000, 9_000_000)
  return [...DRAWS].map(([name, draw]): ObjectRules => {
    const type = OBJECT_TYPES.find((candidate) => candidate.name === name)!
    const settable = [...type.fields.values()].filter(({ readOnly }) => !readOnly)
    const redraw = REDRAWS.get(name)!
    let created = 0
    return {
      name,
      idField: 'Id',
      fields: settable.map((field) => field.name),
      weight: WEIGHTS.get(name) ?? 2,
      newId: () => idOf(type.prefix, first + 3 * ++created),
      write(fields, at) {
        const record = writeRecord(type, fields, { ...at, userId: userOf(at) })
        return { ...attributes(type, at.id), ...derive(type, record, () => created) }
      },
      ...(!NOT_DELETED.has(name) && {
        erase: (record: Fields, now: number, who: Who) => ({
          ...touch(record, now, userOf(who)),
          IsDeleted: true,
        }),
      }),
      draw,
      redraw: (drawn) => redraw(drawn),
    }
  })
}

/** Returns what each record of an answer begins with. */
export const attributes = (type: ObjectType, id: string) => ({
  attributes: { type: type.name, url: `/services/data/v67.0/sobjects/${type.name}/${id}` },
})
