import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { basename } from 'node:path'
import { createInterface } from 'node:readline'
import { finished } from 'node:stream/promises'
import { Command } from 'commander'
import { Source } from 'graphql'
import type { BatchResult } from '../../mdm/match/batch.ts'
import { matchBatchInThreads, THREADS_MAX } from '../../mdm/match/batchThreads.ts'
import type { FieldValue, MatchRecord } from '../../mdm/match/engine.ts'
import { readParameters } from '../../mdm/match/parameters.ts'
import { POSTINGS_RECORDS_MAX } from '../../mdm/match/postings.ts'
import { reportOf } from '../../mdm/match/report.ts'
import { reportPage } from '../../mdm/match/reportPage.ts'
import type { TypePolicy } from '../../schema/policy.ts'
import { parsePolicy } from '../../schema/readPolicy.ts'
import { wholeNumber } from './input/wholeNumber.ts'
import { count, progressOn } from './output/progress.ts'
import { why } from './output/why.ts'

/** A line of a records file may have this many characters; longer ones are an error, not a crash. */
const LINE_CHARS_MAX = 16_000_000
/** Of more records than this the fields are forgotten once they are standardised, to save a gigabyte a million. */
const KEEP_FIELDS_RECORDS_MAX = 300_000
/** Lines that cannot be read are told one by one up to this many. */
const BAD_LINES_SHOWN_MAX = 5

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
}

/** `touchstone match`: finds the records of a file that are one thing. Needs no database. */
export const command = new Command('match')
  .description(
    'Find the records of a file that are one thing: trains on them, blocks, compares, clusters. Needs no database.',
  )
  .requiredOption(
    '--model <file>',
    'GraphQL file with the @golden type; @compare on its fields says how they are compared',
  )
  .requiredOption('--records <file>', 'NDJSON, a line a record: {"source","id","fields":{...}}')
  .requiredOption('--out <file>', 'clusters, as CSV: source,id,cluster')
  .option(
    '--pairs <file>',
    'pairs of records found to be one thing, as CSV: source_a,id_a,source_b,id_b,probability,weight',
  )
  .option(
    '--possible <file>',
    'pairs of records of two clusters that are a POSSIBLE_MATCH or POSSIBLY_RELATED, as CSV: source_a,id_a,source_b,id_b,outcome,probability,related,reason',
  )
  .option('--type <name>', 'the golden type, when the model has several')
  .option('--threads <number>', 'threads that compare', wholeNumber, Math.min(availableParallelism(), THREADS_MAX))
  .option('--report <file>', 'what was trained and found, as JSON; with the ending .html as a page with pictures')
  .option('--parameters <file>', 'use this trained model and do not train')
  .option('--save-parameters <file>', 'write the trained model, for --parameters or the live engine')
  .option('--why <record...>', 'say why two records, each named source/id, are one thing or not')
  .option('--seed <number>', 'seed of the samples that training draws', wholeNumber, 1)
  .addHelpText(
    'after',
    `
Example:
  npx touchstone match --model customer.graphql --records customers.ndjson --out clusters.csv --report report.html`,
  )
  .action(async (options: Options) => {
    await run(options)
  })

