import type { RequestCounts } from '../../connectors/connection/contract.ts'
import { FileError } from '../../connectors/file/fileError.ts'
import { FileChanged } from '../../connectors/places/contract.ts'
import { compareOrder } from '../../connectors/places/namePattern.ts'
import type { SourceFiles } from '../../connectors/places/sourceFiles.ts'
import type { StatedFile } from '../../connectors/places/statedFile.ts'
import { counted } from '../../schema/kit/numberText.ts'
import type { ClaimedObject } from '../connections/lease.ts'
import {
  type Completed,
  checkReader,
  type RunResult,
  recordRun,
  runClaim,
} from '../connections/runObject.ts'
import { beginRun, type Problem } from '../connections/runs.ts'
import type { SharedTools } from '../connections/scheduler.ts'
import { type FileReader, type FileRunContext, fenced } from './context.ts'
import { type Delivery, noteWaiting } from './deliveries.ts'
import { type Manifests, manifestShelf, readManifests, settleManifests } from './manifests.ts'
import { moveEnded } from './moves.ts'
import { type DeliveryEnd, readDelivery } from './readDelivery.ts'
import { isCompanion, readStated, reasonToWait } from './readiness.ts'
import { type Finding, makeException, settleRefused } from './settle.ts'
import { type OpenFile, type Survey, survey } from './survey.ts'

export interface FileTools {
  files: SourceFiles
  reader: FileReader
  counts: RequestCounts
}

/** The next run when more files wait than one run takes, in ms. */
const soonMs = 1_000

/**
 * Reads the files of a claimed object once, in their order, then ends the claim. Throws only where
 * the database is away.
 */
export async function runFiles(
  { files, reader, counts }: FileTools,
  shared: SharedTools,
  claimed: ClaimedObject,
  signal: AbortSignal,
): Promise<RunResult> {
  const { lease, rescanSince } = claimed
  const { source, object } = lease
  return await runClaim(shared.sql, claimed, signal, async (own) => {
    checkReader(reader, source, object)
    const objectFiles = files.objects.get(object)
    if (!objectFiles) throw new Error(`${source} has no files of ${object}`)
    const place = files.open(counts)
    try {
      const tools = { sql: shared.sql, connection: { counts: () => ({ ...counts }) } }
      return await recordRun(tools, beginRun(shared.sql, lease, 'DELTA'), own, async (run) => {
        const listed = new Map((await place.list(own)).map((f) => [f.name, f]))
        const shelf = { source, object, place: place.id }
        return await readAll(
          { shared, files, own: objectFiles, place, reader, run, shelf, rescanSince, listed },
          own,
        )
      })
    } finally {
      await place.close()
    }
  })
}

async function readAll(context: FileRunContext, signal: AbortSignal): Promise<Completed> {
  const { files, shelf } = context
  await moveEnded(context, shelf, signal)
  const manifests = await readManifests(context, signal)
  const found = await fenced(context, (tx) => survey(tx, context, manifests.stated))
  const { waits, refused } = await readInOrder(context, found, manifests, signal)
  await settleManifests(context, manifests)
  await moveEnded(context, shelf, signal)
  if (files.manifest) await moveEnded(context, manifestShelf(shelf), signal)
  const asks = problemOf(refused, waits, unknownNames(context, found.now))
  const dueMs = found.hasMore ? soonMs : nextDueMs(context, found.now, waits)
  return { asks, dueMs: Math.min(dueMs, files.everyMs) }
}

/** A file that is not read yet, with its reason. */
interface Wait extends Finding {
  delivery: Delivery
  /** It does not only wait for another file. */
  isOwn: boolean
  isOverdue: boolean
}

/** Reads what can be read, in the order of the files. */
async function readInOrder(
  context: FileRunContext,
  { open, jumps, now }: Survey,
  manifests: Manifests,
  signal: AbortSignal,
): Promise<{ waits: Wait[]; refused: { name: string; detail: string }[] }> {
  const { files, own } = context
  const waits: Wait[] = []
  const refused: { name: string; detail: string }[] = []
  let heldBy: Finding | null = null
  const refuse = (name: string, { detail }: Finding) => {
    if (own.onError === 'CONTINUE') return
    refused.push({ name, detail })
    heldBy ??= { code: 'WAITS', detail: `waits for ${name}, which was refused: ${detail}` }
  }
  for (const entry of open.sort(byOrder(context))) {
    const { delivery, file } = entry
    const { name } = delivery
    if (delivery.state === 'REFUSED') {
      if (delivery.holdsBack) refuse(name, { code: '', detail: delivery.detail ?? '' })
      continue
    }
    if (delivery.state === 'DONE') continue
    signal.throwIfAborted()
    const fault = file && faultOf(context, file, jumps)
    if (fault) {
      await settleRefused(context, delivery, fault, null)
      refuse(name, fault)
      continue
    }
    let reason = reasonToWait(context, entry, manifests, now)
    if (!reason && heldBy) {
      waits.push({ ...(heldBy as Finding), delivery, isOwn: false, isOverdue: false })
      continue
    }
    if (!reason && file) {
      const end = await readOne(context, entry, manifests, signal)
      if (end.ended === 'REFUSED') refuse(name, end.finding)
      if (end.ended !== 'CHANGED') continue
      reason = { code: 'MAY_GROW', detail: 'it was changed while it was read' }
    }
    if (!reason) continue
    const isOverdue = now.getTime() - delivery.seenAt.getTime() >= files.gapMs
    waits.push({ ...reason, delivery, isOwn: true, isOverdue })
    if (own.onError === 'STOP' || !isOverdue)
      heldBy ??= { code: 'WAITS', detail: `waits for ${name}: ${reason.detail}` }
  }
  await note(context, waits)
  return { waits, refused }
}

