import { Command } from 'commander'
import { objectTypes } from '../../connectors/objectTypes.ts'
import { readOnlyTransaction } from '../../mdm/db/readOnlyTransaction.ts'
import {
  type Level,
  type LevelState,
  serviceLevels,
} from '../../mdm/serviceLevels/serviceLevels.ts'
import { percent } from '../../schema/kit/numberText.ts'
import { type Config, withConfig } from '../config/config.ts'
import { judgeByActivePolicy, openInstallation } from '../config/installation.ts'
import { DATABASE_CONFIG, withDatabase } from '../connect.ts'
import { print, printJson } from '../terminal/print.ts'

const SETTINGS = [...DATABASE_CONFIG, 'sources'] as const

export const command = withConfig(
  new Command('slo')
    .description(
      'show whether the service levels of config/service-levels.yaml are met, and how fast their error budgets burn',
    )
    .option('--json', 'print JSON', false),
  SETTINGS,
)
  .addHelpText(
    'after',
    `
Exit codes: 0 all are met; 1 one is MISSED or BURNING.

Example:
  npx touchstone slo --json`,
  )
  .action(async (flags: Config<(typeof SETTINGS)[number]> & { json: boolean }) => {
    const installation = openInstallation(flags.sources)
    const { levels, connectors } = installation
    await withDatabase(
      { config: flags, connectionsMax: 1, name: 'touchstone-slo' },
      async (sql) => {
        await judgeByActivePolicy(sql, installation)
        const found = await readOnlyTransaction(sql, (tx) =>
          serviceLevels(tx, levels, objectTypes(connectors)),
        )
        if (flags.json) printJson(found, 1)
        else for (const level of found) print(line(level))
        if (found.some((l) => alarming.includes(l.state))) process.exitCode = 1
      },
    )
  })

const alarming: LevelState[] = ['MISSED', 'BURNING']

function line(l: Level): string {
  const share = (x: number | null) => (x === null ? '-' : percent(x, 2))
  const spans = l.spans.map(
    (s) =>
      `${s.hours < 24 ? `${s.hours} h` : `${s.hours / 24} d`}: ${share(s.ratio)} of ${s.total}, burn ${s.burnRate.toFixed(1)}`,
  )
  return `${l.name.padEnd(24)} ${l.tier.padEnd(8)} ${l.state.padEnd(8)} ${share(l.target)} within ${l.withinMs} ms; ${spans.join('; ')}; budget left ${share(l.budgetLeft)}${l.late > 0 ? `; ${l.late} late in the queue` : ''}`
}
