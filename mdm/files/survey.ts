import type { ListedFile } from '../../connectors/places/contract.ts'
import { compareOrder, type NameOrder } from '../../connectors/places/namePattern.ts'
import type { Transaction } from '../db/database.ts'
import { closeExceptions } from '../inbox/requeue.ts'
import type { FileRunContext } from './context.ts'
import {
  addDelivery,
  type Delivery,
  loadLatest,
  loadOpen,
  loadSequences,
  seeAgain,
} from './deliveries.ts'
import type { ManifestEntry } from './manifests.ts'

/** A file of the object that is not at its end, in the order of the files. */
export interface OpenFile {
  delivery: Delivery
  order: NameOrder | null
  /** Null for a file that is not in the place. */
  file: ListedFile | null
}

/** A number that skips more than these is not believed. */
const missingMax = 1_000
/** New files that are noted in one run, the first ones in their order. */
const newFilesMax = 5_000

export interface Survey {
  open: OpenFile[]
  /** Names whose number is too far from the others. */
  jumps: ReadonlySet<string>
  /** Whether more new files wait than are noted in one run. */
  hasMore: boolean
  now: Date
}

/**
 * Compares the list of the place with what is known and returns what is open. `expected` are the
 * names in manifests.
 */
export async function survey(
  tx: Transaction,
  context: FileRunContext,
  expected: ReadonlyMap<string, ManifestEntry>,
): Promise<Survey> {
  const { own, shelf, listed } = context
  const named = new Map<string, { order: NameOrder; file: ListedFile | null }>()
  for (const name of expected.keys()) {
    const order = own.pattern.match(name)
    if (order) named.set(name, { order, file: null })
  }
  for (const file of listed.values()) {
    const order = own.pattern.match(file.name)
    if (order && isOwn(context, file.name)) named.set(file.name, { order, file })
  }
  const latest = await loadLatest(tx, shelf, [...named.keys()])
  const unknown = [...named]
    .filter(([name]) => !latest.has(name))
    .map(([name, { order, file }]) => ({ name, order, file, keys: order.keys }))
    .sort(own.order === 'TIME' ? byTime : compareOrder)
  const added = unknown.slice(0, newFilesMax)
  const missing = (await loadOpen(tx, shelf)).filter((d) => d.state === 'MISSING')
  const jumps = await noteMissingNumbers(
    tx,
    context,
    added.filter((a) => a.file !== null),
  )
  for (const { name, order, file } of added) {
    const { sequence, series } = order
    const place = missing.find(
      (m) => sequence !== null && m.sequence === sequence && m.series === series,
    )
    if (place && file) await arrive(tx, place, name, file)
    else await addDelivery(tx, shelf, name, file, order)
  }
  for (const [name, known] of latest) {
    const { order, file } = named.get(name) ?? {}
    if (order && file) await compare(tx, context, known, file, order)
    else if (order && isAwaited(known, expected.get(name)))
      await addDelivery(tx, shelf, name, null, order, known.version + 1)
  }
  const open: OpenFile[] = []
  for (const delivery of await loadOpen(tx, shelf)) {
    const file = listed.get(delivery.name) ?? null
    if (!file && (delivery.state === 'WAITING' || delivery.state === 'READING')) {
      const left = await leave(tx, delivery)
      if (left) open.push({ delivery: left, order: orderOf(context, left), file: null })
    } else open.push({ delivery, order: orderOf(context, delivery), file })
  }
  // After the others, because it is compared with the times that they have written.
  const [clock] = await tx<{ now: Date }[]>`select clock_timestamp() as now`
  if (!clock) throw new Error('the database gives no time')
  return { open, jumps, hasMore: unknown.length > added.length, now: clock.now }
}

/** Whether the object is the first one whose pattern fits the name. */
function isOwn({ files, own }: FileRunContext, name: string): boolean {
  if (files.ignored(name)) return false
  const first = [...files.objects.values()].find((o) => o.pattern.match(name) !== null)
  return first?.object === own.object
}

/** Whether a manifest that came after the file announces another content. */
function isAwaited(known: Delivery, entry: ManifestEntry | undefined): boolean {
  return (
    entry !== undefined &&
    known.endedAt !== null &&
    known.endedAt <= entry.seenAt &&
    entry.sha256 !== known.sha256
  )
}

