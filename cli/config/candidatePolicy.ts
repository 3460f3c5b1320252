import type { Sql } from '../../mdm/db/database.ts'
import { ModelError } from '../../mdm/match/parameters.ts'
import { planComparisons } from '../../mdm/match/plan.ts'
import { misfit, readModel } from '../../mdm/policy/models.ts'
import {
  activePolicy,
  readPolicyVersion,
  type StoredPolicy,
  withParameters,
} from '../../mdm/policy/policies.ts'
import type { SourceSystem } from '../../schema/sourceSystem.ts'
import { packagePath } from './packagePath.ts'
import { parseStoredPolicy, readPolicyFiles } from './policyFiles.ts'

/** The requested policy does not exist, or the options name several. */
export class CandidateError extends Error {
  override name = 'CandidateError'
}

/** Selects a policy and trained models. */
export interface CandidateOptions {
  /** A folder, or the policy itself. */
  policy?: string | StoredPolicy
  to?: string
  shipped?: boolean
  model?: string[]
}

const SHIPPED = '=shipped'

/**
 * Loads the policy that the options of `simulate` and `publish` select. It comes from a folder, or
 * is an earlier published one, the shipped one, or by default the active one. The selected models
 * then replace its parameters. A model is named by its version, the shipped one as <Type>=shipped.
 * Throws CandidateError, and ModelError if a model does not fit.
 */
export async function loadCandidatePolicy(
  sql: Sql,
  options: CandidateOptions,
  systems: readonly SourceSystem[],
): Promise<StoredPolicy> {
  const bases = [options.policy, options.to, options.shipped || undefined].filter(
    (x) => x !== undefined,
  )
  if (bases.length > 1 || (bases.length === 0 && !options.model?.length))
    throw new CandidateError(
      'give one of policy (a folder or files), earlier version and shipped; or models alone, for the active policy',
    )
  const base = await baseOf(sql, options)
  if (!options.model?.length) return base
  const policy = parseStoredPolicy(base, systems)
  const given = new Map<string, unknown>()
  for (const name of options.model) {
    const model = name.endsWith(SHIPPED)
      ? { type: policy.type(name.slice(0, -SHIPPED.length)).name, parameters: null }
      : await readModel(sql, name)
    if (!model) throw new ModelError(`no model ${name}: "touchstone train --list" lists the models`)
    if (given.has(model.type))
      throw new ModelError(`two models of ${model.type} were given; only one can be active`)
    const type = policy.types.find((t) => t.name === model.type)
    if (!type)
      throw new ModelError(
        `model ${name} is of ${model.type}, and this policy has no such golden type`,
      )
    const why = 'units' in model ? misfit(model, planComparisons(type)) : null
    if (why !== null)
      throw new ModelError(`model ${name} of ${model.type} does not fit: ${why}; train it again`)
    given.set(model.type, model.parameters)
  }
  return withParameters(base, given)
}

async function baseOf(sql: Sql, options: CandidateOptions): Promise<StoredPolicy> {
  if (options.to !== undefined) {
    const stored = await readPolicyVersion(sql, options.to)
    if (!stored)
      throw new CandidateError(
        `there is no policy ${options.to}: "publish --list" and publications show those that were published`,
      )
    return stored
  }
  if (options.policy !== undefined)
    return typeof options.policy === 'string' ? readPolicyFiles(options.policy) : options.policy
  const shipped = () => readPolicyFiles(packagePath('schema/model'))
  return options.shipped ? shipped() : ((await activePolicy(sql)) ?? shipped())
}
