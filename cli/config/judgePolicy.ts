import { composeSupergraph } from '../../gateway/federation/compose.ts'
import { contractOf } from '../../gateway/federation/contract.ts'
import { JoinError } from '../../gateway/federation/own/joinError.ts'
import { type Joining, joinGraph } from '../../gateway/federation/own/joinGraph.ts'
import { tryGraph } from '../../gateway/federation/tryGraph.ts'
import { ModelError } from '../../mdm/match/parameters.ts'
import { isTooDeep, TOO_DEEP } from '../../mdm/policy/modelText.ts'
import type { StoredPolicy } from '../../mdm/policy/policies.ts'
import { PolicyError, placeOf } from '../../schema/directives.ts'
import type { Policy } from '../../schema/policy.ts'
import { POLICY_BOUNDS } from '../../schema/policyBounds.ts'
import { schemasOf } from '../../subgraphs/all.ts'
import { listName } from '../../subgraphs/golden/model.ts'
import { checkGraphNames } from '../../subgraphs/graphNames.ts'
import { enginesOf, parseStoredPolicy } from './policyFiles.ts'
import { generatedSupergraph } from './supergraph.ts'

/** A policy, and what its graph must fit. */
export interface PolicyQuestion {
  stored: StoredPolicy
  /** Names of the source systems that it may name; null: any. */
  systems: readonly string[] | null
  /** The subgraphs of the installation that are served beside Touchstone's. */
  own: readonly Joining[]
  /** Tags of the contract (TOUCHSTONE_CONTRACT_HIDE). */
  hide: readonly string[]
}

/**
 * Throws PolicyError, ModelError or JoinError if a gateway cannot serve a policy. It reads and
 * compiles everything that a start of every role does: the policy, its models, every subgraph, the
 * supergraph, the contract and the plans of queries. This takes seconds and unbounded memory for a
 * hostile policy, so it runs in a process of its own (cli/server/graphProcess.ts).
 */
export async function judgePolicy({ stored, systems, own, hide }: PolicyQuestion): Promise<void> {
  checkFiles(stored)
  const policy = parseStoredPolicy(stored, systems?.map((name) => ({ name })) ?? null)
  enginesOf(stored, policy)
  checkGraphNames(policy)
  try {
    const subgraphs = schemasOf(policy)
    const supergraph =
      own.length > 0
        ? joinGraph(subgraphs, own).supergraph
        : (generatedSupergraph(subgraphs) ?? composeSupergraph(subgraphs))
    await tryGraph({
      supergraph: contractOf(supergraph, hide, { isWhole: false }),
      // Own subgraphs are called by address: what is planned here is Touchstone's part.
      subgraphs,
      queries: policy.types.map((t) => `{ ${listName(t.name)} { nodes { id version } } }`),
    })
  } catch (e) {
    if (e instanceof PolicyError || e instanceof ModelError || e instanceof JoinError) throw e
    if (!(e instanceof Error)) throw e
    throw new PolicyError(`${placeOfMessage(policy, e.message)}${e.message}`)
  }
}

/** Names of files stand in messages, on terminals and in logs. */
const FILE_NAME = /^[^\p{C}/\\:]+$/u
function checkFiles({ model, parameters }: StoredPolicy): void {
  const { fileNameCharsMax, modelBytesMax } = POLICY_BOUNDS
  for (const name of Object.keys(model))
    if (name.length > fileNameCharsMax || !FILE_NAME.test(name))
      throw new PolicyError(
        `the name of a file is no plain name of at most ${fileNameCharsMax} characters: ${JSON.stringify(name).slice(0, fileNameCharsMax)}`,
      )
  for (const [type, given] of Object.entries(parameters))
    if (isTooDeep(given)) throw new ModelError(`${type}.parameters.json:1:1: ${TOO_DEEP}`)
  const bytes = Buffer.byteLength(JSON.stringify(parameters))
  if (bytes > modelBytesMax)
    throw new ModelError(
      `the trained models have ${bytes} bytes, at most ${modelBytesMax} are read`,
    )
}

/** Returns the place of the first type that a message of a library names; else of the model. */
function placeOfMessage({ document }: Policy, message: string): string {
  const words = new Set(message.match(/[_A-Za-z]\w*/g))
  const { definitions } = document
  const named = definitions.find((d) => 'name' in d && d.name && words.has(d.name.value))
  const { source, startToken } = (named ?? definitions[0])?.loc ?? {}
  return placeOf(source?.name ?? '', named ? startToken?.line : 1, named ? startToken?.column : 1)
}
