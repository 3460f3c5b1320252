import { ownValue, setOwn } from '../../../schema/kit/dictionary.ts'
import type { Random } from '../../random.ts'
import type { ObjectRules, Store, Written } from '../kit/store.ts'
import { article, company, person } from '../kit/world.ts'
import { WrongValue } from '../kit/writes.ts'
import { type Column, TABLES, type Table, tableNamed } from './tables.ts'

export type Fields = Record<string, unknown>
type Draw = (random: Random, store: Store) => Fields | undefined

const dayMs = 86_400_000
const BASE_SUBSIDIARY = 1
const amount = (random: Random, max: number) => random.between(100, max * 100) / 100
const dateOf = (time: number) => new Date(time).toISOString().slice(0, 10)
/** Formats a moment in UTC, in whole seconds. */
export const momentOf = (time: number) => `${new Date(time).toISOString().slice(0, 19)}Z`
const flag = (value: boolean) => (value ? 'T' : 'F')

export const fieldOf = (store: Store, table: string, id: string, name: string): unknown =>
  ownValue(store.table(table).get(id)!.record, name)

const CURRENCIES = [
  ['EUR', 'Euro', '€'],
  ['USD', 'US Dollar', '$'],
  ['GBP', 'British Pound', '£'],
] as const
const TERMS = ['Net 30', 'Net 60', 'Due on receipt']
const ACCOUNTS = [
  ['1100', 'Accounts Receivable', 'AcctRec'],
  ['1000', 'Checking', 'Bank'],
  ['4000', 'Sales', 'Income'],
] as const
const STATUSES = ['CUSTOMER-Closed Won', 'PROSPECT-In Discussion', 'LEAD-Qualified']

/** Returns the next of a fixed list of rows, until all are there. */
const fixed =
  (table: string, rows: readonly Fields[]): Draw =>
  (_random, store) =>
    rows[store.table(table).live.length]

const customerOf = (random: Random, store: Store) => {
  const id = store.pick(random, 'customer')
  return id === undefined
    ? undefined
    : { id: Number(id), currency: fieldOf(store, 'customer', id, 'currency') }
}

const TYPES: readonly [type: string, prefix: string, statuses: string, posting: boolean][] = [
  ['CustInvc', 'INV', 'AB', true],
  ['CustPymt', 'PYMT', 'BC', true],
  ['CustCred', 'CM', 'AB', true],
  ['SalesOrd', 'SO', 'ABFGH', false],
  ['Opprtnty', 'OPP', 'ABCD', false],
  ['Estimate', 'EST', 'ABC', false],
  ['CustRfnd', 'CR', 'BC', true],
]

