import { Command } from 'commander'
import { type DiffWrite, diffTarget } from '../../../mdm/writeback/diff.ts'
import { openTarget } from '../../../mdm/writeback/target.ts'
import { hiddenFields } from '../../../schema/hiddenFields.ts'
import { count, counted } from '../../../schema/kit/numberText.ts'
import type { Policy } from '../../../schema/policy.ts'
import { withConfig } from '../../config/config.ts'
import { judgeByActivePolicy, openInstallation } from '../../config/installation.ts'
import { withDatabase } from '../../connect.ts'
import { connectionOf, planContext } from '../../server/writeBack.ts'
import { print, printJson } from '../../terminal/print.ts'
import { parseWholeNumber } from '../input/parseWholeNumber.ts'
import { createProgress } from '../output/progress.ts'
import { SYNC_SETTINGS, type SyncSettings } from './desk.ts'

const examplesMax = 10_000
/** The command has no scopes: sensitive values are left out, as everywhere in the terminal. */
const NO_SCOPES: ReadonlySet<string> = new Set()

export const diff = withConfig(
  new Command('diff')
    .description(
      'show what would be written to a source system now, with counts by field; nothing is stored or sent',
    )
    .argument('<source>', 'source system with write:')
    .option('--limit <n>', 'examples that are shown', parseWholeNumber, 10)
    .option('--json', 'print one JSON object a line: the examples, then the counts', false),
  SYNC_SETTINGS,
).action(async (source: string, flags: SyncSettings & { limit: number; json: boolean }) => {
  if (flags.limit > examplesMax) throw new Error(`--limit is at most ${examplesMax}`)
  const installation = openInstallation(flags.sources)
  await withDatabase({ config: flags, connectionsMax: 1, name: 'touchstone-sync' }, async (sql) => {
    const policy = await judgeByActivePolicy(sql, installation)
    const judged = installation.targets.get(source)
    if (judged?.held) throw new Error(judged.held)
    const connector = installation.connectors.get(source)
    if (!judged?.target || !connector) {
      const listed = [...installation.targets.keys()].join(', ') || 'none'
      throw new Error(
        `${source} has no write: in config/sources.yaml, so nothing is written to it; those that have one: ${listed}`,
      )
    }
    const { writing } = connectionOf(installation, source)
    const target = openTarget(judged.target, connector, writing)
    const context = planContext(installation, policy, () => writing)
    const progress = createProgress()
    let shown = 0
    const counts = await diffTarget(
      sql,
      context,
      target,
      (found) => {
        if (shown++ >= flags.limit) return
        if (flags.json) printJson(exampleOf(policy, found))
        else print(...exampleLines(policy, found))
      },
      (done) => progress.show(`${count(done)} golden records compared`),
    )
    progress.end()
    if (flags.json) return printJson(counts)
    print(
      `${source} (${judged.mode.toLowerCase()}): ${counted(counts.goldenRecords, 'golden record')} compared; ` +
        `${counted(counts.creates, 'create')}, ${counted(counts.updates, 'update')}, ${count(counts.waiting)} waiting, ${count(counts.refused)} refused`,
    )
    for (const f of counts.fields) {
      const why = f.refused > 0 ? `, ${count(f.refused)} refused (${f.codes.join(', ')})` : ''
      print(`  ${f.type}.${f.field || '(record)'}: ${count(f.written)}${why}`)
    }
  })
})

function exampleOf(policy: Policy, { golden, write }: DiffWrite) {
  const hidden = hiddenFields(policy, policy.type(golden.type), NO_SCOPES)
  const changes = Object.entries(write.changes).map(([field, { before, after }]) =>
    hidden.has(field) ? { field, hidden: true } : { field, before, after },
  )
  const { operation, object, sourceId, waitsFor } = write
  const refused = write.refused.map((r) =>
    hidden.has(r.field) ? { ...r, detail: 'not shown, the field is sensitive' } : r,
  )
  return {
    goldenId: golden.id,
    type: golden.type,
    operation,
    object,
    sourceId,
    changes,
    refused,
    waitsFor,
  }
}

function exampleLines(policy: Policy, found: DiffWrite): string[] {
  const { goldenId, type, operation, object, sourceId, changes, refused } = exampleOf(policy, found)
  const lines = changes.map((c) =>
    'hidden' in c
      ? `    ${c.field}: not shown, it is sensitive`
      : `    ${c.field}: ${JSON.stringify(c.before)} -> ${JSON.stringify(c.after)}`,
  )
  const reasons = refused.map((r) => `    ${r.field || '(record)'}: ${r.code}: ${r.detail}`)
  const record = sourceId === null ? object : `${object} ${sourceId}`
  return [`${operation} ${record} of ${type} ${goldenId}`, ...lines, ...reasons]
}
