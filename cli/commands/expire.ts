import { Command, InvalidArgumentError } from 'commander'
import { expireChanges } from '../../mdm/feed/expire.ts'
import { withConfig } from '../config/config.ts'
import { DATABASE_CONFIG, type DatabaseConfig, withDatabase } from '../connect.ts'

const unitMs: Record<string, number> = { h: 3_600_000, d: 86_400_000, w: 604_800_000 }

interface Options extends DatabaseConfig {
  /** Milliseconds. */
  olderThan: number
}

export const command = withConfig(
  new Command('expire')
    .description('let old events of the change feed go; of every golden record the version in force then stays')
    .requiredOption('--older-than <age>', 'how old events are that go, e.g. 90d, 12w, 36h', age)
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
    const oldest = await expireChanges(sql, new Date(Date.now() - olderThan), stop.signal)
    console.log(`the oldest event of the feed is now position ${oldest}`)
  })
})

function age(text: string): number {
  const [, count, unit] = /^(\d{1,6})([hdw])$/.exec(text) ?? []
  if (count === undefined || unit === undefined)
    throw new InvalidArgumentError('It must be a number of hours, days or weeks: 36h, 90d, 12w.')
  return Number(count) * (unitMs[unit] ?? 0)
}
