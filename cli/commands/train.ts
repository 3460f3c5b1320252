import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command } from 'commander'
import { appendAudit } from '../../mdm/audit/audit.ts'
import { requireAuditKey } from '../../mdm/audit/settleAuditKey.ts'
import type { Sql } from '../../mdm/db/database.ts'
import { transaction } from '../../mdm/db/transaction.ts'
import { matchBatch } from '../../mdm/match/batch.ts'
import { type LabelledPair, learnFromLabels } from '../../mdm/match/calibrate.ts'
import { TRAINING_RECORDS_MIN } from '../../mdm/match/drift.ts'
import { createEngine, type Engine, type MatchRecord } from '../../mdm/match/engine.ts'
import { planComparisons } from '../../mdm/match/plan.ts'
import { POSTINGS_RECORDS_MAX } from '../../mdm/match/postings.ts'
import { createReport } from '../../mdm/match/report.ts'
import { reportPage } from '../../mdm/match/reportPage.ts'
import { reportQuality } from '../../mdm/match/reportQuality.ts'
import { type ListedModel, listModels, misfit, storeModel } from '../../mdm/policy/models.ts'
import { createEngines } from '../../mdm/resolution/resolve.ts'
import { ownValue } from '../../schema/kit/dictionary.ts'
import { count, counted, noun } from '../../schema/kit/numberText.ts'
import type { Policy, TypePolicy } from '../../schema/policy.ts'
import { isUuid } from '../../schema/uuid.ts'
import { commandActor } from '../config/commandActor.ts'
import { type Config, withConfig } from '../config/config.ts'
import { openInstallation } from '../config/installation.ts'
import { activeResolutionContext } from '../config/policyFiles.ts'
import { DATABASE_CONFIG, withDatabase } from '../connect.ts'
import { print, printError } from '../terminal/print.ts'
import { type Label, readLabelFile } from './input/labelFile.ts'
import { parseWholeNumber } from './input/parseWholeNumber.ts'
import { createProgress } from './output/progress.ts'

const ROWS_AT_ONCE = 5000

const SETTINGS = [...DATABASE_CONFIG, 'sources'] as const
type Options = Config<(typeof SETTINGS)[number]> & {
  type?: string
  out: string
  labels: boolean | string
  seed: number
  list: boolean
}

/** `touchstone train`: trains a matching model on the source records of the store. */
export const command = withConfig(
  new Command('train')
    .description(
      'train a matching model for each golden type from the stored source records, with a report',
    )
    .option('--list', 'list the models, what they were trained on, and which are active', false)
    .option('--type <name>', 'only this golden type')
    .option(
      '--out <directory>',
      'directory for copies of models and reports: <Type>.parameters.json and <Type>.html',
      'models',
    )
    .option(
      '--labels [file]',
      'also learn from assertions and answers of stewards, and from labelled pairs of a CSV file: a,b,same',
      false,
    )
    .option('--seed <number>', 'seed of the samples that training draws', parseWholeNumber, 1),
  SETTINGS,
)
  .addHelpText(
    'after',
    `
Golden records stay as they are: a model is stored as a candidate, under the active policy. "simulate --model VERSION"
reports what it would change. "publish --model VERSION" activates it and applies it to every record; an earlier one is
activated the same way, the shipped one with "publish --model <Type>=shipped". Assertions of stewards, their answers to
labels and pairs of a file count only with --labels; of two about one pair, the first in this order counts. In the file a and b are keys of source
records or system/object/id, and same is 1 or 0:
  a,b,same
  crm/account/0015e0001,billing/customer/cus_42,1
The report shows the weight of every level and examples of pairs. Memory grows with the records of one type, about 2 kB each.`,
  )
  .action(async (options: Options) => {
    const { policy: model, systems } = openInstallation(options.sources)
    await withDatabase({ config: options, connectionsMax: 2 }, async (sql) => {
      const shipped = {
        policy: model,
        engines: createEngines(model),
        systems: new Map(systems.map((s) => [s.name, s])),
      }
      const { policy, engines } = await activeResolutionContext(sql, shipped, systems)
      if (options.list) return await list(sql, policy, engines)
      await requireAuditKey(sql)
      const types =
        options.type === undefined
          ? policy.types
          : policy.types.filter((t) => t.name === options.type)
      if (types.length === 0)
        throw new Error(
          `no golden type ${options.type}; there is ${policy.types.map((t) => t.name).join(', ')}`,
        )
      const given = typeof options.labels === 'string' ? await readLabelFile(options.labels) : []
      await mkdir(options.out, { recursive: true })
      for (const type of types) await trainType(sql, policy, type, options, given)
      if (given.length > 0) await warnAboutUnknownRecords(sql, given)
    })
  })