const DRAWS: ReadonlyMap<string, Draw> = new Map<string, Draw>([
  [
    'currency',
    fixed(
      'currency',
      CURRENCIES.map(([symbol, name, displaysymbol], at) => ({
        symbol,
        name,
        displaysymbol,
        currencyprecision: 2,
        isbasecurrency: flag(at === 0),
      })),
    ),
  ],
  [
    'subsidiary',
    fixed('subsidiary', [
      { name: 'Parent Company', fullname: 'Parent Company', country: 'DE', currency: 1 },
    ]),
  ],
  [
    'term',
    fixed(
      'term',
      TERMS.map((name) => ({ name })),
    ),
  ],
  [
    'account',
    fixed(
      'account',
      ACCOUNTS.map(([acctnumber, fullname, accttype]) => ({
        acctnumber,
        fullname,
        accttype,
        accountsearchdisplayname: `${acctnumber} ${fullname}`,
      })),
    ),
  ],
  [
    'accountingperiod',
    fixed(
      'accountingperiod',
      Array.from({ length: 36 }, (_, month) => {
        const [start, end] = [month, month + 1].map((at) => Date.UTC(2025, at, 1))
        return {
          periodname: new Date(start!).toLocaleString('en-US', {
            month: 'short',
            year: 'numeric',
            timeZone: 'UTC',
          }),
          startdate: dateOf(start!),
          enddate: dateOf(end! - dayMs),
          isposting: 'T',
        }
      }),
    ),
  ],
  [
    'entitystatus',
    fixed(
      'entitystatus',
      STATUSES.map((name, at) => ({ name, key: at + 1 })),
    ),
  ],
  [
    'customer',
    (random, store) => {
      const drawn = company(random)
      const isPerson = random.chance(0.1)
      const someone = person(random, drawn.domain)
      const currency = CURRENCIES.findIndex(([symbol]) => symbol === drawn.currency)
      const parent = random.chance(0.1) ? store.pick(random, 'customer') : undefined
      const number = random.fill('CUST#####')
      const name = isPerson ? `${someone.given} ${someone.family}` : drawn.name
      return {
        entityid: `${number} ${name}`,
        altname: name,
        isperson: flag(isPerson),
        companyname: isPerson ? null : drawn.name,
        firstname: isPerson ? someone.given : null,
        lastname: isPerson ? someone.family : null,
        email: drawn.email,
        phone: drawn.phone,
        url: `https://www.${drawn.domain}`,
        vatregnumber: random.chance(0.7) ? drawn.taxId : null,
        custentity_registration_no: random.chance(0.3) ? random.fill('HRB #####') : null,
        currency: Math.max(currency, 0) + 1,
        subsidiary: BASE_SUBSIDIARY,
        terms: random.between(1, TERMS.length),
        entitystatus: random.between(1, STATUSES.length),
        parent: parent === undefined ? null : Number(parent),
      }
    },
  ],
  [
    'contact',
    (random, store) => {
      const of = random.chance(0.95) ? customerOf(random, store) : undefined
      const url = of && fieldOf(store, 'customer', String(of.id), 'url')
      const domain = url ? new URL(String(url)).hostname.replace('www.', '') : 'example.com'
      const drawn = person(random, domain)
      return {
        entityid: `${drawn.given} ${drawn.family}`,
        firstname: drawn.given,
        lastname: drawn.family,
        email: drawn.email,
        phone: drawn.phone,
        title: random.chance(0.6) ? drawn.title : null,
        company: of?.id ?? null,
        subsidiary: BASE_SUBSIDIARY,
      }
    },
  ],
  [
    'item',
    (random) => {
      const drawn = article(random)
      return {
        itemid: `${drawn.sku}-${random.fill('###')}`,
        fullname: drawn.sku,
        displayname: drawn.name,
        description: drawn.description,
        itemtype: drawn.period ? 'Service' : 'InvtPart',
        cost: amount(random, 900),
        upccode: random.chance(0.4) ? random.fill('############') : null,
        mpn: random.chance(0.4) ? random.token(8) : null,
        subsidiary: BASE_SUBSIDIARY,
      }
    },
  ],
  [
    'transaction',
    (random, store) => {
      const of = customerOf(random, store)
      if (!of) return undefined
      // A small world has each of them too.
      const first = TYPES[store.table('transaction').live.length]
      const [type, prefix, statuses, posting] = first ?? random.pick(TYPES)
      const total = amount(random, 20_000)
      const now = store.clock.now()
      const paid = type === 'CustInvc' && random.chance(0.5)
      const month = new Date(now)
      const period = (month.getUTCFullYear() - 2025) * 12 + month.getUTCMonth() + 1
      return {
        type,
        tranid: `${prefix}${random.fill('######')}`,
        status: random.pick([...statuses]),
        entity: of.id,
        currency: of.currency,
        exchangerate: 1,
        trandate: dateOf(now),
        // Of an estimate it is the day on which it expires.
        duedate: type === 'CustInvc' || type === 'Estimate' ? dateOf(now + 30 * dayMs) : null,
        total,
        foreigntotal: total,
        foreignamountpaid: type === 'CustInvc' ? (paid ? total : 0) : null,
        foreignamountunpaid: type === 'CustInvc' ? (paid ? 0 : total) : null,
        terms: type === 'CustInvc' || type === 'SalesOrd' ? random.between(1, TERMS.length) : null,
        posting: flag(posting),
        postingperiod: posting && period >= 1 && period <= 36 ? period : null,
        otherrefnum: random.chance(0.5) ? random.fill('PO-#####') : null,
        ...(type === 'Opprtnty' && {
          title: `Opportunity ${random.fill('####')}`,
          probability: random.pick([0.1, 0.4, 0.9]),
          expectedclosedate: dateOf(now + random.between(0, 200) * dayMs),
        }),
        ...(type === 'Estimate' && { title: `Estimate ${random.fill('####')}` }),
        ...(type === 'CustRfnd' && { memo: random.pick(['Overpaid', 'Returned', null]) }),
        ...(type === 'SalesOrd' && {
          startdate: dateOf(now),
          enddate: dateOf(now + 365 * dayMs),
          custbody_term_months: 12,
          custbody_renewal: random.pick(['Automatic', 'Manual', 'None']),
        }),
      }
    },
  ],
])

const REDRAWS: ReadonlyMap<string, (random: Random) => Fields> = new Map<
  string,
  (random: Random) => Fields
