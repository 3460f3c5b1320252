import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  customType,
  doublePrecision,
  integer,
  json,
  jsonb,
  pgTable,
  primaryKey,
  real,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core'

export const bytea = customType<{ data: Uint8Array }>({ dataType: () => 'bytea' })
const moment = (name: string) => timestamp(name, { withTimezone: true })
const now = sql`clock_timestamp()`

/** One action of a steward, or the proposal of one. */
export const action = pgTable('action', {
  id: uuid().primaryKey().defaultRandom(),
  kind: text().notNull(),
  type: text(),
  state: text({ enum: ['PROPOSED', 'DONE', 'UNDONE', 'DECLINED', 'WITHDRAWN', 'EXPIRED'] }).notNull(),
  input: jsonb().notNull(),
  expected: jsonb().$type<Record<string, number>>().notNull(),
  actor: text().notNull(),
  reason: text().notNull(),
  idempotencyKey: text('idempotency_key').notNull(),
  correlationId: text('correlation_id').notNull(),
  subjects: uuid().array().notNull(),
  before: jsonb().$type<[goldenId: string, keys: string[]][]>().notNull(),
  effect: jsonb().$type<{ goldenId: string; op: string; version: number }[]>().notNull(),
  approval: text().array().notNull(),
  stake: doublePrecision().notNull(),
  undoes: uuid(),
  number: bigint({ mode: 'number' }),
  proposedAt: moment('proposed_at').notNull().default(now),
  expiresAt: moment('expires_at'),
  doneAt: moment('done_at'),
  decidedBy: text('decided_by'),
  decision: text(),
})

/** A steward's lasting statements; withdrawn, never changed. */
export const assertion = pgTable('assertion', {
  id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
  kind: text({ enum: ['SAME', 'NOT_SAME', 'VALUE', 'RETIRED'] }).notNull(),
  a: uuid().notNull(),
  b: uuid(),
  field: text(),
  value: jsonb(),
  actor: text().notNull(),
  reason: text().notNull(),
  at: moment('at').notNull().default(now),
  actionId: uuid('action_id').notNull(),
  expiresAt: moment('expires_at'),
})

export const withdrawal = pgTable(
  'withdrawal',
  { assertionId: bigint('assertion_id', { mode: 'number' }).notNull(), actionId: uuid('action_id').notNull() },
  (t) => [primaryKey({ columns: [t.assertionId, t.actionId] })],
)

/** Assertions that stand now. */
export const standing = pgTable('standing', {
  assertionId: bigint('assertion_id', { mode: 'number' }).primaryKey(),
  kind: text({ enum: ['SAME', 'NOT_SAME', 'VALUE', 'RETIRED'] }).notNull(),
  a: uuid().notNull(),
  b: uuid(),
  field: text(),
  value: jsonb(),
  expiresAt: moment('expires_at'),
})

/** Hash-chained; `body` is the text that was hashed. */
export const audit = pgTable('audit', {
  id: bigint({ mode: 'number' }).primaryKey(),
  at: moment('at').notNull(),
  body: json().notNull(),
  actor: text(),
  event: text(),
  actionId: text('action_id'),
  hash: bytea().notNull(),
})

export const auditHead = pgTable('audit_head', {
  one: boolean().primaryKey().default(true),
  id: bigint({ mode: 'number' }).notNull(),
  hash: bytea().notNull(),
})

/** What waits for a steward. */
export const task = pgTable('task', {
  id: uuid().primaryKey(),
  kind: text().notNull(),
  type: text().notNull(),
  subject: uuid().array().notNull(),
  state: text({ enum: ['OPEN', 'CLOSED'] }).notNull(),
  reason: text().notNull(),
  weight: real(),
  stake: doublePrecision().notNull(),
  priority: doublePrecision().notNull(),
  assignee: text(),
  dueAt: moment('due_at').notNull(),
  deferredUntil: moment('deferred_until'),
  escalated: boolean().notNull(),
  createdAt: moment('created_at').notNull().default(now),
  updatedAt: moment('updated_at').notNull().default(now),
  closedAt: moment('closed_at'),
  closedBecause: text('closed_because'),
  weighedAt: moment('weighed_at').notNull().default(now),
})

export const taskComment = pgTable('task_comment', {
  id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
  taskId: uuid('task_id').notNull(),
  actor: text().notNull(),
  body: text().notNull(),
  at: moment('at').notNull().default(now),
})

/** Policies that were published, as they were read. */
export const policy = pgTable('policy', {
  version: text().primaryKey(),
  model: jsonb().$type<Record<string, string>>().notNull(),
  parameters: jsonb().$type<Record<string, unknown>>().notNull(),
  addedAt: moment('added_at').notNull().default(now),
})

/** One step from one policy to the next; the last one is in force. */
export const publication = pgTable('publication', {
  id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
  version: text().notNull(),
  state: text({ enum: ['RUNNING', 'DONE'] }).notNull(),
  actor: text().notNull(),
  reason: text().notNull(),
  done: integer().notNull().default(0),
  events: integer().notNull().default(0),
  positionBefore: bigint('position_before', { mode: 'number' }).notNull(),
  positionAfter: bigint('position_after', { mode: 'number' }),
  startedAt: moment('started_at').notNull().default(now),
  finishedAt: moment('finished_at'),
  actionId: uuid('action_id'),
  total: integer(),
  problem: text(),
})

/** Matching models trained on the store; those whose parameters the policy in force holds are in force. */
export const matchModel = pgTable('match_model', {
  version: text().primaryKey(),
  type: text().notNull(),
  policyVersion: text('policy_version').notNull(),
  units: jsonb().$type<unknown[]>().notNull(),
  parameters: jsonb().$type<Record<string, unknown>>().notNull(),
  records: integer().notNull(),
  pairs: bigint({ mode: 'number' }).notNull(),
  labels: integer().notNull(),
  absent: text().array().notNull(),
  actor: text().notNull(),
  trainedAt: moment('trained_at').notNull().default(now),
})
