import { Command } from 'commander'
import { beginEpoch, listEpochs } from '../../mdm/feed/epochs.ts'
import { withConfig } from '../config/config.ts'
import { DATABASE_CONFIG, type DatabaseConfig, withDatabase } from '../connect.ts'
import { print } from '../terminal/print.ts'
import { parseWholeNumber } from './input/parseWholeNumber.ts'

const epochsShownMax = 50

const newEpoch = withConfig(
  new Command('new-epoch')
    .description(
      'reject the cursors of positions that the store has lost; run it after a restore that the store cannot detect',
    )
    .option(
      '--after <position>',
      'last position that is the same as before the restore; 0 rejects every cursor that has received an event (default: the head)',
      parseWholeNumber,
    )
    .addHelpText(
      'after',
      `
A cursor of a later position is then rejected with CURSOR_OTHER_FEED; cursors up to it stay valid. The command may run
beside everything else. docs/backup.md lists what the store detects by itself.

Examples:
  npx touchstone feed new-epoch
  npx touchstone feed new-epoch --after 120400`,
    ),
  DATABASE_CONFIG,
).action(async ({ after, ...config }: DatabaseConfig & { after?: number }) => {
  await withDatabase({ config, connectionsMax: 1, name: 'touchstone-feed' }, async (sql) => {
    const { id, beganAfter } = await beginEpoch(sql, 'COMMAND', after ?? null)
    print(
      `epoch ${id} has begun after position ${beganAfter}: cursors of later positions are rejected from now on`,
    )
  })
})

const epochs = withConfig(
  new Command('epochs').description('list the latest epochs of the feed, and why each began'),
  DATABASE_CONFIG,
).action(async (config: DatabaseConfig) => {
  await withDatabase({ config, connectionsMax: 1, name: 'touchstone-feed' }, async (sql) => {
    for (const { id, beganAfter, reason, at } of await listEpochs(sql, epochsShownMax))
      print(`${at.toISOString()}  ${id}  after position ${beganAfter}  ${reason}`)
  })
})

export const command = new Command('feed')
  .description('epochs of the change feed')
  .addCommand(newEpoch)
  .addCommand(epochs)
  .addHelpText(
    'after',
    `
Example:
  npx touchstone feed epochs`,
  )
