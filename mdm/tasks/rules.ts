import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'
import { ownValue } from '../../schema/kit/dictionary.ts'
import type { CurrencyRates } from '../golden/read/valueAtRisk.ts'

/** Kinds of action, and other duties that a role may allow. */
export const DUTIES = [
  'MERGE',
  'UNMERGE',
  'SPLIT',
  'NOT_A_MATCH',
  'OVERRIDE',
  'LIFT',
  'ATTACH',
  'SET_PARENT',
  'RETIRE',
  'RESTORE',
  'UNDO',
  'BULK',
  'PROPOSE',
  'APPROVE',
  'PUBLISH',
  'APPROVE_PUBLISH',
  'EXCEPTIONS',
] as const
export type Duty = (typeof DUTIES)[number]
/** EXPIRE belongs to the system clock: no role can allow it. */
type Asked = Duty | 'EXPIRE'

const code = z.string().regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code')

const schema = z.strictObject({
  roles: z.record(z.string(), z.array(z.enum(DUTIES))),
  approval: z.strictObject({
    mergeValueMin: z.number().nonnegative(),
    bulkItemsMin: z.int().positive(),
    proposalDaysMax: z.number().positive(),
    publishing: z.boolean().default(true),
  }),
  tiers: z
    .array(z.strictObject({ valueMin: z.number().nonnegative(), dueHours: z.number().positive() }))
    .nonempty(),
  currency: z
    .strictObject({ base: code, rates: z.record(code, z.number().positive()) })
    .refine(
      ({ base, rates }) => (ownValue(rates ?? {}, base) ?? 1) === 1,
      'the rate of the base currency is 1',
    )
    .transform(({ base, rates }) => ({ base, rates: new Map(Object.entries(rates)) }))
    .optional(),
  owners: z
    .array(
      z.strictObject({
        system: z.string().optional(),
        object: z.string().optional(),
        type: z.string().optional(),
        owner: z.string().min(1),
      }),
    )
    .optional(),
})

/**
 * Rules of stewardship: which role may do what, what needs a second person, and when a task is due.
 * Values at risk count in whole units of the base currency; without one, of any currency.
 */
export type StewardshipRules = z.infer<typeof schema>

/** Rules in effect without config/stewardship.yaml. */
export const DEFAULT_RULES: StewardshipRules = {
  roles: {
    steward: DUTIES.filter((d) => d !== 'APPROVE' && d !== 'PUBLISH' && d !== 'APPROVE_PUBLISH'),
    agent: ['PROPOSE'],
    approver: ['APPROVE'],
    publisher: ['PUBLISH', 'APPROVE_PUBLISH'],
    integrator: ['EXCEPTIONS'],
  },
  approval: { mergeValueMin: 250_000, bulkItemsMin: 2, proposalDaysMax: 14, publishing: true },
  tiers: [
    { valueMin: 100_000, dueHours: 8 },
    { valueMin: 10_000, dueHours: 24 },
    { valueMin: 0, dueHours: 120 },
  ],
}

/** Returns the rates into the base currency, its own included; empty if none are configured. */
export function currencyRates({ currency }: StewardshipRules): CurrencyRates {
  return currency ? new Map([...currency.rates, [currency.base, 1]]) : NO_RATES
}
const NO_RATES: CurrencyRates = new Map()

/** Reads the rules from a YAML file. Throws with file and path of a fault. */
export function readRules(file: string): StewardshipRules {
  const result = schema.safeParse(parse(readFileSync(file, 'utf8')))
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw new Error(`${file}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not understood'}`)
}

export function mayDo(rules: StewardshipRules, roles: ReadonlySet<string>, duty: Asked): boolean {
  return Object.entries(rules.roles).some(
    ([role, duties]) => roles.has(role) && duties.includes(duty as Duty),
  )
}

/** Returns a message that names the missing role, or null if one of these roles allows the duty. */
export function missingRole(
  rules: StewardshipRules,
  roles: ReadonlySet<string>,
  duty: Asked,
): string | null {
  if (mayDo(rules, roles, duty)) return null
  const allowed = Object.keys(rules.roles).filter((role) => mayDo(rules, new Set([role]), duty))
  return `${duty} is for these roles: ${allowed.join(', ') || 'none'}; you have: ${[...roles].join(', ') || 'none'}`
}

/** Owner of everything that no line of `owners` covers. */
const nobodyElse = 'integration'

/**
 * Returns the owner of messages of a source system that could not be applied: the first matching
 * line.
 */
export function ownerOf(
  rules: StewardshipRules,
  about: { system: string; object: string | null; type: string | null },
): string {
  const line = rules.owners?.find(
    (l) =>
      (l.system === undefined || l.system === about.system) &&
      (l.object === undefined || l.object === about.object) &&
      (l.type === undefined || l.type === about.type),
  )
  return line?.owner ?? nobodyElse
}

/** Returns the hours until a task with this value at risk is due. */
export function dueHours(rules: StewardshipRules, stake: number): number {
  const tier = rules.tiers
    .toSorted((a, b) => b.valueMin - a.valueMin)
    .find((t) => stake >= t.valueMin)
  return tier?.dueHours ?? Math.max(...rules.tiers.map((t) => t.dueHours))
}
