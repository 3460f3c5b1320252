/**
 * The kind of a field of an operational object; REFERENCE is the key of another source record
 * (schema/recordKey.ts), ITEMS the items of a subscription.
 */
export type OperationalKind =
  | 'TEXT'
  | 'DATE'
  | 'NUMBER'
  | 'INTEGER'
  | 'BOOLEAN'
  | 'MINOR_UNITS'
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
 * names are those of the canonical form; the column is the same name in snake_case, with `_minor`
 * after an amount.
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
  Payment: {
    customer: 'REFERENCE',
    invoice: 'REFERENCE',
    status: 'TEXT',
    paidOn: 'DATE',
    amount: 'MINOR_UNITS',
    currency: 'TEXT',
    method: 'TEXT',
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

/** Returns the column of a field of an operational object. */
export function columnOf(field: string, kind: OperationalKind): string {
  const snake = field.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)
  return kind === 'MINOR_UNITS' ? `${snake}_minor` : snake
}
