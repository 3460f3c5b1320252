import { isDeepStrictEqual } from 'node:util'
import {
  type Connector,
  type Issue,
  MessageError,
  type RecordChange,
} from '../../connectors/contract.ts'
import { ownValue } from '../../schema/kit/dictionary.ts'
import { recordKey } from '../../schema/recordKey.ts'
import type { Transaction } from '../db/database.ts'
import type { Message } from '../inbox/claim.ts'
import {
  baseOf,
  type Folded,
  fold,
  type RecordState,
  stampOfField,
  type Tied,
  tiedOf,
  underTies,
} from '../records/fold.ts'
import { latestStatement, type Statement } from '../records/latestStatement.ts'
import { arrivalOf, isCorrection } from '../records/stamp.ts'

export type Reader = Pick<Connector, 'read' | 'map' | 'goldenIdOf' | 'foreignGoldenIds'>
export type StatingMessage = Pick<Message, 'inboxId' | 'source' | 'format' | 'body' | 'object'>

/** A message as far as folding needs it. */
export type FoldedMessage = Omit<Message, 'messageId' | 'replay' | 'measured' | 'traceparent'>

export interface KeyedChange {
  key: string
  message: FoldedMessage
  change: RecordChange
}

/** Gives earlier messages that tie with those of a batch. */
export interface TieReader {
  message(inboxId: number): StatingMessage | null
  /** Names the load or the delivery that a message came with. */
  delivery(inboxId: number): string | null
}

/** `statedBy` is the message whose statement counts; it may be an earlier one. */
export type FoldedChange = Folded & { statedBy: number }

const UNKNOWN_ORDER = 'UNKNOWN_ORDER'

/** Statements of one version that are compared with each other; of more, the last to arrive. */
const statementsMax = 64

/** Reads messages that tie with those of a batch; two reads by primary key, of ties alone. */
export async function readTies(
  tx: Transaction,
  changes: readonly KeyedChange[],
  stored: ReadonlyMap<string, RecordState>,
): Promise<TieReader> {
  const messages = new Map<number, StatingMessage>(
    changes.map((c) => [c.message.inboxId, c.message]),
  )
  const deliveries = new Map(changes.map((c) => [c.message.inboxId, c.message.correlationId]))
  const tied = changes.map(({ key, change, message }) => ({
    known: stored.get(key) ?? null,
    change,
    message,
  }))
  const content = tied.flatMap((t) => tiedByContent(t.known, t.change))
  const missing = [...new Set(content)].filter((id) => !messages.has(id))
  if (missing.length > 0)
    for (const m of await tx<StatingMessage[]>`
      select id as "inboxId", source, format, body, object from inbox
      where id = any(${missing}::bigint[])`)
      messages.set(m.inboxId, m)
  const arrival = tied.flatMap((t) => tiedByArrival(t.known, t.message, t.change).arrivals)
  const unknown = [...new Set(arrival)].filter((id) => !deliveries.has(id))
  if (unknown.length > 0)
    for (const m of await tx<{ id: number; delivery: string }[]>`
      select id, correlation_id as delivery from inbox where id = any(${unknown}::bigint[])`)
      deliveries.set(m.id, m.delivery)
  return {
    message: (id) => messages.get(id) ?? null,
    delivery: (id) => deliveries.get(id) ?? null,
  }
}

/**
 * Folds a change into a record. Where it ties with whole statements that order each other by their
 * contents, all of them are compared, so the one that counts is the same in any order of application.
 */
export function foldChange(
  known: RecordState | null,
  { key, message, change }: KeyedChange,
  connector: Reader,
  ties: TieReader,
): FoldedChange {
  const correction = message.corrects !== null
  const tied = correction ? [] : tiedByContent(known, change)
  if (known && tied.length > 0)
    return foldByContent(known, key, message.inboxId, tied, connector, ties)
  const folded = fold(known, change, statedAt(message), message.inboxId, correction)
  const judged = known ? doubtTogether(known, message, change, folded, connector, ties) : folded
  return { ...judged, statedBy: message.inboxId }
}

/** Returns the version of what a message states without one: microseconds. */
export function statedAt(message: Pick<Message, 'statedAt' | 'receivedAt'>): number {
  return (message.statedAt ?? message.receivedAt).getTime() * 1000
}

/**
 * Returns the messages whose whole statements tie with this change and are ordered by their contents;
 * none where stamps decide.
 */
function tiedByContent(known: RecordState | null, change: RecordChange): number[] {
  if (!known || change.order?.by !== 'CONTENT') return []
  const [version, tie] = baseOf(known)
  if (version !== Number(change.version) || isCorrection(tie)) return []
  const stated = arrivalOf(tie)
  return known.tied?.messages.length ? known.tied.messages : stated === null ? [] : [stated]
}

