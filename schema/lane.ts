import type { OperationalType } from './operational.ts'

/**
 * Classes of work, each with its own queue. POSTINGS: financial documents. MASTER: everything else
 * that is not a mass. USAGE: usage records, which come in masses. REPLAY: messages that were applied
 * or refused before.
 */
export const LANES = ['POSTINGS', 'MASTER', 'USAGE', 'REPLAY'] as const
export type Lane = (typeof LANES)[number]

const FINANCIAL: ReadonlySet<string> = new Set<OperationalType>([
  'Invoice',
  'InvoiceTax',
  'CreditNote',
  'Payment',
  'Refund',
  'Posting',
  'RevenueSchedule',
])
const MASSES: ReadonlySet<string> = new Set<OperationalType>(['UsageRecord'])

/** Returns the class of a golden type, an operational object or `Kept`. */
export function laneOfType(type: string): Exclude<Lane, 'REPLAY'> {
  if (FINANCIAL.has(type)) return 'POSTINGS'
  return MASSES.has(type) ? 'USAGE' : 'MASTER'
}

/** Returns the number under which the queue stores a class. */
export function laneNumber(lane: Lane): number {
  return LANES.indexOf(lane)
}
