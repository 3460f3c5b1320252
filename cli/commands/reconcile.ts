import { Command } from 'commander'
import { listPage } from '../../mdm/db/page.ts'
import { CHECKS } from '../../mdm/reconcile/checks.ts'
import {
  type DifferenceRow,
  differenceCondition,
  differenceListing,
  latestDifferences,
} from '../../mdm/reconcile/read.ts'
import { type CheckResult, reconcile } from '../../mdm/reconcile/reconcile.ts'
import { CHECK_NAMES, type CheckName } from '../../mdm/reconcile/settings.ts'
import { exponentOf } from '../../schema/currencyExponents.ts'
import { count } from '../../schema/kit/numberText.ts'
import { type Config, withConfig } from '../config/config.ts'
import { openInstallation } from '../config/installation.ts'
import { DATABASE_CONFIG, withDatabase } from '../connect.ts'
import { print, printJson } from '../terminal/print.ts'
import { parseWholeNumber } from './input/parseWholeNumber.ts'

const SETTINGS = [...DATABASE_CONFIG, 'sources'] as const
const listedMax = 1_000

export const command = withConfig(
  new Command('reconcile')
    .description(
      'compare what should agree, for example invoices and postings, and list the differences',
    )
    .argument('[checks...]', 'only these checks; all if left out')
    .option(
      '--limit <n>',
      `list at most this many differences of each check, up to ${listedMax}`,
      parseWholeNumber,
      20,
    )
    .option('--json', 'print one JSON object a line', false),
  SETTINGS,
)
  .addHelpText(
    'after',
    `
Checks:
${CHECK_NAMES.map((name) => `  ${name.padEnd(24)} ${CHECKS[name].holds}`).join('\n')}

Exit codes: 0 nothing differs; 1 it could not be run; 2 something differs.

Examples:
  npx touchstone reconcile
  npx touchstone reconcile INVOICE_NOT_POSTED --json`,
  )
  .action(
    async (
      names: string[],
      flags: Config<(typeof SETTINGS)[number]> & { limit: number; json: boolean },
    ) => {
      const unknown = names.find((name) => !CHECK_NAMES.some((known) => known === name))
      if (unknown !== undefined)
        throw new Error(`there is no check "${unknown}"; there are ${CHECK_NAMES.join(', ')}`)
      if (flags.limit > listedMax) throw new Error(`--limit is at most ${listedMax}`)
      const checks = names.length > 0 ? (names as CheckName[]) : CHECK_NAMES
      const { reconcile: settings, systems } = openInstallation(flags.sources)
      await withDatabase(
        { config: flags, connectionsMax: 2, name: 'touchstone-reconcile' },
        async (sql) => {
          const results = await reconcile({ sql, settings, systems }, checks, (result) => {
            if (!flags.json) print(summary(result))
          })
          if (!results) throw new Error('another process is reconciling: try again when it is done')
          for (const { check, open } of results) {
            if (open === 0 || flags.limit === 0) continue
            const { rows } = await listPage<DifferenceRow>(sql, differenceListing, {
              order: latestDifferences,
              condition: differenceCondition({ checks: [check] }),
              limit: flags.limit,
              backward: false,
            })
            if (flags.json) for (const row of rows) printJson(jsonOf(row))
            else print('', `${check}: ${CHECKS[check].holds}`, ...rows.map(line))
            if (!flags.json && open > rows.length)
              print(`  … and ${count(open - rows.length)} more (--limit)`)
          }
          if (results.some((r) => r.open > 0)) process.exitCode = 2
        },
      )
    },
  )

function summary({ check, skipped, open, found, cleared, ms }: CheckResult): string {
  const what =
    skipped === null
      ? `${count(open)} open, ${count(found)} new, ${count(cleared)} gone, ${ms} ms`
      : `not run: ${skipped}`
  return `${check.padEnd(24)} ${what}`
}

function line({ record, customer, amountMinor, currency, day, detail }: DifferenceRow): string {
  const amount = amountMinor === null || currency === null ? '' : money(amountMinor, currency)
  return `  ${(day ?? '').padEnd(11)}${amount.padStart(16)}  ${detail}  ${record ?? ''}${customer ? `, customer ${customer}` : ''}`
}

function money(minor: number, currency: string): string {
  const digits = exponentOf(currency)
  return `${(minor / 10 ** digits).toFixed(digits)} ${currency}`
}

function jsonOf({ firstSeen, lastSeen, ...row }: DifferenceRow) {
  const { check, key, record, source, customer, amountMinor, currency, day, entity, detail } = row
  return {
    ...{ check, key, record, source, customer, amountMinor, currency, day, entity, detail },
    ...{ firstSeen: firstSeen.toISOString(), lastSeen: lastSeen.toISOString() },
  }
}
