import { Command } from 'commander'
import { type Config, withConfig } from '../config/config.ts'
import { openInstallation } from '../config/installation.ts'

export const command = withConfig(
  new Command('sources')
    .description('check the configured source systems and their mappings, and list them')
    .argument('[name]', 'source system whose objects are listed'),
  ['sources'],
)
  .addHelpText(
    'after',
    `
Exit code 1: a mistake in config/sources.yaml or a mapping, named with its file and line.

Examples:
  npx touchstone sources
  npx touchstone sources salesforce`,
  )
  .action((name: string | undefined, options: Config<'sources'>) => {
    const { systems, connectors } = openInstallation(options.sources)
    if (name === undefined) {
      for (const s of systems) {
        const secrets = s.developmentSecret ? 'development secret' : `${s.secrets.length} secret(s)`
        const objects = connectors.get(s.name)?.objects.length ?? 0
        console.log(
          `${s.name.padEnd(20)} ${s.kind.padEnd(12)} ${s.role.padEnd(8)} trust ${s.trust.toFixed(2)}  ${objects} objects  ${secrets}`,
        )
      }
      return
    }
    const connector = connectors.get(name)
    if (!connector)
      throw new Error(
        `no source system "${name}"; there are ${systems.map((s) => s.name).join(', ')}`,
      )
    for (const object of connector.objects) console.log(`${object.name.padEnd(40)} ${object.as}`)
  })
