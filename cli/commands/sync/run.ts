import { Command } from 'commander'
import { closedUntil } from '../../../connectors/calendar.ts'
import { BacklogGate } from '../../../mdm/connections/backlog.ts'
import { controlSync } from '../../../mdm/connections/control.ts'
import { addObjects, claimObject } from '../../../mdm/connections/lease.ts'
import type { PullProgress } from '../../../mdm/connections/pullObject.ts'
import { readRuns, readStates } from '../../../mdm/connections/read.ts'
import { createRequestRates } from '../../../mdm/connections/requestRates.ts'
import { type RunResult, RunStopped } from '../../../mdm/connections/runObject.ts'
import { type PulledSource, runPulled } from '../../../mdm/connections/scheduler.ts'
import { STREAM } from '../../../mdm/connections/streams/stream.ts'
import type { Sql } from '../../../mdm/db/database.ts'
import { count, counted } from '../../../schema/kit/numberText.ts'
import { type Config, withConfig } from '../../config/config.ts'
import { judgeByActivePolicy, openInstallation, pulledObjects } from '../../config/installation.ts'
import { withDatabase } from '../../connect.ts'
import { openPulledSources } from '../../server/openPulledSources.ts'
import { PULL_CONFIG } from '../../server/pullRole.ts'
import { stopSignal, whenAborted } from '../../server/stopSignal.ts'
import { print, printJson } from '../../terminal/print.ts'
import { parseWholeNumber } from '../input/parseWholeNumber.ts'
import { createProgress } from '../output/progress.ts'
import {
  actorOption,
  notPulled,
  operator,
  SYNC_SETTINGS,
  syncDesk,
  type TargetFlags,
} from './desk.ts'

const RUN_SETTINGS = [...SYNC_SETTINGS, ...PULL_CONFIG] as const
type RunSettings = Config<(typeof RUN_SETTINGS)[number]>
/** One claim has a delta, a full run after an expired position, and a census. */
const runsMax = 4

export const run = withConfig(
  new Command('run')
    .description(
      'read a source system now, in this process, and show the progress; exit code 1 if an object fails, 130 if stopped before the end',
    )
    .argument('<source>', 'source system')
    .option('--object <name>', 'only this object')
    .option('--census', 'list all ids and delete records that the system no longer has', false)
    .option(
      '--delete-at-most <n>',
      'with --census: how many records it may delete without a further question',
      parseWholeNumber,
    )
    .option('--even-if-closed', 'read it although its calendar says that it is closed', false)
    .option('--json', 'print one JSON object for each object', false),
  RUN_SETTINGS,
)
  .addOption(actorOption())
  .action(
    async (
      source: string,
      flags: RunSettings &
        TargetFlags & {
          census: boolean
          deleteAtMost?: number
          actor: string
          evenIfClosed: boolean
          json: boolean
        },
    ) => {
      if (flags.deleteAtMost !== undefined && !flags.census)
        throw new Error('--delete-at-most needs --census')
      const installation = openInstallation(flags.sources)
      const stop = new AbortController()
      whenAborted(stopSignal()).then(() => stop.abort(new RunStopped('stopped by the command')))
      await withDatabase(
        { config: flags, connectionsMax: 3, name: 'touchstone-sync' },
        async (sql) => {
          await judgeByActivePolicy(sql, installation)
          const rates = createRequestRates(sql)
          const pulled = openPulledSources(installation, { only: source, rates }).sources.get(
            source,
          )
          const objects = pulledObjects(installation).get(source) ?? []
          if (!pulled || (flags.object !== undefined && !objects.includes(flags.object)))
            throw new Error(notPulled(installation, source))
          const targets =
            flags.object === undefined ? objects.filter((o) => o !== STREAM) : [flags.object]
          const ofFiles = targets.find((object) => pulled.filesOf?.(object))
          if (flags.census && ofFiles !== undefined)
            throw new Error(`${source}/${ofFiles} is read from files, so it has no census`)
          const request = async (object: string, isHeld: boolean) => {
            const allowed = flags.deleteAtMost ?? null
            const outcome = await controlSync(
              syncDesk(installation, sql),
              operator(flags.actor),
              flags.census ? 'CENSUS' : 'RUN',
              { source, object },
              { reason: 'sync run', idempotencyKey: crypto.randomUUID() },
              { allowed, isHeld },
            )
            if (outcome.code === 'REFUSED')
              throw new Error(`refused (${outcome.rule}): ${outcome.detail}`)
          }
          const closed = closedUntil(pulled.calendar, 'PULL', Date.now())
          if (closed && !flags.evenIfClosed)
            throw new Error(
              `${source} is closed until ${new Date(closed.until).toISOString()} (${closed.why}); --even-if-closed reads it all the same`,
            )
          await addObjects(sql, source, objects)
          const runner = { sql, pulled, source, flags, signal: stop.signal, request }
          for (const object of targets) {
            if (stop.signal.aborted) break
            await runOne(runner, object)
          }
          await rates.close()
          if (stop.signal.aborted) process.exitCode = 130
        },
      )
    },
  )

