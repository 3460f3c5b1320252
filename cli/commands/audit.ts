import { Command } from 'commander'
import { verifyAudit } from '../../mdm/audit/audit.ts'
import { withConfig } from '../config/config.ts'
import { DATABASE_CONFIG, type DatabaseConfig, withDatabase } from '../connect.ts'

const verify = withConfig(
  new Command('verify').description(
    'check the hash chain of the audit log and name the first row that was changed; exit code 1 if there is one',
  ),
  DATABASE_CONFIG,
).action(async (config: DatabaseConfig) => {
  await withDatabase({ config, connectionsMax: 1 }, async (sql) => {
    const { rows, broken } = await verifyAudit(sql)
    if (broken) {
      console.log(
        `row ${broken.id} of the audit log is broken: ${broken.detail}; ${rows} rows before it are intact`,
      )
      process.exitCode = 1
    } else console.log(`${rows} rows, all unchanged`)
  })
})

export const command = new Command('audit')
  .description('verify the audit log')
  .addCommand(verify)
  .addHelpText(
    'after',
    `
Example:
  npx touchstone audit verify`,
  )
