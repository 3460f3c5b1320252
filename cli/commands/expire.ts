import { Command } from 'commander'
import { expireChanges } from '../../mdm/feed/expire.ts'
import { withConfig } from '../config/config.ts'
import { DATABASE_CONFIG, type DatabaseConfig, withDatabase } from '../connect.ts'
import { parseDuration } from './input/parseDuration.ts'

interface Options extends DatabaseConfig {
  /** Seconds. */
  olderThan: number
}

export const command = withConfig(
  new Command('expire')
    .description('let old events of the change feed go; of every golden record the version in force then stays')
    .requiredOption('--older-than <age>', 'how old events are that go, e.g. 90d, 12w, 36h', parseDuration)
    .addHelpText(
      'after',
      `
Cursors that point before the oldest event then answer CURSOR_EXPIRED, and asOf reaches back as far as it.
May run beside everything else, and be stopped and run again at any time.`,
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
