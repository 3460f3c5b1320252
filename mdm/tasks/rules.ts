import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'

/** Kinds of action, and what else a role may allow. */
const DUTIES = [
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
  'APPROVE',
  'PUBLISH',
  'APPROVE_PUBLISH',
  'EXCEPTIONS',
] as const
export type Duty = (typeof DUTIES)[number]
/** EXPIRE belongs to the clock: no role can allow it. */
type Asked = Duty | 'EXPIRE'

const schema = z.strictObject({
  roles: z.record(z.string(), z.array(z.enum(DUTIES))),
  approval: z.strictObject({
    mergeValueMin: z.number().nonnegative(),
    bulkItemsMin: z.int().positive(),
    proposalDaysMax: z.number().positive(),
    publishing: z.boolean().default(true),
  }),
  tiers: z.array(z.strictObject({ valueMin: z.number().nonnegative(), dueHours: z.number().positive() })).nonempty(),
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

/** Who may do what, what needs a second person, and how soon a task is due. Values are in units of whatever currency. */
export type StewardshipRules = z.infer<typeof schema>

/** What holds without config/stewardship.yaml. */
export const DEFAULT_RULES: StewardshipRules = {
  roles: {
    steward: DUTIES.filter((d) => d !== 'APPROVE' && d !== 'PUBLISH' && d !== 'APPROVE_PUBLISH'),
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

/** Reads the rules from a YAML file; throws with the path of what is wrong. */
export function readRules(file: string): StewardshipRules {
  const result = schema.safeParse(parse(readFileSync(file, 'utf8')))
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw new Error(`${file}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not understood'}`)
}

export function mayDo(rules: StewardshipRules, roles: ReadonlySet<string>, duty: Asked): boolean {
  return Object.entries(rules.roles).some(([role, duties]) => roles.has(role) && duties.includes(duty as Duty))
}

/** What is wrong where none of these roles allows it, and which would; null where one does. */
export function missingRole(rules: StewardshipRules, roles: ReadonlySet<string>, duty: Asked): string | null {
  if (mayDo(rules, roles, duty)) return null
  const allowed = Object.keys(rules.roles).filter((role) => mayDo(rules, new Set([role]), duty))
  return `${duty} is for these roles: ${allowed.join(', ') || 'none'}; you have: ${[...roles].join(', ') || 'none'}`
}

/** Who looks after what has no line of its own. */
const nobodyElse = 'integration'

/** Who looks after messages of a source system that could not be applied: the first line that fits. */
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

/** How soon a task with this value at stake is due. */
export function dueHours(rules: StewardshipRules, stake: number): number {
  const tier = rules.tiers.toSorted((a, b) => b.valueMin - a.valueMin).find((t) => stake >= t.valueMin)
  return tier?.dueHours ?? Math.max(...rules.tiers.map((t) => t.dueHours))
}
