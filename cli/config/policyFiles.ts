import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Source } from 'graphql'
import type { Sql } from '../../mdm/db/database.ts'
import { createEngine } from '../../mdm/match/engine.ts'
import { ModelError, type Parameters, readParameters } from '../../mdm/match/parameters.ts'
import { activePolicy, policyVersionOf, type StoredPolicy } from '../../mdm/policy/policies.ts'
import type { ResolutionContext } from '../../mdm/resolution/context.ts'
import type { Policy, TypePolicy } from '../../schema/policy.ts'
import { parsePolicy } from '../../schema/readPolicy.ts'
import type { SourceSystem } from '../../schema/sourceSystem.ts'

/**
 * A policy from a folder: the model's *.graphql, and for each golden type, if it has one, a trained model in
 * <Type>.parameters.json, as "touchstone match --save-parameters" writes it.
 */
export function readPolicyFiles(dir: string): StoredPolicy {
  if (!existsSync(dir)) throw new Error(`there is no folder ${dir}`)
  const files = readdirSync(dir).sort()
  const text = (file: string) => readFileSync(join(dir, file), 'utf8')
  const model = Object.fromEntries(files.filter((f) => f.endsWith('.graphql')).map((f) => [f, text(f)]))
  if (Object.keys(model).length === 0)
    throw new Error(`${dir} has no *.graphql: a policy is a folder like schema/model`)
  const parameters = Object.fromEntries(
    files
      .filter((f) => f.endsWith('.parameters.json'))
      .map((f) => [f.slice(0, -'.parameters.json'.length), JSON.parse(text(f)) as unknown]),
  )
  return { version: policyVersionOf(model, parameters), model, parameters }
}

/** The policy itself, without looking at its trained models. Throws PolicyError. */
export function parseStoredPolicy(kept: StoredPolicy, systems: readonly SourceSystem[]): Policy {
  return parsePolicy(
    Object.entries(kept.model).map(([file, text]) => new Source(text, file)),
    systems.map((s) => s.name),
  )
}

/** What a kept policy comes to: the policy itself and one engine a golden type. Throws PolicyError, ModelError. */
export function resolutionContextOf(kept: StoredPolicy, systems: readonly SourceSystem[]): ResolutionContext {
  const policy = parseStoredPolicy(kept, systems)
  for (const name of Object.keys(kept.parameters)) policy.type(name)
  const engines = new Map(
    policy.types.map((type) => {
      const given = kept.parameters[type.name]
      return [type.name, given ? createEngine(type, parametersOf(kept, given, type)) : createEngine(type)]
    }),
  )
  return { policy, engines, systems: new Map(systems.map((s) => [s.name, s])) }
}

/** The trained model of a kept policy. What is wrong with it is told with the policy's version and the way out. */
function parametersOf(kept: StoredPolicy, given: unknown, type: TypePolicy): Parameters {
  try {
    return readParameters(JSON.stringify(given), type)
  } catch (e) {
    if (!(e instanceof ModelError)) throw e
    throw new ModelError(
      `policy ${kept.version}, model of ${type.name}: ${e.message}; or go without it: publish --model ${type.name}=shipped`,
    )
  }
}

/** The mastering that is in force: of the policy published last, else of the model that came with the program. */
export async function activeResolutionContext(
  sql: Sql,
  shipped: ResolutionContext,
  systems: readonly SourceSystem[],
): Promise<ResolutionContext> {
  const kept = await activePolicy(sql)
  return kept ? { ...shipped, ...resolutionContextOf(kept, systems) } : shipped
}
