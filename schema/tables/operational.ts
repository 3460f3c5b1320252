import {
  bigint,
  boolean,
  date,
  doublePrecision,
  foreignKey,
  index,
  integer,
  jsonb,
  type PgColumnBuilderBase,
  pgTable,
  text,
  uuid,
} from 'drizzle-orm/pg-core'
import {
  columnOf,
  fieldsOf,
  type OperationalKind,
  type OperationalType,
  tableOf,
} from '../operational.ts'
import { int8 } from './columns.ts'
import { sourceRecord } from './sourceRecord.ts'

const COLUMNS: Record<OperationalKind, (name: string) => PgColumnBuilderBase> = {
  TEXT: text,
  DATE: date,
  NUMBER: doublePrecision,
  INTEGER: integer,
  BOOLEAN: boolean,
  MINOR_UNITS: int8,
  EXACT_MINOR_UNITS: doublePrecision,
  REFERENCE: uuid,
  ITEMS: jsonb,
}

/**
 * Returns the table of an operational type: its fields, its source record, and whether its system
 * deleted it. Each reference has an index: lists and merges find the objects by it.
 */
function table(type: OperationalType) {
  const name = tableOf(type)
  const fields = fieldsOf(type)
  const columns = fields.map(([field, kind]) => [field, COLUMNS[kind](columnOf(field, kind))])
  return pgTable(
    name,
    {
      recordId: bigint('record_id', { mode: 'number' }).primaryKey(),
      deleted: boolean().notNull().default(false),
      ...(Object.fromEntries(columns) as Record<string, PgColumnBuilderBase>),
    },
    (t) => {
      const own = new Map(Object.entries(t))
      // Usage is summed over days.
      const day = type === 'UsageRecord' ? own.get('day') : undefined
      return [
        foreignKey({
          name: `${name}_record_id_fkey`,
          columns: [t.recordId],
          foreignColumns: [sourceRecord.id],
        }),
        ...fields.flatMap(([field, kind]) => {
          const column = own.get(field)
          const indexName = `${name}_${columnOf(field, kind)}`
          if (!column) return []
          if (kind === 'REFERENCE') return index(indexName).on(column, ...(day ? [day] : []))
          return kind === 'ITEMS' ? index(indexName).using('gin', column.op('jsonb_path_ops')) : []
        }),
      ]
    },
  )
}

export const opportunity = table('Opportunity')
export const quote = table('Quote')
export const salesOrder = table('SalesOrder')
export const entitlement = table('Entitlement')
export const ratePlan = table('RatePlan')
export const price = table('Price')
export const subscription = table('Subscription')
export const amendment = table('Amendment')
export const invoice = table('Invoice')
export const invoiceTax = table('InvoiceTax')
export const creditNote = table('CreditNote')
export const payment = table('Payment')
export const refund = table('Refund')
export const posting = table('Posting')
export const revenueSchedule = table('RevenueSchedule')
export const customerHealth = table('CustomerHealth')
export const usageRecord = table('UsageRecord')
