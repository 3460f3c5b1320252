/**
 * The kind of a field of an operational object. REFERENCE is the key of another source record
 * (schema/recordKey.ts), EXACT_MINOR_UNITS a price that may be finer than the smallest unit, ITEMS
 * the items of a subscription.
 */
export type OperationalKind =
  | 'TEXT'
  | 'DATE'
  | 'NUMBER'
  | 'INTEGER'
  | 'BOOLEAN'
  | 'MINOR_UNITS'
  | 'EXACT_MINOR_UNITS'
  | 'REFERENCE'
  | 'ITEMS'

/** An item of a subscription: what is charged for one product. */
export interface SubscriptionItem {
  /** Record key of the product. */
  product?: string
  quantity?: number
  /** Charge of one interval, in the smallest unit; a price may be finer than that unit. */
  amount?: { minorUnits: number; currency: string }
  interval?: string
  intervalCount?: number
  /** Whether it is charged by usage, so that its amount is not known in advance. */
  metered?: boolean
}

/** The items of a subscription, with what they charge in one year where that is known. */
export interface SubscriptionItems {
  annualMinor: number | null
  list: SubscriptionItem[]
}

/**
 * The operational objects: typed tables beside the golden records. They are never matched; each
 * belongs to its source record and is resolved to golden ids through the crosswalk when read. The
 * names are those of the canonical form; table and column are the same names in snake_case, with
 * `_minor` after an amount. A reference is named after the type it refers to.
 */
export const OPERATIONAL = {
  Opportunity: {
    customer: 'REFERENCE',
    name: 'TEXT',
    stage: 'TEXT',
    amount: 'MINOR_UNITS',
    currency: 'TEXT',
    probability: 'NUMBER',
    closeDate: 'DATE',
    isClosed: 'BOOLEAN',
    isWon: 'BOOLEAN',
    owner: 'TEXT',
  },
  Quote: {
    customer: 'REFERENCE',
    opportunity: 'REFERENCE',
    contract: 'REFERENCE',
    number: 'TEXT',
    name: 'TEXT',
    status: 'TEXT',
    issueDate: 'DATE',
    validUntil: 'DATE',
    total: 'MINOR_UNITS',
    currency: 'TEXT',
  },
  SalesOrder: {
    customer: 'REFERENCE',
    opportunity: 'REFERENCE',
    quote: 'REFERENCE',
    contract: 'REFERENCE',
    number: 'TEXT',
    status: 'TEXT',
    orderDate: 'DATE',
    total: 'MINOR_UNITS',
    currency: 'TEXT',
  },
  Entitlement: {
    customer: 'REFERENCE',
    contract: 'REFERENCE',
    subscription: 'REFERENCE',
    product: 'REFERENCE',
    name: 'TEXT',
    status: 'TEXT',
    quantity: 'NUMBER',
    unit: 'TEXT',
    startDate: 'DATE',
    endDate: 'DATE',
  },
  RatePlan: {
    product: 'REFERENCE',
    name: 'TEXT',
    description: 'TEXT',
    status: 'TEXT',
    validFrom: 'DATE',
    validTo: 'DATE',
  },
  Price: {
    product: 'REFERENCE',
    ratePlan: 'REFERENCE',
    name: 'TEXT',
    priceBook: 'TEXT',
    model: 'TEXT',
    amount: 'EXACT_MINOR_UNITS',
    currency: 'TEXT',
    unit: 'TEXT',
    interval: 'TEXT',
    intervalCount: 'INTEGER',
    active: 'BOOLEAN',
    validFrom: 'DATE',
    validTo: 'DATE',
  },
  Subscription: {
    customer: 'REFERENCE',
    contract: 'REFERENCE',
    product: 'REFERENCE',
    status: 'TEXT',
    quantity: 'NUMBER',
    amount: 'MINOR_UNITS',
    currency: 'TEXT',
    interval: 'TEXT',
    intervalCount: 'INTEGER',
    startDate: 'DATE',
    endDate: 'DATE',
    currentPeriodEnd: 'DATE',
    items: 'ITEMS',
  },
  Amendment: {
    customer: 'REFERENCE',
    subscription: 'REFERENCE',
    contract: 'REFERENCE',
    number: 'TEXT',
    kind: 'TEXT',
    status: 'TEXT',
    effectiveDate: 'DATE',
  },
  Invoice: {
    customer: 'REFERENCE',
    contract: 'REFERENCE',
    subscription: 'REFERENCE',
    number: 'TEXT',
    status: 'TEXT',
    issueDate: 'DATE',
    dueDate: 'DATE',
    total: 'MINOR_UNITS',
    balance: 'MINOR_UNITS',
    currency: 'TEXT',
  },
  InvoiceTax: {
    customer: 'REFERENCE',
    invoice: 'REFERENCE',
    name: 'TEXT',
    jurisdiction: 'TEXT',
    rate: 'NUMBER',
    taxableAmount: 'MINOR_UNITS',
    amount: 'MINOR_UNITS',
    currency: 'TEXT',
  },
  CreditNote: {
    customer: 'REFERENCE',
    invoice: 'REFERENCE',
    number: 'TEXT',
    status: 'TEXT',
    issueDate: 'DATE',
    total: 'MINOR_UNITS',
    balance: 'MINOR_UNITS',
    currency: 'TEXT',
    reason: 'TEXT',
  },
  Payment: {
    customer: 'REFERENCE',
    invoice: 'REFERENCE',
    status: 'TEXT',
    paidOn: 'DATE',
    amount: 'MINOR_UNITS',
    currency: 'TEXT',
    method: 'TEXT',
  },
  Refund: {
    customer: 'REFERENCE',
    payment: 'REFERENCE',
    creditNote: 'REFERENCE',
    status: 'TEXT',
    refundedOn: 'DATE',
    amount: 'MINOR_UNITS',
    currency: 'TEXT',
    method: 'TEXT',
    reason: 'TEXT',
  },
  Posting: {
    customer: 'REFERENCE',
    invoice: 'REFERENCE',
    transactionType: 'TEXT',
    account: 'TEXT',
    postingDate: 'DATE',
    amount: 'MINOR_UNITS',
    currency: 'TEXT',
    legalEntity: 'TEXT',
    memo: 'TEXT',
  },
  RevenueSchedule: {
    customer: 'REFERENCE',
    contract: 'REFERENCE',
    invoice: 'REFERENCE',
    product: 'REFERENCE',
    periodStart: 'DATE',
    periodEnd: 'DATE',
    amount: 'MINOR_UNITS',
    currency: 'TEXT',
    status: 'TEXT',
    account: 'TEXT',
    legalEntity: 'TEXT',
  },
  CustomerHealth: {
    customer: 'REFERENCE',
    score: 'NUMBER',
    label: 'TEXT',
    measuredOn: 'DATE',
    stage: 'TEXT',
    manager: 'TEXT',
    renewalDate: 'DATE',
    renewalOutlook: 'TEXT',
    annualAmount: 'MINOR_UNITS',
    currency: 'TEXT',
  },
  UsageRecord: {
    customer: 'REFERENCE',
    subscription: 'REFERENCE',
    product: 'REFERENCE',
    meter: 'TEXT',
    day: 'DATE',
    quantity: 'NUMBER',
    unit: 'TEXT',
  },
} as const satisfies Record<string, Record<string, OperationalKind>>

