import { isDeepStrictEqual } from 'node:util'
import { type Canonical, MessageError, type RecordChange } from '../../connectors/contract.ts'
import type { Cause } from '../../schema/events.ts'
import { recordKey } from '../../schema/recordKey.ts'
import type { Transaction } from '../db/database.ts'
import { lock, lockNumber } from '../db/locks.ts'
import { heldRaw } from '../echo/heldRaw.ts'
import type { Message } from '../inbox/claim.ts'
import { loadNotCompared } from '../inbox/notCompared.ts'
import { dropOutcomes, type Outcome, outcomeOf, perMessage } from '../inbox/outcomes.ts'
import type { RecordState } from '../records/fold.ts'
import { loadByKey, nextIds, saveRaw, type WholeRecord } from '../records/records.ts'
import { mapCreated } from './createdRecord.ts'
import { StepError } from './failure.ts'
import { foldWritten, type WrittenRecord } from './foldWritten.ts'
import { differs } from './mapAgain.ts'
import { foldChange, issuesOf, type Reader, readTies } from './ties.ts'
import { leadsTooFar, versionLeadHoursMax } from './versionLead.ts'
import { loadWrittenRecords, nameCreated, saveWrittenRecords } from './writtenRecords.ts'

type Connectors = ReadonlyMap<string, Reader>

export interface AppliedMessages {
  /** Records that the messages change, in their new form; not written yet. */
  records: ArrivedRecord[]
  /** Records that the messages name but do not change. */
  unchanged: ArrivedRecord[]
  /** Records of which only the stamps change. */
  restamped: WholeRecord[]
  outcomes: Outcome[]
}

/**
 * Turns messages into source records: reads each message, locks its records, folds its changes into
 * the stored state and maps the result to canonical form. A message without anything new, or that
 * cannot be used, becomes an outcome.
 */
export async function applyMessages(
  tx: Transaction,
  connectors: Connectors,
  messages: Message[],
): Promise<AppliedMessages> {
  const outcomes: Outcome[] = []
  const changes = messages.flatMap((m) => read(connectors, m, outcomes))
  // With the record that a stated golden id names: of two that arrive at once, one sees the other.
  await lock(
    tx,
    'record',
    changes.flatMap((c) => [c.key, goldenIdIn(connectors, c) ?? c.key]).map(lockNumber),
  )
  const { stillWaiting, ...folded } = await foldAll(tx, connectors, changes, outcomes)
  const parts = new Map<number, number>()
  for (const { message } of changes)
    parts.set(message.inboxId, (parts.get(message.inboxId) ?? 0) + 1)
  const settled = perMessage(outcomes, parts)
  const stillOpen = new Set([...settled.map((o) => o.inboxId), ...stillWaiting])
  await dropOutcomes(
    tx,
    messages.filter((m) => m.replay && !stillOpen.has(m.inboxId)).map((m) => m.inboxId),
  )
  return {
    ...folded,
    outcomes: settled.filter((o) => o.outcome === 'EXCEPTION' || !stillWaiting.has(o.inboxId)),
  }
}

interface KeyedChange {
  key: string
  message: Message
  change: RecordChange
}

/** Returns the changes of a message, or adds its exception to `outcomes`. */
function read(connectors: Connectors, message: Message, outcomes: Outcome[]): KeyedChange[] {
  const connector = connectors.get(message.source)
  try {
    if (!connector)
      throw new MessageError(
        'UNKNOWN_SOURCE',
        `source system "${message.source}" is not configured`,
      )
    return own('reading', () => connector.read(message.format, message.body, message.object))
      .filter((change) => {
        const detail = tooFarAhead(change, message)
        if (detail !== null)
          outcomes.push(outcomeOf(message, 'EXCEPTION', 'INVALID_VERSION', detail, change))
        return detail === null
      })
      .map((change) => ({
        key: recordKey(message.source, change.object, change.sourceId),
        message,
        change,
      }))
  } catch (error) {
    if (!(error instanceof MessageError)) throw error
    outcomes.push(outcomeOf(message, 'EXCEPTION', error.code, error.message, error.at))
    return []
  }
}

/**
 * Runs connector code. Its errors belong to the message, whatever their code: one that looks like a
 * lost connection would otherwise pass for an unavailable database and block all messages for ever.
 */
function own<T>(step: string, run: () => T): T {
  try {
    return run()
  } catch (thrown) {
    throw thrown instanceof MessageError ? thrown : new StepError(step, thrown)
  }
}

