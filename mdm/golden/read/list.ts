import { columnOf, fieldsOf, type OperationalType, tableOf } from '../../../schema/operational.ts'
import type { golden } from '../../../schema/tables/golden.ts'
import type { Listing, Relation } from '../../db/page.ts'
import { annualMinor, flagsOf } from './operationalFacts.ts'

/**
 * A golden record as read for a list or a lookup; `values` in canonical form, references as record
 * keys.
 */
export interface GoldenRow
  extends Pick<
    typeof golden.$inferSelect,
    'id' | 'version' | 'values' | 'createdAt' | 'updatedAt'
  > {
  __typename: string
}

const ownColumns = `g.type as "__typename", g.id, g.version, g.created_at as "createdAt", g.updated_at as "updatedAt"`

export const goldenColumns = `${ownColumns}, g.values`

/**
 * Lists the active golden records of one type, their values without the fields in `without`. Type
 * and state are literals, so the planner finds the partial indexes. The fields are no literals, so
 * every selection is the same statement.
 */
export function goldenListing(type: string, without: readonly string[] = []): Listing {
  return {
    from: 'golden g',
    where: `g.type = '${type}' and g.state = 'ACTIVE'`,
    columns: (p) => `${ownColumns}, g.values - ${p.list(without, 'text')} as values`,
    unique: { name: 'id', sql: 'g.id', type: 'uuid', nullable: false },
  }
}

/**
 * Lists the golden records of one type as they were active at a moment. Reads all earlier versions
 * of the type. Under row rights (`judged`) the version is found without a check and read with the
 * caller's rights, as in `readAsOf`: a function call for each, ten times slower.
 */
export function goldenListingAsOf(type: string, asOf: Date, judged: boolean): Listing {
  const moment = `'${asOf.toISOString()}'::timestamptz`
  const last = judged
    ? `c.version = version_at(c.golden_id, ${moment})`
    : `not exists (select 1 from change n where n.golden_id = c.golden_id and n.version > c.version and n.at <= ${moment})`
  return {
    from: `(select c.golden_id as id, c.type, c.version, c.values, c.members, c.at as updated_at,
        (select min(f.at) from change f where f.golden_id = c.golden_id) as created_at
      from change c where c.type = '${type}' and c.values is not null and c.at <= ${moment}
        and ${last}) g`,
    where: 'true',
    columns: () => `${goldenColumns}, '${asOf.toISOString()}' as "asOf"`,
    join: {
      columns: 'c.members, c.provenance, c.policy_version as "policyVersion"',
      from: 'join change c on c.golden_id = x.id and c.version = x.version',
    },
    unique: goldenListing(type).unique,
  }
}

/** The source records of that listing's golden records, for filters. */
export const sourceAsOf = { row: 'true', record: '(s.key = any (g.members))' }

/**
 * Source records `m` of the golden record that a parent's id `p.id` resolves to. Every golden id is
 * the key of a source record, so one step over the crosswalk resolves retired ids too. Fenced by
 * `offset 0`: under row rights an index is used only for a comparison with a plain value, and
 * coalesce is none.
 */
export const membersOfParent = `(select coalesce((select w.golden_id from source_record w where w.key = p.id), p.id) as id
  offset 0) a join source_record m on m.golden_id = a.id`

/**
 * Golden records whose field refers to a member of the parent; uses the index over that field
 * (golden_by_…). A golden record that refers to itself because of a merge is left out, and in a
 * `hierarchy` the one whose parent closes a ring.
 *
 * The inner select is fenced by `offset 0`: otherwise the planner, which cannot estimate how few
 * these are, walks all golden records in list order until the page is full (500 ms instead of 1 ms
 * with 20,000 customers).
 */
export function referringGolden(field: string, judged: boolean, hierarchy: boolean): Relation {
  const where = hierarchy
    ? 'not exists (select 1 from hierarchy_ring h where h.golden_id = g.id)'
    : 'true'
  // Under row rights jsonb expressions are evaluated after row security, so no index over them
  // would be used (mdm/access/rowRightsSql.ts).
  if (judged)
    return {
      from: `(select g.id, g.type, g.state, g.version, g.values, g.created_at, g.updated_at
        from referring_${field.toLowerCase()}(array(select m.key from ${membersOfParent})) r (id)
        join golden g on g.id = r.id where g.state = 'ACTIVE' and g.values ? '${field}'
          and not (g.values ->> '${field}' = any (array(select m.key::text from source_record m where m.golden_id = g.id)))
        offset 0) g`,
      where,
    }
  return {
    from: `(select g.id, g.type, g.state, g.version, g.values, g.created_at, g.updated_at
      from ${membersOfParent} join golden g on (g.values ->> '${field}') = m.key::text
      where g.state = 'ACTIVE' and g.values ? '${field}' and g.id <> m.golden_id offset 0) g`,
    where,
  }
}

/**
 * An operational object as read, with its own fields: REFERENCE as record key, DATE as text,
 * amounts as numbers.
 */
export interface OperationalRow {
  /** Key of its source record. */
  id: string
  system: string
  object: string
  sourceId: string
  [field: string]: unknown
}

/** Lists operational objects of one type, without those deleted at the source. */
export function operationalListing(type: OperationalType): Listing {
  return {
    from: `${tableOf(type)} t`,
    where: 'not t.deleted',
    columns: () => `t.record_id, ${operationalColumns(type)}`,
    join: {
      columns: 'r.key as id, r.source as system, r.object, r.source_id as "sourceId"',
      from: 'join source_record r on r.id = x.record_id',
    },
    unique: { name: 'arrival', sql: 't.record_id', type: 'bigint', nullable: false },
  }
}

/**
 * Operational objects that refer to a member of the golden record in this field; one index scan per
 * member.
 */
export function operationalOfGolden(type: OperationalType, field: string): Relation {
  if (type === 'Subscription' && field === 'product') return subscriptionsOfProduct
  return {
    from: `${membersOfParent} join ${tableOf(type)} t on t.${columnOf(field, 'REFERENCE')} = m.key`,
    where: 'true',
  }
}

/**
 * Subscriptions to a product, alone or as one of their items; each once. Both conditions have an
 * index, which Postgres combines.
 */
const subscriptionsOfProduct: Relation = {
  from: `(select array_agg(m.key) as keys,
      array_agg(jsonb_build_object('list', jsonb_build_array(jsonb_build_object('product', m.key)))) as items
    from ${membersOfParent}) k join subscription t on t.product = any(k.keys) or t.items @> any(k.items)`,
  where: 'true',
}

/** Operational objects that refer to another operational object, the parent, by its key. */
export function operationalOfRecord(type: OperationalType, field: string): Relation {
  return { from: `${tableOf(type)} t`, where: `t.${columnOf(field, 'REFERENCE')} = p.id` }
}

/** Returns the columns of its fields, its flags, and the yearly charge of a subscription. */
export function operationalColumns(type: OperationalType): string {
  const own = fieldsOf(type).map(([name, kind]) => {
    const column = `t.${columnOf(name, kind)}`
    return `${column}${kind === 'DATE' ? '::text' : ''} as "${name}"`
  })
  const flags = Object.entries(flagsOf(type)).map(([name, sql]) => `${sql} as "${name}"`)
  const annual = type === 'Subscription' ? [`${annualMinor} as "annualMinor"`] : []
  return [...own, ...flags, ...annual].join(', ')
}
