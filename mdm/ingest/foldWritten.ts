import { isDeepStrictEqual } from 'node:util'
import { MessageError } from '../../connectors/contract.ts'
import { recordKey } from '../../schema/recordKey.ts'
import { ownStatement, type WrittenValue } from '../echo/echo.ts'
import type { RecordState } from '../records/fold.ts'
import { isAfter, type Stamp, stampOfChange } from '../records/stamp.ts'
import {
  type FoldedChange,
  type FoldedMessage,
  foldChange,
  type KeyedChange,
  type Reader,
  statedAt,
  type TieReader,
} from './ties.ts'

/** Where the statements of a record begin that may be echoes. */
export interface WrittenBase {
  /** The record then; null for one that was created by a write. */
  state: RecordState | null
  /** Whether a write created it, of a record whose first statements are part of the base. */
  isCreated?: boolean
  /** The stamp of the last statement that it contains. */
  upTo: Stamp
  /** States of written values then, by `valueName`; a value without one was written later. */
  states: Record<string, WrittenValue['state']>
}

/** A record that was written to, with its statements since. */
export interface WrittenRecord {
  values: WrittenValue[]
  /** The golden id of a record that a write created. */
  createdFor?: string
  base: WrittenBase
  /** The newest stamp of these statements. */
  newest: Stamp
  /** Their messages. */
  messages: number[]
}

/** Messages by inbox id, as far as they may be folded again. */
export type LoggedMessages = ReadonlyMap<number, FoldedMessage>

/** Statements of a record that are folded again when a late one arrives; of more, the newest. */
export const statementsMax = 64

export type FoldedWritten = FoldedChange & { record: WrittenRecord }

interface Step {
  folded: FoldedChange
  values: WrittenValue[]
}

/**
 * Folds a change into a record that was written to. What the change states because it was written
 * there is left out, so the record stays what the system itself states. Echoes are found in the
 * order of versions. So a late change makes all statements since the first write be folded again,
 * and the result does not depend on the order of application (I1, I10).
 */
export function foldWritten(
  known: RecordState | null,
  item: KeyedChange,
  connector: Reader,
  ties: TieReader,
  record: WrittenRecord,
  logged: LoggedMessages,
): FoldedWritten {
  const { inboxId } = item.message
  const messages = record.messages.includes(inboxId)
    ? record.messages
    : [...record.messages, inboxId]
  const stamp = stampOfItem(item)
  if (isAfter(stamp, record.newest)) {
    const { folded, values } = step(known, item, connector, ties, record.values)
    return { ...folded, record: { ...record, values, newest: stamp, messages } }
  }
  const again = foldAgain(item.key, messages, connector, ties, record, logged)
  const next = { ...record, values: again.values, messages }
  const isEcho = again.echoes.has(inboxId)
  const { state, statedBy } = again
  if (!state) return { skipped: 'NOT_NEWER', statedBy: inboxId, record: next }
  const same =
    known !== null &&
    state.version === known.version &&
    state.deleted === known.deleted &&
    isDeepStrictEqual(state.raw, known.raw)
  if (!same) return { state, statedBy: statedBy ?? inboxId, record: next }
  return {
    ...(isDeepStrictEqual(contentOf(state), contentOf(known)) ? {} : { state }),
    skipped: isEcho ? 'ECHO' : 'NOT_NEWER',
    statedBy: inboxId,
    record: next,
  }
}

/**
 * Returns a record whose oldest statements are part of its base, as far as they are more than
 * `statementsMax`. Null if nothing that was written stands any more.
 */
export function compact(
  key: string,
  connector: Reader,
  ties: TieReader,
  record: WrittenRecord,
  logged: LoggedMessages,
): WrittenRecord | null {
  if (record.messages.length <= statementsMax) return record
  const inOrder = entriesOf(key, record.messages, connector, logged)
  const ids = [...new Set(inOrder.map((e) => e.message.inboxId))]
  const [old, young] = [ids.slice(0, -statementsMax / 2), ids.slice(-statementsMax / 2)]
  const { state, values, upTo } = foldAgain(key, old, connector, ties, record, logged)
  const states = new Map(values.map((v) => [valueName(v), v.state]))
  const standing = record.values.filter((v) => states.get(valueName(v)) !== 'ENDED')
  if (standing.length === 0) return null
  return {
    ...record,
    values: standing,
    base: {
      ...{ state, upTo, states: Object.fromEntries(states) },
      ...(isCreated(record.base) && { isCreated: true }),
    },
    messages: young,
  }
}

/** Returns true if a write created the record. */
export function isCreated({ state, isCreated = false }: WrittenBase): boolean {
  return state === null || isCreated
}

function contentOf({ version, tie, deleted, raw, fieldVersions, tied }: RecordState): RecordState {
  return { version, tie, deleted, raw, fieldVersions, tied }
}

