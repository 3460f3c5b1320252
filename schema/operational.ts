/**
 * The kind of a field of an operational object; REFERENCE is the key of another source record
 * (schema/recordKey.ts).
 */
export type OperationalKind =
  | 'TEXT'
  | 'DATE'
  | 'NUMBER'
  | 'INTEGER'
  | 'BOOLEAN'
  | 'MINOR_UNITS'
  | 'REFERENCE'

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

export function isOperational(type: string): type is OperationalType {
  return Object.hasOwn(OPERATIONAL, type)
}

/** Returns the column of a field of an operational object. */
export function columnOf(field: string, kind: OperationalKind): string {
  const snake = field.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)
  return kind === 'MINOR_UNITS' ? `${snake}_minor` : snake
}
