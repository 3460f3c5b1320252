import { existsSync } from 'node:fs'
import { JoinError } from '../../gateway/federation/own/joinError.ts'
import type { Joining } from '../../gateway/federation/own/joinGraph.ts'
import { publishedGraph, servedGraph } from '../../mdm/access/graphVersions.ts'
import type { Sql } from '../../mdm/db/database.ts'
import { activePolicy, type StoredPolicy } from '../../mdm/policy/policies.ts'
import {
  countUnfitValues,
  type FieldChoice,
  type NamedField,
  narrowedFields,
  type UnfitValues,
} from '../../mdm/policy/unfitValues.ts'
import { PolicyError, placeOf } from '../../schema/directives.ts'
import { counted } from '../../schema/kit/numberText.ts'
import type { Policy } from '../../schema/policy.ts'
import type { SourceSystem } from '../../schema/sourceSystem.ts'
import { schemasOf } from '../../subgraphs/all.ts'
import { openInstallation } from '../config/installation.ts'
import { readOwnSubgraphs, readSchemaFile, schemaPlace } from '../config/ownSubgraphs.ts'
import { packagePath } from '../config/packagePath.ts'
import { parseStoredPolicy } from '../config/policyFiles.ts'
import { checkPolicy, joinApart } from './graphJobs.ts'

/** Parts of this process that the graph of a policy must fit. */
export interface CandidateSettings {
  systems: readonly Pick<SourceSystem, 'name'>[]
  /** The file of the own subgraphs; by default the shipped one. */
  ownSubgraphs?: string | undefined
  /** Tags of the contract. */
  contractHide?: readonly string[] | undefined
  sources?: string | undefined
}

/**
 * Checks a policy before it is stored or simulated: with the subgraphs of the installation that are
 * served now, and with the contract. Throws PolicyError, ModelError or JoinError, which name file
 * and line, if no gateway could serve it.
 */
export async function checkCandidate(
  sql: Sql,
  stored: StoredPolicy,
  { systems, ownSubgraphs, contractHide, sources }: CandidateSettings,
): Promise<void> {
  const own = await servedOwn(sql, ownSubgraphs ?? packagePath('config/subgraphs.yaml'))
  const question = { stored, systems: systems.map((s) => s.name), hide: contractHide ?? [] }
  try {
    await checkPolicy({ ...question, own })
  } catch (e) {
    if (!(e instanceof JoinError)) throw e
    // An own subgraph that is not served anyway keeps nobody from publishing a policy.
    if (await joinNow(sql, own, sources))
      throw new JoinError([
        ...e.problems,
        'these subgraphs are served under the active policy: change or remove them first',
      ])
    await checkPolicy({ ...question, own: [] })
  }
}

/**
 * Counts the stored values of fields whose kind changes that the policy cannot hold. Throws
 * PolicyError if a required field is among them: lists of its type could not be read. `choice`
 * leaves out the other fields; `count` reads the values, by default on this thread.
 */
export async function checkStoredValues(
  sql: Sql,
  stored: StoredPolicy,
  { sources }: Pick<CandidateSettings, 'sources'>,
  choice: FieldChoice,
  count?: (stored: StoredPolicy, fields: NamedField[]) => Promise<UnfitValues[]>,
): Promise<UnfitValues[]> {
  const policy = parseStoredPolicy(stored, null)
  const fields = narrowedFields(policy, await policyNow(sql, sources), choice)
  if (fields.length === 0) return []
  const unfit = await (count?.(stored, fields) ?? countUnfitValues(sql, policy, fields))
  const lost = unfit.find((u) => u.required)
  if (lost)
    throw new PolicyError(
      `${placeOfField(policy, lost.type, lost.field)}${lost.type}.${lost.field} must have a value, and ${counted(lost.count, 'stored value')} would not fit it: publish it without "!" first, or give the new kind another name`,
    )
  return unfit
}

function placeOfField({ document }: Policy, type: string, field: string): string {
  const definition = document.definitions.find(
    (d) => d.kind === 'ObjectTypeDefinition' && d.name.value === type,
  )
  const fields = definition && 'fields' in definition ? (definition.fields ?? []) : []
  const { source, startToken } = fields.find((f) => f.name.value === field)?.loc ?? {}
  return placeOf(source?.name ?? '', startToken?.line, startToken?.column)
}

/** Returns a note on each field whose stored values would be lost. */
export function unfitNotes(unfit: readonly UnfitValues[]): string[] {
  return unfit.map(
    ({ type, field, count }) =>
      `note: ${counted(count, 'stored value')} of ${type}.${field} ${count === 1 ? 'does' : 'do'} not fit this policy and ${count === 1 ? 'does' : 'do'} not count; the sources are mapped again after the publication`,
  )
}

async function policyNow(sql: Sql, sources: string | undefined): Promise<Policy> {
  const active = await activePolicy(sql)
  return active ? parseStoredPolicy(active, null) : openInstallation(sources).policy
}

/** Returns whether own subgraphs join the graph of the active policy. */
async function joinNow(
  sql: Sql,
  own: readonly Joining[],
  sources: string | undefined,
): Promise<boolean> {
  const policy = await policyNow(sql, sources)
  try {
    await joinApart(schemasOf(policy), own)
    return true
  } catch (e) {
    if (e instanceof JoinError) return false
    throw e
  }
}

/**
 * Returns the own subgraphs whose schemas gateways have: published ones, served ones, or of files.
 */
async function servedOwn(sql: Sql, file: string): Promise<Joining[]> {
  if (!existsSync(file)) return []
  const configured = readOwnSubgraphs(file, { needsSecrets: false })
  if (configured.length === 0) return []
  const published = await publishedGraph(sql)
  const known = (published ?? (await servedGraph(sql)))?.sdls
  return configured.flatMap((c): Joining[] => {
    const { name, mutations, overrides, configuredAt, schemaFile } = c
    const sdl =
      known?.get(name) ??
      (published || schemaFile === null ? undefined : readSchemaFile(schemaFile, c))
    return sdl === undefined
      ? []
      : [{ name, mutations, overrides, configuredAt, sdl, at: schemaPlace(c) }]
  })
}
