import { type Connector, MessageError, type RecordChange } from '../connectors/contract.ts'
import { isOperational } from '../schema/operational.ts'
import type { TypePolicy } from '../schema/policy.ts'
import { recordKey } from '../schema/recordKey.ts'
import type { Sql, Transaction } from './db/database.ts'
import { lock, lockNumber, lockSlots } from './db/locks.ts'
import { transaction } from './db/transaction.ts'
import { appendChanges } from './feed/append.ts'
import { claim, type Message, postpone } from './ingest/claim.ts'
import { fold } from './ingest/fold.ts'
import { saveOperational } from './ingest/operational.ts'
import { type Outcome, saveOutcomes, settleIncomplete } from './ingest/outcomes.ts'
import { loadById, loadByKey, nextIds, saveMatched, saveRecords, type WholeRecord } from './ingest/records.ts'
import { loadReferring, saveReferences } from './ingest/references.ts'
import { type Mastering, referenceFields, resolve, type Work } from './resolve.ts'

export interface Pipeline extends Mastering {
  sql: Sql
  connectors: ReadonlyMap<string, Pick<Connector, 'read' | 'map'>>
  /** A message that failed this often becomes an exception. */
  attemptsMax: number
  /** Told of a message that failed by itself, before it is tried again. */
  onError(error: unknown, inboxId: number): void
}

/**
 * How many messages a batch may hold so that `workers` of them fit the server's lock table with room for others: each
 * record takes a lock for itself, for its blocking keys, old and new, and for its golden records.
 */
export async function batchRowsMax(sql: Sql, workers: number, wanted: number): Promise<number> {
  return Math.max(1, Math.min(wanted, Math.floor((await lockSlots(sql)) / 2 / workers / locksPerRecord)))
}
const locksPerRecord = 28

export interface Applied {
  claimed: number
  applied: number
  skipped: number
  exceptions: number
  /** Messages put back into the queue after an error, to be tried again. */
  postponed: number
}

/**
 * Applies the next waiting messages, at most `rowsMax`, in one transaction: from the inbox to golden records and events.
 * When a batch fails, its halves are tried, down to the one message that cannot be applied, so the rest is not held up.
 * Throws only when the database itself is away.
 */
export async function applyPending(
  pipeline: Pipeline,
  rowsMax: number,
  only: number[] | null = null,
): Promise<Applied> {
  const inboxIds: number[] = []
  try {
    return await transaction(pipeline.sql, async (tx) => {
      inboxIds.length = 0
      const messages = await claim(tx, rowsMax, only)
      for (const m of messages) inboxIds.push(m.inboxId)
      return await applyBatch(tx, pipeline, messages)
    })
  } catch (error) {
    if (isDatabaseAway(error) || inboxIds.length === 0) throw error
    const [first] = inboxIds
    if (inboxIds.length === 1 && first !== undefined) return await setAside(pipeline, first, error)
    const middle = inboxIds.length >> 1
    const halves = [inboxIds.slice(0, middle), inboxIds.slice(middle)]
    const [a, b] = [await applyPending(pipeline, rowsMax, halves[0]), await applyPending(pipeline, rowsMax, halves[1])]
    return {
      claimed: a.claimed + b.claimed,
      applied: a.applied + b.applied,
      skipped: a.skipped + b.skipped,
      exceptions: a.exceptions + b.exceptions,
      postponed: a.postponed + b.postponed,
    }
  }
}

