import { Command } from 'commander'
import { missingRowRights } from '../../mdm/access/rowRights.ts'
import { activePolicy, SHIPPED } from '../../mdm/policy/policies.ts'
import { changesNothing, type Simulation, simulate } from '../../mdm/policy/simulate.ts'
import { count, counted } from '../../schema/kit/numberText.ts'
import { type CandidateOptions, loadCandidatePolicy } from '../config/candidatePolicy.ts'
import { type Config, withConfig } from '../config/config.ts'
import { openInstallation } from '../config/installation.ts'
import { resolutionContextOf } from '../config/policyFiles.ts'
import { DATABASE_CONFIG, withDatabase } from '../connect.ts'
import { checkCandidate, checkStoredValues, unfitNotes } from '../server/checkCandidate.ts'
import { print, printError, printJson } from '../terminal/print.ts'
import { parseWholeNumber } from './input/parseWholeNumber.ts'

const SETTINGS = [...DATABASE_CONFIG, 'sources', 'ownSubgraphs', 'contractHide'] as const
type Options = Config<(typeof SETTINGS)[number]> &
  Omit<CandidateOptions, 'to' | 'shipped'> & { sample?: number; examples?: number; json: boolean }

export const command = withConfig(
  new Command('simulate')
    .description(
      'report which golden records a changed policy or trained model would merge, split and change; writes nothing',
    )
    .option(
      '--policy <dir>',
      'folder with the model (*.graphql) and trained models (<Type>.parameters.json)',
    )
    .option(
      '--model <version...>',
      'versions of models of "touchstone train", or <Type>=shipped; under the active policy unless --policy is given',
    )
    .option(
      '--sample <number>',
      'only this many golden records of each type, with all that they are linked to',
      parseWholeNumber,
    )
    .option(
      '--examples <number>',
      'golden records of each group that the JSON names (default: 10)',
      parseWholeNumber,
    )
    .option('--json', 'print the whole report as JSON', false),
  SETTINGS,
)
  .addHelpText(
    'after',
    `
Reads one snapshot and blocks nothing. Memory grows with the source records of one golden type, about 2 kB each.
"touchstone publish --policy DIR" then does what the report says.

Example:
  cp -r schema/model /tmp/policy    # and change it there
  npx touchstone simulate --policy /tmp/policy
  npx touchstone simulate --model 1f0c2ab9d4e37756    # a model that "touchstone train" made`,
  )
  .action(async (options: Options) => {
    const { systems } = openInstallation(options.sources)
    await withDatabase({ config: options, connectionsMax: 1 }, async (sql) => {
      // Read before the snapshot: a policy that is published in between is not in the report.
      const active = (await activePolicy(sql))?.version ?? SHIPPED
      const stored = await loadCandidatePolicy(sql, options, systems)
      await checkCandidate(sql, stored, { ...options, systems })
      const unfit = await checkStoredValues(sql, stored, options, 'ALL')
      for (const note of unfitNotes(unfit)) printError(note)
      const candidate = resolutionContextOf(stored, systems)
      const rights = await missingRowRights(sql, candidate.policy)
      if (rights !== null) printError(`note: ${rights}`)
      const report = await simulate(sql, candidate, {
        sample: options.sample,
        examplesMax: options.examples,
      })
      if (options.json) printJson({ ...report, active }, 1)
      else {
        printReport(report)
        print(`the active policy is ${active}: publish with --instead ${active}`)
      }
    })
  })

function printReport(report: Simulation): void {
  for (const t of report.types) {
    const groups = [
      [t.merges, `would absorb others (${count(t.absorbed)} in all)`],
      [t.splits, 'would be split'],
      [t.appear, 'would be created'],
      [t.vanish, 'would disappear'],
      [t.changes, 'would change a value'],
      [t.origins, 'would keep their values, from another source record or by another rule'],
    ] as const
    print(
      `${t.type}: ${counted(t.golden, 'golden record')} of ${counted(t.records, 'source record')}`,
    )
    for (const [group, what] of groups) {
      if (group.count === 0) continue
      print(`  ${count(group.count)} ${what}`)
      for (const e of group.examples.slice(0, 3)) print(`    ${e.goldenId} ${e.detail.join(' ')}`)
    }
    for (const f of t.fields) {
      const ways = f.systems.slice(0, 3).map((s) => `${s.from} -> ${s.to} ${count(s.count)}`)
      print(`  ${f.field}: ${counted(f.count, 'value')} (${ways.join(', ')})`)
    }
  }
  if (changesNothing(report)) print('nothing would change')
  print(`${report.seconds.toFixed(1)} s, ${report.memoryMb} MB`)
}
