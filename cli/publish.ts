import { userInfo } from 'node:os'
import { Command } from 'commander'
import { publish } from '../mdm/publish.ts'
import { readPolicyVersion, readPublications } from '../mdm/review/policies.ts'
import { type Config, withConfig } from './config.ts'
import { connect } from './connect.ts'
import { openInstallation } from './installation.ts'
import { masteringOf, readPolicyFiles } from './policyFiles.ts'
import { count, progressOn } from './progress.ts'
import { ours } from './root.ts'

const SETTINGS = ['databaseUrl', 'dataDir', 'databaseWaitSecondsMax', 'sources'] as const
interface Options extends Config<(typeof SETTINGS)[number]> {
  policy?: string
  to?: string
  shipped: boolean
  list: boolean
  reason: string
}

const listed = 20

export const command = withConfig(
  new Command('publish')
    .description('put a policy in force and bring every record to it, with events; go back to an earlier one')
    .option('--policy <dir>', 'folder with the model (*.graphql) and trained models (<Type>.parameters.json)')
    .option('--to <version>', 'a policy that was published before: the way back')
    .option('--shipped', 'the model that came with the program', false)
    .option('--list', 'list what was published', false)
    .option('--reason <text>', 'for the audit log', 'published from the command line'),
  SETTINGS,
)
  .addHelpText(
    'after',
    `
It works in small transactions beside everything else and can be stopped and run again: it goes on with what is left.
Ingest workers and stewardship take the new policy up by themselves; a gateway that serves other fields has to be started
again. See first what it would do: "touchstone simulate --policy DIR".`,
  )
  .action(async (options: Options) => {
    const { systems } = openInstallation(options.sources)
    const { sql, close } = await connect({ config: options, connectionsMax: 2 })
    try {
      if (options.list) {
        for (const p of await readPublications(sql, listed))
          console.log(
            `${p.version} ${p.state.padEnd(7)} ${p.startedAt.toISOString()} ${p.actor}: ${p.reason}; ${count(p.events)} events`,
          )
        return
      }
      const given = [options.policy, options.to, options.shipped || undefined].filter((x) => x !== undefined)
      if (given.length !== 1) throw new Error('give one of --policy, --to, --shipped and --list')
      const kept = options.to
        ? await readPolicyVersion(sql, options.to)
        : readPolicyFiles(options.policy ?? ours('schema/model'))
      if (!kept) throw new Error(`no policy ${options.to} was ever published; --list shows those that were`)
      const line = progressOn()
      const by = { actor: `cli:${userInfo().username}`, reason: options.reason }
      const done = await publish(sql, kept, masteringOf(kept, systems), by, (sofar) =>
        line.show(`${count(sofar.done)} records, ${count(sofar.events)} events`),
      )
      line.end()
      if (done.code === 'BUSY')
        throw new Error('another policy is being published: let it end, or run its command again if it was stopped')
      console.log(
        `policy ${kept.version} is in force: ${count(done.done)} records worked on, ${count(done.events)} events${done.resumed ? '; went on where it was stopped' : ''}`,
      )
    } finally {
      await close()
    }
  })
