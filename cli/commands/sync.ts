import { Command } from 'commander'
import { type ControlKind, controlSync } from '../../mdm/connections/control.ts'
import { withConfig } from '../config/config.ts'
import { openInstallation } from '../config/installation.ts'
import { withDatabase } from '../connect.ts'
import { print } from '../terminal/print.ts'
import {
  operator,
  type RequestFlags,
  SYNC_SETTINGS,
  type SyncSettings,
  syncDesk,
  type TargetFlags,
  withReason,
} from './sync/desk.ts'
import { diff } from './sync/diff.ts'
import { files } from './sync/files.ts'
import { run } from './sync/run.ts'
import { status } from './sync/status.ts'
import { writeRequests, writes } from './sync/writes.ts'

const pause = control(
  'PAUSE',
  'pause',
  'stop reading a source system or one of its objects, at once and until it is resumed',
  'paused',
)
const resume = control(
  'RESUME',
  'resume',
  'read again what was paused, and try again at once what failed',
  'resumed',
)
const rescan = control(
  'RESCAN',
  'rescan',
  'forget the position and read everything again; nothing is deleted by it',
  'will be read as a whole',
)

function control(kind: ControlKind, name: string, description: string, done: string): Command {
  const own = new Command(name)
    .description(description)
    .argument('<source>', 'source system')
    .option('--object <name>', 'only this object')
  return withReason(withConfig(own, SYNC_SETTINGS)).action(
    async (source: string, flags: SyncSettings & TargetFlags & RequestFlags) => {
      const installation = openInstallation(flags.sources)
      await withDatabase(
        { config: flags, connectionsMax: 1, name: 'touchstone-sync' },
        async (sql) => {
          const outcome = await controlSync(
            syncDesk(installation, sql),
            operator(flags.actor),
            kind,
            { source, object: flags.object },
            { reason: flags.reason, idempotencyKey: crypto.randomUUID() },
          )
          if (outcome.code === 'REFUSED')
            throw new Error(`refused (${outcome.rule}): ${outcome.detail}`)
          print(`${source}: ${outcome.objects.join(', ')} ${done}`)
        },
      )
    },
  )
}

export const command = new Command('sync')
  .description(
    'show, pause, resume and repeat the reading of source systems that are asked; what is written to them',
  )
  .addCommand(status)
  .addCommand(run)
  .addCommand(pause)
  .addCommand(resume)
  .addCommand(rescan)
  .addCommand(files)
  .addCommand(diff)
  .addCommand(writes)
  .addHelpText(
    'after',
    `
A source system is asked if it has connection: in config/sources.yaml, and its files are read if it has files:.
docs/connections.md and docs/files-as-connection.md explain the states.

Examples:
  npx touchstone sync status
  npx touchstone sync status chargebee --runs 20
  npx touchstone sync run chargebee --object customer
  npx touchstone sync pause chargebee --object subscription --reason "maintenance of the site"
  npx touchstone sync rescan chargebee --reason "records were corrected without a new time"
  npx touchstone sync files erp --open
  npx touchstone sync diff chargebee --limit 5
  npx touchstone sync writes chargebee --state REFUSED
  npx touchstone sync files erp --skip orders_0042.csv --reason "the ERP never wrote it"`,
  )

for (const own of writeRequests) command.addCommand(own)
