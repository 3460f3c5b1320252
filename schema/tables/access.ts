import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  check,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  uuid,
} from 'drizzle-orm/pg-core'
import { bytea, clock, int8, moment, oneRow } from './columns.ts'

/** Keys with which services authenticate. Of a secret only the hash is stored. */
export const apiKey = pgTable(
  'api_key',
  {
    id: text().primaryKey(),
    name: text().notNull(),
    hash: bytea().notNull(),
    roles: text().array().notNull(),
    scopes: text().array().notNull().default(sql`'{}'`),
    /** Null: the same rights as a token without this claim. So too for `legalEntities`. */
    regions: text().array(),
    legalEntities: text('legal_entities').array(),
    createdBy: text('created_by').notNull(),
    createdAt: moment('created_at').notNull().default(clock),
    expiresAt: moment('expires_at'),
    revokedAt: moment('revoked_at'),
    lastUsedAt: moment('last_used_at'),
    replaces: text(),
  },
  (t) => [
    index('api_key_name').on(t.name),
    foreignKey({ name: 'api_key_replaces_fkey', columns: [t.replaces], foreignColumns: [t.id] }),
  ],
)

/** Reads and changes of sensitive fields, without their values. */
export const sensitiveAccess = pgTable(
  'sensitive_access',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    at: moment('at').notNull(),
    actor: text().notNull(),
    correlationId: text('correlation_id').notNull(),
    operation: text().notNull(),
    through: text().notNull(),
    type: text().notNull(),
    fields: text().array().notNull(),
    /** Golden ids and keys of source records. */
    ids: uuid().array().notNull(),
    /** Number of further records whose ids were not kept. */
    more: integer().notNull().default(0),
  },
  (t) => [
    index('sensitive_access_at').on(t.at, t.id),
    index('sensitive_access_actor').on(t.actor, t.id),
    index('sensitive_access_ids').using('gin', t.ids).with({ fastupdate: 'on' }),
  ],
)

/** The row rights that are set up in this database, by content hash; one row. */
export const rowRights = pgTable(
  'row_rights',
  {
    one: boolean().primaryKey().default(true),
    role: text().notNull(),
    policies: text().notNull(),
    tags: text().notNull(),
  },
  (t) => [oneRow('row_rights', t.one)],
)

/** Operations that clients have published, by the hash of their text. */
export const operation = pgTable(
  'operation',
  {
    hash: text().notNull(),
    client: text().notNull(),
    text: text().notNull(),
    names: text().array().notNull(),
    publishedBy: text('published_by').notNull(),
    publishedAt: moment('published_at').notNull().default(clock),
    retiredAt: moment('retired_at'),
    lastUsedAt: moment('last_used_at'),
  },
  (t) => [
    primaryKey({ name: 'operation_pkey', columns: [t.hash, t.client] }),
    check('operation_hash_check', sql`${t.hash} ~ '^[0-9a-f]{64}$'`),
  ],
)

/** Operations that callers began in a minute, over all gateways. */
export const callerMinute = pgTable(
  'caller_minute',
  {
    minute: moment('minute').notNull(),
    actor: text().notNull(),
    operations: int8('operations').notNull(),
  },
  (t) => [primaryKey({ name: 'caller_minute_pkey', columns: [t.minute, t.actor] })],
)

/** The schemas of own subgraphs, by content hash, with the graph composed of them when added. */
export const graphVersion = pgTable('graph_version', {
  version: text().primaryKey(),
  /** The federation schema of each own subgraph. */
  subgraphs: jsonb().$type<Record<string, string>>().notNull(),
  supergraph: text().notNull(),
  addedAt: moment('added_at').notNull().default(clock),
  /** When a gateway last began to serve it; null: never. */
  servedAt: moment('served_at'),
})

/** Which graph was published when; the last one is active. */
export const graphPublication = pgTable(
  'graph_publication',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    version: text().notNull(),
    actor: text().notNull(),
    reason: text().notNull(),
    publishedAt: moment('published_at').notNull().default(clock),
  },
  (t) => [
    foreignKey({
      name: 'graph_publication_version_fkey',
      columns: [t.version],
      foreignColumns: [graphVersion.version],
    }),
  ],
)
