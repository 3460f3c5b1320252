import { Command, InvalidArgumentError } from 'commander'
import { type Replayed, replay } from '../../mdm/ingest/replay.ts'
import { count, counted } from '../../schema/kit/numberText.ts'
import { commandActor } from '../config/commandActor.ts'
import { type Config, withConfig } from '../config/config.ts'
import { judgeByActivePolicy, openInstallation, usableConnector } from '../config/installation.ts'
import { DATABASE_CONFIG, withDatabase } from '../connect.ts'
import { stopSignal } from '../server/stopSignal.ts'
import { print } from '../terminal/print.ts'
import { parseActor } from './input/parseActor.ts'
import { parseReason } from './input/parseReason.ts'
import { parseWholeNumber } from './input/parseWholeNumber.ts'
import { createProgress } from './output/progress.ts'

const SETTINGS = [...DATABASE_CONFIG, 'sources'] as const
const stuckWarningMs = 10_000

interface Flags extends Config<(typeof SETTINGS)[number]> {
  source: string
  object?: string
  from?: Date
  to?: Date
  after: number
  reason: string
  actor: string
}

export const command = withConfig(
  new Command('replay')
    .description(
      'put messages of a source system into the queue again, for example after a change of its mapping',
    )
    .requiredOption('--source <name>', 'the source system, as config/sources.yaml names it')
    .option('--object <name>', 'only messages of this object, by any of its names')
    .option(
      '--from <time>',
      'only messages received at this time or later: 2026-03-01 or 2026-03-01T09:30:00Z',
      moment,
    )
    .option('--to <time>', 'only messages received before this time', moment)
    .option(
      '--after <number>',
      'resume after this message number, which a stopped run prints',
      parseWholeNumber,
      0,
    )
    .option('--reason <text>', 'reason, for the audit log', parseReason, 'replay')
    .option('--actor <name>', 'actor, for the audit log', parseActor, commandActor()),
  SETTINGS,
)
  .addHelpText(
    'after',
    `
Restart the ingest workers first: they read the mapping when they start. Messages are read and mapped as if they had just
arrived. Stored records are mapped again although their version is not newer; an older version never replaces a newer one.
So the command can be stopped and run again. Messages that somebody corrected or discarded are left out.

Use "replay" if a mapping now reads other objects or ids, several records of one message, or messages that were
exceptions. If only the mapping of values changed, "remap" gives the same result with less work.

Exit codes: 0 all are in the queue; 1 an error; 130 stopped before the end.

Examples:
  npx touchstone replay --source stripe
  npx touchstone replay --source salesforce --object Account --from 2026-03-01 --to 2026-03-02T12:00:00Z`,
  )
  .action(async (flags: Flags) => {
    const installation = openInstallation(flags.sources)
    const { systems, connectors } = installation
    if (!connectors.has(flags.source))
      throw new Error(
        `no source system "${flags.source}"; there are ${systems.map((s) => s.name).join(', ')}`,
      )
    if (flags.from && flags.to && flags.from >= flags.to)
      throw new Error('--from is not before --to')
    const stop = stopSignal()
    await withDatabase(
      { config: flags, connectionsMax: 2, name: 'touchstone-replay' },
      async (sql) => {
        await judgeByActivePolicy(sql, installation)
        const connector = usableConnector(installation, flags.source)
        const object = flags.object === undefined ? null : connector.objectName(flags.object)
        if (flags.object !== undefined && object === null)
          throw new Error(
            `the mapping of ${flags.source} has no object "${flags.object}"; it has ${connector.objects.map((o) => o.name).join(', ')}`,
          )
        const line = createProgress()
        const done = await replay(sql, {
          source: flags.source,
          ...(object === null
            ? {}
            : { isMeant: (name) => name !== null && connector.objectName(name) === object }),
          from: flags.from ?? null,
          to: flags.to ?? null,
          after: flags.after,
          actor: flags.actor,
          reason: flags.reason,
          signal: stop,
          onProgress: (sofar) => line.show(status(flags.source, sofar)),
        })
        line.end()
        print(
          `${flags.source}: ${counted(done.queued, 'message')} in the queue again, up to message ${done.last}`,
        )
        if (!done.complete) {
          print(`stopped; resume with --after ${done.last}`)
          process.exitCode = 130
        }
      },
    )
  })

function status(source: string, { queued, last, upTo, stuckMs }: Replayed): string {
  const stuck =
    stuckMs > stuckWarningMs
      ? '; no worker takes them: start ingest workers ("npx touchstone serve --roles ingest")'
      : ''
  return `${source}: ${count(queued)} queued, at message ${count(last)} of ${count(upTo)}${stuck}`
}

function moment(text: string): Date {
  const at = new Date(text)
  const written = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2}))?$/.test(
    text,
  )
  // 2026-02-30 would become the second of March.
  const day = new Date(`${text.slice(0, 10)}T00:00:00Z`)
  if (
    !written ||
    Number.isNaN(at.getTime()) ||
    Number.isNaN(day.getTime()) ||
    day.toISOString().slice(0, 10) !== text.slice(0, 10) ||
    // The database has no year 0, and an offset may lead there.
    Math.min(at.getUTCFullYear(), day.getUTCFullYear()) < 1 ||
    at.getUTCFullYear() > 9999
  )
    throw new InvalidArgumentError(
      'It must be a day, 2026-03-01 (UTC), or a moment with its offset, 2026-03-01T09:30:00Z.',
    )
  return at
}
