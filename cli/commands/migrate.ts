import { Command } from 'commander'
import { type Config, withConfig } from '../config/config.ts'
import { connect } from '../connect.ts'

const SETTINGS = ['databaseUrl', 'dataDir', 'databaseWaitSecondsMax'] as const

export const command = withConfig(
  new Command('migrate').description('bring the database to this version; start and serve do it by themselves'),
  SETTINGS,
).action(async (config: Config<(typeof SETTINGS)[number]>) => {
  const { sql, close } = await connect({ config, connectionsMax: 1 })
  const [last] = await sql<{ name: string }[]>`select name from migration order by name desc limit 1`
  console.log(`the database is at ${last?.name ?? 'the beginning'}`)
  await close()
})