>([
  [
    'customer',
    (random) => ({ phone: random.fill('+49##########'), isinactive: flag(random.chance(0.1)) }),
  ],
  ['contact', (random) => ({ title: random.pick(['CEO', 'Buyer', null]) })],
  ['item', (random) => ({ cost: amount(random, 900) })],
  ['transaction', (random) => ({ memo: random.token(10), status: random.pick(['A', 'B']) })],
])

const WEIGHTS = new Map([
  ['customer', 4],
  ['contact', 4],
  ['item', 2],
  ['transaction', 9],
])

/** Records on which others depend: a user cannot delete them, but can merge customers. */
export const KEPT = new Set(['customer', 'item'])

/** The table that counts the id of its rows in another column. */
const ID_COLUMNS = new Map([
  ['customeraddressbook', 'internalid'],
  ['customeraddressbookentityaddress', 'nkey'],
  ['pricing', 'internalid'],
])

function checked(table: Table, { name, type, isFlag }: Column, value: unknown): unknown {
  if (value === null || value === '') return null
  const right =
    type === 'integer'
      ? Number.isSafeInteger(value)
      : type === 'numeric'
        ? typeof value === 'number' && Number.isFinite(value)
        : type === 'date'
          ? /^\d{4}-\d\d-\d\d$/.test(String(value))
          : typeof value === 'string' && (!isFlag || /^[TF]$/.test(value))
  if (!right) throw new WrongValue(table.name, name, value, isFlag ? 'flag' : type)
  return value
}

function write(
  table: Table,
  fields: Fields,
  at: { id: string; now: number; before: Fields | undefined },
): Fields {
  const record: Fields = { ...at.before }
  const set = (name: string, value: unknown) => {
    if (table.columns.has(name)) setOwn<unknown>(record, name, value)
  }
  const time = momentOf(at.now)
  if (!at.before) {
    for (const { name, isFlag } of table.columns.values()) set(name, isFlag ? 'F' : null)
    if (/^\d+$/.test(at.id)) set(ID_COLUMNS.get(table.name) ?? 'id', Number(at.id))
    for (const name of ['datecreated', 'createddate', 'linecreateddate']) set(name, time)
  }
  for (const [name, value] of Object.entries(fields))
    set(name, checked(table, table.columns.get(name)!, value))
  for (const name of ['lastmodifieddate', 'linelastmodifieddate']) set(name, time)
  return record
}

/** Returns the rules of all tables. Customers and transactions share no ids with other tables. */
export function netsuiteRules(): ObjectRules[] {
  return TABLES.map((table): ObjectRules => {
    const weight = WEIGHTS.get(table.name) ?? 0
    const draw = DRAWS.get(table.name)
    let lastId = weight > 0 ? 1000 : 0
    return {
      name: table.name,
      idField: 'rowid',
      fields: [...table.columns.keys()],
      weight,
      newId: () => String(++lastId),
      write: (fields, at) => write(table, fields, at),
      ...(!KEPT.has(table.name) && { erase: (record: Fields) => ({ ...record }) }),
      draw: (random, store) => draw?.(random, store),
      redraw: (random) => REDRAWS.get(table.name)!(random),
    }
  })
}

/** Writes what belongs to a new record: address, subsidiary and price, or lines and postings. */
export function writeChildren(store: Store, random: Random, written: Written): void {
  const { object, id, action, record } = written
  if (action === 'created' && store.who.cause === 'api') {
    // The API states addresses and prices itself.
    if (object === 'customer')
      store.put('customersubsidiaryrelationship', {
        ...{ entity: Number(id), subsidiary: record.subsidiary, isprimarysub: 'T' },
      })
  } else if (action === 'created') {
    if (object === 'customer') {
      const { address } = company(random)
      const nkey = store.put('customeraddressbookentityaddress', {
        addressee: record.altname,
        addr1: address.street,
        city: address.city,
        state: address.region || null,
        zip: address.postcode,
        country: address.country,
      })
      const entity = { entity: Number(id) }
      store.put('customeraddressbook', {
        ...entity,
        addressbookaddress: Number(nkey),
        label: 'Main',
        defaultbilling: 'T',
        defaultshipping: 'T',
      })
      const subsidiary = { subsidiary: BASE_SUBSIDIARY, isprimarysub: 'T' }
      store.put('customersubsidiaryrelationship', { ...entity, ...subsidiary })
    }
    if (object === 'item') {
      const price = { item: Number(id), currency: 1, pricelevel: 1, pricelevelname: 'Base Price' }
      store.put('pricing', { ...price, quantity: 0, unitprice: amount(random, 2000) })
    }
    if (object === 'transaction') writeLines(store, random, id, record)
  }
  if (action === 'deleted') leaveTrace(store, written)
}

