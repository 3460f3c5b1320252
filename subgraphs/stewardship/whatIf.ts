import type { Caller } from '../../mdm/access/caller.ts'
import type { Sql } from '../../mdm/db/database.ts'
import { sensitiveScopes } from '../../mdm/feed/visible.ts'
import { parseModel } from '../../mdm/policy/modelText.ts'
import {
  activePolicy,
  policyVersionOf,
  type StoredPolicy,
  withParameters,
} from '../../mdm/policy/policies.ts'
import type { Simulation } from '../../mdm/policy/simulate.ts'
import { missingRole, type StewardshipRules } from '../../mdm/tasks/rules.ts'
import type { Policy } from '../../schema/policy.ts'
import { isStorable, storable } from '../../schema/storable.ts'

/** Selects a policy: exactly one of the first three, or models alone with the active policy. */
export interface PolicySelection {
  files?: PolicyFile[] | null
  version?: string | null
  shipped?: boolean | null
  models?: string[] | null
  /** Files take the trained models of the active policy for types of which they have none. */
  keepModels?: boolean | null
}
interface PolicyFile {
  name: string
  text: string
}

/** The operations on policies that this process supports. */
export interface Policies {
  /** The program that checks policies, with its version. */
  program: string
  /**
   * Returns the selected policy, if a gateway can serve it. Throws PolicyError, ModelError,
   * JoinError or CandidateError otherwise, GraphBusyError if too many are being checked, and
   * GraphUncheckedError if the check was killed or took too long.
   */
  loadSelectedPolicy(selection: {
    policy?: StoredPolicy
    to?: string
    shipped?: boolean
    model?: string[]
  }): Promise<StoredPolicy>
  /** Checks a stored policy as `loadSelectedPolicy` does. */
  checkProposed(version: string): Promise<void>
  /** Runs a what-if on a thread of its own, so that queries continue. */
  simulate(kept: StoredPolicy, sample: number | undefined): Promise<Simulation>
}

const PARAMETERS = '.parameters.json'
const MISTAKES = ['PolicyError', 'ModelError', 'JoinError', 'CandidateError', 'SyntaxError']
/** Errors of a check that has found nothing out. */
const UNDECIDED = ['GraphBusyError', 'GraphUncheckedError']

export function refused(rule: string, detail: string) {
  return { __typename: 'ActionRefused', rule, detail, inTheWay: null }
}

/**
 * Creates the mutation simulatePolicy: one what-if at a time in each process. Files of the caller
 * may choose values or matches by any field, and the result counts them. So they need the scope of
 * every sensitive field of the `active` policy.
 */
export function createSimulatePolicy(
  sql: Sql,
  policies: Policies | undefined,
  rules: StewardshipRules,
  active: () => Policy,
) {
  let running = false
  return async (caller: Caller, selection: PolicySelection, sample: number | null | undefined) => {
    const missing = missingRole(rules, caller.roles, 'PUBLISH')
    if (missing) return refused('MISSING_ROLE', missing)
    const scope = selection.files
      ? [...sensitiveScopes(active())].find((s) => !caller.scopes.has(s))
      : undefined
    if (scope !== undefined)
      return refused('MISSING_SCOPE', `a what-if of files reads every value: it needs ${scope}`)
    if (!policies) return notAvailable
    if (running) return refused('BUSY', 'another what-if is running: wait until it ends')
    if (sample !== null && sample !== undefined && sample < 1)
      return refused('BAD_SAMPLE', 'sample must be 1 or more')
    running = true
    try {
      const kept = await selectedPolicy(sql, policies, selection)
      if ('rule' in kept) return kept
      return {
        __typename: 'Simulation',
        policy: kept.version,
        ...(await policies.simulate(kept, sample ?? undefined)),
      }
    } finally {
      running = false
    }
  }
}

export const notAvailable = refused(
  'NOT_HERE',
  'this process can use only its own policy: send this to the gateway, or use the command',
)

/** Returns the selected policy, or why it is invalid. */
export async function selectedPolicy(
  sql: Sql,
  policies: Policies,
  selection: PolicySelection,
): Promise<StoredPolicy | ReturnType<typeof refused>> {
  try {
    return await policies.loadSelectedPolicy({
      ...(selection.files ? { policy: await policyOf(sql, selection.files, selection) } : {}),
      ...(selection.version ? { to: storable(selection.version) } : {}),
      ...(selection.shipped ? { shipped: true } : {}),
      ...(selection.models ? { model: selection.models.map(storable) } : {}),
    })
  } catch (e) {
    return refusalOf(e)
  }
}

/** Returns a mistake in a policy as a refusal; throws other errors. */
export function refusalOf(e: unknown): ReturnType<typeof refused> {
  if (!(e instanceof Error)) throw e
  if (MISTAKES.includes(e.name)) return refused('BAD_POLICY', e.message)
  if (UNDECIDED.includes(e.name)) return refused('BUSY', e.message)
  throw e
}

async function policyOf(
  sql: Sql,
  files: PolicyFile[],
  { keepModels }: PolicySelection,
): Promise<StoredPolicy> {
  const given = policyOfFiles(files)
  const active = keepModels ? await activePolicy(sql) : null
  if (!active) return given
  const kept = Object.entries(active.parameters).filter(
    ([type]) => !Object.hasOwn(given.parameters, type),
  )
  return withParameters(given, new Map(kept))
}

function policyOfFiles(files: PolicyFile[]): StoredPolicy {
  const unfit = files.find((f) => !isStorable(f.name) || !isStorable(f.text))
  if (unfit)
    throw new SyntaxError(`${storable(unfit.name)} holds a character that cannot be stored`)
  const stray = files.find((f) => !f.name.endsWith('.graphql') && !f.name.endsWith(PARAMETERS))
  if (stray) throw new SyntaxError(`${stray.name} is neither *.graphql nor <Type>${PARAMETERS}`)
  const again = files.find((f, i) => files.findIndex((g) => g.name === f.name) < i)
  if (again) throw new SyntaxError(`two files are named ${again.name}`)
  const of = (end: string) => files.filter((f) => f.name.endsWith(end))
  const model = Object.fromEntries(of('.graphql').map((f) => [f.name, f.text]))
  const parameters = Object.fromEntries(
    of(PARAMETERS).map((f) => [f.name.slice(0, -PARAMETERS.length), parseModel(f.name, f.text)]),
  )
  return { version: policyVersionOf(model, parameters), model, parameters }
}