const listedMax = 100

async function list(sql: Sql, policy: Policy, engines: ReadonlyMap<string, Engine>): Promise<void> {
  const models = await listModels(sql, listedMax)
  for (const type of policy.types) {
    const inForce = engines.get(type.name)?.version
    const own = models.filter((m) => m.type === type.name)
    const known = own.some((m) => m.version === inForce)
    print(
      `${type.name}: ${known ? 'a trained model is active' : inForce === createEngine(type).version ? 'the shipped model is active' : `a model from a file is active, ${inForce}`}`,
    )
    for (const m of own) {
      const labels = m.labels > 0 ? `, ${counted(m.labels, 'label')}` : ''
      const absent = m.absent.length > 0 ? `, nothing for ${m.absent.join(', ')}` : ''
      const why = misfit(m, planComparisons(type))
      print(
        `  ${m.version} ${m.trainedAt.toISOString()} ${m.actor}: ${counted(m.records, 'record')}, ${counted(m.pairs, 'pair')}${labels}${absent}; ${activityOf(m, m.version === inForce)}${why === null ? '' : `; does not fit: ${why}`}`,
      )
    }
  }
}

function activityOf(m: ListedModel, inForce: boolean): string {
  if (inForce) return `active since ${m.inForceFrom?.toISOString()}`
  if (m.inForceUntil) return `was active until ${m.inForceUntil.toISOString()}`
  return 'a candidate'
}

/**
 * Warns about labels of unknown records, so that a mistyped id does not look like a learned label.
 */
async function warnAboutUnknownRecords(sql: Sql, given: readonly Label[]): Promise<void> {
  const keys = [...new Set(given.flatMap((l) => [l.a, l.b]))].filter(isUuid)
  const rows = await sql<
    { key: string }[]
  >`select key from source_record where key = any(${keys}::uuid[])`
  const there = new Set(rows.map((r) => r.key))
  const unknown = given.filter((l) => !there.has(l.a) || !there.has(l.b)).length
  if (unknown > 0)
    printError(
      `${count(unknown)} of ${counted(given.length, 'label')} of the file ${noun(unknown, 'names', 'name')} records that are not in the store`,
    )
}