async function run(options: Options): Promise<void> {
  const started = performance.now()
  const asked = options.why?.map((name) => name.replace('/', '\u0001'))
  if (asked && asked.length !== 2) throw new Error('--why takes two records: --why crm/17 billing/cus_42')
  const type = await readModel(options.model, options.type)
  const parameters = options.parameters ? readParameters(await readFile(options.parameters, 'utf8'), type) : undefined
  const line = progressOn()
  line.show('read ...')
  const records = await readRecords(options.records)
  const fields = type.fields.filter((f) => f.compare).map((f) => f.name)
  const seen = new Set<string>()
  for (const record of records) for (const name of Object.keys(record.fields)) seen.add(name)
  const absent = fields.filter((name) => !seen.has(name))
  if (records.length > 0 && absent.length === fields.length)
    throw new Error(
      `${options.records}: no record has any field of ${type.name} that is compared (${fields.join(', ')}); the records have ${[...seen].slice(0, 20).join(', ')}`,
    )
  for (const name of absent)
    if (records.length > 0) console.error(`note: no record has a value for ${type.name}.${name}`)
  const result = await matchBatchInThreads(type, records, options.threads, {
    ...(parameters ? { parameters } : {}),
    seed: options.seed,
    forgetFields: records.length > KEEP_FIELDS_RECORDS_MAX,
    related: options.possible !== undefined,
    progress: (stage, share) => line.show(`${stage} ${Math.round(share * 100)} %`),
  })
  line.show('write ...')
  await writeClusters(options.out, result)
  if (options.pairs) await writePairs(options.pairs, result)
  if (options.possible) await writePossible(options.possible, result)
  if (options.saveParameters)
    await writeFile(options.saveParameters, `${JSON.stringify(result.engine.parameters, null, 1)}\n`)
  const seconds = (performance.now() - started) / 1000
  if (options.report) {
    const report = reportOf(result, basename(options.records))
    await writeFile(
      options.report,
      options.report.endsWith('.html') ? reportPage(report) : `${JSON.stringify(report, null, 1)}\n`,
    )
  }
  line.end()
  const [a, b] = asked ?? []
  if (a !== undefined && b !== undefined) console.log(why(result, a, b))
  const { crowdedRecords } = result.stats
  if (crowdedRecords > 0)
    console.error(
      `note: ${count(crowdedRecords)} records share whatever they share with more than ${result.engine.blockRecordsMax} others, and were not compared`,
    )
  console.error(summary(result, seconds))
}

function summary({ stats, clusters, possible, related }: BatchResult, seconds: number): string {
  const { pairsCompleteness } = stats
  const completeness =
    pairsCompleteness === null ? '' : ` (about ${(100 * pairsCompleteness).toFixed(1)} % of all matches)`
  const memoryMb = process.resourceUsage().maxRSS / 1024
  return [
    `${count(stats.records)} records in ${count(clusters)} clusters, ${count(possible.length)} possible matches${related.length > 0 ? `, ${count(related.length)} possibly related pairs` : ''}`,
    `${count(stats.keys)} keys (${count(stats.saturatedKeys)} too common to use), ${count(stats.candidatePairs)} candidate pairs${completeness}, ${count(stats.edges)} links, largest component ${count(stats.largestComponent)}`,
    `${seconds.toFixed(1)} s (${Object.entries(stats.seconds)
      .map(([stage, s]) => `${stage} ${s.toFixed(1)}`)
      .join(
        ', ',
      )}), ${count(Math.round(stats.candidatePairs / Math.max(0.001, stats.seconds.compare ?? 0)))} pairs compared a second, peak memory ${count(Math.round(memoryMb))} MB`,
  ].join('\n')
}

/** The golden type of a model file. Types beside it (scalars, groups) are taken as they come. */
async function readModel(file: string, wanted: string | undefined): Promise<TypePolicy> {
  const policy = parsePolicy([new Source(await readFile(file, 'utf8'), file)])
  const { types } = policy
  if (wanted !== undefined) {
    const type = types.find((t) => t.name === wanted)
    if (!type)
      throw new Error(`${file}: no @golden type ${wanted}; there is ${types.map((t) => t.name).join(', ') || 'none'}`)
    return type
  }
  if (types.length !== 1)
    throw new Error(
      `${file}: ${types.length} @golden types (${types.map((t) => t.name).join(', ')}); choose one with --type`,
    )
  return types[0]!
}

/** Reads the records. Two lines of one source and id are two records; the later gets a number behind its key. */
async function readRecords(file: string): Promise<MatchRecord[]> {
  const records: MatchRecord[] = []
  const times = new Map<string, number>()
  let line = 0
  let bad = 0
  for await (const text of createInterface({
    input: createReadStream(file, 'utf8'),
    crlfDelay: Number.POSITIVE_INFINITY,
  })) {
    line++
    if (text.trim() === '') continue
    const record =
      text.length > LINE_CHARS_MAX ? `longer than ${LINE_CHARS_MAX} characters` : parseLine(text.replace(/^\ufeff/, ''))
    if (typeof record === 'string') {
      if (bad++ < BAD_LINES_SHOWN_MAX) console.error(`${file}:${line}: ${record}; the line is left out`)
      continue
    }
    const again = times.get(record.key) ?? 0
    times.set(record.key, again + 1)
    records.push(again === 0 ? record : { ...record, key: `${record.key}\u0000${again}` })
    if (records.length > POSTINGS_RECORDS_MAX)
      throw new Error(`${file}: more than ${POSTINGS_RECORDS_MAX} records; split them by country or region`)
  }
  if (bad > 0) console.error(`${file}: ${bad} of ${line} lines left out`)
  if (times.size < records.length)
    console.error(
      `note: ${count(records.length - times.size)} lines repeat a source and id; each is a record of its own, and is written under that id`,
    )
  return records
}

