import { ownValue, setOwn } from '../../../schema/kit/dictionary.ts'
import type { Random } from '../../random.ts'
import type { ObjectRules, Store, Who } from '../kit/store.ts'
import { article, company, person } from '../kit/world.ts'
import { WrongValue } from '../kit/writes.ts'
import { type Column, findTable, type Table } from './tables.ts'

export type Fields = Record<string, unknown>
type Draw = (random: Random, store: Store) => Fields | undefined

const dayMs = 86_400_000
const usersMax = 10
const CURRENCIES = [
  ['EUR', 'Euro', '€'],
  ['USD', 'US Dollar', '$'],
  ['GBP', 'Pound Sterling', '£'],
] as const

const amount = (random: Random, max: number) => random.between(100, max * 100) / 100
const dateOf = (time: number) => new Date(time).toISOString().slice(0, 10)
const momentOf = (time: number) => `${new Date(time).toISOString().slice(0, 19)}Z`
const around = (random: Random, store: Store) =>
  store.clock.now() + random.between(-90, 300) * dayMs

const fieldOf = (store: Store, set: string, id: string | undefined, name: string): unknown => {
  const record = id === undefined ? undefined : store.table(set).get(id)?.record
  return record && ownValue(record, name)
}

const common = (random: Random, store: Store) => ({
  _ownerid_value: store.pick(random, 'systemusers')!,
  _transactioncurrencyid_value: store.pick(random, 'transactioncurrencies')!,
})

function addressOf(prefix: string, { street, city, region, postcode, country }: AddressParts) {
  return Object.fromEntries([
    [`${prefix}_line1`, street],
    [`${prefix}_city`, city],
    [`${prefix}_stateorprovince`, region || null],
    [`${prefix}_postalcode`, postcode],
    [`${prefix}_country`, country],
  ])
}
type AddressParts = ReturnType<typeof company>['address']

/** Draws what all commercial documents have: a customer, which may be a person, and a price list. */
function document(random: Random, store: Store) {
  const customer = store.pick(random, random.chance(0.9) ? 'accounts' : 'contacts')
  if (customer === undefined) return undefined
  return {
    ...common(random, store),
    _customerid_value: customer,
    _pricelevelid_value: store.pick(random, 'pricelevels') ?? null,
  }
}

function totals(random: Random) {
  const net = random.between(100, 4_000_000)
  const tax = Math.round(net * 0.19)
  return {
    totallineitemamount: net / 100,
    totaltax: tax / 100,
    totalamount: (net + tax) / 100,
    exchangerate: 1,
  }
}

function line(parentSet: string, parentColumn: string, nameColumn: string): Draw {
  return (random, store) => {
    const parent = store.pick(random, parentSet)
    const product = store.pick(random, 'products')
    if (parent === undefined || product === undefined) return undefined
    const quantity = random.between(1, 40)
    const price = random.between(100, 90_000)
    const drawn: Fields = {
      ...common(random, store),
      _productid_value: product,
      quantity,
      priceperunit: price / 100,
      baseamount: (price * quantity) / 100,
      extendedamount: (price * quantity) / 100,
      lineitemnumber: random.between(1, 9),
    }
    setOwn<unknown>(drawn, parentColumn, parent)
    setOwn<unknown>(drawn, nameColumn, fieldOf(store, 'products', product, 'name') ?? null)
    return drawn
  }
}

