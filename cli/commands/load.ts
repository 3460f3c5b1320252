import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Command, Option } from 'commander'
import { QUOTES, type Quotes } from '../../connectors/file/csvRows.ts'
import type { FileFormat } from '../../connectors/file/format.ts'
import { idFinder } from '../../connectors/file/rowMessage.ts'
import { type OpenedFile, openFile } from '../../connectors/file/rows.ts'
import type { Sql } from '../../mdm/db/database.ts'
import { countWaiting, type Settled, type Span, settled } from '../../mdm/inbox/settled.ts'
import { type Loaded, loadFile } from '../../mdm/ingest/load.ts'
import { count, counted, noun } from '../../schema/kit/numberText.ts'
import { type Config, withConfig } from '../config/config.ts'
import { judgeByActivePolicy, openInstallation, usableConnector } from '../config/installation.ts'
import { connect, DATABASE_CONFIG } from '../connect.ts'
import { openLog } from '../observe/log.ts'
import type { IngestRole } from '../observe/roles.ts'
import { INGEST_CONFIG, startIngestRole } from '../server/ingestRole.ts'
import { stopSignal } from '../server/stopSignal.ts'
import { print } from '../terminal/print.ts'
import { createProgress, type Progress } from './output/progress.ts'

const LOAD_CONFIG = [...DATABASE_CONFIG, 'sources', ...INGEST_CONFIG, 'logLevel'] as const

interface Options extends Config<(typeof LOAD_CONFIG)[number]> {
  source: string
  object?: string
  format?: FileFormat
  delimiter?: string
  quotes?: Quotes
  sheet?: string
  at?: string
  encoding?: string
  again: boolean
  wait: boolean
}

const pollMs = 250

export const command = withConfig(
  new Command('load')
    .description(
      'load files of a source system: CSV, JSON or NDJSON, plain or gzipped, of any size, and Excel workbooks (.xlsx)',
    )
    .argument('<file...>', 'files, one after the other')
    .requiredOption('-s, --source <name>', 'source system, as config/sources.yaml names it')
    .option(
      '-o, --object <name>',
      'object of the rows, as the mapping names it; needed if the rows do not name it',
    )
    .addOption(
      new Option(
        '--format <format>',
        'format of the files; detected from the content if not given',
      ).choices(['csv', 'json', 'ndjson']),
    )
    .option(
      '--delimiter <character>',
      'CSV: delimiter between cells, \\t for a tab; detected from the first rows if not given',
    )
    .addOption(
      new Option(
        '--quotes <how>',
        'CSV: check quoted cells over several lines, let them span lines, read each line as a row, or none: quotes are text (default: check)',
      ).choices(QUOTES),
    )
    .option(
      '--sheet <name>',
      'Excel: sheet to read; the only one with a column for the id if not given',
    )
    .option(
      '--at <name>',
      'JSON: member of the outer object that holds the rows, if it is not records, data or items',
    )
    .option(
      '--encoding <name>',
      'encoding, as windows-1252; if not given, by the byte order mark, else UTF-8',
    )
    .option(
      '--again',
      'apply rows that were loaded before once more, for sources without versions',
      false,
    )
    .option('--no-wait', 'exit when all rows are stored, without waiting until they are applied'),
  LOAD_CONFIG,
)
  .addHelpText(
    'after',
    `
All files are read to their end first: one that is not what it seems is refused with line and reason, and nothing is
stored. Each row is stored before it is counted. Running ingest workers apply it; if none run, this command starts its own.
The command can be stopped at any time (Ctrl-C) and run again: rows that are stored already count as duplicates. A row
that cannot be used becomes an exception with its reason. At the end applied + skipped + exceptions + duplicates = rows.

Exit codes: 0 all rows are stored (and applied); 1 an error; 130 stopped before the end.

Examples:
  npx touchstone load --source salesforce --object Account accounts.csv.gz
  npx touchstone load --source stripe events.ndjson
  npx touchstone load --source webshop --object customers --delimiter ';' kunden.csv`,
  )
  .action(async (files: string[], options: Options) => {
    process.exitCode = await load(files, options)
  })

