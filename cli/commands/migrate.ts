import { Command } from 'commander'
import { withConfig } from '../config/config.ts'
import { DATABASE_CONFIG, type DatabaseConfig, withDatabase } from '../connect.ts'

export const command = withConfig(
  new Command('migrate').description(
    'create the database or bring it to this version; start and serve do it themselves',
  ),
  DATABASE_CONFIG,
)
  .addHelpText(
    'after',
    `
Example:
  DATABASE_URL=postgres://user:password@host:5432/touchstone npx touchstone migrate`,
  )
  .action(async (config: DatabaseConfig) => {
    await withDatabase({ config, connectionsMax: 1, create: true }, async (sql) => {
      const [last] = await sql<
        { name: string }[]
      >`select name from migration order by name desc limit 1`
      console.log(`the database is at migration ${last?.name ?? 'none'}`)
    })
  })
