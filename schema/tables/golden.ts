import { bigint, integer, jsonb, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core'

/** Field -> keys of the source records that its value comes from, and the rule that chose it. */
export type ProvenanceColumn = Record<string, { r: string[]; u: string }>

/** What row rights are judged by; filled by triggers where they are configured. */
export const rowTags = () => ({
  rowPlace: text('row_place'),
  rowEntities: text('row_entities').array(),
  rowParent: uuid('row_parent'),
})

/** Every golden id ever given out, in its present state. */
export const golden = pgTable('golden', {
  id: uuid().primaryKey(),
  type: text().notNull(),
  version: integer().notNull(),
  state: text({ enum: ['ACTIVE', 'MERGED', 'DELETED'] }).notNull(),
  redirect: uuid(),
  values: jsonb().$type<Record<string, unknown>>().notNull(),
  provenance: jsonb().$type<ProvenanceColumn>().notNull(),
  policyVersion: text('policy_version').notNull(),
  position: bigint({ mode: 'number' }).notNull(),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull(),
  ...rowTags(),
  updatedAt: timestamp('updated_at', { withTimezone: true }).notNull(),
})
