import { Command } from 'commander'
import { closedUntil } from '../../../connectors/calendar.ts'
import {
  type ObjectState,
  readRuns,
  readStates,
  type SyncFilter,
  type SyncRun,
} from '../../../mdm/connections/read.ts'
import { count, counted } from '../../../schema/kit/numberText.ts'
import { withConfig } from '../../config/config.ts'
import { type Installation, openInstallation, pulledObjects } from '../../config/installation.ts'
import { withDatabase } from '../../connect.ts'
import { print, printError, printJson } from '../../terminal/print.ts'
import { parseWholeNumber } from '../input/parseWholeNumber.ts'
import { notPulled, SYNC_SETTINGS, type SyncSettings, type TargetFlags } from './desk.ts'

const objectsMax = 1_000
const runsMax = 1_000

export const status = withConfig(
  new Command('status')
    .description(
      'show the state of each object that is pulled, and why; exit code 1 if one needs a person',
    )
    .argument('[source]', 'only this source system')
    .option('--object <name>', 'only this object')
    .option('--runs <n>', `show the latest runs too, at most ${runsMax}`, parseWholeNumber, 0)
    .option('--json', 'print one JSON object a line: the states, then the runs', false),
  SYNC_SETTINGS,
).action(
  async (
    source: string | undefined,
    flags: SyncSettings & TargetFlags & { runs: number; json: boolean },
  ) => {
    if (flags.runs > runsMax) throw new Error(`--runs is at most ${runsMax}`)
    const installation = openInstallation(flags.sources)
    if (source !== undefined && !pulledObjects(installation).has(source))
      printError(`note: ${notPulled(installation, source)}`)
    await withDatabase(
      { config: flags, connectionsMax: 1, name: 'touchstone-sync' },
      async (sql) => {
        const filter: SyncFilter = {
          ...(source === undefined ? {} : { sources: [source] }),
          ...(flags.object === undefined ? {} : { objects: [flags.object] }),
        }
        const states = await readStates(sql, filter, objectsMax)
        const runs = flags.runs === 0 ? [] : await readRuns(sql, filter, flags.runs)
        if (states.some(needsPerson)) process.exitCode = 1
        if (flags.json) {
          for (const s of states) printJson(s)
          for (const r of runs) printJson(r)
          return
        }
        if (states.length === 0) print('nothing was pulled yet: no object has a state here')
        const now = Date.now()
        for (const name of installation.connections.keys()) {
          const calendar = installation.connectors.get(name)?.system.calendar
          const closed = closedUntil(calendar, 'PULL', now)
          if (closed && (source === undefined || source === name))
            print(`${name} is closed until ${new Date(closed.until).toISOString()}: ${closed.why}`)
        }
        for (const s of states) printState(s, isConfigured(installation, s), now)
        if (runs.length > 0) print('', 'The latest runs:')
        for (const r of runs) printRun(r)
      },
    )
  },
)

/** True for a state that does not pass by itself. */
function needsPerson(s: ObjectState): boolean {
  return s.state === 'FAILED' || (s.state === 'IDLE' && s.code !== null) || s.hintCode !== null
}

function isConfigured(installation: Installation, { source, object }: ObjectState): boolean {
  return pulledObjects(installation).get(source)?.includes(object) ?? false
}

function printState(s: ObjectState, configured: boolean, now: number): void {
  const of = s.announced === null ? '' : ` of ${count(s.announced)}`
  const success = s.successAt ? `last complete run ${ago(s.successAt, now)}` : 'no complete run yet'
  const next =
    s.state === 'PAUSED'
      ? 'not read until "sync resume"'
      : s.isHeld
        ? 'is being read'
        : s.dueAt.getTime() <= now
          ? 'is due'
          : `next run in ${span(s.dueAt.getTime() - now)}`
  print(
    `${`${s.source}/${s.object}`.padEnd(32)} ${s.state.padEnd(8)} ${counted(s.rows, 'row')}${of}, ${success}, ${next}${configured ? '' : ' (not configured any more)'}`,
  )
  if (s.code !== null)
    print(
      `  ${s.code}${s.verdict ? ` (${s.verdict})` : ''} since ${(s.failedSince ?? s.since).toISOString()}: ${s.detail ?? ''}`,
    )
  if (s.rescanSince) print(`  read as a whole again since ${s.rescanSince.toISOString()}`)
  if (s.positionExpiresAt) print(`  the position expires ${s.positionExpiresAt.toISOString()}`)
  printHints(s, now)
  if (s.censusMissing !== null)
    print(
      `  a census found ${counted(s.censusMissing, 'record')} that the system no longer lists: if that is right, run "sync run ${s.source} --object ${s.object} --census --delete-at-most ${s.censusMissing}"`,
    )
}

/** Records that events named: those that wait, and why they do. */
function printHints(s: ObjectState, now: number): void {
  if (s.hints > 0 && s.hintsSince)
    print(
      `  ${counted(s.hints, 'record')} that events named ${s.hints === 1 ? 'waits' : 'wait'} to be read, since ${span(now - s.hintsSince.getTime())}`,
    )
  if (s.hintCode !== null)
    print(
      `  they could not be read: ${s.hintCode}: ${s.hintDetail ?? ''}${s.hintsDueAt ? `; tried again ${s.hintsDueAt.toISOString()}` : ''}`,
    )
  if (s.hintsHeld > 0)
    print(`  ${counted(s.hintsHeld, 'record')} of these: ${s.hintHeldDetail ?? ''}`)
}

function printRun(r: SyncRun): void {
  const took = r.endedAt ? span(r.endedAt.getTime() - r.beganAt.getTime()) : 'under way'
  print(
    `${r.beganAt.toISOString()}  ${`${r.source}/${r.object}`.padEnd(32)} ${r.mode.padEnd(6)} ${r.state.padEnd(7)} ${took}: ${counted(r.pages, 'page')}, ${counted(r.rows, 'row')}, ${count(r.messages)} new, ${counted(r.deletions, 'deletion')}, ${counted(r.requests, 'request')}, ${counted(r.retries, 'retry', 'retries')}`,
  )
  if (r.code !== null) print(`  ${r.code}: ${r.detail ?? ''}`)
}

function ago(at: Date, now: number): string {
  return `${span(Math.max(0, now - at.getTime()))} ago`
}

function span(ms: number): string {
  const seconds = Math.round(ms / 1_000)
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800
    ? `${Math.round(seconds / 3_600)} h`
    : `${Math.round(seconds / 86_400)} d`
}