function foldByContent(
  known: RecordState,
  key: string,
  inboxId: number,
  others: readonly number[],
  connector: Reader,
  ties: TieReader,
): FoldedChange {
  const ids = [...new Set([...others, inboxId])].sort((a, b) => a - b).slice(-statementsMax)
  const changes = new Map<number, RecordChange>()
  for (const id of ids) {
    const change = changeOf(connector, ties.message(id), key)
    if (change) changes.set(id, change)
  }
  const statements = [...changes].map(([id, change]) => statementOf(id, change))
  if (ids.length === 1 || statements.length === 0)
    return { skipped: 'NOT_NEWER', statedBy: inboxId }
  const { latest, rivals } = latestStatement(statements)
  const counting = changes.get(latest.arrival)
  if (!counting) throw new Error(`message ${latest.arrival} is not one of the statements`)
  const values = connector.map(counting.object, latest.raw).fields
  const doubt = rivals
    .filter((r) => !isDeepStrictEqual(connector.map(counting.object, r.raw).fields, values))
    .map((r) => r.arrival)
  const tied = tiedOf(ids, doubt)
  if (latest.arrival === arrivalOf(baseOf(known)[1]))
    return { ...noted({ skipped: 'NOT_NEWER' }, known, tied), statedBy: inboxId }
  const folded = fold(underTies(known), counting, 0, latest.arrival)
  return { ...folded, state: { ...(folded.state ?? known), tied }, statedBy: latest.arrival }
}

/**
 * Statements of one delivery or of one file have an order that says nothing about time. So if two of
 * them have the same version and map to different values, nobody can know which is later. The last
 * one counts, with a doubt that a later delivery of that version ends.
 */
function doubtTogether(
  known: RecordState,
  message: FoldedMessage,
  change: RecordChange,
  folded: Folded,
  connector: Reader,
  ties: TieReader,
): Folded {
  const { arrivals, raw } = tiedByArrival(known, message, change)
  if (arrivals.length === 0) return folded
  const doubt = (folded.state ?? known).tied?.doubt ?? []
  const together = arrivals.filter((id) => ties.delivery(id) === message.correlationId)
  const messages = (folded.state ?? known).tied?.messages ?? []
  if (together.length === 0)
    return folded.state && !folded.skipped && doubt.length > 0
      ? { ...folded, state: { ...folded.state, tied: tiedOf(messages, []) } }
      : folded
  const object = change.object
  const differ = !isDeepStrictEqual(
    connector.map(object, raw).fields,
    connector.map(object, known.raw).fields,
  )
  if (!differ) return folded
  const earlier = Math.min(message.inboxId, Math.max(...together))
  // The latest one only, which does not depend on the order of application.
  return noted(folded, known, tiedOf(messages, [Math.max(earlier, ...doubt)]))
}

/**
 * Returns the messages that state the same live content at the same version, where arrival decides;
 * and the record as this change would have it, as far as they conflict.
 */
function tiedByArrival(
  known: RecordState | null,
  message: FoldedMessage,
  change: RecordChange,
): { arrivals: number[]; raw: Record<string, unknown> } {
  const none = { arrivals: [], raw: {} }
  if (!known || change.version === null || change.order || message.corrects !== null) return none
  if (known.deleted || change.deleted) return none
  const version = Number(change.version)
  const arrivalAt = ([at, tie]: [number, string]) => {
    const id = at === version && !isCorrection(tie) ? arrivalOf(tie) : null
    return id === null || id === message.inboxId ? [] : [id]
  }
  if (!change.partial) return { arrivals: arrivalAt(baseOf(known)), raw: change.raw }
  const conflicts = Object.entries(change.raw).filter(
    ([field, value]) =>
      arrivalAt(stampOfField(known, field)).length > 0 &&
      !isDeepStrictEqual(ownValue(known.raw, field), value),
  )
  return {
    arrivals: conflicts.flatMap(([field]) => arrivalAt(stampOfField(known, field))),
    raw: { ...known.raw, ...Object.fromEntries(conflicts) },
  }
}

/** Adds what is known about ties to the result of a fold. */
function noted(folded: Folded, known: RecordState, tied: Tied | null): Folded {
  if (folded.state) return { ...folded, state: { ...folded.state, tied } }
  return isDeepStrictEqual(tied, known.tied) ? folded : { ...folded, state: { ...known, tied } }
}

/** Returns the issue of a record whose latest statement cannot be known. */
function issuesOfTies(tied: Tied | null): Issue[] {
  if (!tied || tied.doubt.length === 0) return []
  const which = `${tied.doubt.length === 1 ? 'message' : 'one of the messages'} ${tied.doubt.join(', ')}`
  return [
    {
      field: 'version',
      code: UNKNOWN_ORDER,
      detail: `${which} may be later than the statement that counts: both have the same version, and nothing in them shows their order. The one that arrived last counts, until the system sends the record again`,
    },
  ]
}

/** Returns the issues of a record: those of its mapping, and that of its ties. */
export function issuesOf(
  { issues }: { issues: readonly Issue[] | null },
  tied: Tied | null,
): Issue[] {
  return [...(issues ?? []).filter((i) => i.code !== UNKNOWN_ORDER), ...issuesOfTies(tied)]
}

function changeOf(
  connector: Reader,
  message: StatingMessage | null,
  key: string,
): RecordChange | null {
  if (!message) return null
  try {
    const changes = connector.read(message.format, message.body, message.object)
    return changes.find((c) => recordKey(message.source, c.object, c.sourceId) === key) ?? null
  } catch (e) {
    // A message that the mapping no longer reads states nothing any more.
    if (e instanceof MessageError) return null
    throw e
  }
}

function statementOf(arrival: number, { deleted, raw, order }: RecordChange): Statement {
  const content = order?.by === 'CONTENT' ? order : null
  return { arrival, deleted, raw, before: content?.before ?? null, stage: content?.stage ?? 0 }
}
