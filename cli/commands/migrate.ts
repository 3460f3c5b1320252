import { Command } from 'commander'
import { type Config, withConfig } from '../config/config.ts'
import { DATABASE_CONFIG, withDatabase } from '../connect.ts'
import { print } from '../terminal/print.ts'

const SETTINGS = [...DATABASE_CONFIG, 'sortLocale'] as const

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
  DATABASE_URL=postgres://user:password@host:5432/touchstone npx touchstone migrate`,
  )
  .action(async ({ sortLocale, ...config }: Config<(typeof SETTINGS)[number]>) => {
    await withDatabase({ config, connectionsMax: 1, create: true, sortLocale }, async (sql) => {
      const [last] = await sql<
        { name: string }[]
      >`select name from migration order by name desc limit 1`
      print(`the database is at migration ${last?.name ?? 'none'}`)
    })
  })
