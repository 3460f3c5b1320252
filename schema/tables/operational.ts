import {
  type AnyPgColumn,
  bigint,
  boolean,
  date,
  doublePrecision,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  real,
  text,
  uuid,
} from 'drizzle-orm/pg-core'
import type { SubscriptionItems } from '../operational.ts'
import { int8 } from './columns.ts'
import { sourceRecord } from './sourceRecord.ts'

/**
 * Columns of every operational object: its source record, the customer's key, and whether its
 * system deleted it.
 */
const common = () => ({
  recordId: bigint('record_id', { mode: 'number' }).primaryKey(),
  customer: uuid(),
  deleted: boolean().notNull().default(false),
})

const indexed = (table: string, t: { recordId: AnyPgColumn; customer: AnyPgColumn }) => [
  foreignKey({
    name: `${table}_record_id_fkey`,
    columns: [t.recordId],
    foreignColumns: [sourceRecord.id],
  }),
  index(`${table}_customer`).on(t.customer),
]

export const opportunity = pgTable(
  'opportunity',
  {
    ...common(),
    name: text(),
    stage: text(),
    amount: int8('amount_minor'),
    currency: text(),
    probability: real(),
    closeDate: date('close_date'),
    isClosed: boolean('is_closed'),
    isWon: boolean('is_won'),
    owner: text(),
  },
  (t) => indexed('opportunity', t),
)

export const subscription = pgTable(
  'subscription',
  {
    ...common(),
    contract: uuid(),
    product: uuid(),
    status: text(),
    quantity: doublePrecision(),
    amount: int8('amount_minor'),
    currency: text(),
    interval: text(),
    intervalCount: integer('interval_count'),
    startDate: date('start_date'),
    endDate: date('end_date'),
    currentPeriodEnd: date('current_period_end'),
    items: jsonb().$type<SubscriptionItems>(),
  },
  (t) => [
    ...indexed('subscription', t),
    index('subscription_contract').on(t.contract),
    index('subscription_product').on(t.product),
    index('subscription_items').using('gin', t.items.op('jsonb_path_ops')),
  ],
)

export const invoice = pgTable(
  'invoice',
  {
    ...common(),
    contract: uuid(),
    subscription: uuid(),
    number: text(),
    status: text(),
    issueDate: date('issue_date'),
    dueDate: date('due_date'),
    total: int8('total_minor'),
    balance: int8('balance_minor'),
    currency: text(),
  },
  (t) => [...indexed('invoice', t), index('invoice_contract').on(t.contract)],
)

export const payment = pgTable(
  'payment',
  {
    ...common(),
    invoice: uuid(),
    status: text(),
    paidOn: date('paid_on'),
    amount: int8('amount_minor'),
    currency: text(),
    method: text(),
  },
  (t) => [...indexed('payment', t), index('payment_invoice').on(t.invoice)],
)

export const posting = pgTable(
  'posting',
  {
    ...common(),
    invoice: uuid(),
    transactionType: text('transaction_type'),
    account: text(),
    postingDate: date('posting_date'),
    amount: int8('amount_minor'),
    currency: text(),
    legalEntity: text('legal_entity'),
    memo: text(),
  },
  (t) => [...indexed('posting', t), index('posting_invoice').on(t.invoice)],
)
