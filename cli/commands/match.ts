import { readFile, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { basename } from 'node:path'
import { Command } from 'commander'
import { Source } from 'graphql'
import type { BatchResult } from '../../mdm/match/batch.ts'
import { matchBatchInThreads, THREADS_MAX } from '../../mdm/match/batchThreads.ts'
import { readParameters } from '../../mdm/match/parameters.ts'
import { createReport } from '../../mdm/match/report.ts'
import { reportPage } from '../../mdm/match/reportPage.ts'
import { count, counted, noun } from '../../schema/kit/numberText.ts'
import type { TypePolicy } from '../../schema/policy.ts'
import { parsePolicy } from '../../schema/readPolicy.ts'
import { print, printError } from '../terminal/print.ts'
import { parseWholeNumber } from './input/parseWholeNumber.ts'
import { readRecordsFile } from './input/recordsFile.ts'
import { explainPair } from './output/explainPair.ts'
import { writeClusters, writePairs, writePossible } from './output/matchFiles.ts'
import { createProgress } from './output/progress.ts'

/**
 * Above this number of records, their fields are dropped after standardization, which saves a
 * gigabyte per million.
 */
const KEEP_FIELDS_RECORDS_MAX = 300_000

interface Options {
  model: string
  records: string
  out: string
  pairs?: string
  possible?: string
  type?: string
  threads: number
  report?: string
  parameters?: string
  saveParameters?: string
  seed: number
  why?: string[]
  raw: boolean
}

/** `touchstone match`: resolves the records of a file without a database. */
export const command = new Command('match')
  .description(
    'find the records of a file that are the same thing: trains, blocks, compares and clusters; needs no database',
  )
  .requiredOption(
    '--model <file>',
    'GraphQL file with the @golden type; @compare on a field says how it is compared',
  )
  .requiredOption('--records <file>', 'NDJSON, one record a line: {"source","id","fields":{...}}')
  .requiredOption('--out <file>', 'CSV file for the clusters: source,id,cluster')
  .option(
    '--pairs <file>',
    'CSV file for the pairs within clusters: source_a,id_a,source_b,id_b,probability,weight',
  )
  .option(
    '--possible <file>',
    'CSV file for pairs of two clusters that are a POSSIBLE_MATCH or POSSIBLY_RELATED: source_a,id_a,source_b,id_b,outcome,probability,related,reason',
  )
  .option('--type <name>', 'the golden type, if the model has several')
  .option(
    '--threads <number>',
    'threads that compare',
    parseWholeNumber,
    Math.min(availableParallelism(), THREADS_MAX),
  )
  .option(
    '--report <file>',
    'file for a report of training and result: JSON, or a page with charts if it ends with .html',
  )
  .option('--parameters <file>', 'file with a trained model to use instead of training')
  .option(
    '--save-parameters <file>',
    'file for the trained model, for --parameters or the live engine',
  )
  .option(
    '--why <record...>',
    'explain why two records, each named source/id, are in one cluster or not',
  )
  .option(
    '--raw',
    'write texts to the CSV files as they are, for programs; a spreadsheet may run a text that is a formula',
    false,
  )
  .option('--seed <number>', 'seed of the samples that training draws', parseWholeNumber, 1)
  .addHelpText(
    'after',
    `
Texts in the CSV files that a spreadsheet would take for a formula begin with an apostrophe ('=1+1). Touchstone removes it
when it reads the file; other programs get the texts unchanged with --raw.

Exit code 1: the records file has another shape, or no field of the model.

Example:
  npx touchstone match --model customer.graphql --records customers.ndjson --out clusters.csv --report report.html`,
  )
  .action(async (options: Options) => {
    await run(options)
  })

async function run(options: Options): Promise<void> {
  const started = performance.now()
  const explained = options.why?.map((name) => name.replace('/', '\u0001'))
  if (explained && explained.length !== 2)
    throw new Error('--why takes two records: --why crm/17 billing/cus_42')
  const type = await readModel(options.model, options.type)
  const parameters = options.parameters
    ? readParameters(await readFile(options.parameters, 'utf8'), type)
    : undefined
  const line = createProgress()
  line.show('read ...')
  const records = await readRecordsFile(options.records, printError)
  const fields = type.fields.filter((f) => f.compare).map((f) => f.name)
  const seen = new Set<string>()
  for (const record of records) for (const name of Object.keys(record.fields)) seen.add(name)
  const absent = fields.filter((name) => !seen.has(name))
  if (absent.length === fields.length)
    throw new Error(
      `${options.records}: no record has any field of ${type.name} that is compared (${fields.join(', ')}); the records have ${[...seen].slice(0, 20).join(', ')}`,
    )
  for (const name of absent) printError(`note: no record has a value for ${type.name}.${name}`)
  const result = await matchBatchInThreads(type, records, options.threads, {
    ...(parameters ? { parameters } : {}),
    seed: options.seed,
    forgetFields: records.length > KEEP_FIELDS_RECORDS_MAX,
    related: options.possible !== undefined,
    progress: (stage, share) => line.show(`${stage} ${Math.round(share * 100)} %`),
  })
  line.show('write ...')
  await writeClusters(options.out, result, options)
  if (options.pairs) await writePairs(options.pairs, result, options)
  if (options.possible) await writePossible(options.possible, result, options)
  if (options.saveParameters)
    await writeFile(
      options.saveParameters,
      `${JSON.stringify(result.engine.parameters, null, 1)}\n`,
    )
  const seconds = (performance.now() - started) / 1000
  if (options.report) {
    const report = createReport(result, basename(options.records))
    await writeFile(
      options.report,
      options.report.endsWith('.html')
        ? reportPage(report)
        : `${JSON.stringify(report, null, 1)}\n`,
    )
  }
  line.end()
  const [a, b] = explained ?? []
  if (a !== undefined && b !== undefined) print(...explainPair(result, a, b))
  const { crowdedRecords } = result.stats
  if (crowdedRecords > 0)
    printError(
      `note: ${counted(crowdedRecords, 'record shares whatever it shares', 'records share whatever they share')} with more than ${counted(result.engine.blockRecordsMax, 'other')}, and ${noun(crowdedRecords, 'was', 'were')} not compared`,
    )
  printError(...summary(result, seconds))
}

function summary({ stats, clusters, possible, related }: BatchResult, seconds: number): string[] {
  const { pairsCompleteness } = stats
  const completeness =
    pairsCompleteness === null
      ? ''
      : ` (about ${(100 * pairsCompleteness).toFixed(1)} % of all matches)`
  const memoryMb = process.resourceUsage().maxRSS / 1024
  return [
    `${counted(stats.records, 'record')} in ${counted(clusters, 'cluster')}, ${counted(possible.length, 'possible match', 'possible matches')}${related.length > 0 ? `, ${counted(related.length, 'possibly related pair')}` : ''}`,
    `${counted(stats.keys, 'key')} (${count(stats.saturatedKeys)} too common to use), ${counted(stats.candidatePairs, 'candidate pair')}${completeness}, ${counted(stats.edges, 'link')}, largest component ${count(stats.largestComponent)}`,
    `${seconds.toFixed(1)} s (${Object.entries(stats.seconds)
      .map(([stage, s]) => `${stage} ${s.toFixed(1)}`)
      .join(
        ', ',
      )}), ${counted(Math.round(stats.candidatePairs / Math.max(0.001, stats.seconds.compare ?? 0)), 'pair')} compared a second, peak memory ${count(Math.round(memoryMb))} MB`,
  ]
}

/**
 * Returns the golden type of a model file. Other types in it (scalars, groups) are accepted
 * unchecked.
 */
async function readModel(file: string, wanted: string | undefined): Promise<TypePolicy> {
  const policy = parsePolicy([new Source(await readFile(file, 'utf8'), file)])
  const { types } = policy
  if (wanted !== undefined) {
    const type = types.find((t) => t.name === wanted)
    if (!type)
      throw new Error(
        `${file}: no @golden type ${wanted}; there is ${types.map((t) => t.name).join(', ') || 'none'}`,
      )
    return type
  }
  if (types.length === 0)
    throw new Error(`${file}: no type has the directive @golden, so there is nothing to match`)
  if (types.length > 1)
    throw new Error(
      `${file}: ${types.length} @golden types (${types.map((t) => t.name).join(', ')}); choose one with --type`,
    )
  return types[0]!
}
