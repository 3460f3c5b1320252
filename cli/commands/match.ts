import { readFile, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { basename } from 'node:path'
import { Command, Option } from 'commander'
import { Source } from 'graphql'
import { QUOTES, type Quotes } from '../../connectors/file/csvRows.ts'
import { isSystemError } from '../../connectors/file/fileError.ts'
import type { BatchResult } from '../../mdm/match/batch.ts'
import { matchBatchInThreads, THREADS_MAX } from '../../mdm/match/batchThreads.ts'
import { readParameters } from '../../mdm/match/parameters.ts'
import { type ProposedModel, proposeModel } from '../../mdm/match/proposeModel.ts'
import { createReport } from '../../mdm/match/report.ts'
import { reportPage } from '../../mdm/match/reportPage.ts'
import { reportQuality } from '../../mdm/match/reportQuality.ts'
import { count, counted, noun, percent } from '../../schema/kit/numberText.ts'
import type { TypePolicy } from '../../schema/policy.ts'
import { parsePolicy } from '../../schema/readPolicy.ts'
import { print, printError, printErrorDocument } from '../terminal/print.ts'
import { labelPairs } from './input/matchLabels.ts'
import { parseWholeNumber, wholeNumberFrom } from './input/parseWholeNumber.ts'
import { type ReadRecords, readRecordFiles } from './input/recordsFile.ts'
import { explainPair } from './output/explainPair.ts'
import { writeClusters, writePairs, writePossible } from './output/matchFiles.ts'
import { createProgress } from './output/progress.ts'

/**
 * Above this number of records, their fields are dropped after standardization, which saves a
 * gigabyte per million.
 */
const KEEP_FIELDS_RECORDS_MAX = 300_000

interface Options {
  model?: string
  propose?: string
  records: string[]
  source?: string
  id?: string
  delimiter?: string
  quotes?: Quotes
  sheet?: string
  encoding?: string
  out?: string
  pairs?: string
  possible?: string
  type?: string
  threads: number
  report?: string
  parameters?: string
  saveParameters?: string
  label?: number
  labels: string
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
    '--records <file...>',
    'files with the records: NDJSON, one record a line: {"source","id","fields":{...}}; CSV, Excel (.xlsx) or Parquet with names of columns',
  )
  .option(
    '--model <file>',
    'GraphQL file with the @golden type; @compare on a field says how it is compared. Without it a model is guessed from names and values, and printed',
  )
  .option(
    '--propose <file>',
    'new file for the model that is guessed; without --out nothing is matched',
  )
  .option('--out <file>', 'CSV file for the clusters: source,id,cluster')
  .option('--source <column>', 'column with the source (default: "source", else the file name)')
  .option('--id <column>', 'column with the id (default: "id", else the number of the line)')
  .option(
    '--delimiter <character>',
    'CSV: delimiter between cells, \\t for a tab; detected from the first rows if not given',
  )
  .addOption(
    new Option('--quotes <how>', 'CSV: how quotes are read, as for load (default: check)').choices(
      QUOTES,
    ),
  )
  .option('--sheet <name>', 'Excel: sheet to read, if there are several')
  .option('--encoding <name>', 'CSV: encoding, as windows-1252 (default: UTF-8)')
  .option(
    '--pairs <file>',
    'CSV file for the pairs within clusters: source_a,id_a,source_b,id_b,probability,weight',
  )
  .option(
    '--possible <file>',
    'CSV file for pairs of two clusters that are a POSSIBLE_MATCH or POSSIBLY_RELATED: source_a,id_a,source_b,id_b,outcome,probability,related,reason',
  )
  .option(
    '--type <name>',
    'the golden type, if the model has several; or the name of the guessed one',
  )
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
    '--label <number>',
    'ask on the terminal whether so many pairs, spread over the score, are one thing; then state precision and recall',
    wholeNumberFrom(1),
  )
  .option(
    '--labels <file>',
    'CSV file for the answers of --label: a,b,same; pairs that it has are not asked again',
    'labels.csv',
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

Exit code 1: a file of records has another shape, or no field of the model.

Examples:
  npx touchstone match --records customers.csv --propose customer.graphql
  npx touchstone match --model customer.graphql --records customers.csv crm.parquet --out clusters.csv --report report.html
  npx touchstone match --model customer.graphql --records customers.csv --out clusters.csv --label 100`,
  )
  .action(async (options: Options) => {
    await run(options)
  })

async function run(options: Options): Promise<void> {
  const started = performance.now()
  const { why } = options
  if (why && why.length !== 2)
    throw new Error('--why takes two records: --why crm/17 billing/cus_42')
  const { out, propose } = options
  if (out === undefined && (propose === undefined || options.model !== undefined))
    throw new Error('--out FILE is missing; only --propose FILE without --model needs none')
  if (propose !== undefined && options.model !== undefined)
    throw new Error('--propose is for a run without --model')
  const given =
    options.model === undefined ? undefined : await readModel(options.model, options.type)
  const line = createProgress()
  line.show('read ...')
  const read = await readRecordFiles(
    options.records,
    { ...options, fields: given?.fields.filter((f) => f.compare).map((f) => f.name) },
    printError,
  )
  const { records } = read
  if (given) checkFields(given, read, options.records)
  const type = given ?? (await guessModel(read, options))
  if (out === undefined) return
  const parameters = options.parameters
    ? readParameters(await readFile(options.parameters, 'utf8'), type)
    : undefined
  const result = await matchBatchInThreads(type, records, options.threads, {
    ...(parameters ? { parameters } : {}),
    seed: options.seed,
    forgetFields: options.label === undefined && records.length > KEEP_FIELDS_RECORDS_MAX,
    related: options.possible !== undefined,
    progress: (stage, share) => line.show(`${stage} ${Math.round(share * 100)} %`),
  })
  line.show('write ...')
  await writeClusters(out, result, options)
  if (options.pairs) await writePairs(options.pairs, result, options)
  if (options.possible) await writePossible(options.possible, result, options)
  if (options.saveParameters)
    await writeFile(
      options.saveParameters,
      `${JSON.stringify(result.engine.parameters, null, 1)}\n`,
    )
  const seconds = (performance.now() - started) / 1000
  if (options.report) {
    const title = options.records.map((file) => basename(file)).join(', ')
    const quality = reportQuality(type, result)
    const report = { ...createReport(result, title), quality }
    await writeFile(
      options.report,
      options.report.endsWith('.html')
        ? reportPage(report)
        : `${JSON.stringify(report, null, 1)}\n`,
    )
  }
  line.end()
  const [a, b] = why ?? []
  if (a !== undefined && b !== undefined) print(...explainPair(result, a, b))
  const { crowdedRecords } = result.stats
  if (crowdedRecords > 0)
    printError(
      `note: ${counted(crowdedRecords, 'record shares whatever it shares', 'records share whatever they share')} with too many others, and ${noun(crowdedRecords, 'was', 'were')} not compared`,
    )
  if (result.stats.shippedBecause !== null) printError(`note: ${result.stats.shippedBecause}`)
  printError(...summary(result, seconds))
  if (options.label !== undefined)
    print(
      ...(await labelPairs(result, {
        count: options.label,
        file: options.labels,
        seed: options.seed,
        fields: type.fields.filter((f) => f.compare).map((f) => f.name),
        show: (lines) => printError(...lines),
      })),
    )
}

/** Reports fields that no record has. Throws if none of the fields that are compared exists. */
function checkFields(type: TypePolicy, { records, names }: ReadRecords, files: string[]): void {
  const fields = type.fields.filter((f) => f.compare).map((f) => f.name)
  const seen = new Set<string>()
  for (const record of records) for (const name of Object.keys(record.fields)) seen.add(name)
  const absent = fields.filter((name) => !seen.has(name))
  if (absent.length === fields.length)
    throw new Error(
      `${files.join(', ')}: no record has any field of ${type.name} that is compared (${fields.join(', ')}); the records have ${names.all().slice(0, 20).join(', ')}`,
    )
  for (const name of absent) printError(`note: no record has a value for ${type.name}.${name}`)
}

/** Guesses a model, shows or writes it, and says so. Throws if no column can be compared. */
async function guessModel(
  { records, names }: ReadRecords,
  { propose, type, records: files, out }: Options,
): Promise<TypePolicy> {
  const model = proposeModel(records, names, type)
  if (model.fields.length === 0)
    throw new Error(
      `${files.join(', ')}: no column shows by name or values how it is compared: ${model.leftOut.map(({ column, reason }) => `${column} (${reason})`).join('; ')}; write a model and give it with --model`,
    )
  const policy = parsePolicy([new Source(model.sdl, propose ?? 'guessed model')])
  if (propose === undefined) printErrorDocument(model.sdl)
  else await writeModel(propose, model)
  printError(
    `No --model is given: ${propose === undefined ? 'the model above' : `the model in ${propose}`} is guessed from the names and values of ${counted(model.fields.length + model.leftOut.length, 'column')}, of which ${count(model.leftOut.length)} ${noun(model.leftOut.length, 'is', 'are')} not compared.${out === undefined ? '' : ' It is used now: check it before you trust the result.'}`,
  )
  return policy.type(model.type)
}

/** Writes a model to a new file, because an edited one must not be lost. */
async function writeModel(file: string, model: ProposedModel): Promise<void> {
  try {
    await writeFile(file, model.sdl, { flag: 'wx' })
  } catch (e) {
    if (!isSystemError(e) || !('code' in e) || e.code !== 'EEXIST') throw e
    throw new Error(`${file} exists; give it with --model, or name another file with --propose`)
  }
}

function summary({ stats, clusters, possible, related }: BatchResult, seconds: number): string[] {
  const { pairsCompleteness } = stats
  const completeness =
    pairsCompleteness === null ? '' : ` (about ${percent(pairsCompleteness)} of all matches)`
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
