import { Command, InvalidArgumentError, Option } from 'commander'
import type { Caller } from '../../mdm/access/caller.ts'
import {
  countExceptions,
  type ExceptionFilter,
  readExceptions,
  readExceptionsById,
} from '../../mdm/inbox/exceptions.ts'
import {
  discardExceptions,
  type ExceptionDesk,
  type ExceptionOutcome,
  exceptionsPerRequestMax,
  explain,
  ownerOfException,
  readPayload,
  retryExceptions,
  withOwner,
} from '../../mdm/ingest/exceptions.ts'
import { readWork } from '../../mdm/ingest/exceptionWork.ts'
import { count, counted } from '../../schema/kit/numberText.ts'
import { commandActor } from '../config/commandActor.ts'
import { type Config, withConfig } from '../config/config.ts'
import { openInstallation } from '../config/installation.ts'
import { DATABASE_CONFIG, withDatabase } from '../connect.ts'
import { print, printError, printJson, printQuoted } from '../terminal/print.ts'
import { parseActor } from './input/parseActor.ts'
import { parseDuration } from './input/parseDuration.ts'
import { parseReason } from './input/parseReason.ts'
import { parseWholeNumber } from './input/parseWholeNumber.ts'

const SETTINGS = [...DATABASE_CONFIG, 'sources'] as const
type Settings = Config<(typeof SETTINGS)[number]>
const listedMax = 1_000

interface FilterFlags {
  source?: string[]
  object?: string[]
  code?: string[]
  owner?: string
  olderThan?: number
  about?: string
}

function withFilter(command: Command): Command {
  return command
    .option('--source <names...>', 'only these source systems')
    .option('--object <names...>', 'only these objects')
    .option('--code <codes...>', 'only these codes, e.g. UNKNOWN_OBJECT')
    .option('--owner <name>', 'only those of this owner (config/stewardship.yaml)')
    .option(
      '--older-than <age>',
      'only those received longer ago than this: 30m, 36h, 7d',
      parseDuration,
    )
    .option('--about <id>', 'id of the record in its system, of the message or of its correlation')
}

const list = withFilter(
  withConfig(
    new Command('list').description(
      'list exceptions, the oldest first, and count them by system, object and code',
    ),
    SETTINGS,
  ),
)
  .option(
    '--limit <n>',
    `at most this many exceptions, up to ${listedMax}; 0 prints only the counts`,
    parseWholeNumber,
    20,
  )
  .option('--json', 'print one JSON object a line, without the counts', false)
  .action(async (flags: Settings & FilterFlags & { limit: number; json: boolean }) => {
    if (flags.limit > listedMax) throw new Error(`--limit is at most ${listedMax}`)
    await withExceptionDesk(flags, async (desk) => {
      const filter = await withOwner(desk, filterOf(flags))
      const rows = flags.limit === 0 ? [] : await readExceptions(desk.sql, filter, flags.limit)
      if (flags.json) {
        for (const r of rows) printJson({ ...r, owner: ownerOfException(desk, r) })
        return
      }
      for (const r of rows)
        print(
          `${String(r.inboxId).padStart(10)}  ${r.receivedAt.toISOString()}  ${place(r).padEnd(28)} ${r.code.padEnd(16)} ${ownerOfException(desk, r)}${r.waiting ? '  (in the queue again)' : ''}`,
          `            ${r.detail}`,
        )
      const counts = await countExceptions(desk.sql, filter)
      const total = counts.reduce((n, c) => n + c.count, 0)
      if (total === 0) return print('no exceptions')
      print(...(rows.length > 0 ? [''] : []), `${count(total)} in all:`)
      for (const c of counts)
        print(
          `${count(c.count).padStart(10)}  ${place(c).padEnd(28)} ${c.code.padEnd(16)} ${ownerOfException(desk, c)}, the oldest of ${c.oldestAt.toISOString()}`,
        )
    })
  })

const show = withConfig(
  new Command('show')
    .description(
      'show an exception: its payload, its mapping step by step, and what was done about it',
    )
    .argument('<id>', 'the number of the message', messageId),
  SETTINGS,
).action(async (id: number, flags: Settings) => {
  await withExceptionDesk(flags, async (desk) => {
    const row = (await readExceptionsById(desk.sql, [id])).get(id)
    if (!row)
      throw new Error(
        `message ${id} is no exception; "npx touchstone trace ${id}" shows its history`,
      )
    const payload = (await readPayload(desk, id)) ?? ''
    print(`${row.state} ${row.code}: ${row.detail}`)
    print(
      `${place(row)} ${row.sourceId ?? ''}, received ${row.receivedAt.toISOString()}, ${ownerOfException(desk, row)}`,
    )
    print('')
    printQuoted(payload)
    print('')
    const read = explain(desk, row, payload, row.object)
    if ('code' in read) print(`cannot be read: ${read.code}: ${read.detail}`)
    else
      for (const r of read.records) {
        print(
          `${r.object} ${r.sourceId} as ${r.type}${r.deleted ? ', deleted' : ''}${r.partial ? ', in part' : ''}`,
        )
        for (const s of r.steps) {
          print(
            `  ${s.field.padEnd(22)} ${s.value === undefined ? '-' : JSON.stringify(s.value)}  (${s.line ?? 'no rule gave a value'})`,
          )
          for (const i of s.issues) print(`    ${i.code}: ${i.detail}`)
        }
      }
    for (const w of (await readWork(desk.sql, [id])).get(id) ?? [])
      print(
        `${w.at.toISOString()} ${w.kind} by ${w.actor}: ${w.reason}${w.correctedBy ? ` (message ${w.correctedBy})` : ''}`,
      )
  })
})

