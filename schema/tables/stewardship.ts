import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  doublePrecision,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  real,
  text,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'
import { bytea, clock, int8, json, moment, oneOf, oneRow } from './columns.ts'

const ACTION_STATES = ['PROPOSED', 'DONE', 'UNDONE', 'DECLINED', 'WITHDRAWN', 'EXPIRED'] as const
const ASSERTION_KINDS = ['SAME', 'NOT_SAME', 'VALUE', 'RETIRED'] as const
const TASK_STATES = ['OPEN', 'CLOSED'] as const
const PUBLICATION_STATES = ['RUNNING', 'DONE', 'REFUSED'] as const

/** One action of a steward, or the proposal of one. */
export const action = pgTable(
  'action',
  {
    id: uuid().primaryKey().defaultRandom(),
    kind: text().notNull(),
    type: text(),
    state: text({ enum: ACTION_STATES }).notNull(),
    input: jsonb().notNull(),
    expected: jsonb().$type<Record<string, number>>().notNull(),
    actor: text().notNull(),
    reason: text().notNull(),
    idempotencyKey: text('idempotency_key').notNull(),
    correlationId: text('correlation_id').notNull(),
    subjects: uuid().array().notNull(),
    before: jsonb().$type<[goldenId: string, keys: string[]][]>().notNull().default([]),
    effect: jsonb()
      .$type<{ goldenId: string; op: string; version: number }[]>()
      .notNull()
      .default([]),
    approval: text().array().notNull().default(sql`'{}'`),
    stake: doublePrecision().notNull().default(0),
    undoes: uuid(),
    number: int8('number'),
    proposedAt: moment('proposed_at').notNull().default(clock),
    expiresAt: moment('expires_at'),
    doneAt: moment('done_at'),
    decidedBy: text('decided_by'),
    decision: text(),
  },
  (t) => [
    unique('action_actor_idempotency_key_key').on(t.actor, t.idempotencyKey),
    oneOf('action', t.state, ACTION_STATES),
    foreignKey({ name: 'action_undoes_fkey', columns: [t.undoes], foreignColumns: [t.id] }),
    index('action_subjects').using('gin', t.subjects),
    index('action_proposed').on(t.proposedAt).where(sql`${t.state} = 'PROPOSED'`),
    index('action_recent').on(t.number.desc().nullsFirst()).where(sql`${t.number} is not null`),
    index('action_correlation').on(t.correlationId),
    index('action_place').on(t.proposedAt.desc().nullsFirst(), t.id.desc().nullsFirst()),
  ],
)

/** A steward's lasting statements; withdrawn, never changed. */
export const assertion = pgTable(
  'assertion',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    kind: text({ enum: ASSERTION_KINDS }).notNull(),
    a: uuid().notNull(),
    b: uuid(),
    field: text(),
    value: jsonb(),
    actor: text().notNull(),
    reason: text().notNull(),
    at: moment('at').notNull().default(clock),
    actionId: uuid('action_id').notNull(),
    expiresAt: moment('expires_at'),
  },
  (t) => [
    oneOf('assertion', t.kind, ASSERTION_KINDS),
    foreignKey({
      name: 'assertion_action_id_fkey',
      columns: [t.actionId],
      foreignColumns: [action.id],
    }),
    index('assertion_action').on(t.actionId),
    index('assertion_a').on(t.a),
    index('assertion_b').on(t.b),
  ],
)

export const withdrawal = pgTable(
  'withdrawal',
  { assertionId: int8('assertion_id').notNull(), actionId: uuid('action_id').notNull() },
  (t) => [
    primaryKey({ name: 'withdrawal_pkey', columns: [t.assertionId, t.actionId] }),
    foreignKey({
      name: 'withdrawal_assertion_id_fkey',
      columns: [t.assertionId],
      foreignColumns: [assertion.id],
    }),
    foreignKey({
      name: 'withdrawal_action_id_fkey',
      columns: [t.actionId],
      foreignColumns: [action.id],
    }),
    index('withdrawal_action').on(t.actionId),
  ],
)

/** Assertions that are not withdrawn. */
export const standing = pgTable(
  'standing',
  {
    assertionId: int8('assertion_id').primaryKey(),
    kind: text({ enum: ASSERTION_KINDS }).notNull(),
    a: uuid().notNull(),
    b: uuid(),
    field: text(),
    value: jsonb(),
    expiresAt: moment('expires_at'),
  },
  (t) => [
    foreignKey({
      name: 'standing_assertion_id_fkey',
      columns: [t.assertionId],
      foreignColumns: [assertion.id],
    }),
    index('standing_a').on(t.a),
    index('standing_b').on(t.b),
    index('standing_expires').on(t.expiresAt).where(sql`${t.expiresAt} is not null`),
  ],
)

/** The hash-chained log; `body` is the text that was hashed. */
export const audit = pgTable(
  'audit',
  {
    id: int8('id').primaryKey(),
    at: moment('at').notNull(),
    body: json().notNull(),
    actor: text().generatedAlwaysAs(sql`body ->> 'actor'`),
    event: text().generatedAlwaysAs(sql`body ->> 'event'`),
    actionId: text('action_id').generatedAlwaysAs(sql`body ->> 'action'`),
    hash: bytea().notNull(),
    keyId: text('key_id'),
    endorsement: bytea(),
  },
  (t) => [
    index('audit_action').on(t.actionId, t.id),
    index('audit_actor').on(t.actor, t.id),
    index('audit_event').on(t.event, t.id),
  ],
)