/** Returns why a version leads the clock too far, or null. */
function tooFarAhead(change: RecordChange, { receivedAt }: Message): string | null {
  const version = Number(change.version ?? 0)
  if (!leadsTooFar(version, receivedAt)) return null
  const days = Math.round((version / 1_000 - receivedAt.getTime()) / 86_400_000)
  return `its version is ${days} days after it was received; at most ${versionLeadHoursMax} hours, or nothing later would count`
}

export interface ArrivedRecord {
  record: WholeRecord
  /** As it was before this transaction; null if it is new. */
  stored: WholeRecord | null
  cause: Cause
  /** True if the record waited for required fields and has them now. */
  settled: boolean
  /** True if nobody can know which of its statements is the latest, or could not before. */
  doubted: boolean
}

function isDoubted(state: Pick<RecordState, 'tied'> | null): boolean {
  return state?.tied != null && state.tied.doubt.length > 0
}

/** Returns the columns of a record that say when its parts were stated. */
function stampsOf({ version, tie, fieldVersions, tied }: RecordState) {
  return { version, tie, fieldVersions, tied }
}

const skipDetails = {
  NOT_NEWER: 'what is stored is as new or newer',
  UNCHANGED: 'the content is what is stored',
  ECHO: 'it follows from what was written to the system, and nothing else is new',
} as const

/** Folds the changes into the stored state, record by record, and maps the result. */
async function foldAll(
  tx: Transaction,
  connectors: Connectors,
  changes: KeyedChange[],
  outcomes: Outcome[],
): Promise<
  Pick<AppliedMessages, 'records' | 'unchanged' | 'restamped'> & { stillWaiting: Set<number> }
