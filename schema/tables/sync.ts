import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  unique,
  uuid,
} from 'drizzle-orm/pg-core'
import { clock, int8, moment, oneOf } from './columns.ts'

const STATES = ['IDLE', 'RUNNING', 'PAUSED', 'FAILED', 'RESCAN'] as const
const REQUESTS = ['RUN', 'CENSUS'] as const
const MODES = ['FULL', 'DELTA', 'CENSUS'] as const
const RUN_STATES = ['RUNNING', 'DONE', 'FAILED', 'STOPPED', 'LOST'] as const

/** How far one object of a source system is pulled. */
export const syncState = pgTable(
  'sync_state',
  {
    source: text().notNull(),
    object: text().notNull(),
    state: text({ enum: STATES }).notNull().default('IDLE'),
    since: moment('since').notNull().default(clock),
    /** Why it is paused, failed or read as a whole again. */
    code: text(),
    detail: text(),
    verdict: text(),
    /** Attempts that failed since the last page was stored. */
    attempts: integer().notNull().default(0),
    failedSince: moment('failed_since'),
    /** The person who made the last request about it, and the key of that request. */
    actor: text(),
    requestKey: text('request_key'),
    /** When the next run is due. */
    dueAt: moment('due_at').notNull().default(clock),
    /** A run that a person asked for. */
    requested: text({ enum: REQUESTS }),
    /** Stored in the transaction of the page before it; null: the object is read as a whole. */
    position: jsonb(),
    positionAt: moment('position_at'),
    expiresAt: moment('expires_at'),
    /** Whether the position lies within a run, not between two. */
    withinRun: boolean('within_run').notNull().default(false),
    /** Since when the object is read as a whole again. */
    rescanSince: moment('rescan_since'),
    rows: int8('rows').notNull().default(0),
    /** Rows in total, where the system announces them. */
    announced: int8('announced'),
    successAt: moment('success_at'),
    censusAt: moment('census_at'),
    /** The last message of the object that was put into the inbox. */
    inboxId: int8('inbox_id').notNull().default(0),
    /** Records that a census would delete, more than it may without being asked. */
    censusMissing: int8('census_missing'),
    /** Records that a person allowed the next census to delete. */
    censusAllowed: int8('census_allowed'),
    /** Grows with each claim: an earlier holder stores nothing any more. */
    fence: int8('fence').notNull().default(0),
    /** Why records that events named could not be read, and when it is tried again. */
    hintCode: text('hint_code'),
    hintDetail: text('hint_detail'),
    hintAttempts: integer('hint_attempts').notNull().default(0),
    hintsDueAt: moment('hints_due_at'),
    leasedBy: uuid('leased_by'),
    leasedUntil: moment('leased_until'),
  },
  (t) => [
    primaryKey({ name: 'sync_state_pkey', columns: [t.source, t.object] }),
    oneOf('sync_state', t.state, STATES),
    oneOf('sync_state', t.requested, REQUESTS),
  ],
)

/** The history of runs. */
export const syncRun = pgTable(
  'sync_run',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    source: text().notNull(),
    object: text().notNull(),
    mode: text({ enum: MODES }).notNull(),
    state: text({ enum: RUN_STATES }).notNull().default('RUNNING'),
    beganAt: moment('began_at').notNull().default(clock),
    endedAt: moment('ended_at'),
    pages: int8('pages').notNull().default(0),
    rows: int8('rows').notNull().default(0),
    /** Messages that were new; the others were known. */
    messages: int8('messages').notNull().default(0),
    deletions: int8('deletions').notNull().default(0),
    requests: int8('requests').notNull().default(0),
    retries: int8('retries').notNull().default(0),
    waits: int8('waits').notNull().default(0),
    code: text(),
    detail: text(),
    verdict: text(),
  },
  (t) => [
    oneOf('sync_run', t.mode, MODES),
    oneOf('sync_run', t.state, RUN_STATES),
    index('sync_run_object').on(t.source, t.object, t.id),
    index('sync_run_open').on(t.source, t.object).where(sql`${t.endedAt} is null`),
    index('sync_run_ended').on(t.endedAt),
  ],
)

/**
 * Records that events named, to be read again. The id is empty where an event named the object
 * alone.
 */