export const auditHead = pgTable(
  'audit_head',
  {
    one: boolean().primaryKey().default(true),
    id: int8('id').notNull(),
    hash: bytea().notNull(),
    chain: uuid().notNull().defaultRandom(),
    keys: text().array().notNull().default(sql`'{}'`),
    startId: int8('start_id').notNull().default(0),
    startHash: bytea('start_hash').notNull().default(sql`'\\x'`),
  },
  (t) => [oneRow('audit_head', t.one)],
)

/** Work that waits for a steward. */
export const task = pgTable(
  'task',
  {
    id: uuid().primaryKey(),
    kind: text().notNull(),
    type: text().notNull(),
    subject: uuid().array().notNull(),
    state: text({ enum: TASK_STATES }).notNull(),
    reason: text().notNull(),
    weight: real(),
    stake: doublePrecision().notNull().default(0),
    priority: doublePrecision().notNull(),
    assignee: text(),
    dueAt: moment('due_at').notNull(),
    deferredUntil: moment('deferred_until'),
    escalated: boolean().notNull().default(false),
    createdAt: moment('created_at').notNull().default(clock),
    updatedAt: moment('updated_at').notNull().default(clock),
    closedAt: moment('closed_at'),
    closedBecause: text('closed_because'),
    weighedAt: moment('weighed_at').notNull().default(clock),
    owner: text(),
  },
  (t) => {
    const open = sql`${t.state} = 'OPEN'`
    const priority = () => t.priority.desc().nullsFirst()
    return [
      oneOf('task', t.state, TASK_STATES),
      index('task_open').on(priority(), t.id).where(open),
      index('task_open_kind').on(t.kind, t.type, priority(), t.id).where(open),
      index('task_open_assignee').on(t.assignee, priority(), t.id).where(open),
      index('task_facets').on(t.kind, t.type, t.assignee, t.deferredUntil).where(open),
      index('task_overdue').on(t.dueAt, t.deferredUntil).where(open),
      index('task_due').on(t.dueAt).where(sql`${open} and not ${t.escalated}`),
      index('task_weighed').on(t.weighedAt).where(open),
      index('task_closed').on(priority(), t.id).where(sql`${t.state} = 'CLOSED'`),
      index('task_updated').on(t.updatedAt, t.id),
      index('task_subject').using('gin', t.subject),
    ]
  },
)

/** Rings of parents; the graph leaves out the parent of `goldenId`. */
export const hierarchyRing = pgTable('hierarchy_ring', {
  goldenId: uuid('golden_id').primaryKey(),
  type: text().notNull(),
  members: uuid().array().notNull(),
  foundAt: moment('found_at').notNull().default(clock),
})

/** Golden types whose hierarchy was examined as a whole. */
export const hierarchyExamined = pgTable('hierarchy_examined', {
  type: text().primaryKey(),
  at: moment('at').notNull().default(clock),
})

export const taskComment = pgTable(
  'task_comment',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    taskId: uuid('task_id').notNull(),
    actor: text().notNull(),
    body: text().notNull(),
    at: moment('at').notNull().default(clock),
  },
  (t) => [
    foreignKey({
      name: 'task_comment_task_id_fkey',
      columns: [t.taskId],
      foreignColumns: [task.id],
    }),
    index('task_comment_task').on(t.taskId, t.id),
  ],
)

/** Published policies, as they were read. */
export const policy = pgTable('policy', {
  version: text().primaryKey(),
  model: jsonb().$type<Record<string, string>>().notNull(),
  parameters: jsonb().$type<Record<string, unknown>>().notNull(),
  addedAt: moment('added_at').notNull().default(clock),
})

/** Programs, with their version, that found that they can serve a policy. */
export const policyCheck = pgTable(
  'policy_check',
  {
    version: text().notNull(),
    program: text().notNull(),
    at: moment('at').notNull().default(clock),
  },
  (t) => [
    primaryKey({ name: 'policy_check_pkey', columns: [t.version, t.program] }),
    foreignKey({
      name: 'policy_check_version_fkey',
      columns: [t.version],
      foreignColumns: [policy.version],
    }).onDelete('cascade'),
  ],
)

/** One step from one policy to the next; the last one that was not refused is active. */
export const publication = pgTable(
  'publication',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    version: text().notNull(),
    state: text({ enum: PUBLICATION_STATES }).notNull(),
    actor: text().notNull(),
    reason: text().notNull(),
    /** Records processed so far; `total` is the expected number, null while it is unknown. */
    done: integer().notNull().default(0),
    events: integer().notNull().default(0),
    positionBefore: int8('position_before').notNull(),
    positionAfter: int8('position_after'),
    startedAt: moment('started_at').notNull().default(clock),
    finishedAt: moment('finished_at'),
    actionId: uuid('action_id'),
    total: integer(),
    /** The error that ended the last attempt, or why the policy was refused. */
    problem: text(),
  },
  (t) => [
    oneOf('publication', t.state, PUBLICATION_STATES),
    foreignKey({
      name: 'publication_version_fkey',
      columns: [t.version],
      foreignColumns: [policy.version],
    }),
    foreignKey({
      name: 'publication_action_id_fkey',
      columns: [t.actionId],
      foreignColumns: [action.id],
    }),
    uniqueIndex('publication_running').on(sql`(true)`).where(sql`${t.state} = 'RUNNING'`),
  ],
)
