import { Command } from 'commander'
import { driftOf, type FieldDrift, type Quality, quality } from '../../mdm/golden/read/quality.ts'
import { type QueueAge, queueAge } from '../../mdm/tasks/queue.ts'
import { counted, percent } from '../../schema/kit/numberText.ts'
import { type Config, withConfig } from '../config/config.ts'
import { openInstallation } from '../config/installation.ts'
import { DATABASE_CONFIG, withDatabase } from '../connect.ts'
import { print, printJson } from '../terminal/print.ts'

const SETTINGS = [...DATABASE_CONFIG, 'sources'] as const
type Options = Config<(typeof SETTINGS)[number]> & { prometheus: boolean; json: boolean }

export const command = withConfig(
  new Command('quality')
    .description(
      'measure golden data: completeness, validity, uniqueness, drift from its sources, and the age of the task queue',
    )
    .option(
      '--prometheus',
      'print Prometheus metrics, for the text file collector of a node exporter',
      false,
    )
    .option('--json', 'print JSON', false),
  SETTINGS,
)
  .addHelpText(
    'after',
    `
Example:
  npx touchstone quality --prometheus`,
  )
  .action(async (options: Options) => {
    const { policy } = openInstallation(options.sources)
    await withDatabase({ config: options, connectionsMax: 4 }, async (sql) => {
      const types: Quality[] = []
      for (const type of policy.types) types.push(await quality(sql, type))
      const queue = await queueAge(sql)
      if (options.json) printJson({ types, queue }, 1)
      else if (options.prometheus) print(...metrics(types, queue))
      else printQuality(types, queue)
    })
  })

function printQuality(types: Quality[], queue: QueueAge[]): void {
  const share = (x: number | null) => (x === null ? '-' : percent(x))
  for (const t of types) {
    print(
      `${t.type}: ${counted(t.golden, 'golden record')} of ${counted(t.records, 'source record')}; matched ${share(t.matchRate)}, unique ${share(t.uniqueness)}, overridden ${share(t.overrideRate)}`,
    )
    for (const f of t.fields) print(`  ${f.field.padEnd(20)} complete ${share(f.completeness)}`)
    for (const s of t.systems) {
      const worst = s.drift.toSorted((a, b) => b.differs - a.differs).slice(0, 3)
      const drift = worst
        .filter((d) => d.differs > 0)
        .map((d) => `${d.field} ${d.differs} of ${d.held}`)
      print(
        `  ${s.system.padEnd(20)} valid ${share(s.validity)}; differs: ${drift.join(', ') || 'nowhere'}`,
      )
    }
  }
  for (const q of queue)
    print(
      `${q.kind}: ${counted(q.open, 'task')}, ${q.overdue} overdue, oldest ${(q.ageSecondsMax / 3600).toFixed(1)} h`,
    )
}

/** Formats quality in the Prometheus text format, version 0.0.4. */
export function metrics(types: Quality[], queue: QueueAge[]): string[] {
  const lines: string[] = []
  const metric = (
    name: string,
    help: string,
    rows: [labels: Record<string, string>, value: number | null][],
  ) => {
    lines.push(`# HELP touchstone_${name} ${help}`, `# TYPE touchstone_${name} gauge`)
    for (const [labels, value] of rows) {
      if (value === null) continue
      const text = Object.entries(labels).map(
        ([k, v]) => `${k}="${v.replace(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`))}"`,
      )
      lines.push(`touchstone_${name}{${text.join(',')}} ${value}`)
    }
  }
  const each = (value: (t: Quality) => number | null) =>
    types.map((t): [Record<string, string>, number | null] => [{ type: t.type }, value(t)])
  metric(
    'golden_records',
    'Active golden records.',
    each((t) => t.golden),
  )
  metric(
    'match_rate',
    'Share of golden records with more than one source record.',
    each((t) => t.matchRate),
  )
  metric(
    'uniqueness',
    'Share of golden records that are not like another one.',
    each((t) => t.uniqueness),
  )
  metric(
    'override_rate',
    'Share of golden records with a value stated by a steward.',
    each((t) => t.overrideRate),
  )
  metric(
    'completeness',
    'Share of golden records that have a value.',
    types.flatMap((t) =>
      t.fields.map((f): [Record<string, string>, number] => [
        { type: t.type, field: f.field },
        f.completeness,
      ]),
    ),
  )
  const systems = types.flatMap((t) => t.systems.map((s) => ({ type: t.type, ...s })))
  metric(
    'validity',
    'Share of source records without a value that cannot be used.',
    systems.map((s) => [{ type: s.type, system: s.system }, s.validity]),
  )
  const drift = (value: (d: FieldDrift) => number) =>
    systems.flatMap((s) =>
      s.drift.map((d): [Record<string, string>, number] => [
        { type: s.type, system: s.system, field: d.field },
        value(d),
      ]),
    )
  metric(
    'source_completeness',
    'Share of source records that have a value.',
    drift((d) => d.completeness),
  )
  metric(
    'drift',
    'Share of the values a system holds that the golden record does not have.',
    drift(driftOf),
  )
  metric(
    'tasks_open',
    'Open tasks.',
    queue.map((q) => [{ kind: q.kind }, q.open]),
  )
  metric(
    'tasks_overdue',
    'Tasks that are overdue.',
    queue.map((q) => [{ kind: q.kind }, q.overdue]),
  )
  metric(
    'task_age_seconds_max',
    'Age of the oldest task.',
    queue.map((q) => [{ kind: q.kind }, Math.round(q.ageSecondsMax)]),
  )
  return lines
}