> {
  const [found, before] = await Promise.all([
    loadByKey(tx, [...new Set(changes.map((c) => c.key))]),
    loadWrittenRecords(tx, changes),
  ])
  const stored = new Map(found.map((r) => [r.key, r]))
  const unknown = changes.filter((c) => !stored.has(c.key) && !before.records.has(c.key))
  const named = await nameCreated(tx, unknown, connectors)
  const written = named ? await loadWrittenRecords(tx, changes) : before
  const fresh = [...new Set(changes.map((c) => c.key))].filter((key) => !stored.has(key))
  const newIds = await nextIds(tx, fresh.length)
  const ids = new Map(fresh.map((key, i) => [key, newIds[i] ?? 0]))
  const folded = new Map<string, ArrivedRecord>()
  const unchanged = new Map<string, ArrivedRecord>()
  const restamped = new Map<string, WholeRecord>()
  const stillWaiting = new Set<number>()
  const replayed = changes.flatMap((c) => (c.message.replay ? [c.message.inboxId] : []))
  const notCompared = await loadNotCompared(tx, replayed)
  const ties = await readTies(tx, changes, stored)
  const foldedWritten = new Map<string, WrittenRecord>()
  const recordOf = (key: string) => foldedWritten.get(key) ?? written.records.get(key)
  const foldOne = (known: RecordState | null, item: KeyedChange, connector: Reader) => {
    const record = recordOf(item.key)
    if (!record) return foldChange(known, item, connector, ties)
    const result = foldWritten(known, item, connector, ties, record, written.logged)
    foldedWritten.set(item.key, result.record)
    return result
  }
  /** Keeps new stamps of a record whose content stays; a new doubt is an issue, and so a change. */
  const restate = (known: WholeRecord, state: RecordState, cause: Cause) => {
    const issues = issuesOf(known, state.tied)
    const record = { ...known, ...stampsOf(state), raw: state.raw, issues }
    const arrived = folded.get(known.key)
    if (arrived) folded.set(known.key, { ...arrived, record, doubted: true })
    else if (isDeepStrictEqual(record.issues, known.issues ?? [])) restamped.set(known.key, record)
    else {
      restamped.delete(known.key)
      folded.set(known.key, {
        record,
        stored: stored.get(known.key) ?? null,
        cause,
        settled: false,
        doubted: true,
      })
    }
  }
  for (const { key, message, change } of changes) {
    const known = folded.get(key)?.record ?? restamped.get(key) ?? stored.get(key) ?? null
    const connector = connectors.get(message.source)
    if (!connector) continue
    const result = own('folding', () => foldOne(known, { key, message, change }, connector))
    // A replay contains nothing new, but the record may map differently by now, or wait for a
    // comparison.
    const mapped =
      result.skipped && message.replay && known
        ? mapOwn(connector, known.object, known.raw, recordOf(key))
        : null
    const mapsAgain =
      mapped && known && (notCompared.has(message.inboxId) || differs(known, mapped))
    if (result.skipped && !mapsAgain) {
      // It still waits for its required fields, as the exception that it is.
      if (message.replay && known && !known.complete && !known.deleted)
        stillWaiting.add(message.inboxId)
      const { skipped } = result
      outcomes.push(outcomeOf(message, 'SKIPPED', skipped, skipDetails[skipped], change))
      const record = stored.get(key)
      if (record)
        unchanged.set(key, {
          record,
          stored: record,
          cause: causeOf(message, change),
          settled: false,
          doubted: false,
        })
      if (result.state && known) restate(known, result.state, causeOf(message, change))
      continue
    }
    const state = result.state ?? known
    if (!state) continue
    const canonical = mapped ?? mapOwn(connector, change.object, state.raw, recordOf(key))
    const complete = canonical.complete || state.deleted
    if (
      !complete &&
      !isCompletedByWrites(connector, change.object, state, foldedWritten.get(key))
    ) {
      const issue = canonical.issues.find((i) => i.code === 'REQUIRED') ?? canonical.issues[0]
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
    const waited = folded.get(key)?.settled || (known !== null && !known.complete)
    restamped.delete(key)
    folded.set(key, {
      record: {
        id: known?.id ?? ids.get(key) ?? 0,
        key,
        source: message.source,
        object: change.object,
        sourceId: change.sourceId,
        type: canonical.type,
        ...stampsOf(state),
        deleted: state.deleted,
        raw: state.raw,
        complete,
        canonical: canonical.fields,
        issues: issuesOf(canonical, state.tied),
        features: known?.features ?? null,
        featuresVersion: known?.featuresVersion ?? null,
        keys: known?.keys ?? [],
        goldenId: known?.goldenId ?? null,
        anchor: known?.anchor ?? null,
        statedGolden: statedGoldenOf(
          connector,
          change.object,
          state,
          known,
          written.records.get(key)?.createdFor,
        ),
        inboxId: mapsAgain ? known.inboxId : result.statedBy,
      },
      stored: stored.get(key) ?? null,
      cause: causeOf(message, change),
      settled: complete && waited,
      doubted: isDoubted(state) || isDoubted(known),
    })
  }
  await saveWrittenRecords(tx, written, foldedWritten, connectors, ties)
  await saveRaw(
    tx,
    [...restamped.values()].filter((r) => r.raw !== stored.get(r.key)?.raw),
  )
  return {
    records: [...folded.values()],
    unchanged: [...unchanged.values()].filter((r) => !folded.has(r.record.key)),
    restamped: [...restamped.values()],
    stillWaiting,
  }
}

/** Returns the golden id that a change states; null where it states none. */
function goldenIdIn(connectors: Connectors, { message, change }: KeyedChange): string | null {
  return connectors.get(message.source)?.goldenIdOf?.(change.object, change.raw) ?? null
}

/**
 * Returns the golden id of a record: the one in it, else the one for which it was created, else the
 * former one, unless the record itself stated that and does not any more.
 */
function statedGoldenOf(
  { goldenIdOf }: Reader,
  object: string,
  state: RecordState,
  known: WholeRecord | null,
  createdFor: string | undefined,
): string | null {
  const stated = goldenIdOf?.(object, state.raw) ?? createdFor
  if (stated !== undefined) return stated
  const former = known?.statedGolden ?? null
  const isWithdrawn = known && !state.deleted && goldenIdOf?.(object, known.raw) === former
  return isWithdrawn ? null : former
}

/** Maps a record as its system itself states it. */
function mapOwn(
  connector: Reader,
  object: string,
  raw: Record<string, unknown>,
  record: WrittenRecord | undefined,
): Canonical {
  const map = (of: Record<string, unknown>) => connector.map(object, of)
  return own('mapping', () =>
    record?.createdFor === undefined ? map(raw) : mapCreated(map, raw, record.values),
  )
}

/** Returns true if a record lacks only what was written to its system. */
function isCompletedByWrites(
  connector: Reader,
  object: string,
  state: RecordState,
  record: WrittenRecord | undefined,
): boolean {
  if (!record) return false
  const held = heldRaw(state.raw, record.values)
  return own('mapping', () => connector.map(object, held)).complete
}

function causeOf(message: Message, change: RecordChange): Cause {
  return {
    source: message.source,
    object: change.object,
    sourceId: change.sourceId,
    inboxId: message.inboxId,
    correlationId: message.correlationId,
    ...(message.traceparent ? { traceparent: message.traceparent } : {}),
  }
}