/** The record of one line, or what is wrong with it. */
function parseLine(text: string): MatchRecord | string {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return `not JSON (${(error as Error).message.slice(0, 80)})`
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return 'not an object {"source","id","fields"}'
  const { source, id, fields } = value as Record<string, unknown>
  if (typeof source !== 'string' || (typeof id !== 'string' && typeof id !== 'number'))
    return '"source" and "id" are needed'
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) return '"fields" has to be an object'
  return { key: `${source}\u0001${id}`, source, fields: fields as Record<string, FieldValue | FieldValue[] | null> }
}

function idOf(record: MatchRecord): string {
  return record.key.slice(record.source.length + 1).split('\u0000')[0]!
}

function csv(text: string): string {
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

async function writeClusters(file: string, { records, clusterOf }: BatchResult): Promise<void> {
  await writeLines(
    file,
    'source,id,cluster',
    records.length,
    (i) => `${csv(records[i]!.source)},${csv(idOf(records[i]!))},c${clusterOf[i]}`,
  )
}

/** Of clusters up to this size every pair is written; of larger ones those that were compared. */
const CLUSTER_RECORDS_WHOLE = 64

async function writePairs(
  file: string,
  { records, features, pairs, clusterOf, clusters, engine }: BatchResult,
): Promise<void> {
  const members: number[][] = Array.from({ length: clusters }, () => [])
  for (const [i, cluster] of clusterOf.entries()) members[cluster]!.push(i)
  const inside = pairs.filter(
    (p) => clusterOf[p.a] === clusterOf[p.b] && members[clusterOf[p.a]!]!.length > CLUSTER_RECORDS_WHOLE,
  )
  for (const list of members) {
    if (list.length > CLUSTER_RECORDS_WHOLE) continue
    for (const [at, a] of list.entries())
      for (const b of list.slice(at + 1))
        inside.push({ a, b, weight: engine.compare(features[a]!, features[b]!).weight })
  }
  await writeLines(file, 'source_a,id_a,source_b,id_b,probability,weight', inside.length, (i) => {
    const { a, b, weight } = inside[i]!
    const [x, y] = [records[a]!, records[b]!]
    return `${csv(x.source)},${csv(idOf(x))},${csv(y.source)},${csv(idOf(y))},${(1 / (1 + 2 ** -weight)).toFixed(6)},${weight.toFixed(3)}`
  })
}

/** Possible matches, the likeliest first, then what is related; two that something forbids to be one can only be related. */
async function writePossible(
  file: string,
  { records, features, possible, related, engine }: BatchResult,
): Promise<void> {
  const asked = [
    ...possible.toSorted((x, y) => y.weight - x.weight || x.a - y.a || x.b - y.b),
    ...related
      .toSorted((x, y) => y.weight - x.weight || x.a - y.a || x.b - y.b)
      .map((pair) => ({ ...pair, reason: 'alike as two related things are' })),
  ]
  await writeLines(file, 'source_a,id_a,source_b,id_b,outcome,probability,related,reason', asked.length, (i) => {
    const { a, b, reason } = asked[i]!
    const [x, y] = [records[a]!, records[b]!]
    const c = engine.compare(features[a]!, features[b]!)
    const apart = i >= possible.length || (c.conflict !== undefined && c.relatedWeight >= 0)
    const outcome = apart ? 'POSSIBLY_RELATED' : 'POSSIBLE_MATCH'
    return `${csv(x.source)},${csv(idOf(x))},${csv(y.source)},${csv(idOf(y))},${outcome},${c.probability.toFixed(6)},${c.relatedProbability.toFixed(6)},${csv(reason)}`
  })
}

const LINES_AT_ONCE = 10_000

async function writeLines(file: string, head: string, count: number, line: (i: number) => string): Promise<void> {
  const out = createWriteStream(file)
  out.write(`${head}\n`)
  for (let from = 0; from < count; from += LINES_AT_ONCE) {
    let text = ''
    for (let i = from; i < Math.min(count, from + LINES_AT_ONCE); i++) text += `${line(i)}\n`
    if (!out.write(text)) await once(out, 'drain')
  }
  out.end()
  await finished(out)
}
