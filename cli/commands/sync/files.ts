import { Command } from 'commander'
import { decideFile, type FileDecision } from '../../../mdm/files/decideFile.ts'
import { type ListedDelivery, listDeliveries } from '../../../mdm/files/listDeliveries.ts'
import { counted } from '../../../schema/kit/numberText.ts'
import { withConfig } from '../../config/config.ts'
import { openInstallation } from '../../config/installation.ts'
import { withDatabase } from '../../connect.ts'
import { print, printJson } from '../../terminal/print.ts'
import { parseReason } from '../input/parseReason.ts'
import { parseWholeNumber } from '../input/parseWholeNumber.ts'
import {
  actorOption,
  operator,
  SYNC_SETTINGS,
  type SyncSettings,
  type TargetFlags,
} from './desk.ts'

const filesMax = 1_000

interface Flags extends SyncSettings, TargetFlags {
  open: boolean
  limit: number
  skip?: string
  again?: string
  reason?: string
  actor: string
  json: boolean
}

export const files = withConfig(
  new Command('files')
    .description('show the files of a source system, the newest first, or decide about one')
    .argument('<source>', 'source system')
    .option('--object <name>', 'only this object')
    .option('--open', 'only files that wait, are missing or hold back others', false)
    .option('--limit <n>', `at most so many, up to ${filesMax}`, parseWholeNumber, 50)
    .option('--skip <file>', 'go on without a file that was refused, is missing or waits')
    .option('--again <file>', 'read a refused file once more')
    .option('--reason <text>', 'with --skip or --again: reason, for the audit log', parseReason)
    .option('--json', 'print one JSON object a line', false),
  SYNC_SETTINGS,
)
  .addOption(actorOption())
  .action(async (source: string, flags: Flags) => {
    if (flags.limit > filesMax) throw new Error(`--limit is at most ${filesMax}`)
    if (flags.skip !== undefined && flags.again !== undefined)
      throw new Error('--skip and --again decide about one file each; give one of them')
    const decided = flags.skip ?? flags.again
    const { reason } = flags
    if (decided !== undefined && reason === undefined)
      throw new Error('--skip and --again need --reason, for the audit log')
    const installation = openInstallation(flags.sources)
    if (!installation.files.has(source))
      throw new Error(
        `${source} has no files: in config/sources.yaml; those that have them: ${[...installation.files.keys()].join(', ') || 'none'}`,
      )
    await withDatabase(
      { config: flags, connectionsMax: 1, name: 'touchstone-sync' },
      async (sql) => {
        if (decided !== undefined && reason !== undefined) {
          const decision: FileDecision = flags.skip === undefined ? 'AGAIN' : 'SKIP'
          const file = { source, name: decided, object: flags.object }
          const outcome = await decideFile(sql, operator(flags.actor), decision, file, reason)
          if (outcome.code === 'REFUSED') throw new Error(outcome.detail)
          const done = decision === 'SKIP' ? 'is skipped' : 'will be read again'
          print(`${source}/${outcome.object}: ${decided} ${done}`)
          return
        }
        const filter = { source, object: flags.object, open: flags.open }
        const found = await listDeliveries(sql, filter, flags.limit)
        if (!flags.json && found.length === 0) print('no files')
        for (const file of found)
          if (flags.json) printJson(file)
          else printFile(file)
      },
    )
  })

function printFile(f: ListedDelivery): void {
  const at = (f.endedAt ?? f.beganAt ?? f.seenAt).toISOString()
  const version = f.version > 1 ? ` (version ${f.version})` : ''
  const where = f.movedAt && f.move ? `, in ${f.move.toLowerCase()}` : ''
  print(
    `${at}  ${`${f.source}/${f.object || 'manifest'}`.padEnd(28)} ${f.state.padEnd(8)} ${f.name}${version}: ${counted(f.rows, 'row')}, ${f.messages} new${where}`,
  )
  if (f.code !== null) print(`  ${f.code}: ${f.detail ?? ''}`)
}