/** A transaction has a main line, and each posting one an entry in the ledger. */
function writeLines(store: Store, random: Random, id: string, record: Fields): void {
  const total = Number(record.total)
  const isPosting = record.posting === 'T'
  const lines = 1 + random.between(1, 3)
  for (let line = 0; line < lines; line++) {
    const share = line === 0 ? total : -Math.round((total / (lines - 1)) * 100) / 100
    const item = line === 0 ? undefined : store.pick(random, 'item')
    const quantity = random.between(1, 20)
    store.put('transactionline', {
      rowid: `${id}-${line}`,
      id: line,
      transaction: Number(id),
      linesequencenumber: line,
      uniquekey: Number(id) * 10 + line,
      mainline: flag(line === 0),
      entity: record.entity,
      subsidiary: BASE_SUBSIDIARY,
      netamount: share,
      foreignamount: share,
      ...(item !== undefined && {
        item: Number(item),
        itemtype: fieldOf(store, 'item', item, 'itemtype'),
        quantity: -quantity,
        rate: Math.round((-share / quantity) * 10_000) / 10_000,
      }),
    })
    if (!isPosting) continue
    store.put('transactionaccountingline', {
      rowid: `${id}-${line}-1`,
      transaction: Number(id),
      transactionline: line,
      accountingbook: 1,
      account: line === 0 ? 1 : 3,
      accounttype: line === 0 ? 'AcctRec' : 'Income',
      amount: share,
      debit: share > 0 ? share : null,
      credit: share < 0 ? -share : null,
      netamount: share,
      exchangerate: 1,
      posting: 'T',
    })
  }
}

/** Base records leave a row in `deletedrecord`; what belongs to them goes without one. */
function leaveTrace(store: Store, { object, id, record }: Written): void {
  const { deletedAs, display } = tableNamed(object)
  if (!deletedAs) return
  const type = deletedAs(record)
  store.put('deletedrecord', {
    rowid: `${type}-${id}`,
    recordid: Number(id),
    type,
    name: String(ownValue(record, display) ?? id),
    context: 'UIF',
    deletedby: '-5',
    deleteddate: momentOf(store.clock.now()),
  })
  if (object !== 'transaction') return
  for (const child of ['transactionline', 'transactionaccountingline'])
    for (const row of [...store.table(child).live])
      if (row.startsWith(`${id}-`)) store.remove(child, row)
}

/** Changes a line of a transaction, which does not move the transaction. */
export function changeLine(random: Random, store: Store): void {
  const rowid = store.pick(random, 'transactionline')
  if (rowid !== undefined) store.put('transactionline', { rowid, memo: random.token(8) })
}

/** The loser's contacts and transactions move to the winner, and the loser is deleted. */
export function mergeCustomers(random: Random, store: Store): void {
  const [winner, loser] = [store.pick(random, 'customer'), store.pick(random, 'customer')]
  if (winner === undefined || loser === undefined || winner === loser) return
  for (const [table, column] of DEPENDENTS)
    for (const rowid of [...store.table(table).live])
      if (fieldOf(store, table, rowid, column) === Number(loser))
        store.put(
          table,
          Object.fromEntries([['rowid', rowid] as const, [column, Number(winner)] as const]),
        )
  store.put('customer', { rowid: winner })
  store.replace('customer', loser, { ...store.table('customer').get(loser)!.record }, 'deleted')
}

const DEPENDENTS: readonly [table: string, column: string][] = [
  ['customer', 'parent'],
  ['contact', 'company'],
  ['transaction', 'entity'],
  ['transactionline', 'entity'],
]

/** Deletes a record as a user does. Throws if others depend on it. */
export function removeRecord(store: Store, table: string, id: string): void {
  if (!KEPT.has(table)) {
    store.remove(table, id)
    return
  }
  const dependents: typeof DEPENDENTS =
    table === 'item' ? [['transactionline', 'item']] : DEPENDENTS
  for (const [child, column] of dependents)
    if (
      store.table(child).live.some((rowid) => fieldOf(store, child, rowid, column) === Number(id))
    )
      throw new Error(`the ${table} ${id} has dependent records and cannot be deleted`)
  const row = store.table(table).get(id)
  if (!row || row.deleted) throw new Error(`there is no ${table} ${id} to delete`)
  store.replace(table, id, { ...row.record }, 'deleted')
}
