import { Command } from 'commander'
import { type Config, withConfig } from '../config/config.ts'
import { openInstallation } from '../config/installation.ts'
import { connect, DATABASE_CONFIG } from '../connect.ts'
import { prepareRowRights } from '../server/configuredRowReaders.ts'
import { print } from '../terminal/print.ts'

const SETTINGS = [...DATABASE_CONFIG, 'sortLocale', 'sources', 'access'] as const

export const command = withConfig(
  new Command('migrate').description(
    'create the database or bring it to this version; start and serve do it themselves',
  ),
  SETTINGS,
)
  .addHelpText(
    'after',
    `
Example:
  DATABASE_URL=postgres://user:password@host:5432/touchstone npx touchstone migrate

With DATABASE_OWNER_URL it works as that user, and gives the user of DATABASE_URL the rights that a running Touchstone
needs.`,
  )
  .action(async ({ sortLocale, ...config }: Config<(typeof SETTINGS)[number]>) => {
    const connection = await connect({ config, connectionsMax: 1, create: true, sortLocale })
    try {
      await prepareRowRights(config, connection, openInstallation(config.sources))
      const [last] = await connection.sql<
        { name: string }[]
      >`select name from migration order by name desc limit 1`
      print(`the database is at migration ${last?.name ?? 'none'}`)
    } finally {
      await connection.close()
    }
  })