export const readHint = pgTable(
  'read_hint',
  {
    source: text().notNull(),
    /** The object as the connection names it. */
    object: text().notNull(),
    id: text().notNull(),
    /** Whether an event stated that the record is gone. */
    gone: boolean().notNull().default(false),
    /** Grows with each event: one that comes while the record is read is not removed with it. */
    times: int8('times').notNull().default(1),
    since: moment('since').notNull().default(clock),
    hintedAt: moment('hinted_at').notNull().default(clock),
    dueAt: moment('due_at').notNull().default(clock),
    /** Why it stays, after an attempt. */
    attempts: integer().notNull().default(0),
    code: text(),
    detail: text(),
    /** That of the first delivery. */
    correlationId: uuid('correlation_id').notNull(),
  },
  (t) => [
    primaryKey({ name: 'read_hint_pkey', columns: [t.source, t.object, t.id] }),
    index('read_hint_due').on(t.source, t.object, t.dueAt),
  ],
)

/** Requests that processes have taken of a rate of a credential: until `free_at` they count. */
export const requestSlice = pgTable(
  'request_slice',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    /** Names credential and limit. */
    rate: text().notNull(),
    places: integer().notNull(),
    freeAt: moment('free_at').notNull(),
  },
  (t) => [index('request_slice_rate').on(t.rate, t.freeAt)],
)

/** Requests at one time that a process holds of a limit of a credential (ADR 0112): until `free_at` they count. */
export const requestPlace = pgTable(
  'request_place',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    /** Names credential and limit. */
    credentialLimit: text('credential_limit').notNull(),
    places: integer().notNull(),
    /** Since when it waits; the earliest come first where there are more processes than places. */
    turn: moment('turn').notNull(),
    freeAt: moment('free_at').notNull(),
  },
  (t) => [index('request_place_limit').on(t.credentialLimit)],
)

/** Records that a census under way has found in the system, by record key. */
export const censusSeen = pgTable(
  'census_seen',
  { runId: int8('run_id').notNull(), key: uuid().notNull() },
  (t) => [primaryKey({ name: 'census_seen_pkey', columns: [t.runId, t.key] })],
)

const DELIVERY_STATES = ['WAITING', 'READING', 'DONE', 'REFUSED', 'MISSING'] as const
const MOVES = ['ARCHIVE', 'ERRORS'] as const

/** One content of one file that a source system put into a place for files. */
export const fileDelivery = pgTable(
  'file_delivery',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    source: text().notNull(),
    /** Empty for a manifest. */
    object: text().notNull(),
    place: text().notNull(),
    name: text().notNull(),
    /** Counts the contents under this name. */
    version: integer().notNull().default(1),
    /** As the list of the place shows it; null for a file that has not come. */
    bytes: int8('bytes'),
    stamp: text(),
    modifiedAt: moment('modified_at'),
    /** Of the content; null until it was read for the first time. */
    sha256: text(),
    /** The number in its name, within the series. */
    sequence: int8('sequence'),
    series: text().notNull().default(''),
    state: text({ enum: DELIVERY_STATES }).notNull().default('WAITING'),
    /** Whether later files wait for it: it was refused or is missing, and nobody has decided. */
    holdsBack: boolean('holds_back').notNull().default(false),
    code: text(),
    detail: text(),
    /** Rows that were put into the inbox: where reading goes on. */
    rows: int8('rows').notNull().default(0),
    /** Messages that were new; the others were known. */
    messages: int8('messages').notNull().default(0),
    correlationId: uuid('correlation_id').notNull().defaultRandom(),
    /** The message of the inbox that is its exception. */
    exceptionId: int8('exception_id'),
    /** Since when this content is in the place. */
    seenAt: moment('seen_at').notNull().default(clock),
    beganAt: moment('began_at'),
    endedAt: moment('ended_at'),
    /** Where it is moved after its end, and since when it is there. */
    move: text({ enum: MOVES }),
    movedAt: moment('moved_at'),
  },
  (t) => [
    oneOf('file_delivery', t.state, DELIVERY_STATES),
    oneOf('file_delivery', t.move, MOVES),
    unique('file_delivery_version').on(t.source, t.object, t.place, t.name, t.version),
    index('file_delivery_content').on(t.source, t.object, t.place, t.sha256),
    index('file_delivery_ended').on(t.source, t.object, t.place, t.endedAt),
    index('file_delivery_sequence').on(t.source, t.object, t.place, t.series, t.sequence),
    index('file_delivery_open')
      .on(t.source, t.object, t.place)
      .where(
        sql`${t.state} in ('WAITING', 'READING', 'MISSING') or ${t.holdsBack} or (${t.move} is not null and ${t.movedAt} is null)`,
      ),
  ],
)
