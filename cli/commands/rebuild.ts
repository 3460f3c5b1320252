import { Command } from 'commander'
import { withExclusiveLock } from '../../mdm/db/withExclusiveLock.ts'
import { checkRebuild } from '../../mdm/policy/rebuild.ts'
import { countStale, MATCHING_LOCK, rematch } from '../../mdm/policy/rematch.ts'
import { checkStanding, repair, repairStanding } from '../../mdm/policy/repair.ts'
import { createEngines } from '../../mdm/resolution/resolve.ts'
import { counted } from '../../schema/kit/numberText.ts'
import { type Config, withConfig } from '../config/config.ts'
import { openInstallation } from '../config/installation.ts'
import { activeResolutionContext } from '../config/policyFiles.ts'
import { DATABASE_CONFIG, withDatabase } from '../connect.ts'
import { print } from '../terminal/print.ts'
import { parseWholeNumber } from './input/parseWholeNumber.ts'

const SETTINGS = [...DATABASE_CONFIG, 'sources'] as const
type Options = Config<(typeof SETTINGS)[number]> & { check: boolean; repair: boolean; show: number }

export const command = withConfig(
  new Command('rebuild')
    .description(
      'compute all golden records again from source records and assertions, and compare them with those stored',
    )
    .option('--check', 'only compare; exit code 1 if there is a difference', false)
    .option('--repair', 'correct the stored golden records, with events', false)
    .option('--show <number>', 'differences to list', parseWholeNumber, 20),
  SETTINGS,
)
  .addHelpText(
    'after',
    `
Reads one snapshot and blocks nothing. Memory grows with the source records of one golden type, about 2 kB each.
A repair works in small transactions and can be stopped and run again.

Exit codes: 0 no difference, or all repaired; 1 --check found a difference, or an error.

Example:
  npx touchstone rebuild --check It first matches those source records again that
an earlier version of the program, or another model, matched; ingest workers do the same when they start.`,
  )
  .action(async (options: Options) => {
    if (options.check === options.repair) throw new Error('give one of --check and --repair')
    const { policy, systems } = openInstallation(options.sources)
    await withDatabase({ config: options, connectionsMax: 2 }, async (sql) => {
      const shipped = {
        policy,
        engines: createEngines(policy),
        systems: new Map(systems.map((s) => [s.name, s])),
      }
      const context = await activeResolutionContext(sql, shipped, systems)
      const began = performance.now()
      const wrong = options.repair ? await repairStanding(sql) : await checkStanding(sql)
      if (wrong > 0)
        print(
          `${counted(wrong, 'assertion was wrong', 'assertions were wrong')}${options.repair ? '; repaired' : ''}`,
        )
      const stale = await countStale(sql, context)
      if (stale > 0) {
        if (options.repair) {
          const done = await withExclusiveLock(sql, MATCHING_LOCK, async () => {
            for (const type of context.policy.types) await rematch(sql, context, type, () => {})
            return true
          })
          if (!done)
            throw new Error(
              'a publication or another pass matches these records now: run it again when that has ended',
            )
        }
        print(
          `${counted(stale, 'source record was', 'source records were')} matched by another version of the program or its models${options.repair ? ': matched again' : ''}`,
        )
      }
      const { records, golden, differences } = await checkRebuild(sql, context)
      for (const d of differences.slice(0, options.show))
        print(`${d.what.padEnd(10)} ${d.type} ${d.goldenId}: ${d.detail}`)
      const seconds = ((performance.now() - began) / 1000).toFixed(1)
      print(
        `${counted(records, 'source record')}, ${counted(golden, 'golden record')}, ${counted(differences.length, 'difference')}, ${seconds} s`,
      )
      if (differences.length + wrong === 0) return
      if (options.check) {
        process.exitCode = 1
        return
      }
      const done = await repair(sql, context, differences)
      print(`${counted(done.done, 'golden record')} repaired, ${counted(done.events, 'event')}`)
    })
  })