interface Runner {
  sql: Sql
  pulled: PulledSource
  source: string
  flags: RunSettings & { json: boolean; census: boolean; deleteAtMost?: number }
  signal: AbortSignal
  /** Writes the request to the audit log, and asks another holder to run unless `isHeld`. */
  request(object: string, isHeld: boolean): Promise<void>
}

/** Runs one object and prints how it ended. A process that holds it is asked to run it next. */
async function runOne(runner: Runner, object: string): Promise<void> {
  const { sql, pulled, source, flags, signal, request } = runner
  const claimed = await claimObject(sql, crypto.randomUUID(), { source, object }, true)
  if (!claimed) {
    const [state] = await readStates(sql, { sources: [source], objects: [object] }, 1)
    const isPaused = state?.state === 'PAUSED'
    if (isPaused) process.exitCode = 1
    else await request(object, false)
    if (flags.json) printJson({ source, object, ended: isPaused ? 'PAUSED' : 'HELD' })
    else
      print(
        isPaused
          ? `${source}/${object}: is paused (${state?.detail ?? ''}): "sync resume" first`
          : `${source}/${object}: another process reads ${source} now, and reads this object next`,
      )
    return
  }
  if (flags.census) await request(object, true)
  const [previous] = await readRuns(sql, { sources: [source], objects: [object] }, 1)
  const before = previous?.id ?? 0
  const progress = createProgress()
  const began = performance.now()
  const result = await runPulled(
    pulled,
    {
      sql,
      backlog: new BacklogGate(sql, flags.pullBacklogMax),
      onProgress: (now) => progress.show(progressText(now, performance.now() - began)),
    },
    flags.census
      ? { ...claimed, requested: 'CENSUS', censusAllowed: flags.deleteAtMost ?? null }
      : claimed,
    signal,
  ).finally(() => progress.end())
  const latest = await readRuns(sql, { sources: [source], objects: [object] }, runsMax)
  const runs = latest.filter((r) => r.id > before).reverse()
  const isComplete = result.ended === 'ABSENT' || (result.ended === 'DONE' && !result.asks)
  if (!isComplete) process.exitCode = 1
  if (flags.json) {
    printJson({ source, object, ...result, runs })
    return
  }
  print(`${source}/${object}: ${ENDED.get(result.ended)}`)
  for (const r of runs)
    print(
      `  ${r.mode}: ${counted(r.rows, 'row')}, ${count(r.messages)} new, ${counted(r.deletions, 'deletion')}`,
    )
  if (result.ended === 'ABSENT') print(`  ${result.problem.code}: ${result.problem.detail}`)
  if (result.ended === 'FAILED')
    print(
      `  ${result.problem.code}: ${result.problem.detail}`,
      `  tried again ${new Date(result.dueAt).toISOString()}`,
    )
  if (result.ended === 'DONE' && result.hints.read)
    print(
      `  events: ${counted(result.hints.read.records, 'record')} read, ${count(result.hints.read.messages)} new`,
    )
  if (result.ended === 'DONE' && result.hints.problem)
    print(`  events: ${result.hints.problem.code}: ${result.hints.problem.message}`)
  if (result.ended === 'DONE' && result.asks) print(`  ${result.asks.code}: ${result.asks.detail}`)
  if (result.ended === 'DONE' && result.note) print(`  ${result.note.code}: ${result.note.detail}`)
}

const ENDED: ReadonlyMap<RunResult['ended'], string> = new Map([
  ['DONE', 'complete'],
  ['FAILED', 'failed'],
  ['ABSENT', 'the system does not have it'],
  ['STOPPED', 'stopped; the next run goes on from the last page'],
  ['FENCED', 'ended: it was paused, read again or claimed by another process'],
])

function progressText(p: PullProgress, ms: number): string {
  const of = p.announced === null ? '' : ` of ${count(p.announced)}`
  const rate = count(Math.round((p.rows * 1_000) / Math.max(1, ms)))
  const waits = p.waiting ? ', waits for the inbox' : ''
  return `${p.source}/${p.object} ${p.mode}: ${count(p.rows)}${of} rows, ${rate} rows/s, ${count(p.messages)} new${waits}`
}