/** Path 1, on one screen. Everything before `appendChanges` waits for nobody but those who touch the same things. */
async function applyBatch(tx: Transaction, pipeline: Pipeline, messages: Message[]): Promise<Applied> {
  const outcomes: Outcome[] = []
  const changes = messages.flatMap((m) => read(pipeline, m, outcomes))
  await lock(
    tx,
    'record',
    changes.map((c) => lockNumber(c.key)),
  )
  const records = await foldAll(tx, pipeline, changes, outcomes)
  const work: Work = { crosswalk: new Map(), causes: new Map(), changed: new Map(), events: [] }
  for (const r of records) work.causes.set(r.record.key, r.cause)

  for (const type of pipeline.policy.types) {
    const own = records.map((r) => r.record).filter((r) => r.type === type.name)
    const touched = [...own, ...(await referring(tx, pipeline, type, work, own))]
    if (touched.length > 0) await resolve(tx, pipeline, type, touched, work)
  }

  const whole = records.map((r) => r.record)
  const ids = new Set(whole.map((r) => r.id))
  await Promise.all([
    saveRecords(tx, whole),
    saveMatched(
      tx,
      [...work.changed.values()].filter((r) => !ids.has(r.id)),
    ),
    saveReferences(
      tx,
      whole.flatMap((r) => references(pipeline, r)),
    ),
    saveOutcomes(tx, outcomes),
    // After the outcomes: what an incomplete version of this very batch left behind is settled too.
    settleIncomplete(
      tx,
      records.filter((r) => r.settled).map((r) => r.record),
    ),
    ...byType(whole).map(([type, rows]) => (isOperational(type) ? saveOperational(tx, type, rows) : null)),
  ])
  await appendChanges(tx, work.events)
  const exceptions = outcomes.filter((o) => o.outcome === 'EXCEPTION').length
  const skipped = outcomes.length - exceptions
  return { claimed: messages.length, applied: messages.length - outcomes.length, skipped, exceptions, postponed: 0 }
}

interface KeyedChange {
  key: string
  message: Message
  change: RecordChange
}

/** What a message says, or the exception that it is. */
function read(pipeline: Pipeline, message: Message, outcomes: Outcome[]): KeyedChange[] {
  const connector = pipeline.connectors.get(message.source)
  try {
    if (!connector) throw new MessageError('UNKNOWN_SOURCE', `source system "${message.source}" is not configured`)
    return connector
      .read(message.format, message.body, message.object)
      .map((change) => ({ key: recordKey(message.source, change.object, change.sourceId), message, change }))
  } catch (error) {
    if (!(error instanceof MessageError)) throw error
    outcomes.push(outcomeOf(message, 'EXCEPTION', error.code, error.message, error.at))
    return []
  }
}

interface FoldedRecord {
  record: WholeRecord
  cause: { source: string; object: string; sourceId: string; inboxId: number; correlationId: string }
  /** It was waiting for required fields and has them now. */
  settled: boolean
}

/** Lays the changes over what is stored, record by record, and maps what came out of it. */
async function foldAll(
  tx: Transaction,
  pipeline: Pipeline,
  changes: KeyedChange[],
  outcomes: Outcome[],
): Promise<FoldedRecord[]> {
  const stored = new Map((await loadByKey(tx, [...new Set(changes.map((c) => c.key))])).map((r) => [r.key, r]))
  const fresh = [...new Set(changes.map((c) => c.key))].filter((key) => !stored.has(key))
  const newIds = await nextIds(tx, fresh.length)
  const ids = new Map(fresh.map((key, i) => [key, newIds[i] ?? 0]))
  const folded = new Map<string, FoldedRecord>()
  for (const { key, message, change } of changes) {
    const known = folded.get(key)?.record ?? stored.get(key) ?? null
    const result = fold(known, change, message.receivedAt.getTime() * 1000)
    if ('skipped' in result) {
      const detail =
        result.skipped === 'NOT_NEWER' ? 'what is stored is as new or newer' : 'the content is what is stored'
      outcomes.push(outcomeOf(message, 'SKIPPED', result.skipped, detail, change))
      continue
    }
    const connector = pipeline.connectors.get(message.source)
    if (!connector) continue
    const canonical = connector.map(change.object, result.state.raw)
    const complete = canonical.complete || result.state.deleted
    if (!complete) {
      const issue = canonical.issues[0]
      outcomes.push(
        outcomeOf(
          message,
          'EXCEPTION',
          'INCOMPLETE',
          `${issue?.field ?? ''}: ${issue?.detail ?? 'required fields are missing'}`,
          { ...change, field: issue?.field },
        ),
      )
    }
    const wasIncomplete = known !== null && !known.complete
    folded.set(key, {
      record: {
        id: known?.id ?? ids.get(key) ?? 0,
        key,
        source: message.source,
        object: change.object,
        sourceId: change.sourceId,
        type: canonical.type,
        ...result.state,
        complete,
        canonical: canonical.fields,
        issues: canonical.issues,
        features: known?.features ?? null,
        featuresVersion: known?.featuresVersion ?? null,
        keys: known?.keys ?? [],
        goldenId: known?.goldenId ?? null,
        inboxId: message.inboxId,
      },
      cause: {
        source: message.source,
        object: change.object,
        sourceId: change.sourceId,
        inboxId: message.inboxId,
        correlationId: message.correlationId,
      },
      settled: complete && wasIncomplete,
    })
  }
  return [...folded.values()]
}

