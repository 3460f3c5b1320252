import { sql } from 'drizzle-orm'
import { boolean, index, integer, jsonb, pgTable, text, uuid } from 'drizzle-orm/pg-core'
import { int8, moment, oneOf, oneRow } from './columns.ts'

/** Field -> keys of the source records that its value comes from, and the rule that chose it. */
export type ProvenanceColumn = Record<string, { r: string[]; u: string }>

/** Columns that decide row rights; triggers fill them where row rights are configured. */
export const rowTags = () => ({
  rowPlace: text('row_place'),
  rowEntities: text('row_entities').array(),
  rowParent: uuid('row_parent'),
})

const STATES = ['ACTIVE', 'MERGED', 'DELETED'] as const

/** Every golden id ever given out, in its present state. */
export const golden = pgTable(
  'golden',
  {
    id: uuid().primaryKey(),
    type: text().notNull(),
    version: integer().notNull(),
    state: text({ enum: STATES }).notNull(),
    redirect: uuid(),
    values: jsonb().$type<Record<string, unknown>>().notNull(),
    provenance: jsonb().$type<ProvenanceColumn>().notNull(),
    policyVersion: text('policy_version').notNull(),
    position: int8('position').notNull(),
    createdAt: moment('created_at').notNull(),
    ...rowTags(),
    updatedAt: moment('updated_at').notNull(),
  },
  (t) => {
    const active = sql`${t.state} = 'ACTIVE'`
    return [
      oneOf('golden', t.state, STATES),
      index('golden_updated').on(t.type, t.updatedAt, t.id).where(active),
      index('golden_created').on(t.type, t.createdAt, t.id).where(active),
      index('golden_name')
        .on(t.type, sql`((${t.values} ->> 'name') collate by_name)`, t.id)
        .where(active),
      index('golden_by_customer')
        .on(sql`(${t.values} ->> 'customer')`)
        .where(sql`${active} and ${t.values} ? 'customer'`),
      index('golden_by_parent')
        .on(sql`(${t.values} ->> 'parent')`)
        .where(sql`${active} and ${t.values} ? 'parent'`),
    ]
  },
)

/** The locale by which names sort, and the version of the collation that the index has. One row. */
export const nameOrder = pgTable(
  'name_order',
  {
    one: boolean().primaryKey().default(true),
    locale: text().notNull(),
    version: text(),
  },
  (t) => [oneRow('name_order', t.one)],
)