export function valueName({ intentId, path }: Pick<WrittenValue, 'intentId' | 'path'>): string {
  return `${intentId} ${path}`
}

export function stampOfItem({ change, message }: KeyedChange): Stamp {
  return stampOfChange(change, statedAt(message), message.inboxId, message.corrects !== null)
}

/** Folds the statements of some messages again, from the base on, in the order of their versions. */
function foldAgain(
  key: string,
  messages: readonly number[],
  connector: Reader,
  ties: TieReader,
  { base, values: latest }: WrittenRecord,
  logged: LoggedMessages,
) {
  const states = new Map(Object.entries(base.states))
  let values = latest.map(
    (v): WrittenValue => ({
      ...v,
      state: states.get(valueName(v)) ?? 'WRITTEN',
    }),
  )
  let { state, upTo } = base
  let statedBy: number | null = null
  const echoes = new Set<number>()
  const reader: TieReader = {
    message: (id) => logged.get(id) ?? ties.message(id),
    delivery: (id) => logged.get(id)?.correlationId ?? ties.delivery(id),
  }
  for (const item of entriesOf(key, messages, connector, logged)) {
    const stamp = stampOfItem(item)
    // The base has it, or is newer than it, without a stamp that shows it.
    if (!isAfter(stamp, base.upTo) && state && isAfter(stamp, [state.version, state.tie])) continue
    const { folded, values: after } = step(state, item, connector, reader, values)
    if (folded.skipped === 'ECHO') echoes.add(item.message.inboxId)
    if (folded.state && !folded.skipped) ({ statedBy } = folded)
    state = folded.state ?? state
    // What is older than the base says nothing about what was written since.
    if (isAfter(stamp, base.upTo)) values = after
    if (isAfter(stamp, upTo)) upTo = stamp
  }
  return { state, values, statedBy, echoes, upTo }
}

/** Folds one change, which is newer than all before it. */
function step(
  known: RecordState | null,
  item: KeyedChange,
  connector: Reader,
  ties: TieReader,
  written: readonly WrittenValue[],
): Step {
  const map = (raw: Record<string, unknown>) => connector.map(item.change.object, raw)
  const former = known?.raw ?? null
  const [version] = stampOfItem(item)
  const own = ownStatement(item.change, version, former, written, map)
  // Statements of one version are read again where their contents order them.
  const ownReader: Reader = {
    map: (object, raw) => connector.map(object, raw),
    read: (format, body, object) =>
      connector
        .read(format, body, object)
        .map((change) =>
          recordKey(item.message.source, change.object, change.sourceId) === item.key
            ? ownStatement(change, Number(change.version ?? version), former, written, map).change
            : change,
        ),
  }
  const folded = foldChange(known, { ...item, change: own.change }, ownReader, ties)
  const isEcho = own.echoes.length > 0 || own.isOfWrite
  if (isEcho && folded.skipped)
    return { folded: { ...folded, skipped: 'ECHO' }, values: own.written }
  // A value that was seen before is no news, so the time of the change is the system's own.
  if (!own.isOfWrite) return { folded, values: own.written }
  const { state } = folded
  if (!known || !state || state.deleted !== known.deleted || !mapsAlike(map, state, known))
    return { folded, values: own.written }
  // Only fields that nothing is made of differ, as the time of the write does: no stamp moves.
  return {
    folded: { ...folded, state: { ...known, raw: state.raw }, skipped: 'ECHO' },
    values: own.written,
  }
}

function mapsAlike(
  map: (raw: Record<string, unknown>) => ReturnType<Reader['map']>,
  a: RecordState,
  b: RecordState,
): boolean {
  return isDeepStrictEqual(a.raw, b.raw) || isDeepStrictEqual(map(a.raw), map(b.raw))
}

/** Returns the changes that messages state about a record, oldest first. */
function entriesOf(
  key: string,
  messages: readonly number[],
  connector: Reader,
  logged: LoggedMessages,
): KeyedChange[] {
  return messages
    .flatMap((id) => {
      const message = logged.get(id)
      return message ? readChanges(key, message, connector) : []
    })
    .map((item) => ({ item, at: stampOfItem(item) }))
    .sort((a, b) => Number(isAfter(a.at, b.at)) - Number(isAfter(b.at, a.at)))
    .map(({ item }) => item)
}

function readChanges(key: string, message: FoldedMessage, connector: Reader): KeyedChange[] {
  try {
    return connector
      .read(message.format, message.body, message.object)
      .filter((c) => recordKey(message.source, c.object, c.sourceId) === key)
      .map((change) => ({ key, message, change }))
  } catch (e) {
    // A message that the mapping no longer reads states nothing any more.
    if (e instanceof MessageError) return []
    throw e
  }
}
