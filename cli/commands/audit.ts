import { Command } from 'commander'
import { verifyAudit } from '../../mdm/audit/audit.ts'
import { type Config, withConfig } from '../config/config.ts'
import { connect } from '../connect.ts'

const SETTINGS = ['databaseUrl', 'dataDir', 'databaseWaitSecondsMax'] as const

const verify = withConfig(
  new Command('verify').description('check that the audit log is as it was written; names the first row that is not'),
  SETTINGS,
).action(async (config: Config<(typeof SETTINGS)[number]>) => {
  const { sql, close } = await connect({ config, connectionsMax: 1 })
  try {
    const { rows, broken } = await verifyAudit(sql)
    if (broken) {
      console.log(`row ${broken.id} of the audit log is broken: ${broken.detail}; ${rows} rows before it are whole`)
      process.exitCode = 1
    } else console.log(`${rows} rows, all as they were written`)
  } finally {
    await close()
  }
})

export const command = new Command('audit').description('the log of what stewards did').addCommand(verify)