const reason = () =>
  new Option('--reason <text>', 'reason, for the audit log')
    .argParser(parseReason)
    .makeOptionMandatory()
const actor = () =>
  new Option('--actor <name>', 'actor, for the audit log')
    .argParser(parseActor)
    .default(commandActor())

const retry = withFilter(
  withConfig(
    new Command('retry')
      .description('put exceptions into the queue again, for example after a mapping was corrected')
      .argument('[ids...]', 'message numbers (default: all that the options select)', messageIds),
    SETTINGS,
  ),
)
  .option('--all', 'retry every exception; needed if neither ids nor options select any', false)
  .addOption(reason())
  .addOption(actor())
  .action(
    async (
      ids: number[],
      flags: Settings & FilterFlags & { all: boolean; reason: string; actor: string },
    ) => {
      const filter = filterOf(flags)
      const narrowed = ids.length > 0 || Object.values(filter).some((v) => v !== undefined)
      if (!narrowed && !flags.all) throw new Error('select exceptions: ids, options, or --all')
      await withExceptionDesk(flags, async (desk) => {
        let done = 0
        // Advances by number, so that messages that fail again are not retried in the same run.
        for (let beyond: number | null = null; ; ) {
          const which = { ...filter, ...(ids.length > 0 ? { ids } : {}), beyond }
          const by = operator(flags.actor)
          const outcome = finished(
            await retryExceptions(desk, by, which, exceptionsPerRequestMax, request(flags.reason)),
          )
          done += outcome.messages
          beyond = outcome.last
          if (outcome.left === 0) break
        }
        print(
          `${count(done)} in the queue again; "npx touchstone exceptions list" shows the remaining exceptions`,
        )
      })
    },
  )

const discard = withConfig(
  new Command('discard')
    .description('discard exceptions: they are no longer open; the messages stay in the inbox')
    .argument('<ids...>', 'the numbers of the messages', messageIds),
  SETTINGS,
)
  .addOption(reason())
  .addOption(actor())
  .action(async (ids: number[], flags: Settings & { reason: string; actor: string }) => {
    await withExceptionDesk(flags, async (desk) => {
      const outcome = finished(
        await discardExceptions(
          desk,
          operator(flags.actor),
          { ids },
          Math.min(ids.length, exceptionsPerRequestMax),
          request(flags.reason),
        ),
      )
      print(`${count(outcome.messages)} discarded`)
      if (outcome.messages < ids.length) {
        print(
          counted(
            ids.length - outcome.messages,
            'was no open exception',
            'were no open exceptions',
          ),
        )
        process.exitCode = 1
      }
    })
  })

export const command = new Command('exceptions')
  .description('list, show, retry and discard messages of source systems that could not be applied')
  .addCommand(list)
  .addCommand(show)
  .addCommand(retry)
  .addCommand(discard)
  .addHelpText(
    'after',
    `
The mutation correctException corrects a payload. Everything is in the audit log.

Examples:
  npx touchstone exceptions list --source stripe --older-than 1d
  npx touchstone exceptions retry --code UNKNOWN_OBJECT --reason "the mapping has Spaceship now"
  npx touchstone exceptions discard 1041 1042 --reason "test records"`,
  )

async function withExceptionDesk(
  flags: Settings,
  work: (desk: ExceptionDesk) => Promise<void>,
): Promise<void> {
  const { policy, connectors, rules } = openInstallation(flags.sources)
  for (const name of (flags as FilterFlags).source ?? [])
    if (!connectors.has(name))
      printError(
        `note: no source system "${name}" is configured; there are ${[...connectors.keys()].join(', ')}`,
      )
  await withDatabase(
    { config: flags, connectionsMax: 2, name: 'touchstone-exceptions' },
    async (sql) => {
      const roles = { ...rules.roles, [operatorRole]: ['EXCEPTIONS' as const] }
      await work({ sql, policy, rules: { ...rules, roles }, connectors })
    },
  )
}

/**
 * Anyone who can run this command has full access to the database; the audit log records the name
 * nevertheless.
 */
function operator(name: string): Caller {
  return {
    actor: name,
    roles: new Set([operatorRole]),
    scopes: new Set(),
    correlationId: crypto.randomUUID(),
  }
}
const operatorRole = 'operator of the command line'

function request(text: string) {
  return { reason: text, idempotencyKey: crypto.randomUUID() }
}

function finished(outcome: ExceptionOutcome) {
  if (outcome.code === 'REFUSED') throw new Error(`refused (${outcome.rule}): ${outcome.detail}`)
  return outcome
}

function filterOf(f: FilterFlags): ExceptionFilter & { owner?: string | undefined } {
  return {
    systems: f.source,
    objects: f.object,
    codes: f.code,
    owner: f.owner,
    ageSecondsMin: f.olderThan,
    about: f.about,
  }
}

function place(of: { system: string; object: string | null }): string {
  return of.object === null ? of.system : `${of.system}/${of.object}`
}

function messageId(text: string): number {
  const id = /^[1-9]\d{0,15}$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(id))
    throw new InvalidArgumentError(
      'It must be the number of a message, as "exceptions list" shows it.',
    )
  return id
}

function messageIds(text: string, before: number[] = []): number[] {
  return [...before, messageId(text)]
}
