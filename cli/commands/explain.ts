import { Command } from 'commander'
import { type Explanation, explain } from '../../mdm/explain/explain.ts'
import { waterfallText } from '../../mdm/match/waterfallText.ts'
import { createEngines } from '../../mdm/resolution/resolve.ts'
import { counted, fixed } from '../../schema/kit/numberText.ts'
import { type Config, withConfig } from '../config/config.ts'
import { openInstallation } from '../config/installation.ts'
import { activeResolutionContext } from '../config/policyFiles.ts'
import { DATABASE_CONFIG, withDatabase } from '../connect.ts'
import { print, printJson } from '../terminal/print.ts'
import { recordKeyOf } from './input/recordKeyOf.ts'

const SETTINGS = [...DATABASE_CONFIG, 'sources'] as const
type Options = Config<(typeof SETTINGS)[number]> & { records: boolean; json: boolean }

export const command = withConfig(
  new Command('explain')
    .description('explain why two stored records are one golden record or not, field by field')
    .argument('<a>', 'a golden id, the key of a source record, or system/object/id')
    .argument('<b>', 'the other one')
    .option(
      '--records',
      'compare the source record whose key a golden id is, not the whole golden record',
      false,
    )
    .option('--json', 'print JSON', false),
  SETTINGS,
)
  .addHelpText(
    'after',
    `
Gives the same result as the query "explain". Values are not printed: they may be sensitive.

Exit code 1: no record has this id, or the two have no common golden type.

Example:
  npx touchstone explain salesforce/Account/0015e00000AbCdE stripe/customer/cus_42`,
  )
  .action(async (a: string, b: string, options: Options) => {
    const { policy, systems } = openInstallation(options.sources)
    await withDatabase({ config: options, connectionsMax: 1 }, async (sql) => {
      const shipped = {
        policy,
        engines: createEngines(policy),
        systems: new Map(systems.map((s) => [s.name, s])),
      }
      const mastering = await activeResolutionContext(sql, shipped, systems)
      const found = await explain(sql, mastering, recordKeyOf(a), recordKeyOf(b), {
        whole: !options.records,
      })
      if ('code' in found) throw new Error(found.detail)
      if (options.json) {
        const { a: one, b: other, ...rest } = found
        printJson({ a: one.key, b: other.key, ...rest }, 1)
      } else print(...lines(found))
    })
  })

function lines(e: Explanation): string[] {
  const name = (r: Explanation['a']) => `${r.source}/${r.object}/${r.sourceId}`
  return [
    `${e.type} ${name(e.a)} and ${name(e.b)}${e.pairsCompared > 1 ? ` (the best of ${e.pairsCompared} pairs)` : ''}`,
    `${e.verdict}: ${e.because}`,
    ...(e.steps.length > 0 ? waterfallText(e.steps).split('\n') : []),
    ...(e.weight === null
      ? []
      : [
          `weight ${fixed(e.weight, 2)}, probability ${(e.probability ?? 0).toFixed(4)} (of two related things ${(e.relatedProbability ?? 0).toFixed(4)}); a match from ${fixed(e.threshold, 1)} on, linked from ${fixed(e.linkThreshold, 1)} on`,
        ]),
    `${counted(e.sharedKeys, 'blocking key')} in common, ${e.usableKeys} of them usable; ${e.linkWeight === null ? 'not linked' : `linked with ${fixed(e.linkWeight, 2)}`}`,
    ...(e.forbidden === null ? [] : [`cannot be one: ${e.forbidden}`]),
    ...e.assertions.map((s) => `${s.kind} says ${s.actor}, ${s.at.toISOString()}: ${s.reason}`),
    `model ${e.model}`,
  ]
}
