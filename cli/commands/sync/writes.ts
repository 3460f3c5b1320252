import { Command, Option } from 'commander'
import { ownerOf } from '../../../mdm/tasks/rules.ts'
import { controlWrites, type WriteRequest } from '../../../mdm/writeback/control.ts'
import { type IntentRow, readIntents } from '../../../mdm/writeback/read.ts'
import { hiddenFields } from '../../../schema/hiddenFields.ts'
import { counted } from '../../../schema/kit/numberText.ts'
import type { Policy } from '../../../schema/policy.ts'
import { WRITE_STATES } from '../../../schema/writeStates.ts'
import { withConfig } from '../../config/config.ts'
import { judgeByActivePolicy, openInstallation } from '../../config/installation.ts'
import { withDatabase } from '../../connect.ts'
import { print, printJson } from '../../terminal/print.ts'
import { parseWholeNumber } from '../input/parseWholeNumber.ts'
import {
  operator,
  type RequestFlags,
  SYNC_SETTINGS,
  type SyncSettings,
  syncDesk,
  withReason,
} from './desk.ts'

const rowsMax = 10_000

export const writes = withConfig(
  new Command('writes')
    .description('show what is planned, sent and refused, the latest first')
    .argument('[source]', 'only this source system')
    .addOption(new Option('--state <name>', 'only writes in this state').choices([...WRITE_STATES]))
    .option('--needs-person', 'only writes that a person has to decide about', false)
    .option('--limit <n>', `writes that are shown, at most ${rowsMax}`, parseWholeNumber, 20)
    .option('--before <id>', 'go on after this write of the page before', parseWholeNumber)
    .option('--json', 'print one JSON object a line', false),
  SYNC_SETTINGS,
).action(
  async (
    source: string | undefined,
    flags: SyncSettings & {
      state?: string
      needsPerson: boolean
      limit: number
      before?: number
      json: boolean
    },
  ) => {
    if (flags.limit > rowsMax) throw new Error(`--limit is at most ${rowsMax}`)
    const filter = {
      ...(source === undefined ? {} : { sources: [source] }),
      ...(flags.state === undefined ? {} : { states: [flags.state] }),
      ...(flags.needsPerson ? { needsPerson: true } : {}),
    }
    await withDatabase(
      { config: flags, connectionsMax: 1, name: 'touchstone-sync' },
      async (sql) => {
        const installation = openInstallation(flags.sources)
        const policy = await judgeByActivePolicy(sql, installation)
        const rows = await readIntents(sql, filter, flags.limit, flags.before ?? null)
        for (const row of rows.map((r) => shown(policy, r))) {
          const { source: system, object, type } = row
          const owner = ownerOf(installation.rules, { system, object, type })
          if (flags.json) printJson({ ...row, changes: Object.keys(row.changes), owner })
          else print(...linesOf(policy, row, flags.needsPerson ? owner : null))
        }
        if (!flags.json && rows.length === 0) print('no write is planned or was made here')
      },
    )
  },
)

/** Returns a write without reasons that may quote sensitive values: the command has no scopes. */
function shown(policy: Policy, row: IntentRow): IntentRow {
  const type = policy.types.find((t) => t.name === row.type)
  const hidden = type && hiddenFields(policy, type, NO_SCOPES)
  const refused = row.refused ?? []
  const fields = [...Object.keys(row.changes), ...refused.map((r) => r.field)]
  if (hidden && !fields.some((f) => hidden.has(f))) return row
  const detail = 'not shown, a field is sensitive'
  return {
    ...row,
    detail: row.detail === null ? null : detail,
    refused: row.refused && refused.map((r) => ({ ...r, detail })),
  }
}
const NO_SCOPES: ReadonlySet<string> = new Set()

/** Returns a write as lines: what it is, then each field with its values. */
function linesOf(policy: Policy, row: IntentRow, owner: string | null): string[] {
  const { id, state, operation, source, object, sourceId, goldenId, code, detail } = row
  const type = policy.types.find((t) => t.name === row.type)
  const hidden = type && hiddenFields(policy, type, NO_SCOPES)
  const at = (row.endedAt ?? row.sentAt ?? row.plannedAt).toISOString().slice(0, 19)
  const isClosed = row.releasedAt !== null && (state === 'REFUSED' || state === 'CONFLICT')
  const why = code === null ? '' : `${isClosed ? ' (closed)' : ''} ${code}: ${detail ?? ''}`
  const by = owner === null ? '' : ` (owner: ${owner})`
  const changes = Object.entries(row.changes).map(([field, { before, after }]) =>
    !hidden || hidden.has(field)
      ? `    ${field}: not shown, it is sensitive`
      : `    ${field}: ${JSON.stringify(before)} -> ${JSON.stringify(after)}`,
  )
  const reasons = (row.refused ?? [])
    .filter((r) => r.code !== code)
    .map((r) => `    ${r.field || '(record)'}: ${r.code}: ${r.detail}`)
  return [
    `${id} ${at}Z ${state} ${operation} ${source}/${object} ${sourceId ?? `for ${goldenId}`}${why}${by}`,
    ...changes,
    ...reasons,
  ]
}

function request(name: string, kind: WriteRequest, description: string, done: string): Command {
  const own = new Command(name)
    .description(description)
    .argument('<source>', 'source system')
    .argument('[ids...]', 'numbers of writes; all of them without')
  return withReason(withConfig(own, SYNC_SETTINGS)).action(
    async (source: string, ids: string[], flags: SyncSettings & RequestFlags) => {
      const installation = openInstallation(flags.sources)
      await withDatabase(
        { config: flags, connectionsMax: 1, name: 'touchstone-sync' },
        async (sql) => {
          const outcome = await controlWrites(
            syncDesk(installation, sql),
            operator(flags.actor),
            kind,
            { source, ids: ids.length === 0 ? null : ids.map(parseWholeNumber) },
            { reason: flags.reason, idempotencyKey: crypto.randomUUID() },
          )
          if (outcome.code === 'REFUSED')
            throw new Error(`refused (${outcome.rule}): ${outcome.detail}`)
          print(`${source}: ${counted(outcome.writes, 'write')} ${done}`)
          if (outcome.unchanged.length === 0) return
          process.exitCode = 1
          print(
            `  unchanged: ${outcome.unchanged.join(', ')}: no such writes of ${source}, or in another state`,
          )
        },
      )
    },
  )
}

export const writeRequests: Command[] = [
  request('approve', 'APPROVE', 'send writes that wait for approval, or are held', 'approved'),
  request('hold', 'HOLD', 'hold planned writes until they are released', 'held'),
  request(
    'release',
    'RELEASE',
    'send writes that are held, and plan again what was refused',
    'released',
  ),
]
