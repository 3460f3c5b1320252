import { ownValue, setOwn } from '../../../schema/kit/dictionary.ts'
import type { Random } from '../../random.ts'
import type { ObjectRules, Store } from '../kit/store.ts'
import { article, company, person } from '../kit/world.ts'
import { WrongValue } from '../kit/writes.ts'
import { type Attribute, RESOURCES, type Resource } from './resources.ts'

/** The user who signs in. */
export const API_USER = 'integration.user'

export type Fields = Record<string, unknown>
type Draw = (random: Random, store: Store) => Fields | undefined

const dayMs = 86_400_000
const amount = (random: Random, max: number) => random.between(100, max * 100) / 100
const dateOf = (time: number) => new Date(time).toISOString().slice(0, 10)
const around = (random: Random, store: Store) =>
  dateOf(store.clock.now() + random.between(-90, 300) * dayMs)

/** Formats a moment as Fusion does, in whole seconds. */
export const momentOf = (time: number): string =>
  `${new Date(time).toISOString().slice(0, 19)}+00:00`

const fieldOf = (store: Store, object: string, id: string, name: string): unknown =>
  ownValue(store.table(object).get(id)!.record, name)

const isMerged = (record: Fields) => record.PartyStatus === 'M'

/** Draws an account: its id, and its number and name, which documents repeat. */
function account(random: Random, store: Store) {
  const id = store.pick(random, 'accounts')
  if (id === undefined || isMerged(store.table('accounts').get(id)!.record)) return undefined
  return {
    id: Number(id),
    name: fieldOf(store, 'accounts', id, 'OrganizationName'),
    number: fieldOf(store, 'accounts', id, 'PartyNumber'),
  }
}

const owner = (random: Random) => {
  const number = random.between(1, 9)
  return { OwnerPartyId: 300000010397600 + number, OwnerName: `Owner ${number}` }
}