export type OperationalType = keyof typeof OPERATIONAL

/** The type of a known object that is neither mastered nor operational; it is stored whole. */
export const KEPT = 'Kept'

/** The scope that callers need for operational objects. */
export const OPERATIONAL_SCOPE = 'operational:read'

export const OPERATIONAL_TYPES = Object.keys(OPERATIONAL) as OperationalType[]

export function isOperational(type: string): type is OperationalType {
  return Object.hasOwn(OPERATIONAL, type)
}

/**
 * Types whose changes are events only where a source system names them: usage comes in masses, and
 * consumers want its sums.
 */
const QUIET: ReadonlySet<OperationalType> = new Set(['UsageRecord'])

/** Returns whether changes of the type are events where its source system does not say. */
export function hasEvents(type: OperationalType): boolean {
  return !QUIET.has(type)
}

/** Returns the fields of an operational object with their kinds. */
export function fieldsOf(type: OperationalType): [string, OperationalKind][] {
  return Object.entries(OPERATIONAL[type])
}

/**
 * Returns the field that governs an operational object: its customer, or its product where nobody
 * has bought anything yet. Callers who may see the golden record it refers to may see the object.
 */
export function ownerOf(type: OperationalType): 'customer' | 'product' {
  return 'customer' in OPERATIONAL[type] ? 'customer' : 'product'
}

/** Returns whether callers need rights for the legal entity of an operational object too. */
export function hasLegalEntity(type: OperationalType): boolean {
  return 'legalEntity' in OPERATIONAL[type]
}

/** Returns the type that a reference is named after. */
export function referredType(field: string): string {
  return `${field.charAt(0).toUpperCase()}${field.slice(1)}`
}

/** Returns the table of an operational type. */
export function tableOf(type: OperationalType): string {
  return snakeCase(`${type.charAt(0).toLowerCase()}${type.slice(1)}`)
}

/** Returns the column of a field of an operational object. */
export function columnOf(field: string, kind: OperationalKind): string {
  const isAmount = kind === 'MINOR_UNITS' || kind === 'EXACT_MINOR_UNITS'
  return isAmount ? `${snakeCase(field)}_minor` : snakeCase(field)
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)
}
