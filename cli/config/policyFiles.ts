import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Source } from 'graphql'
import type { Sql } from '../../mdm/db/database.ts'
import { createEngine, type Engine } from '../../mdm/match/engine.ts'
import { ModelError, type Parameters, readParameters } from '../../mdm/match/parameters.ts'
import { parseModel } from '../../mdm/policy/modelText.ts'
import { activePolicy, policyVersionOf, type StoredPolicy } from '../../mdm/policy/policies.ts'
import type { ResolutionContext } from '../../mdm/resolution/context.ts'
import { ownValue } from '../../schema/kit/dictionary.ts'
import type { Policy, TypePolicy } from '../../schema/policy.ts'
import { parsePolicy } from '../../schema/readPolicy.ts'
import type { SourceSystem } from '../../schema/sourceSystem.ts'

/**
 * Reads a policy from a folder: the model's *.graphql, and trained models in
 * <Type>.parameters.json. "touchstone match --save-parameters" writes the latter.
 */
export function readPolicyFiles(dir: string): StoredPolicy {
  if (!existsSync(dir)) throw new Error(`there is no folder ${dir}`)
  const files = readdirSync(dir).sort()
  const text = (file: string) => readFileSync(join(dir, file), 'utf8')
  const model = Object.fromEntries(
    files.filter((f) => f.endsWith('.graphql')).map((f) => [f, text(f)]),
  )
  if (Object.keys(model).length === 0)
    throw new Error(`${dir} has no *.graphql: a policy is a folder like schema/model`)
  const parameters = Object.fromEntries(
    files
      .filter((f) => f.endsWith('.parameters.json'))
      .map((f) => [f.slice(0, -'.parameters.json'.length), parseModel(f, text(f))]),
  )
  return { version: policyVersionOf(model, parameters), model, parameters }
}

/**
 * Parses a stored policy without its trained models. `systems`: it may name these source systems
 * only; null: any. Throws PolicyError.
 */
export function parseStoredPolicy(
  stored: Pick<StoredPolicy, 'model'>,
  systems: readonly Pick<SourceSystem, 'name'>[] | null,
): Policy {
  return parsePolicy(
    Object.entries(stored.model).map(([file, text]) => new Source(text, file)),
    systems?.map((s) => s.name),
  )
}

/**
 * Builds the engines of a stored policy, with its trained models. Throws PolicyError, ModelError.
 */
export function enginesOf(stored: StoredPolicy, policy: Policy): Map<string, Engine> {
  for (const name of Object.keys(stored.parameters))
    if (!policy.types.some((t) => t.name === name))
      throw new ModelError(
        `${name}.parameters.json:1:1: the policy has no golden type ${name}; there are ${policy.types.map((t) => t.name).join(', ')}`,
      )
  return new Map(
    policy.types.map((type) => {
      const given = ownValue(stored.parameters, type.name)
      return [
        type.name,
        given === undefined
          ? createEngine(type)
          : createEngine(type, parametersOf(stored, given, type)),
      ]
    }),
  )
}

/** Builds policy and engines of a stored policy. Throws PolicyError, ModelError. */
export function resolutionContextOf(
  stored: StoredPolicy,
  systems: readonly SourceSystem[],
  mayName: 'THESE_SYSTEMS' | 'ANY_SYSTEM' = 'THESE_SYSTEMS',
): ResolutionContext {
  const policy = parseStoredPolicy(stored, mayName === 'ANY_SYSTEM' ? null : systems)
  return {
    policy,
    engines: enginesOf(stored, policy),
    systems: new Map(systems.map((s) => [s.name, s])),
  }
}

/** Reads a trained model of a stored policy. An error names the policy's version and the remedy. */
function parametersOf(stored: StoredPolicy, given: unknown, type: TypePolicy): Parameters {
  try {
    return readParameters(JSON.stringify(given), type)
  } catch (e) {
    if (!(e instanceof ModelError)) throw e
    throw new ModelError(
      `${type.name}.parameters.json:1:1: policy ${stored.version}, model of ${type.name}: ${e.message}; or go without it: publish --model ${type.name}=shipped`,
    )
  }
}

/**
 * Returns the active context: that of the active policy, otherwise of the shipped model. A policy
 * may name source systems that are no longer configured: their records may still be there.
 */
export async function activeResolutionContext(
  sql: Sql,
  shipped: ResolutionContext,
  systems: readonly SourceSystem[],
  read: (sql: Sql) => Promise<StoredPolicy | null> = activePolicy,
): Promise<ResolutionContext> {
  const stored = await read(sql)
  return stored ? { ...shipped, ...resolutionContextOf(stored, systems, 'ANY_SYSTEM') } : shipped
}