async function readOne(
  context: FileRunContext,
  { delivery, file }: OpenFile,
  manifests: Manifests,
  signal: AbortSignal,
): Promise<DeliveryEnd> {
  if (!file) return { ended: 'CHANGED' }
  let stated: StatedFile
  try {
    stated = await readStated(context, file, manifests, signal)
  } catch (e) {
    if (e instanceof FileChanged) return { ended: 'CHANGED' }
    if (!(e instanceof FileError)) throw e
    const finding = { code: 'FILE_CHECKSUM', detail: e.message }
    await settleRefused(context, delivery, finding, null)
    return { ended: 'REFUSED', finding }
  }
  return await readDelivery(context, delivery, file, stated, signal)
}

/** Returns why a file is refused without a look into it. */
function faultOf(
  { files, own }: FileRunContext,
  { name, bytes }: { name: string; bytes: number },
  jumps: ReadonlySet<string>,
): Finding | null {
  if (bytes > files.bytesMax)
    return {
      code: 'FILE_TOO_LARGE',
      detail: `it has ${bytes} bytes; at most ${files.bytesMax} are read (files: bytesMax)`,
    }
  if (jumps.has(name))
    return {
      code: 'SEQUENCE_JUMP',
      detail: `its number is far from those of the files before it; is {sequence} in "${own.pattern.text}" a sequence?`,
    }
  const fitting = [...files.objects.values()].filter((o) => o.pattern.match(name) !== null)
  return fitting.length > 1
    ? {
        code: 'AMBIGUOUS_NAME',
        detail: `its name fits the patterns of ${fitting.map((o) => o.object).join(' and ')}`,
      }
    : null
}

/** Stores why files wait, and makes an exception of what is overdue. */
async function note(context: FileRunContext, waits: readonly Wait[]): Promise<void> {
  if (waits.length === 0) return
  await fenced(context, async (tx) => {
    await noteWaiting(
      tx,
      waits.map(({ delivery, code, detail }) => ({ id: delivery.id, code, detail })),
    )
    for (const { delivery, code, detail, isOverdue } of waits)
      if (isOverdue && delivery.exceptionId === null) {
        const id = await makeException(tx, context, delivery, { code, detail })
        await tx`update file_delivery set exception_id = ${id} where id = ${delivery.id}`
      }
  })
}

function byOrder({ own }: FileRunContext) {
  const time = (o: OpenFile) => (o.delivery.modifiedAt ?? o.delivery.seenAt).getTime()
  return (a: OpenFile, b: OpenFile): number => {
    const [x, y] = [a, b].map((o) => ({ keys: o.order?.keys ?? [], name: o.delivery.name }))
    const byName = x && y ? compareOrder(x, y) : 0
    return (
      (own.order === 'TIME' ? time(a) - time(b) : 0) ||
      byName ||
      a.delivery.version - b.delivery.version
    )
  }
}

/** Returns the names in the place that no pattern fits, of files that nobody has changed for long. */
function unknownNames(context: FileRunContext, now: Date): string[] {
  const { files, listed, own } = context
  const [first] = files.objects.keys()
  if (first !== own.object) return []
  return [...listed.values()]
    .filter(
      ({ name, modifiedAt }) =>
        now.getTime() - modifiedAt >= files.gapMs &&
        !files.ignored(name) &&
        !isCompanion(context, name) &&
        ![...files.objects.values()].some((o) => o.pattern.match(name) !== null),
    )
    .map((f) => f.name)
}

const namesShown = 5

function problemOf(
  refused: readonly { name: string; detail: string }[],
  waits: readonly Wait[],
  unknown: readonly string[],
): Problem | null {
  const [first] = refused
  const verdict = null
  if (first) {
    const detail = `${first.name} was refused: ${first.detail}; ${counted(waits.length, 'file waits', 'files wait')} for a corrected one of this name, or for "sync files --skip"`
    return { code: 'FILE_REFUSED', detail, verdict }
  }
  const overdue = waits.filter((w) => w.isOwn && w.isOverdue)
  if (overdue.length > 0) {
    const listed = overdue.slice(0, namesShown).map((w) => `${w.delivery.name} (${w.detail})`)
    const detail = `${counted(overdue.length, 'file')} overdue: ${listed.join(', ')}`
    return { code: 'FILE_OVERDUE', detail, verdict }
  }
  if (unknown.length === 0) return null
  const detail = `no pattern of files.objects fits ${counted(unknown.length, 'name')}: ${unknown.slice(0, namesShown).join(', ')}; add a pattern, or list it in ignore:`
  return { code: 'FILE_UNKNOWN', detail, verdict }
}

/** A file that may still grow is read as soon as it has not grown for long enough. */
function nextDueMs({ files }: FileRunContext, now: Date, waits: readonly Wait[]): number {
  const left = waits
    .filter((w) => w.code === 'MAY_GROW')
    .map((w) => w.delivery.seenAt.getTime() + files.stableMs - now.getTime())
  return Math.max(soonMs, Math.min(files.everyMs, ...left))
}
