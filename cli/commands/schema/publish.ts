import { Command, InvalidArgumentError } from 'commander'
import {
  findGraphVersion,
  listGraphPublications,
  publishGraph,
} from '../../../mdm/access/graphVersions.ts'
import type { Sql } from '../../../mdm/db/database.ts'
import { commandActor } from '../../config/commandActor.ts'
import { type Config, withConfig } from '../../config/config.ts'
import { readOwnSubgraphs } from '../../config/ownSubgraphs.ts'
import { packagePath } from '../../config/packagePath.ts'
import { DATABASE_CONFIG, withDatabase } from '../../connect.ts'
import { type Candidate, freshCandidates, publishedCandidates } from '../../server/ownGraph.ts'
import { print, printJson } from '../../terminal/print.ts'
import { parseReason } from '../input/parseReason.ts'
import { breaks, changesInWords, ownChanges } from './ownChanges.ts'

export const OWN_CONFIG = [...DATABASE_CONFIG, 'sources', 'ownSubgraphs'] as const
export type OwnConfig = Config<(typeof OWN_CONFIG)[number]>

interface PublishOptions extends OwnConfig {
  acceptBreaking?: boolean
  reason?: string
}

const publicationsShown = 50

export function ownFile({ ownSubgraphs }: Pick<OwnConfig, 'ownSubgraphs'>): string {
  return ownSubgraphs ?? packagePath('config/subgraphs.yaml')
}

export const publish = options(
  new Command('publish').description(
    'check the own subgraphs of config/subgraphs.yaml and publish their schemas as a version; gateways follow within seconds',
  ),
).action(async (o: PublishOptions) => {
  await withDatabase({ config: o, connectionsMax: 1 }, async (sql) => {
    const candidates = await freshCandidates(readOwnSubgraphs(ownFile(o), { needsSecrets: false }))
    await publishCandidates(sql, o, candidates, o.reason ?? '')
  })
})

export const rollback = options(
  new Command('rollback')
    .description('publish an earlier version of the own subgraphs again; by default the one before')
    .argument('[version]', 'a version of "schema versions", or its beginning', versionPart),
).action(async (version: string | undefined, o: PublishOptions) => {
  await withDatabase({ config: o, connectionsMax: 1 }, async (sql) => {
    const wanted = version ?? (await versionBefore(sql))
    const graph = await findGraphVersion(sql, wanted)
    const file = ownFile(o)
    const candidates = publishedCandidates(
      file,
      readOwnSubgraphs(file, { needsSecrets: false }),
      graph,
    )
    await publishCandidates(sql, o, candidates, o.reason ?? `back to ${graph.version}`)
  })
})

export const versions = withConfig(
  new Command('versions')
    .description('list the published versions of the own subgraphs, the latest first')
    .option('--json', 'print JSON'),
  DATABASE_CONFIG,
).action(async (o: OwnConfig & { json?: boolean }) => {
  await withDatabase({ config: o, connectionsMax: 1 }, async (sql) => {
    const all = await listGraphPublications(sql, publicationsShown)
    if (o.json) printJson(all, 2)
    else if (all.length === 0)
      print('nothing is published: gateways serve what config/subgraphs.yaml names')
    else
      for (const [n, p] of all.entries())
        print(
          [
            `${p.version}${n === 0 ? ' active' : ''} ${p.subgraphs.join(',') || '-'}`,
            `published ${p.publishedAt.toISOString()} by ${p.actor}${p.reason === '' ? '' : ` (${p.reason})`}`,
            p.servedAt ? `served since ${p.servedAt.toISOString()}` : 'not served yet',
          ].join('; '),
        )
  })
})

function options(command: Command): Command {
  return withConfig(
    command
      .option('--accept-breaking', 'publish although something breaks for clients')
      .option('--reason <text>', 'why, for the list of versions', parseReason),
    OWN_CONFIG,
  )
}

async function publishCandidates(
  sql: Sql,
  o: PublishOptions,
  candidates: readonly Candidate[],
  reason: string,
): Promise<void> {
  const found = await ownChanges(sql, o.sources, candidates)
  print(...changesInWords(found))
  if (found.expected !== null && found.version === found.before) {
    print(`nothing was published: ${found.version} is active`)
    return
  }
  if (breaks(found) && !o.acceptBreaking)
    throw new Error('nothing was published: something breaks; see above, or use --accept-breaking')
  const { version } = await publishGraph(sql, found.joined, {
    actor: commandActor(),
    reason,
    expected: found.expected,
  })
  print(`published ${version}`)
}

async function versionBefore(sql: Sql): Promise<string> {
  const [active, ...earlier] = await listGraphPublications(sql, publicationsShown)
  const before = earlier.find((p) => p.version !== active?.version)
  if (!before) throw new Error('no earlier version was published: "schema versions" lists them')
  return before.version
}

function versionPart(text: string): string {
  if (!/^[0-9a-f]{4,16}$/i.test(text))
    throw new InvalidArgumentError('It must be 4 to 16 digits in hex.')
  return text.toLowerCase()
}
