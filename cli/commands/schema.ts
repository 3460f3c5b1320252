import { Command } from 'commander'
import { mappingChanges } from '../../connectors/mapping/mappingChanges.ts'
import { publicSchema } from '../../gateway/federation/publicSchema.ts'
import { supergraphChanges } from '../../gateway/federation/supergraphChanges.ts'
import { listOperations } from '../../mdm/access/operations.ts'
import {
  type BrokenOperation,
  brokenOperations,
  type OperationText,
} from '../../schema/brokenOperations.ts'
import { eventChanges } from '../../schema/eventChanges.ts'
import { type ContractChange, sorted, undatedDeprecations } from '../../schema/graphChanges.ts'
import { withConfig } from '../config/config.ts'
import { readOwnSubgraphs } from '../config/ownSubgraphs.ts'
import { packagePath } from '../config/packagePath.ts'
import { withDatabase } from '../connect.ts'
import { freshCandidates } from '../server/ownGraph.ts'
import { print, printJson } from '../terminal/print.ts'
import { generatedOfModel } from './generate.ts'
import { readOperations } from './input/operationFiles.ts'
import { mappingFiles, publishedEvents, readReference } from './input/schemaReference.ts'
import { breaks, changesInWords, ownChanges } from './schema/ownChanges.ts'
import {
  OWN_CONFIG,
  type OwnConfig,
  ownFile,
  publish,
  rollback,
  versions,
} from './schema/publish.ts'
import { sdl } from './schema/sdl.ts'

interface Options extends OwnConfig {
  against?: string
  json?: boolean
  published?: boolean
  operations?: string[]
}

const check = withConfig(
  new Command('check')
    .description(
      'list what changes for clients: since a reference, or with the own subgraphs of config/subgraphs.yaml; exit code 1 if something breaks',
    )
    .option(
      '--against <ref>',
      'a git ref, a folder with an earlier supergraph.graphql, or such a file; left out: the own subgraphs against the graph that is served',
    )
    .option(
      '--published',
      'also list the published operations of the database that would be rejected',
    )
    .option(
      '--operations <files...>',
      'also check operations of files, in the formats of "operations publish"',
    )
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Compares the graph as clients see it, the rights that its fields require, the subgraphs that resolve them, the schema of
change events, and the mappings of source systems. BREAKING: something that worked may fail. DANGEROUS: clients may
behave differently, for example on a new enum value. Removing a deprecated element is not breaking after the date in the
reason of its deprecation. Every deprecation needs such a date, as @deprecated(reason: "use name; goes 2026-12-31").

Without --against the own subgraphs are checked as "schema publish" would: they are read from their files and services,
composed with the active policy, and compared with what gateways serve now.

Examples:
  npx touchstone schema check
  npx touchstone schema check --against origin/main`,
    ),
  OWN_CONFIG,
).action(async (options: Options) => {
  const { against, json } = options
  if (against === undefined) return await checkOwn(options)
  const reference = readReference(against, packagePath('.'))
  const now = generatedOfModel().get('supergraph.graphql') ?? ''
  const changes = sorted([
    ...supergraphChanges(reference.supergraph, now, new Date().toISOString().slice(0, 10)),
    ...eventChanges(reference.events, publishedEvents(packagePath('.'))),
    ...(reference.mappings.size > 0
      ? mappingChanges(reference.mappings, mappingFiles(packagePath('.')))
      : []),
  ])
  const schema = publicSchema(now)
  const undated = undatedDeprecations(schema)
  const broken = brokenOperations(
    await operationsOf(options),
    publicSchema(reference.supergraph),
    schema,
  )
  const report = { against, changes, undatedDeprecations: undated, brokenOperations: broken }
  if (json) printJson(report, 2)
  else print(...inWords(report))
  if (undated.length + broken.length > 0 || changes.some((c) => c.level === 'BREAKING'))
    process.exitCode = 1
})

export const command = new Command('schema')
  .description(
    'what clients rely on: check graph, events and mappings; print the graph; publish own subgraphs',
  )
  .addCommand(check)
  .addCommand(sdl)
  .addCommand(publish)
  .addCommand(versions)
  .addCommand(rollback)

async function checkOwn(o: Options): Promise<void> {
  await withDatabase({ config: o, connectionsMax: 1 }, async (sql) => {
    const found = await ownChanges(
      sql,
      o.sources,
      await freshCandidates(readOwnSubgraphs(ownFile(o), { needsSecrets: false })),
    )
    const { version, before, changes, brokenOperations: broken } = found
    const report = { version, before, changes, brokenOperations: broken }
    if (o.json) printJson(report, 2)
    else print(...changesInWords(found))
    if (breaks(found)) process.exitCode = 1
  })
}

async function operationsOf(options: Options): Promise<OperationText[]> {
  const files = (options.operations ?? []).flatMap((file) =>
    readOperations(file).map((o) => ({ ...o, client: o.client ?? file })),
  )
  if (!options.published) return files
  return await withDatabase({ config: options, connectionsMax: 1 }, async (sql) => {
    return [...files, ...(await listOperations(sql, { standing: true }))].map(
      ({ client, hash, names, text }) => ({
        client,
        hash,
        names,
        text,
      }),
    )
  })
}

interface Report {
  against: string
  changes: ContractChange[]
  undatedDeprecations: string[]
  brokenOperations: BrokenOperation[]
}

function inWords({
  against,
  changes,
  undatedDeprecations,
  brokenOperations: broken,
}: Report): string[] {
  const count = (level: ContractChange['level']) => changes.filter((c) => c.level === level).length
  return [
    `against ${against}: ${count('BREAKING')} breaking, ${count('DANGEROUS')} dangerous, ${count('SAFE')} safe`,
    ...changes.map((c) => `${c.level.padEnd(9)} ${c.coordinate}: ${c.text}`),
    ...undatedDeprecations.map(
      (c) =>
        `WRONG     ${c}: is deprecated without a date; state from which date it may be removed`,
    ),
    ...broken.map(
      (o) =>
        `REFUSED   ${o.names.join(', ') || '-'} (${o.hash.slice(0, 12)}) of ${o.client}: ${o.reasons.join(' ')}`,
    ),
  ]
}
