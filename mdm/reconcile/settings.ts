import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'
import { ConfigError } from '../../schema/kit/configError.ts'

export const CHECK_NAMES = [
  'INVOICE_NOT_POSTED',
  'POSTING_WITHOUT_INVOICE',
  'INVOICE_NOT_IN_LEDGER',
  'INVOICE_DIFFERS',
  'PAYMENT_NOT_APPLIED',
  'CONTRACT_NOT_BILLED',
  'USAGE_NOT_BILLED',
  'WON_NOT_ORDERED',
  'CUSTOMER_UNKNOWN',
  'NOT_ARRIVED',
] as const
export type CheckName = (typeof CHECK_NAMES)[number]

const daysMax = 366
const days = z.number().int().min(0).max(daysMax)

const schema = z.strictObject({
  everyHours: z.number().int().min(1).max(168).default(24),
  days: days.default(1),
  compare: z
    .array(z.strictObject({ billing: z.string().min(1), ledger: z.string().min(1) }))
    .max(20)
    .default([]),
  checks: z
    .partialRecord(
      z.enum(CHECK_NAMES),
      z.strictObject({
        off: z.boolean().optional(),
        days: days.optional(),
        owner: z.string().min(1).optional(),
      }),
    )
    .default({}),
})

/** What is reconciled, how often, and after how many days a difference counts. */
export type ReconcileSettings = z.infer<typeof schema>

export const DEFAULT_RECONCILE: ReconcileSettings = schema.parse({})

/**
 * Reads config/reconcile.yaml. Throws ConfigError with the path of the mistake. `systems` are the
 * names that `compare` may use.
 */
export function readReconcile(file: string, systems: readonly string[]): ReconcileSettings {
  const result = schema.safeParse(parse(readFileSync(file, 'utf8')) ?? {})
  if (!result.success) {
    const issue = result.error.issues[0]
    throw new ConfigError(
      `${file}: ${issue?.path.join('.') || 'the file'}: ${issue?.message ?? 'not understood'}`,
    )
  }
  for (const { billing, ledger } of result.data.compare)
    for (const name of [billing, ledger])
      if (!systems.includes(name))
        throw new ConfigError(
          `${file}: compare: there is no source system "${name}"; config/sources.yaml has ${systems.join(', ')}`,
        )
  return result.data
}
