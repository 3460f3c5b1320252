import { isDeepStrictEqual } from 'node:util'
import { storableJson } from '../../schema/storable.ts'
import type { matchModel } from '../../schema/tables/match.ts'
import type { Sql, Transaction } from '../db/database.ts'
import type { SortTerm } from '../db/keyset.ts'
import { type Listing, listPage } from '../db/page.ts'
import type { Condition } from '../db/statement.ts'
import type { Comparison } from '../match/plan.ts'

/** A matching model trained on the store, with facts about its training data. */
export interface StoredModel
  extends Omit<typeof matchModel.$inferSelect, 'units' | 'parameters' | 'trainedAt'> {
  units: readonly Comparison[]
  parameters: unknown
}

/** A model without its parameters, with the time in which a policy that holds it was active. */
export interface ListedModel extends Omit<StoredModel, 'parameters'> {
  trainedAt: Date
  /** Begin and end of the latest active time. Null: never active, or still active. */
  inForceFrom: Date | null
  inForceUntil: Date | null
}

/** Stores a model as a candidate. Returns false if the same content is stored already. */
export async function storeModel(tx: Transaction, model: StoredModel): Promise<boolean> {
  const { count } = await tx`
    insert into match_model (version, type, policy_version, units, parameters, records, pairs, labels, absent, actor)
    values (${model.version}, ${model.type}, ${model.policyVersion}, ${storableJson(model.units)}::text::jsonb,
      ${storableJson(model.parameters)}::text::jsonb, ${model.records}, ${model.pairs}, ${model.labels},
      ${model.absent}, ${model.actor})
    on conflict do nothing`
  return count > 0
}

export async function readModel(sql: Sql, version: string): Promise<StoredModel | null> {
  const [row] = await sql<StoredModel[]>`
    select version, type, policy_version as "policyVersion", units, parameters, records, pairs, labels, absent, actor
    from match_model where version = ${version}`
  return row ?? null
}

/** Trained models as a list. */
export const modelListing: Listing = {
  from: 'match_model m',
  where: 'true',
  columns:
    () => `m.version, m.type, m.policy_version as "policyVersion", m.units, m.records, m.pairs, m.labels, m.absent,
    m.actor, m.trained_at as "trainedAt"`,
  unique: { name: 'version', sql: 'm.version', type: 'text', nullable: false },
}

/** By golden type, the latest of each first; walks (type, trained_at desc). */
export const latestModels: SortTerm[] = [
  { column: { name: 'type', sql: 'm.type', type: 'text', nullable: false }, descending: false },
  {
    column: { name: 'trainedAt', sql: 'm.trained_at', type: 'timestamptz', nullable: false },
    descending: true,
  },
  { column: modelListing.unique, descending: true },
]

export function modelCondition(type: string): Condition {
  return (p) => `m.type = ${p.add(type, 'text')}`
}

/** Returns when models were active, by version. The parameters show which policy held them. */
export async function readTimesInForce(
  sql: Sql,
  versions: readonly string[],
): Promise<Map<string, Pick<ListedModel, 'inForceFrom' | 'inForceUntil'>>> {
  const held = await sql<{ version: string; from: Date; until: Date | null }[]>`
    with x as (
      select x.id, x.version, x.started_at, lead(x.started_at) over (order by x.id) as until
      from publication x where x.state <> 'REFUSED')
    select m.version, x.started_at as from, x.until
    from x join policy p on p.version = x.version join match_model m on m.parameters = p.parameters -> m.type
    where m.version = any(${versions as string[]}::text[])
    order by x.id`
  const byVersion = Map.groupBy(held, (h) => h.version)
  return new Map(
    [...byVersion].map(([version, times]) => {
      let first = times.at(-1)
      // Later publications may have kept the model active.
      for (const t of times.toReversed())
        if (t.until && first && isDeepStrictEqual(t.until, first.from)) first = t
      return [
        version,
        { inForceFrom: first?.from ?? null, inForceUntil: times.at(-1)?.until ?? null },
      ]
    }),
  )
}

/** Returns models of all golden types, the latest of each type first. */
export async function listModels(sql: Sql, limit: number): Promise<ListedModel[]> {
  const { rows } = await listPage<Omit<ListedModel, 'inForceFrom' | 'inForceUntil'>>(
    sql,
    modelListing,
    {
      order: latestModels,
      backward: false,
      limit,
    },
  )
  const times = await readTimesInForce(
    sql,
    rows.map((m) => m.version),
  )
  return rows.map((m) => ({
    ...m,
    ...(times.get(m.version) ?? { inForceFrom: null, inForceUntil: null }),
  }))
}

/** Returns why a model does not fit the comparisons of a golden type, or null if it fits. */
export function misfit(
  model: Pick<StoredModel, 'units' | 'policyVersion'>,
  units: readonly Comparison[],
): string | null {
  if (isDeepStrictEqual(model.units, JSON.parse(JSON.stringify(units)))) return null
  const name = (u: Comparison) =>
    `${u.name} (${u.fields.map((f) => `${f.name} as ${f.as}`).join(', ')})`
  const [then, now] = [model.units.map(name), units.map(name)]
  const gone = then.filter((n) => !now.includes(n))
  const come = now.filter((n) => !then.includes(n))
  const differences = [
    ...(gone.length > 0 ? [`it knows ${gone.join('; ')}`] : []),
    ...(come.length > 0 ? [`this policy compares ${come.join('; ')}`] : []),
    ...(gone.length + come.length === 0 ? ['lists or groups of fields differ'] : []),
  ]
  return `it was trained under policy ${model.policyVersion}, which compares otherwise: ${differences.join(', ')}`
}
