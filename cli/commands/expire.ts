import { Command } from 'commander'
import { expireChanges, planExpiry } from '../../mdm/feed/expire.ts'
import { counted } from '../../schema/kit/numberText.ts'
import { withConfig } from '../config/config.ts'
import { DATABASE_CONFIG, type DatabaseConfig, withDatabase } from '../connect.ts'
import { print } from '../terminal/print.ts'
import { confirmed } from './input/confirmed.ts'
import { parseDuration } from './input/parseDuration.ts'

interface Options extends DatabaseConfig {
  /** In seconds. */
  olderThan: number
  yes: boolean
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
    .option('--yes', 'do not ask', false)
    .addHelpText(
      'after',
      `
A cursor before the oldest event is then rejected with CURSOR_EXPIRED, and asOf reaches back to the oldest event.
The command may run beside everything else, and be stopped and run again at any time. It asks before it deletes; without
a terminal it needs --yes.

Exit codes: 0 done, or nothing to delete; 1 not confirmed.

Examples:
  npx touchstone expire --older-than 90d
  npx touchstone expire --older-than 90d --yes`,
    ),
  DATABASE_CONFIG,
).action(async ({ olderThan, yes, ...config }: Options) => {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  // The history belongs to the owner; the running program cannot delete it.
  const as = { config, connectionsMax: 1, name: 'touchstone-expire', asOwner: true }
  await withDatabase(as, async (sql) => {
    const before = new Date(Date.now() - olderThan * 1_000)
    const { positions, oldest: from, target } = await planExpiry(sql, before)
    if (positions === 0) {
      print(`no event is older than ${before.toISOString()}; the oldest is position ${from}`)
      return
    }
    const question = `Delete ${counted(positions, 'event')} before ${before.toISOString()} (positions ${from} to ${target - 1})? Cursors among them become invalid.`
    if (!yes && !(await confirmed(question))) {
      process.exitCode = 1
      return
    }
    const oldest = await expireChanges(sql, before, stop.signal)
    print(`the oldest event of the feed is now position ${oldest}`)
  })
})