const DRAWS: ReadonlyMap<string, Draw> = new Map<string, Draw>([
  [
    'accounts',
    (random, store) => {
      const { address, ...drawn } = company(random)
      const parent = random.chance(0.1) ? account(random, store) : undefined
      return {
        ...owner(random),
        PartyNumber: random.fill('CDRM_######'),
        OrganizationName: drawn.name,
        PartyUniqueName: `${drawn.name} (${address.city})`,
        PartyType: 'ORGANIZATION',
        PartyStatus: 'A',
        Type: random.pick(['ZCA_CUSTOMER', 'ZCA_PROSPECT']),
        DUNSNumber: random.chance(0.3) ? random.fill('#########') : null,
        TaxpayerIdentificationNumber: drawn.taxId,
        URL: `https://www.${drawn.domain}`,
        EmailAddress: drawn.email,
        FormattedPhoneNumber: drawn.phone,
        AddressLine1: address.street,
        City: address.city,
        State: address.region || null,
        PostalCode: address.postcode,
        Country: address.country,
        CurrencyCode: drawn.currency,
        EmployeesTotal: drawn.employees,
        ParentAccountPartyId: parent?.id ?? null,
        ParentAccountName: parent?.name ?? null,
        SourceSystem: random.chance(0.2) ? 'LEGACY' : null,
      }
    },
  ],
  [
    'contacts',
    (random, store) => {
      const of = random.chance(0.95) ? account(random, store) : undefined
      const url = of && fieldOf(store, 'accounts', String(of.id), 'URL')
      const domain = url ? new URL(String(url)).hostname.replace('www.', '') : 'example.com'
      const drawn = person(random, domain)
      return {
        ...owner(random),
        PartyNumber: random.fill('CDRM_######'),
        ContactName: `${drawn.given} ${drawn.family}`,
        FirstName: drawn.given,
        LastName: drawn.family,
        PartyType: 'PERSON',
        PartyStatus: 'A',
        JobTitle: random.chance(0.6) ? drawn.title : null,
        EmailAddress: drawn.email,
        FormattedWorkPhoneNumber: drawn.phone,
        AccountPartyId: of?.id ?? null,
        AccountName: of?.name ?? null,
        AccountPartyNumber: of?.number ?? null,
      }
    },
  ],
  [
    'opportunities',
    (random, store) => {
      const of = account(random, store)
      if (!of) return undefined
      return {
        OptyNumber: random.fill('OPTY_######'),
        Name: `${random.pick(['New', 'Renewal', 'Upgrade'])} ${random.fill('####')}`,
        TargetPartyId: of.id,
        TargetPartyName: of.name,
        StatusCode: random.pick(['OPEN', 'WON', 'LOST']),
        SalesStage: random.pick(['01 - Qualification', '03 - Building Vision', '05 - Agreement']),
        Revenue: random.chance(0.9) ? amount(random, 90_000) : null,
        CurrencyCode: random.pick(['EUR', 'USD', 'GBP']),
        WinProb: random.pick([10, 40, 60, 90]),
        EffectiveDate: around(random, store),
        OwnerResourcePartyId: owner(random).OwnerPartyId,
      }
    },
  ],
  [
    'contracts',
    (random, store) => {
      const of = account(random, store)
      if (!of) return undefined
      return {
        ContractNumber: random.fill('C-######'),
        ContractName: `Service contract of ${of.name}`,
        MajorVersion: 1,
        StsCode: random.pick(['DRAFT', 'ACTIVE', 'EXPIRED', 'CANCELED']),
        Intent: 'S',
        PartyId: of.id,
        PartyName: of.name,
        StartDate: around(random, store),
        EndDate: random.chance(0.8) ? dateOf(store.clock.now() + 500 * dayMs) : null,
        CurrencyCode: random.pick(['EUR', 'USD', 'GBP']),
        EstimatedAmount: amount(random, 200_000),
      }
    },
  ],
  [
    'itemsV2',
    (random) => {
      const drawn = article(random)
      return {
        ItemNumber: `${drawn.sku}-${random.fill('###')}`,
        ItemDescription: drawn.name,
        LongDescription: drawn.description,
        ItemClass: drawn.period ? 'Services' : 'Root Item Class',
        ItemStatusValue: random.chance(0.9) ? 'Active' : 'Inactive',
        PrimaryUOMValue: 'Each',
        OrganizationCode: 'V1',
        OrganizationId: 204,
        ListPrice: drawn.priceMinor / 100,
        CustomerOrderEnabledFlag: true,
      }
    },
  ],
  [
    'receivablesInvoices',
    (random, store) => {
      const of = account(random, store)
      if (!of) return undefined
      const entered = amount(random, 20_000)
      return {
        TransactionNumber: random.fill('3#####'),
        TransactionSource: 'Manual',
        TransactionType: 'Invoice',
        BillToCustomerName: of.name,
        BillToCustomerNumber: of.number,
        BusinessUnit: 'Vision Operations',
        TransactionDate: dateOf(store.clock.now()),
        AccountingDate: dateOf(store.clock.now()),
        DueDate: dateOf(store.clock.now() + 30 * dayMs),
        InvoiceCurrencyCode: random.pick(['EUR', 'USD', 'GBP']),
        EnteredAmount: entered,
        InvoiceBalanceAmount: random.chance(0.5) ? 0 : entered,
        InvoiceStatus: random.chance(0.9) ? 'Complete' : 'Incomplete',
        PaymentTerms: 'Net 30',
      }
    },
  ],
  [
    'receivablesCreditMemos',
    (random, store) => {
      const of = account(random, store)
      if (!of) return undefined
      const entered = -amount(random, 2_000)
      return {
        TransactionNumber: random.fill('CM-#####'),
        TransactionSource: 'Manual',
        TransactionType: 'Credit Memo',
        BillToCustomerName: of.name,
        BillToCustomerNumber: of.number,
        BusinessUnit: 'Vision Operations',
        TransactionDate: dateOf(store.clock.now()),
        AccountingDate: dateOf(store.clock.now()),
        CreditMemoCurrency: random.pick(['EUR', 'USD', 'GBP']),
        CreditReason: random.pick(['RETURN', 'PRICING', null]),
        EnteredAmount: entered,
        TransactionBalanceDue: random.chance(0.5) ? 0 : entered,
        CreditMemoStatus: random.chance(0.9) ? 'Complete' : 'Incomplete',
      }
    },
  ],
  [
    'salesOrdersForOrderHub',
    (random, store) => {
      const of = account(random, store)
      if (!of) return undefined
      const number = random.fill('5####')
      const source = random.pick(['OPS', 'LEG'])
      return {
        OrderKey: `${source}:${number}`,
        OrderNumber: number,
        SourceTransactionNumber: number,
        SourceTransactionSystem: source,
        SourceTransactionId: number,
        SourceTransactionRevisionNumber: 1,
        BusinessUnitName: 'Vision Operations',
        BusinessUnitId: 204,
        BuyingPartyId: of.id,
        BuyingPartyName: of.name,
        BuyingPartyNumber: of.number,
        TransactionalCurrencyCode: random.pick(['EUR', 'USD', 'GBP']),
        TransactionOn: momentOf(store.clock.now()),
        StatusCode: 'OPEN',
        Status: 'Processing',
        SubmittedFlag: true,
      }
    },
  ],
  [
    'standardReceipts',
    (random, store) => {
      const of = account(random, store)
      if (!of) return undefined
      const received = amount(random, 20_000)
      return {
        ReceiptNumber: random.fill('R-#####'),
        ReceiptDate: dateOf(store.clock.now()),
        AccountingDate: dateOf(store.clock.now()),
        ReceiptMethod: 'Wire',
        BusinessUnit: 'Vision Operations',
        CustomerName: of.name,
        CustomerAccountNumber: of.number,
        Currency: random.pick(['EUR', 'USD', 'GBP']),
        Amount: received,
        UnappliedAmount: random.chance(0.7) ? 0 : received,
        State: 'Cleared',
        Status: 'Applied',
      }
    },
  ],
])

