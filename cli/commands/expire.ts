import { Command } from 'commander'
import { expireChanges } from '../../mdm/feed/expire.ts'
import { withConfig } from '../config/config.ts'
import { DATABASE_CONFIG, type DatabaseConfig, withDatabase } from '../connect.ts'
import { parseDuration } from './input/parseDuration.ts'

interface Options extends DatabaseConfig {
  /** In seconds. */
  olderThan: number
}

export const command = withConfig(
  new Command('expire')
    .description(
      'delete old events of the change feed; the current version of every golden record stays',
    )
    .requiredOption(
      '--older-than <age>',
      'delete events that are older than this: 90d, 12w, 36h',
      parseDuration,
    )
    .addHelpText(
      'after',
      `
A cursor before the oldest event is then rejected with CURSOR_EXPIRED, and asOf reaches back to the oldest event.
The command may run beside everything else, and be stopped and run again at any time.

Example:
  npx touchstone expire --older-than 90d`,
    ),
  DATABASE_CONFIG,
).action(async ({ olderThan, ...config }: Options) => {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  await withDatabase({ config, connectionsMax: 1, name: 'touchstone-expire' }, async (sql) => {
    const oldest = await expireChanges(sql, new Date(Date.now() - olderThan * 1_000), stop.signal)
    console.log(`the oldest event of the feed is now position ${oldest}`)
  })
})