function orderOf({ own }: FileRunContext, { name, sequence, series }: Delivery): NameOrder | null {
  const order = own.pattern.match(name)
  if (order) return order
  return sequence === null ? null : own.pattern.missingOrder(sequence, series)
}

async function compare(
  tx: Transaction,
  { shelf, rescanSince }: FileRunContext,
  known: Delivery,
  file: ListedFile,
  order: NameOrder,
): Promise<void> {
  const isOpen = known.state === 'WAITING' || known.state === 'READING' || known.state === 'MISSING'
  const isSame = known.stamp === file.stamp && known.bytes === file.bytes
  if (isOpen) {
    if (!isSame) await arrive(tx, known, known.name, file)
    return
  }
  const isAskedAgain = rescanSince !== null && known.endedAt !== null && known.endedAt < rescanSince
  // What must still be moved is no new arrival.
  if (isSame && (!isAskedAgain || (known.move !== null && known.movedAt === null))) return
  await tx`update file_delivery set holds_back = false where id = ${known.id}`
  await addDelivery(tx, shelf, known.name, file, order, known.version + 1)
}

/** Stores that a file that waits, or was missing, is there with this content. */
async function arrive(
  tx: Transaction,
  known: Delivery,
  name: string,
  file: ListedFile,
): Promise<void> {
  if (known.name !== name) await tx`update file_delivery set name = ${name} where id = ${known.id}`
  await seeAgain(tx, known.id, file)
  if (known.state === 'MISSING' && known.exceptionId !== null) {
    await closeExceptions(tx, [known.exceptionId], 'CORRECTED')
    await tx`update file_delivery set exception_id = null where id = ${known.id}`
  }
}

/**
 * Stores that a file that waits is no longer in the place. One with a number, or of which rows were
 * stored, is missing; another one was taken back.
 */
async function leave(tx: Transaction, delivery: Delivery): Promise<Delivery | null> {
  const isMissed = delivery.sequence !== null || delivery.state === 'READING'
  const detail =
    delivery.state === 'READING'
      ? `it was removed after ${delivery.rows} of its rows were stored`
      : 'it was removed before it was read'
  if (!isMissed) {
    await tx`
      update file_delivery set state = 'REFUSED', code = 'FILE_REMOVED', detail = ${detail}, ended_at = clock_timestamp()
      where id = ${delivery.id}`
    return null
  }
  await tx`
    update file_delivery set state = 'MISSING', code = 'FILE_REMOVED', detail = ${detail}, seen_at = clock_timestamp()
    where id = ${delivery.id}`
  return { ...delivery, state: 'MISSING', code: 'FILE_REMOVED', detail, seenAt: new Date() }
}

function byTime(
  a: { file: ListedFile | null; name: string },
  b: { file: ListedFile | null; name: string },
): number {
  return (
    (a.file?.modifiedAt ?? 0) - (b.file?.modifiedAt ?? 0) ||
    compareOrder({ keys: [], name: a.name }, { keys: [], name: b.name })
  )
}

/**
 * Notes the numbers between the highest one that was known and those of new files. Returns the names
 * of files whose number skips too many.
 */
async function noteMissingNumbers(
  tx: Transaction,
  { own, shelf }: FileRunContext,
  files: readonly { name: string; order: NameOrder }[],
): Promise<Set<string>> {
  const jumps = new Set<string>()
  const numbered = files.flatMap(({ name, order: { sequence, series } }) =>
    sequence === null ? [] : [{ name, sequence, series }],
  )
  const known = await loadSequences(
    tx,
    shelf,
    numbered.map((f) => f.series),
  )
  for (const [series, members] of Map.groupBy(numbered, (f) => f.series)) {
    const highest = known.get(series)
    let next = highest === undefined ? (own.restarts ? own.first : null) : highest + 1
    for (const { name, sequence } of members.sort((a, b) => a.sequence - b.sequence)) {
      next ??= sequence
      if (sequence - next > missingMax) {
        jumps.add(name)
        continue
      }
      for (; next < sequence; next++)
        await addDelivery(tx, shelf, own.pattern.missingName(next, series), null, {
          sequence: next,
          series,
        })
      next = Math.max(next, sequence + 1)
    }
  }
  return jumps
}
