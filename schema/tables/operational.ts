import { bigint, boolean, date, doublePrecision, integer, pgTable, real, text, uuid } from 'drizzle-orm/pg-core'
import { sourceRecord } from './sourceRecord.ts'

/** What every operational object has: its source record, the customer's source record, and whether its system deleted it. */
const common = () => ({
  recordId: bigint('record_id', { mode: 'number' })
    .primaryKey()
    .references(() => sourceRecord.id),
  customer: uuid(),
  deleted: boolean().notNull().default(false),
})

const amount = (name: string) => bigint(name, { mode: 'number' })

export const opportunity = pgTable('opportunity', {
  ...common(),
  name: text(),
  stage: text(),
  amount: amount('amount_minor'),
  currency: text(),
  probability: real(),
  closeDate: date('close_date'),
  isClosed: boolean('is_closed'),
  isWon: boolean('is_won'),
  owner: text(),
})

export const subscription = pgTable('subscription', {
  ...common(),
  contract: uuid(),
  product: uuid(),
  status: text(),
  quantity: doublePrecision(),
  amount: amount('amount_minor'),
  currency: text(),
  interval: text(),
  intervalCount: integer('interval_count'),
  startDate: date('start_date'),
  endDate: date('end_date'),
  currentPeriodEnd: date('current_period_end'),
})

export const invoice = pgTable('invoice', {
  ...common(),
  contract: uuid(),
  subscription: uuid(),
  number: text(),
  status: text(),
  issueDate: date('issue_date'),
  dueDate: date('due_date'),
  total: amount('total_minor'),
  balance: amount('balance_minor'),
  currency: text(),
})

export const payment = pgTable('payment', {
  ...common(),
  invoice: uuid(),
  status: text(),
  paidOn: date('paid_on'),
  amount: amount('amount_minor'),
  currency: text(),
  method: text(),
})

export const posting = pgTable('posting', {
  ...common(),
  invoice: uuid(),
  transactionType: text('transaction_type'),
  account: text(),
  postingDate: date('posting_date'),
  amount: amount('amount_minor'),
  currency: text(),
  legalEntity: text('legal_entity'),
  memo: text(),
})
