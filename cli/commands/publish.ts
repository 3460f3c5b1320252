import { Command } from 'commander'
import { missingRowRights } from '../../mdm/access/rowRights.ts'
import type { Sql } from '../../mdm/db/database.ts'
import {
  activePolicy,
  readPublications,
  SHIPPED,
  type StoredPolicy,
} from '../../mdm/policy/policies.ts'
import { publish } from '../../mdm/policy/publish.ts'
import { count, counted, noun } from '../../schema/kit/numberText.ts'
import { type CandidateOptions, loadCandidatePolicy } from '../config/candidatePolicy.ts'
import { commandActor } from '../config/commandActor.ts'
import { type Config, withConfig } from '../config/config.ts'
import { heldSources, openInstallation } from '../config/installation.ts'
import { resolutionContextOf } from '../config/policyFiles.ts'
import { programVersion } from '../config/programVersion.ts'
import { DATABASE_CONFIG, withDatabase } from '../connect.ts'
import { checkCandidate, checkStoredValues, unfitNotes } from '../server/checkCandidate.ts'
import { print, printError } from '../terminal/print.ts'
import { parseReason } from './input/parseReason.ts'
import { createProgress } from './output/progress.ts'

const SETTINGS = [...DATABASE_CONFIG, 'sources', 'ownSubgraphs', 'contractHide'] as const
interface Options extends Config<(typeof SETTINGS)[number]>, CandidateOptions {
  list: boolean
  instead?: string
  reason: string
}

const listed = 20

export const command = withConfig(
  new Command('publish')
    .description(
      'activate a policy and apply it to every record, with events; or return to an earlier policy',
    )
    .option(
      '--policy <dir>',
      'folder with the model (*.graphql) and trained models (<Type>.parameters.json)',
    )
    .option('--to <version>', 'version of a policy that was published before')
    .option('--shipped', 'the model that came with the program', false)
    .option(
      '--model <version...>',
      'versions of models of "touchstone train", or <Type>=shipped; under the active policy unless --policy is given',
    )
    .option(
      '--instead <version>',
      'version of the policy that is active now, or "shipped"; if another one is, nothing is changed',
    )
    .option('--list', 'list the latest publications', false)
    .option(
      '--reason <text>',
      'reason, for the audit log',
      parseReason,
      'published from the command line',
    ),
  SETTINGS,
)
  .addHelpText(
    'after',
    `
The command works in small transactions beside everything else. It can be stopped and run again: it resumes with what is
left, and so does a running gateway. Ingest workers, stewards' actions and gateways use the new policy within seconds.
A subgraph that runs as a service exits if the model changed; restart it. See first what would change:
"touchstone simulate --policy DIR" or "--model VERSION". It prints which policy is active: with --instead it is certain that
nobody has published another one since.

Examples:
  npx touchstone publish --model 1f0c2ab9d4e37756     # a trained model, under the active policy
  npx touchstone publish --model Customer=shipped     # return to the shipped model
  npx touchstone publish --to 77ab01c2f00d9e13        # model and policy as they were published before`,
  )
  .action(async (options: Options) => {
    const installation = openInstallation(options.sources)
    const { systems, connectors } = installation
    await withDatabase({ config: options, connectionsMax: 2 }, async (sql) => {
      if (options.list) {
        for (const p of await readPublications(sql, listed))
          print(
            `${p.version} ${p.state.padEnd(7)} ${p.startedAt.toISOString()} ${p.actor}: ${p.reason}; ${count(p.done)}${p.total === null ? '' : ` of ${count(p.total)}`} ${noun(p.total ?? p.done, 'record')}, ${counted(p.events, 'event')}${p.problem ? `; ${p.state === 'REFUSED' ? 'refused' : 'stopped'}: ${p.problem}` : ''}`,
          )
        return
      }
      const instead = options.instead === SHIPPED ? null : options.instead
      const kept = await loadCandidatePolicy(sql, options, systems)
      for (const type of await inactivatedTypes(sql, kept, options.model ?? []))
        printError(
          `note: the trained model of ${type} becomes inactive; to keep it active, name it with --model`,
        )
      await checkCandidate(sql, kept, { ...options, systems })
      const unfit = await checkStoredValues(sql, kept, options, 'ALL')
      for (const note of unfitNotes(unfit)) printError(note)
      const context = resolutionContextOf(kept, systems)
      const rights = await missingRowRights(sql, context.policy)
      if (rights !== null) printError(`note: ${rights}`)
      installation.judge(context.policy)
      for (const { source, mistake } of heldSources(connectors))
        printError(
          `note: ${source} is held under this policy until its mapping is right: ${mistake}`,
        )
      const line = createProgress()
      const by = {
        actor: commandActor(),
        reason: options.reason,
        checkedBy: programVersion(),
        ...(instead === undefined ? {} : { instead }),
      }
      const done = await publish(sql, kept, context, by, (sofar) =>
        line.show(`${counted(sofar.done, 'record')}, ${counted(sofar.events, 'event')}`),
      )
      line.end()
      if (done.code === 'BUSY')
        throw new Error(
          'another policy is being published, or this one is already being applied to the records: "publish --list" shows its progress',
        )
      if (done.code === 'POLICY_CHANGED')
        throw new Error(
          `${done.active === null ? 'the shipped policy' : `policy ${done.active}`} is active, not ${instead ?? 'the shipped one'}: look again at what this one would do with "touchstone simulate"; nothing was changed`,
        )
      print(
        `policy ${kept.version} is active${modelsOf(kept)}: ${counted(done.done, 'record')} processed, ${counted(done.events, 'event')}${done.resumed ? '; resumed where it was stopped' : ''}`,
      )
    })
  })

function modelsOf(kept: StoredPolicy): string {
  const types = Object.keys(kept.parameters)
  return types.length === 0 ? '' : `, with trained models of ${types.sort().join(', ')}`
}

/**
 * Returns the golden types whose active trained model would be replaced although no option requests
 * it.
 */
async function inactivatedTypes(
  sql: Sql,
  kept: StoredPolicy,
  named: readonly string[],
): Promise<string[]> {
  const now = Object.keys((await activePolicy(sql))?.parameters ?? {})
  return now.filter(
    (type) => !Object.hasOwn(kept.parameters, type) && !named.includes(`${type}=shipped`),
  )
}
