import { basename } from 'node:path'
import { type DocumentNode, Kind, parse } from 'graphql'
import { missingEvidence } from '../../mdm/explain/evidence.ts'
import { sweepThresholds } from '../../mdm/explain/thresholdSweep.ts'
import type { Engine } from '../../mdm/match/engine.ts'
import { activePolicy, readStoredPolicy } from '../../mdm/policy/policies.ts'
import type { Stewardship } from '../../mdm/stewardship/steward.ts'
import type { RequestContext } from '../shared/context.ts'
import { inputError } from '../shared/errors.ts'
import type { Resolvers } from '../shared/subgraph.ts'

interface Matched {
  type: string
  engine: Engine
}

/** Creates the resolvers that show what is in force: texts of policies, and how records are matched. */
export function policyResolvers(steward: Stewardship): Resolvers {
  return {
    Query: {
      async policyText(
        _: unknown,
        { version }: { version?: string | null },
        { sql, bound }: RequestContext,
      ) {
        // They may neither simulate nor publish, and their reader has no right to the table.
        if (bound) return null
        const stored = version ? await readStoredPolicy(sql, version) : await activePolicy(sql)
        if (stored)
          return {
            version: stored.version,
            files: filesOf(stored.model),
            trainedTypes: Object.keys(stored.parameters).sort(),
          }
        if (version) return null
        return {
          version: null,
          files: filesOf(textsOf(steward.policy.document)),
          trainedTypes: [],
        }
      },
      matching(
        _: unknown,
        { type: name }: { type: string },
        context: RequestContext,
      ): Matched | null {
        const type = steward.policy.types.find((t) => t.name === name)
        const engine = steward.engines.get(name)
        if (!type || !engine)
          throw inputError('NOT_MATCHED', `there is no golden type ${name} that is matched`)
        const scope = missingEvidence(steward.policy, type, context.scopes)
        if (scope !== null)
          throw inputError('MISSING_SCOPE', `the matching of ${name} needs the scope ${scope}`)
        // The sweep counts every link, and the weights are trained on every record.
        if (context.bound) return null
        return { type: name, engine }
      },
    },
    Matching: {
      model: ({ engine }: Matched) => engine.version,
      training: ({ engine }: Matched) => engine.parameters.trained ?? null,
      prior: ({ engine }: Matched) => engine.parameters.priorWeight,
      threshold: ({ engine }: Matched) => engine.matchWeightMin,
      linkThreshold: ({ engine }: Matched) => engine.linkWeightMin,
      comparisons: ({ engine }: Matched) =>
        engine.scorer.columns.map(({ comparison, name, levels, m, u, weights }) => ({
          name: comparison.name,
          fields: comparison.fields.map((f) => f.name),
          dimension: name,
          levels: levels.map((level, i) => ({
            name: level.name,
            m: m[i],
            u: u[i],
            weight: weights[i],
          })),
        })),
      sweep: ({ type, engine }: Matched, _: unknown, { sql }: RequestContext) =>
        sweepThresholds(sql, type, engine),
    },
  }
}

/** Returns the texts from which a policy was parsed, by file. */
function textsOf({ definitions }: DocumentNode): Record<string, string> {
  return Object.fromEntries(
    definitions.flatMap(({ loc }) => (loc ? [[basename(loc.source.name), loc.source.body]] : [])),
  )
}

function filesOf(model: Record<string, string>) {
  return Object.entries(model)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, text]) => ({ name, text, types: goldenTypesOf(text) }))
}

/** Returns the golden types of a text. A stored policy was checked, so it parses. */
function goldenTypesOf(text: string): string[] {
  return parse(text, { noLocation: true }).definitions.flatMap((d) =>
    d.kind === Kind.OBJECT_TYPE_DEFINITION &&
    d.directives?.some(({ name }) => name.value === 'golden')
      ? [d.name.value]
      : [],
  )
}
