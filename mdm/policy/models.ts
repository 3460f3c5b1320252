import { isDeepStrictEqual } from 'node:util'
import type { Sql, Transaction } from '../db/database.ts'
import type { Unit } from '../match/plan.ts'

/** A matching model that was trained on the store, with what it was trained on. */
export interface StoredModel {
  /** Content hash, as features bear it. */
  version: string
  type: string
  /** Of the policy that it was trained under, and the comparisons which that asked for. */
  policyVersion: string
  units: readonly Unit[]
  parameters: unknown
  /** Live source records, candidate pairs among them, decisions of stewards that it learned from. */
  records: number
  pairs: number
  labels: number
  /** Compared fields of which no record had a value. */
  absent: string[]
  actor: string
}

/** A model without its parameters, and when the policy that holds them was in force. */
export interface ListedModel extends Omit<StoredModel, 'parameters'> {
  trainedAt: Date
  /** Beginning and end of the time in force, the latest; null: never, or still. */
  inForceFrom: Date | null
  inForceUntil: Date | null
}

/** Keeps a model as a candidate; false where the same content is kept already. */
export async function storeModel(tx: Transaction, model: StoredModel): Promise<boolean> {
  const { count } = await tx`
    insert into match_model (version, type, policy_version, units, parameters, records, pairs, labels, absent, actor)
    values (${model.version}, ${model.type}, ${model.policyVersion}, ${JSON.stringify(model.units)}::text::jsonb,
      ${JSON.stringify(model.parameters)}::text::jsonb, ${model.records}, ${model.pairs}, ${model.labels},
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

/** Models, of one golden type or of all, the latest of each first. Which policy held them is seen by their parameters. */
export async function listModels(sql: Sql, limit: number, type: string | null = null): Promise<ListedModel[]> {
  const models = await sql<Omit<ListedModel, 'inForceFrom' | 'inForceUntil'>[]>`
    select version, type, policy_version as "policyVersion", units, records, pairs, labels, absent, actor,
      trained_at as "trainedAt"
    from match_model where ${type}::text is null or type = ${type} order by type, trained_at desc limit ${limit}`
  const held = await sql<{ version: string; from: Date; until: Date | null }[]>`
    with x as (
      select x.id, x.version, x.started_at, lead(x.started_at) over (order by x.id) as until from publication x)
    select m.version, x.started_at as from, x.until
    from x join policy p on p.version = x.version join match_model m on m.parameters = p.parameters -> m.type
    order by x.id`
  return models.map((m) => {
    const times = held.filter((h) => h.version === m.version)
    let first = times.at(-1)
    // Other publications in between may have kept it in force.
    for (const t of times.toReversed()) if (t.until && first && isDeepStrictEqual(t.until, first.from)) first = t
    return { ...m, inForceFrom: first?.from ?? null, inForceUntil: times.at(-1)?.until ?? null }
  })
}

/** Why a model cannot be used for a golden type as the policy compares it now; null where it can. */
export function misfit(model: Pick<StoredModel, 'units' | 'policyVersion'>, units: readonly Unit[]): string | null {
  if (isDeepStrictEqual(model.units, JSON.parse(JSON.stringify(units)))) return null
  const name = (u: Unit) => `${u.name} (${u.fields.map((f) => `${f.name} as ${f.as}`).join(', ')})`
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