/** An order goes on, or is revised: then it stays as a reference to which nothing else happens. */
function redrawOrder(random: Random): Fields {
  const [StatusCode, Status] = random.pick([
    ['CLOSED', 'Closed'],
    ['CANCELED', 'Canceled'],
    ['DOO_REFERENCE', 'Reference'],
  ])
  return { StatusCode, Status }
}

const REDRAWS: ReadonlyMap<string, (random: Random) => Fields> = new Map<
  string,
  (random: Random) => Fields
>([
  [
    'accounts',
    (random) => ({ PartyStatus: random.pick(['A', 'A', 'I']), Comments: random.token(8) }),
  ],
  ['contacts', (random) => ({ JobTitle: random.pick(['CEO', 'Buyer', null]) })],
  [
    'opportunities',
    (random) => ({ StatusCode: random.pick(['WON', 'LOST']), Revenue: amount(random, 90_000) }),
  ],
  ['contracts', (random) => ({ StsCode: random.pick(['ACTIVE', 'EXPIRED', 'CANCELED']) })],
  ['itemsV2', (random) => ({ ListPrice: amount(random, 900) })],
  ['receivablesInvoices', (random) => ({ InvoiceBalanceAmount: random.pick([0, 10, 99.5]) })],
  ['receivablesCreditMemos', (random) => ({ TransactionBalanceDue: random.pick([0, -10, -99.5]) })],
  ['salesOrdersForOrderHub', redrawOrder],
  ['standardReceipts', (random) => ({ Status: random.pick(['Applied', 'Unapplied', 'Reversed']) })],
])

const WEIGHTS = new Map([
  ['accounts', 5],
  ['contacts', 6],
  ['receivablesInvoices', 4],
])

/** Records that users can delete; the other ones only change their status. */
const DELETED = new Set(['opportunities', 'contracts'])