const DRAWS: ReadonlyMap<string, Draw> = new Map<string, Draw>([
  [
    'transactioncurrencies',
    (_random, store) => {
      const next = CURRENCIES[store.table('transactioncurrencies').live.length]
      if (!next) return undefined
      const [isocurrencycode, currencyname, currencysymbol] = next
      return { isocurrencycode, currencyname, currencysymbol, currencyprecision: 2 }
    },
  ],
  [
    'systemusers',
    (random, store) => {
      if (store.table('systemusers').live.length >= usersMax) return undefined
      const { given: firstname, family: lastname, email } = person(random, 'example.com')
      return { firstname, lastname, internalemailaddress: email, domainname: email }
    },
  ],
  [
    'pricelevels',
    (random, store) =>
      store.table('pricelevels').live.length > 0
        ? undefined
        : {
            name: 'Standard',
            _transactioncurrencyid_value: store.pick(random, 'transactioncurrencies')!,
          },
  ],
  [
    'accounts',
    (random, store) => {
      const drawn = company(random)
      const parent = random.chance(0.1) ? store.pick(random, 'accounts') : undefined
      return {
        ...common(random, store),
        ...addressOf('address1', drawn.address),
        name: drawn.name,
        accountnumber: random.fill('ACC-#####'),
        telephone1: drawn.phone,
        websiteurl: `https://www.${drawn.domain}`,
        emailaddress1: drawn.email,
        numberofemployees: drawn.employees,
        revenue: random.between(1, 900) * 100_000,
        tst_vatnumber: drawn.taxId,
        customertypecode: random.pick([3, 5, null]),
        industrycode: random.between(1, 33),
        paymenttermscode: random.pick([1, 2, 3, 4, null]),
        _parentaccountid_value: parent ?? null,
      }
    },
  ],
  [
    'contacts',
    (random, store) => {
      const parent = random.chance(0.95) ? store.pick(random, 'accounts') : undefined
      const website = fieldOf(store, 'accounts', parent, 'websiteurl')
      const domain = website ? new URL(String(website)).hostname.replace('www.', '') : 'example.com'
      const drawn = person(random, domain)
      return {
        ...common(random, store),
        firstname: drawn.given,
        lastname: drawn.family,
        emailaddress1: drawn.email,
        telephone1: drawn.phone,
        jobtitle: random.chance(0.6) ? drawn.title : null,
        _parentcustomerid_value: parent ?? null,
      }
    },
  ],
  [
    'leads',
    (random, store) => {
      const drawn = company(random)
      const someone = person(random, drawn.domain)
      return {
        ...common(random, store),
        ...addressOf('address1', drawn.address),
        subject: 'Interested in our products',
        companyname: drawn.name,
        firstname: someone.given,
        lastname: someone.family,
        emailaddress1: someone.email,
        leadsourcecode: random.between(1, 10),
      }
    },
  ],
  [
    'products',
    (random, store) => {
      const drawn = article(random)
      return {
        _transactioncurrencyid_value: store.pick(random, 'transactioncurrencies')!,
        name: drawn.name,
        productnumber: drawn.sku,
        description: drawn.description,
        price: drawn.priceMinor / 100,
        producttypecode: drawn.period ? 3 : 1,
        productstructure: 1,
        quantitydecimal: 2,
      }
    },
  ],
  [
    'productpricelevels',
    (random, store) => {
      const product = store.pick(random, 'products')
      const list = store.pick(random, 'pricelevels')
      if (product === undefined || list === undefined) return undefined
      return {
        _productid_value: product,
        _pricelevelid_value: list,
        _transactioncurrencyid_value: store.pick(random, 'transactioncurrencies')!,
        productnumber: fieldOf(store, 'products', product, 'productnumber'),
        amount: amount(random, 4000),
        pricingmethodcode: 1,
        quantitysellingcode: 1,
      }
    },
  ],
  [
    'opportunities',
    (random, store) => {
      const drawn = document(random, store)
      if (!drawn) return undefined
      return {
        ...drawn,
        name: `${random.pick(['New', 'Renewal', 'Upgrade'])} ${random.fill('####')}`,
        estimatedvalue: amount(random, 90_000),
        estimatedclosedate: dateOf(around(random, store)),
        closeprobability: random.pick([10, 40, 75, 90]),
        stepname: random.pick(['1-Qualify', '2-Develop', '3-Propose', '4-Close']),
        statecode: random.pick([0, 0, 1, 2]),
      }
    },
  ],
  ['opportunityproducts', line('opportunities', '_opportunityid_value', 'opportunityproductname')],
  [
    'quotes',
    (random, store) => {
      const drawn = document(random, store)
      if (!drawn) return undefined
      return {
        ...drawn,
        ...totals(random),
        name: `Quote ${random.fill('####')}`,
        quotenumber: random.fill('QUO-#####-AAAAAA'),
        revisionnumber: 0,
        effectiveto: momentOf(around(random, store)),
        statecode: random.pick([0, 1, 2, 3]),
      }
    },
  ],
  ['quotedetails', line('quotes', '_quoteid_value', 'quotedetailname')],
  [
    'salesorders',
    (random, store) => {
      const drawn = document(random, store)
      if (!drawn) return undefined
      return {
        ...drawn,
        ...totals(random),
        name: `Order ${random.fill('####')}`,
        ordernumber: random.fill('ORD-#####-AAAAAA'),
        submitdate: momentOf(around(random, store)),
        statecode: random.pick([0, 1, 3, 4]),
      }
    },
  ],
  ['salesorderdetails', line('salesorders', '_salesorderid_value', 'salesorderdetailname')],
  [
    'invoices',
    (random, store) => {
      const drawn = document(random, store)
      if (!drawn) return undefined
      return {
        ...drawn,
        ...totals(random),
        name: `Invoice ${random.fill('####')}`,
        invoicenumber: random.fill('INV-#####-AAAAAA'),
        duedate: dateOf(around(random, store)),
        _salesorderid_value: store.pick(random, 'salesorders') ?? null,
        statecode: random.pick([0, 2, 3]),
      }
    },
  ],
  ['invoicedetails', line('invoices', '_invoiceid_value', 'invoicedetailname')],
  [
    'contracts',
    (random, store) => {
      const customer = store.pick(random, 'accounts')
      if (customer === undefined) return undefined
      const start = around(random, store)
      return {
        ...common(random, store),
        _customerid_value: customer,
        _accountid_value: customer,
        _billingcustomerid_value: customer,
        title: `Contract ${random.fill('####')}`,
        contractnumber: random.fill('CNR-#####-AAAAAA'),
        activeon: dateOf(start),
        expireson: dateOf(start + 365 * dayMs),
        totalprice: amount(random, 200_000),
        billingfrequencycode: random.between(1, 5),
        statecode: random.pick([0, 1, 2, 4, 5]),
      }
    },
  ],
  [
    'entitlements',
    (random, store) => {
      const customer = store.pick(random, 'accounts')
      if (customer === undefined) return undefined
      const start = around(random, store)
      return {
        ...common(random, store),
        _customerid_value: customer,
        _accountid_value: customer,
        name: `Support ${random.fill('####')}`,
        startdate: dateOf(start),
        enddate: dateOf(start + 365 * dayMs),
        totalterms: random.between(5, 100),
        statecode: random.pick([0, 1, 3]),
      }
    },
  ],
])

