import { Command } from 'commander'
import { remap } from '../../mdm/ingest/remap.ts'
import { createEngines } from '../../mdm/resolution/resolve.ts'
import { count, counted } from '../../schema/kit/numberText.ts'
import { type Config, withConfig } from '../config/config.ts'
import { openInstallation, usableConnector } from '../config/installation.ts'
import { activeResolutionContext } from '../config/policyFiles.ts'
import { DATABASE_CONFIG, withDatabase } from '../connect.ts'
import { print } from '../terminal/print.ts'
import { createProgress } from './output/progress.ts'

const SETTINGS = [...DATABASE_CONFIG, 'sources'] as const

export const command = withConfig(
  new Command('remap')
    .description(
      'map the stored records of source systems again, with events, after a change of their mapping or code lists',
    )
    .argument('<source...>', 'source systems, as config/sources.yaml names them'),
  SETTINGS,
)
  .addHelpText(
    'after',
    `
Restart the ingest workers first, so that messages that arrive meanwhile use the new mapping too. The command works in
small transactions and can be stopped and run again.

Example:
  npx touchstone remap salesforce`,
  )
  .action(async (sources: string[], options: Config<(typeof SETTINGS)[number]>) => {
    const installation = openInstallation(options.sources)
    const { policy, systems, connectors, rules } = installation
    for (const source of sources)
      if (!connectors.has(source))
        throw new Error(
          `no source system "${source}"; there are ${systems.map((s) => s.name).join(', ')}`,
        )
    await withDatabase({ config: options, connectionsMax: 2 }, async (sql) => {
      const shipped = {
        policy,
        engines: createEngines(policy),
        systems: new Map(systems.map((s) => [s.name, s])),
        rules,
      }
      const mastering = await activeResolutionContext(sql, shipped, systems)
      installation.judge(mastering.policy)
      for (const source of sources) usableConnector(installation, source)
      const line = createProgress()
      for (const source of sources) {
        const pipeline = { ...mastering, sql, connectors, attemptsMax: 1, onError: () => {} }
        const done = await remap(pipeline, source, (sofar) =>
          line.show(`${source}: ${counted(sofar.records, 'record')}`),
        )
        line.end()
        print(
          `${source}: ${counted(done.records, 'source record')}, ${count(done.changed)} changed, ${counted(done.events, 'event')}` +
            (done.otherType > 0
              ? `; ${counted(done.otherType, 'would be of another type and stays as it is', 'would be of another type and stay as they are')}`
              : ''),
        )
      }
    })
  })