function checked(resource: Resource, { name, kind }: Attribute, value: unknown): unknown {
  if (value === null || value === '') return null
  const right = (() => {
    switch (kind) {
      case 'integer':
        return Number.isSafeInteger(value)
      case 'number':
        return typeof value === 'number' && Number.isFinite(value)
      case 'boolean':
        return typeof value === 'boolean'
      case 'date':
        return /^\d{4}-\d\d-\d\d$/.test(String(value))
      default:
        return typeof value === 'string'
    }
  })()
  if (!right) throw new WrongValue(resource.name, name, value, kind)
  return value
}

function write(
  resource: Resource,
  fields: Fields,
  at: { id: string; now: number; before: Fields | undefined },
  username: string,
): Fields {
  const record: Fields = { ...at.before }
  if (!at.before) {
    for (const { name, kind } of resource.attributes.values())
      setOwn<unknown>(record, name, kind === 'boolean' ? false : null)
    setOwn<unknown>(record, resource.key, Number(at.id))
    setOwn<unknown>(record, resource.created, momentOf(at.now))
    Object.assign(record, { CreatedBy: username })
  }
  for (const [name, value] of Object.entries(fields)) {
    const attribute = resource.attributes.get(name)!
    setOwn(record, name, checked(resource, attribute, value))
  }
  setOwn<unknown>(record, resource.updated, momentOf(at.now))
  return { ...record, LastUpdatedBy: username }
}

/** Returns the rules of all resources. Ids rise over all of them. */
export function oracleRules(random: Random): ObjectRules[] {
  let lastId = 300000100000000 + random.between(0, 900_000_000)
  const newId = () => {
    lastId += random.between(1, 40)
    return String(lastId)
  }
  return RESOURCES.map((resource): ObjectRules => {
    const settable = [...resource.attributes.values()].filter(({ readOnly }) => !readOnly)
    const redraw = REDRAWS.get(resource.name)!
    return {
      name: resource.name,
      idField: resource.key,
      fields: settable.map(({ name }) => name),
      weight: WEIGHTS.get(resource.name) ?? 2,
      newId,
      // A trigger runs as the user whose write it follows.
      write: (fields, at) =>
        write(resource, fields, at, at.cause === 'api' ? API_USER : 'SALES_ADMIN'),
      ...(DELETED.has(resource.name) && { erase: (record: Fields) => record }),
      draw: DRAWS.get(resource.name)!,
      redraw: (drawn, record) => (isMerged(record) ? { Comments: drawn.token(8) } : redraw(drawn)),
    }
  })
}

/** Records that name an account, and the attributes that do. */
const ACCOUNT_REFERENCES: readonly [object: string, key: string, id: string, name: string][] = [
  ['contacts', 'PartyId', 'AccountPartyId', 'AccountName'],
  ['opportunities', 'OptyId', 'TargetPartyId', 'TargetPartyName'],
  ['contracts', 'Id', 'PartyId', 'PartyName'],
]

/** The loser of a merge stays with the status M; what belonged to it names the winner. */
export function mergeAccounts(random: Random, store: Store): void {
  const [winner, loser] = [store.pick(random, 'accounts'), store.pick(random, 'accounts')]
  if (winner === undefined || loser === undefined || winner === loser) return
  if (isMerged(store.table('accounts').get(winner)!.record)) return
  const winnerName = fieldOf(store, 'accounts', winner, 'OrganizationName')
  for (const [object, key, idName, nameName] of ACCOUNT_REFERENCES)
    for (const id of store.table(object).live) {
      if (fieldOf(store, object, id, idName) !== Number(loser)) continue
      const moved: [string, unknown][] = [
        [key, id],
        [idName, Number(winner)],
        [nameName, winnerName],
      ]
      store.put(object, Object.fromEntries(moved))
    }
  store.put('accounts', { PartyId: loser, PartyStatus: 'M' })
}