const REDRAWS: ReadonlyMap<string, (random: Random) => Fields> = new Map<
  string,
  (random: Random) => Fields
>([
  [
    'accounts',
    (random) => ({
      telephone1: random.fill('+49##########'),
      paymenttermscode: random.pick([1, 3, null]),
    }),
  ],
  ['contacts', (random) => ({ jobtitle: random.pick(['CEO', 'Buyer', null]) })],
  ['leads', (random) => ({ leadqualitycode: random.between(1, 3) })],
  ['products', (random) => ({ price: amount(random, 900), statecode: random.pick([0, 1]) })],
  ['productpricelevels', (random) => ({ amount: amount(random, 900) })],
  [
    'opportunities',
    (random) => ({ estimatedvalue: amount(random, 90_000), statecode: random.pick([0, 1, 2]) }),
  ],
  ['quotes', (random) => totals(random)],
  ['salesorders', (random) => totals(random)],
  ['invoices', (random) => ({ statecode: random.pick([2, 3]) })],
  ['contracts', (random) => ({ totalprice: amount(random, 200_000) })],
  ['entitlements', (random) => ({ remainingterms: random.between(0, 90) })],
])
const redrawLine = (random: Random): Fields => ({ quantity: random.between(1, 90) })

/** Users write these often, and the first three never. */
const WEIGHTS = new Map([
  ['transactioncurrencies', 0],
  ['systemusers', 0],
  ['pricelevels', 0],
  ['accounts', 5],
  ['contacts', 7],
  ['opportunities', 4],
])