/**
 * Records of this type that name others whose golden id has changed: they are compared again, for the same cause. The
 * lock on what is named keeps a reference and its target from passing each other unseen in two transactions.
 */
async function referring(tx: Transaction, pipeline: Pipeline, type: TypePolicy, work: Work, own: WholeRecord[]) {
  if (type.after.length === 0) return []
  const named = own.flatMap((r) => references(pipeline, r).flatMap((x) => x.targets))
  await lock(tx, 'reference', [...named, ...work.crosswalk.keys()].map(lockNumber))
  const have = new Set(own.map((r) => r.id))
  const found = (await loadReferring(tx, [...work.crosswalk.keys()], type.name)).filter((f) => !have.has(f.recordId))
  for (const f of found) {
    const cause = work.causes.get(f.target)
    if (cause) work.causes.set(f.key, cause)
  }
  await lock(
    tx,
    'record',
    found.map((f) => lockNumber(f.key)),
  )
  return await loadById(tx, [...new Set(found.map((f) => f.recordId))])
}

function references(pipeline: Pipeline, r: WholeRecord): { recordId: number; targets: string[] }[] {
  const type = pipeline.policy.types.find((t) => t.name === r.type)
  if (!type || type.after.length === 0) return []
  const targets = referenceFields(type).map((f) => r.canonical[f])
  return [{ recordId: r.id, targets: targets.filter((t): t is string => typeof t === 'string') }]
}

function byType(
  records: WholeRecord[],
): [string, { recordId: number; deleted: boolean; fields: Record<string, unknown> }[]][] {
  return [...Map.groupBy(records, (r) => r.type)].map(([type, rows]) => [
    type,
    rows.map((r) => ({ recordId: r.id, deleted: r.deleted || !r.complete, fields: r.canonical })),
  ])
}

function outcomeOf(
  message: Message,
  outcome: Outcome['outcome'],
  code: string,
  detail: string,
  at: { object?: string | undefined; sourceId?: string | undefined; field?: string | undefined },
): Outcome {
  return {
    inboxId: message.inboxId,
    outcome,
    code,
    detail,
    source: message.source,
    object: at.object ?? message.object,
    sourceId: at.sourceId ?? null,
    field: at.field ?? null,
  }
}

/** One message that failed by itself: back into the queue with a pause, after the last attempt an exception. */
async function setAside(pipeline: Pipeline, inboxId: number, error: unknown): Promise<Applied> {
  pipeline.onError(error, inboxId)
  return await transaction(pipeline.sql, async (tx) => {
    const attempts = await postpone(tx, inboxId)
    if (attempts < pipeline.attemptsMax) return { claimed: 1, applied: 0, skipped: 0, exceptions: 0, postponed: 1 }
    const [message] = await claim(tx, 1, [inboxId])
    const detail = error instanceof Error ? error.message : String(error)
    if (message) await saveOutcomes(tx, [outcomeOf(message, 'EXCEPTION', 'NOT_APPLICABLE', detail, {})])
    return { claimed: 1, applied: 0, skipped: 0, exceptions: 1, postponed: 0 }
  })
}

/** Connection trouble and shutdown (SQLSTATE classes 08, 57P and 53): the message is not to blame, and waits. */
function isDatabaseAway(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return /^(08|57P|53)/.test(code) || /^(CONNECTION_|CONNECT_|ECONN|EPIPE|ETIMEDOUT)/.test(code)
}
