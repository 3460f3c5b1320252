import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command } from 'commander'
import type { Sql } from '../mdm/db/database.ts'
import { matchBatch } from '../mdm/match/batch.ts'
import { type LabelledPair, learnFromLabels } from '../mdm/match/calibrate.ts'
import { createEngine, type MatchRecord } from '../mdm/match/engine.ts'
import { POSTINGS_RECORDS_MAX } from '../mdm/match/postings.ts'
import { reportOf } from '../mdm/match/report.ts'
import { reportPage } from '../mdm/match/report_page.ts'
import type { Policy, TypePolicy } from '../schema/policy.ts'
import { type Config, withConfig } from './config.ts'
import { connect } from './connect.ts'
import { openInstallation } from './installation.ts'
import { count, progressOn } from './progress.ts'
import { wholeNumber } from './wholeNumber.ts'

/** Fewer records teach nothing that the shipped model does not know better. */
const RECORDS_MIN = 500
const ROWS_AT_ONCE = 5000

const SETTINGS = ['databaseUrl', 'dataDir', 'databaseWaitSecondsMax', 'sources'] as const
type Options = Config<(typeof SETTINGS)[number]> & { type?: string; out: string; labels: boolean; seed: number }

/** `touchstone train`: learns a matching model from the source records of the store. */
export const command = withConfig(
  new Command('train')
    .description('learn a matching model for each golden type from the source records of the store, with a report')
    .option('--type <name>', 'only this golden type')
    .option('--out <directory>', 'where models and reports go: <Type>.json and <Type>.html', 'models')
    .option('--labels', 'also learn from what stewards have said is the same or not', false)
    .option('--seed <number>', 'seed of the samples that are drawn', wholeNumber, 1),
  SETTINGS,
)
  .addHelpText(
    'after',
    `
Reads one snapshot and changes nothing in the store. The model names the policy version it was trained under. The report shows the
weight of every level and examples of pairs. Memory grows with the records of one type, about 2 kB each.`,
  )
  .action(async (options: Options) => {
    const { policy } = openInstallation(options.sources)
    const types = options.type === undefined ? policy.types : policy.types.filter((t) => t.name === options.type)
    if (types.length === 0)
      throw new Error(`no golden type ${options.type}; there is ${policy.types.map((t) => t.name).join(', ')}`)
    const { sql, close } = await connect({ config: options, connectionsMax: 2 })
    try {
      await mkdir(options.out, { recursive: true })
      for (const type of types) await trainType(sql, policy, type, options)
    } finally {
      await close()
    }
  })

async function trainType(sql: Sql, policy: Policy, type: TypePolicy, options: Options): Promise<void> {
  const line = progressOn()
  line.show(`${type.name}: read ...`)
  const records = await readRecords(sql, type)
  if (records.length < RECORDS_MIN) {
    line.line(
      `${type.name}: ${count(records.length)} source records are too few to learn from (${RECORDS_MIN} at least); the shipped model stays`,
    )
    return
  }
  const result = matchBatch(type, records, {
    seed: options.seed,
    progress: (stage, share) => line.show(`${type.name}: ${stage} ${Math.round(share * 100)} %`),
  })
  let { parameters } = result.engine
  let labels: LabelledPair[] = []
  if (options.labels) {
    const place = new Map(result.records.map((record, i) => [record.key, i]))
    labels = (await readLabels(sql)).flatMap(({ a, b, same }) => {
      const [i, j] = [place.get(a), place.get(b)]
      return i === undefined || j === undefined ? [] : [{ a: result.features[i]!, b: result.features[j]!, same }]
    })
    parameters = learnFromLabels(result.engine, labels, (p) => createEngine(type, p))
  }
  const file = join(options.out, `${type.name}.json`)
  await writeFile(file, `${JSON.stringify({ ...parameters, policyVersion: policy.version }, null, 1)}\n`)
  await writeFile(
    join(options.out, `${type.name}.html`),
    reportPage(reportOf(result, `the store, policy ${policy.version}`)),
  )
  line.line(
    `${type.name}: ${count(records.length)} records, ${count(result.stats.candidatePairs)} pairs${options.labels ? `, ${count(labels.length)} decisions` : ''}; ${file}`,
  )
}

/** The live source records of a type; references are the golden ids that they resolve to now. */
async function readRecords(sql: Sql, type: TypePolicy): Promise<MatchRecord[]> {
  const references = type.fields.filter((f) => f.compare?.as === 'REFERENCE').map((f) => f.name)
  const records: MatchRecord[] = []
  // One pass over the type's rows by id; each reference is an index lookup in the same snapshot.
  const rows = sql<
    { key: string; source: string; canonical: Record<string, unknown>; resolved: Record<string, string | null> }[]
  >`
    select r.key, r.source, r.canonical,
      coalesce((select jsonb_object_agg(f.name, t.golden_id) from unnest(${references}::text[]) f (name)
        left join source_record t on t.key = (r.canonical ->> f.name)::uuid), '{}') as resolved
    from source_record r where r.type = ${type.name} and r.complete and not r.deleted order by r.id`.cursor(
    ROWS_AT_ONCE,
  )
  for await (const batch of rows) {
    for (const { key, source, canonical, resolved } of batch)
      records.push({ key, source, fields: { ...canonical, ...resolved } as MatchRecord['fields'] })
    if (records.length > POSTINGS_RECORDS_MAX) break
  }
  // A model is learned as well from two million records as from all.
  return records.slice(0, POSTINGS_RECORDS_MAX)
}

async function readLabels(sql: Sql): Promise<{ a: string; b: string; same: boolean }[]> {
  return await sql<{ a: string; b: string; same: boolean }[]>`
    select a, b, kind = 'SAME' as same from standing where kind in ('SAME', 'NOT_SAME') and b is not null order by assertion_id`
}