const DATE = /^\d{4}-\d\d-\d\d$/
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

function checked(table: Table, { name, kind }: Column, value: unknown): unknown {
  if (value === null || value === '') return null
  const right = (() => {
    switch (kind) {
      case 'integer':
      case 'choice':
        return Number.isInteger(value)
      case 'decimal':
        return typeof value === 'number' && Number.isFinite(value)
      case 'boolean':
        return typeof value === 'boolean'
      case 'date':
        return DATE.test(String(value))
      case 'datetime':
        return !Number.isNaN(Date.parse(String(value)))
      case 'lookup':
        return GUID.test(String(value))
      default:
        return typeof value === 'string'
    }
  })()
  if (!right) throw new WrongValue(table.set, name, value, kind)
  return kind === 'datetime' ? momentOf(Date.parse(String(value))) : value
}

/** Returns a record with a new version, as each write of Dataverse makes one. */
export const withVersion = (record: Fields, versionnumber: number): Fields => ({
  ...record,
  '@odata.etag': `W/"${versionnumber}"`,
  versionnumber,
})

function write(
  table: Table,
  fields: Fields,
  at: { id: string; now: number; before: Fields | undefined; userId: string },
): Fields {
  const record: Fields = { '@odata.etag': '', ...at.before }
  if (!at.before) {
    for (const { name, kind } of table.columns.values())
      setOwn<unknown>(record, name, kind === 'boolean' ? false : null)
    setOwn<unknown>(record, table.idColumn, at.id)
    Object.assign(record, {
      statecode: 0,
      createdon: momentOf(at.now),
      _createdby_value: at.userId,
    })
  }
  for (const [name, value] of Object.entries(fields))
    setOwn(record, name, checked(table, table.columns.get(name)!, value))
  // The first reason of a status belongs to its state.
  const statuscode = Number(record.statecode) + 1
  const fullname = table.columns.has('fullname') && {
    fullname: [record.firstname, record.lastname].filter(Boolean).join(' '),
  }
  const modified = { modifiedon: momentOf(at.now), _modifiedby_value: at.userId }
  return { ...record, statuscode, ...fullname, ...modified }
}

/** Returns the rules of all tables. `userOf` returns who makes a change; `nextVersion` counts the writes of the whole environment. */
export function dataverseRules(
  random: Random,
  userOf: (who: Who) => string,
  nextVersion: () => number,
): ObjectRules[] {
  return [...DRAWS].map(([set, draw]): ObjectRules => {
    const table = findTable(set)!
    const settable = [...table.columns.values()].filter(({ readOnly }) => !readOnly)
    const redraw = REDRAWS.get(set) ?? redrawLine
    return {
      name: set,
      idField: table.idColumn,
      fields: settable.map(({ name }) => name),
      weight: WEIGHTS.get(set) ?? 2,
      newId: () => guid(random),
      write: (fields, at) =>
        withVersion(write(table, fields, { ...at, userId: userOf(at) }), nextVersion()),
      ...(WEIGHTS.get(set) !== 0 && {
        erase: (record: Fields) => withVersion(record, nextVersion()),
      }),
      draw,
      redraw: (drawn) => redraw(drawn),
    }
  })
}

/** Returns a GUID; those of later records are in no order. */
export function guid(random: Random): string {
  const hex = (digits: number) =>
    Array.from({ length: digits }, () => random.between(0, 15).toString(16)).join('')
  return `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`
}