async function trainType(
  sql: Sql,
  policy: Policy,
  type: TypePolicy,
  options: Options,
  given: readonly Label[],
): Promise<void> {
  const line = createProgress()
  line.show(`${type.name}: read ...`)
  const records = await readRecords(sql, type)
  if (records.length < TRAINING_RECORDS_MIN) {
    line.line(
      `${type.name}: ${counted(records.length, 'source record is', 'source records are')} too few to learn from (${TRAINING_RECORDS_MIN} at least); the shipped model stays`,
    )
    return
  }
  const compared = type.fields.filter((f) => f.compare).map((f) => f.name)
  const absent = compared.filter((name) => records.every((r) => isEmpty(ownValue(r.fields, name))))
  if (absent.length === compared.length)
    throw new Error(
      `no source record of ${type.name} has a value that is compared (${compared.join(', ')})`,
    )
  for (const name of absent)
    line.line(`${type.name}: no source record has a value for ${name}: it weighs as it is shipped`)
  const progress = (stage: string, share: number) =>
    line.show(`${type.name}: ${stage} ${Math.round(share * 100)} %`)
  let result = matchBatch(type, records, { seed: options.seed, progress })
  const { shippedBecause } = result.stats
  if (shippedBecause !== null) line.line(`${type.name}: ${shippedBecause}`)
  let labels: LabelledPair[] = []
  if (options.labels) {
    const place = new Map(result.records.map((record, i) => [record.key, i]))
    const labelled = [...given, ...(await readLabels(sql))]
    const latest = new Map(labelled.map((l) => [[l.a, l.b].sort().join(), l]))
    // Sorted, so that equal labels produce an equal model in any order of their creation.
    const inOrder = [...latest].sort(([x], [y]) => (x < y ? -1 : 1))
    labels = inOrder.flatMap(([, { a, b, same }]) => {
      const [i, j] = [place.get(a), place.get(b)]
      return i === undefined || j === undefined
        ? []
        : [{ a: result.features.at(i), b: result.features.at(j), same }]
    })
    if (labels.length === 0)
      line.line(`${type.name}: no labels for any two of these records: no labels to learn from`)
  }
  if (labels.length > 0) {
    // Matches again, so that the report describes the trained model.
    const parameters = learnFromLabels(result.engine, labels, (p) => createEngine(type, p))
    const again = matchBatch(type, records, { parameters, progress })
    result = { ...again, stats: { ...again.stats, shippedBecause } }
  }
  const { parameters, version, comparisons } = result.engine
  const actor = commandActor()
  const pairs = result.stats.candidatePairs
  const trained = {
    records: records.length,
    pairs,
    labels: labels.length,
    policyVersion: policy.version,
  }
  await transaction(sql, async (tx) => {
    const fresh = await storeModel(tx, {
      ...trained,
      version,
      type: type.name,
      units: comparisons,
      parameters,
      absent,
      actor,
    })
    if (fresh)
      await appendAudit(tx, { event: 'TRAIN', actor, model: version, type: type.name, ...trained })
  })
  const file = join(options.out, `${type.name}.parameters.json`)
  await writeFile(
    file,
    `${JSON.stringify({ ...parameters, policyVersion: policy.version }, null, 1)}\n`,
  )
  await writeFile(
    join(options.out, `${type.name}.html`),
    reportPage({
      ...createReport(result, `the store, policy ${policy.version}`),
      quality: reportQuality(type, result),
    }),
  )
  line.line(
    `${type.name}: model ${version}, of ${counted(records.length, 'record')}, ${counted(pairs, 'pair')}${options.labels ? `, ${counted(labels.length, 'label')}` : ''}; a candidate until it is published; ${file}`,
  )
}

function isEmpty(value: unknown): boolean {
  return (
    value === undefined ||
    value === null ||
    value === '' ||
    (Array.isArray(value) && value.length === 0)
  )
}

/**
 * Returns the live source records of a type; references are the golden ids that they currently
 * resolve to.
 */
async function readRecords(sql: Sql, type: TypePolicy): Promise<MatchRecord[]> {
  const references = type.fields.filter((f) => f.compare?.as === 'REFERENCE').map((f) => f.name)
  const records: MatchRecord[] = []
  // One pass over the type's rows by id; each reference is an index lookup in the same snapshot.
  const rows = sql<
    {
      key: string
      source: string
      canonical: Record<string, unknown>
      resolved: Record<string, string | null>
    }[]
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
  // Two million records train a model as well as all of them.
  return records.slice(0, POSTINGS_RECORDS_MAX)
}

async function readLabels(sql: Sql): Promise<Label[]> {
  return await sql<Label[]>`
    select a, b, same from (
      select a, b, answer = 'SAME' as same, 1 as later, id from (
        select distinct on (a, b) a, b, answer, id from match_label order by a, b, id desc) x where answer <> 'UNSURE'
      union all select a, b, kind = 'SAME', 2, assertion_id from standing
        where kind in ('SAME', 'NOT_SAME') and b is not null) l
    order by later, id`
}