/** Returns the exit code: 0 if all rows are stored (and applied), 130 if it was interrupted. */
async function load(files: string[], options: Options): Promise<number> {
  const installation = openInstallation(options.sources)
  if (!installation.connectors.has(options.source)) usableConnector(installation, options.source)
  const stop = stopSignal()
  const connection = await connect({ config: options, name: 'touchstone-load' })
  const progress = createProgress()
  const opened: OpenedFile[] = []
  try {
    await judgeByActivePolicy(connection.sql, installation)
    const connector = usableConnector(installation, options.source)
    if (options.object !== undefined && connector.objectName(options.object) === null)
      throw new Error(
        `the mapping of ${options.source} has no object "${options.object}"; see "npx touchstone sources ${options.source}"`,
      )
    for (const path of files) {
      if (stop.aborted) break
      progress.show(`${path}: checking`)
      const file = await openFile(path, options, idFinder(connector, options.object ?? null))
      opened.push(file)
      progress.line(`${path}: ${file.description}`)
      for (const notice of file.notices) progress.line(`${path}: ${notice}`)
    }
    const correlationId = randomUUID()
    const total: Loaded = {
      rows: 0,
      accepted: 0,
      duplicates: 0,
      firstId: null,
      lastId: null,
      stopped: false,
    }
    for (const [i, file] of opened.entries()) {
      if (stop.aborted) break
      const path = files[i] ?? file.name
      const started = performance.now()
      const rate = (n: number) =>
        count(Math.round((n * 1000) / Math.max(1, performance.now() - started)))
      const loaded = await loadFile(connection.sql, connector, file, {
        object: options.object ?? null,
        correlationId,
        again: options.again,
        signal: stop,
        awayMsMax: options.databaseWaitSecondsMax * 1_000,
        onAway: () => progress.line('the database does not respond: waiting for it'),
        onProgress: (l) =>
          progress.show(`${path}: ${counted(l.rows, 'row')} stored, ${rate(l.rows)} rows/s`),
      })
      progress.line(
        `${path}: ${counted(loaded.rows, 'row')} stored, ${counted(loaded.duplicates, 'of them a duplicate', 'of them duplicates')}, ${rate(loaded.rows)} rows/s`,
      )
      add(total, loaded)
    }
    if (stop.aborted) progress.line('stopped: run the same command again to resume')
    if (!options.wait) {
      print(
        `${count(total.accepted)} stored, ${counted(total.duplicates, 'duplicate')}, ${counted(total.rows, 'row')}`,
      )
      return stop.aborted ? 130 : 0
    }
    // Ids begin at 1, so a load of duplicates waits for an empty span.
    const span = { correlationId, firstId: total.firstId ?? 0, lastId: total.lastId ?? 0 }
    if (!stop.aborted) await applied(connection, span, options, stop, progress)
    printCounts(total, await settled(connection.sql, span))
    return stop.aborted ? 130 : 0
  } finally {
    progress.end()
    for (const file of opened) await file.close()
    await connection.close()
  }
}

/** Waits until the queue has no message of the span. Starts workers of its own if no others run. */
async function applied(
  connection: { sql: Sql; url: string },
  span: Span,
  options: Options,
  stop: AbortSignal,
  progress: Progress,
): Promise<void> {
  let own: IngestRole | undefined
  try {
    const started = performance.now()
    const first = await countWaiting(connection.sql, span)
    for (
      let left = first;
      left > 0 && !stop.aborted;
      left = await countWaiting(connection.sql, span)
    ) {
      own ??= (await workersRun(connection.sql))
        ? undefined
        : startOwnWorkers(connection.url, options)
      const done = first - left
      const rate = Math.round((done * 1000) / Math.max(1, performance.now() - started))
      progress.show(
        `${counted(left, 'row waits', 'rows wait')} to be applied, ${count(rate)} rows/s`,
      )
      await sleep(pollMs)
    }
  } finally {
    await own?.close()
  }
}

function startOwnWorkers(databaseUrl: string, config: Options): IngestRole {
  const log = openLog(config.logLevel, 'touchstone-load')
  return startIngestRole({
    config,
    sources: config.sources,
    databaseUrl,
    logLevel: config.logLevel,
    log,
  })
}

async function workersRun(sql: Sql): Promise<boolean> {
  const [row] = await sql<{ run: boolean }[]>`
    select exists (select from pg_stat_activity
      where application_name = 'touchstone-ingest' and datname = current_database()) as run`
  return row?.run ?? false
}

function add(total: Loaded, loaded: Loaded): void {
  total.rows += loaded.rows
  total.accepted += loaded.accepted
  total.duplicates += loaded.duplicates
  total.firstId ??= loaded.firstId
  total.lastId = loaded.lastId ?? total.lastId
}

function printCounts(total: Loaded, result: Settled): void {
  const counts: [string, number][] = [
    ['applied', result.applied],
    ['skipped', result.skipped],
    [noun(result.exceptions, 'exception'), result.exceptions],
    [noun(total.duplicates, 'duplicate'), total.duplicates],
    ['waiting', result.waiting],
    [noun(total.rows, 'row'), total.rows],
  ]
  for (const [what, n] of counts)
    if (what !== 'waiting' || n > 0) print(`${count(n).padStart(12)} ${what}`)
  for (const r of result.reasons) print(`${count(r.count).padStart(12)} ${r.code}: ${r.example}`)
}
