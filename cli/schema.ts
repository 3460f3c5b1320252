import { Command } from 'commander'
import { publicSchema } from '../gateway/publicSchema.ts'
import { supergraphChanges } from '../gateway/supergraphChanges.ts'
import { eventChanges } from '../schema/eventChanges.ts'
import { type ContractChange, sorted, undatedDeprecations } from '../schema/graphChanges.ts'
import { generated } from './generate.ts'
import { ours } from './root.ts'
import { publishedEvents, readReference } from './schemaReference.ts'

interface Options {
  against: string
  json?: boolean
}

const check = new Command('check')
  .description('name what has changed for clients and consumers since a reference; exit code 1 where something breaks')
  .requiredOption('--against <ref>', 'a git ref, a folder with an earlier supergraph.graphql, or such a file')
  .option('--json', 'the same as JSON')
  .addHelpText(
    'after',
    `
Compared are the graph as clients see it, who may ask for what of it, which subgraph answers, and the schema of change
events. BREAKING: what worked may fail. DANGEROUS: it may behave otherwise, as on a value of an enum never seen before.
Removing what was deprecated is not breaking once the date in the reason of its deprecation has come; every deprecation
has to say one, as @deprecated(reason: "use name; goes 2026-12-31").

Example:
  npx touchstone schema check --against origin/main`,
  )
  .action(({ against, json }: Options) => {
    const reference = readReference(against, ours('.'))
    const now = generated().get('supergraph.graphql') ?? ''
    const changes = sorted([
      ...supergraphChanges(reference.supergraph, now, new Date().toISOString().slice(0, 10)),
      ...eventChanges(reference.events, publishedEvents(ours('.'))),
    ])
    const undated = undatedDeprecations(publicSchema(now))
    const report = { against, changes, undatedDeprecations: undated }
    console.log(json ? JSON.stringify(report, null, 2) : inWords(report))
    if (undated.length > 0 || changes.some((c) => c.level === 'BREAKING')) process.exitCode = 1
  })

export const command = new Command('schema').description('what callers rely on: graph and events').addCommand(check)

interface Report {
  against: string
  changes: ContractChange[]
  undatedDeprecations: string[]
}

function inWords({ against, changes, undatedDeprecations }: Report): string {
  const count = (level: ContractChange['level']) => changes.filter((c) => c.level === level).length
  return [
    `against ${against}: ${count('BREAKING')} breaking, ${count('DANGEROUS')} dangerous, ${count('SAFE')} safe`,
    ...changes.map((c) => `${c.level.padEnd(9)} ${c.coordinate}: ${c.text}`),
    ...undatedDeprecations.map((c) => `WRONG     ${c}: is deprecated without a date; say from when on it may be gone`),
  ].join('\n')
}
