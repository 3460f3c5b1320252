import { messageOfFile } from '../../connectors/file/rowMessage.ts'
import { laneOf } from '../../connectors/queueOf.ts'
import type { Transaction } from '../db/database.ts'
import { acceptWithin } from '../inbox/accept.ts'
import { closeExceptions } from '../inbox/requeue.ts'
import { type FileRunContext, fenced } from './context.ts'
import type { Delivery } from './deliveries.ts'

/** Why a file was refused, is missing or needs a look, for people. */
export interface Finding {
  code: string
  detail: string
}

/** Ends a file that was read, or that has a known content: then `finding` says so. */
export async function settleDone(
  context: FileRunContext,
  { id, name, version }: Delivery,
  finding: Finding | null,
  sha256: string,
): Promise<void> {
  const { shelf, files } = context
  await fenced(context, async (tx) => {
    const move = files.archive === null ? null : 'ARCHIVE'
    await tx`
      update file_delivery set state = 'DONE', holds_back = false, sha256 = ${sha256}, code = ${finding?.code ?? null},
        detail = ${finding?.detail ?? null}, ended_at = clock_timestamp(), move = ${move}
      where id = ${id}`
    // The sender has corrected what was refused under this name.
    const closed = await tx<{ exceptionId: number }[]>`
      update file_delivery set holds_back = false
      where source = ${shelf.source} and object = ${shelf.object} and place = ${shelf.place} and name = ${name}
        and version <= ${version} and exception_id is not null
      returning exception_id as "exceptionId"`
    await closeExceptions(
      tx,
      closed.map((c) => c.exceptionId),
      'CORRECTED',
    )
  })
}

/** Refuses a file whole, with an exception that has an owner. */
export async function settleRefused(
  context: FileRunContext,
  delivery: Delivery,
  finding: Finding,
  sha256: string | null,
): Promise<void> {
  const { files, own } = context
  await fenced(context, async (tx) => {
    const exceptionId = await makeException(tx, context, delivery, finding)
    const move = files.errors === null ? null : 'ERRORS'
    await tx`
      update file_delivery set state = 'REFUSED', holds_back = ${own.onError === 'STOP'}, sha256 = coalesce(${sha256}, sha256),
        code = ${finding.code}, detail = ${finding.detail}, exception_id = ${exceptionId}, ended_at = clock_timestamp(), move = ${move}
      where id = ${delivery.id}`
  })
}

/** Puts the message about a file into the inbox, where it becomes an exception. Returns its id. */
export async function makeException(
  tx: Transaction,
  { shelf, run, reader }: Pick<FileRunContext, 'shelf' | 'run' | 'reader'>,
  { name, object, correlationId }: Delivery,
  { code, detail }: Finding,
): Promise<number | null> {
  const message = messageOfFile(object || null, name, crypto.randomUUID(), {
    code,
    problem: detail,
  })
  const accepted = await acceptWithin(tx, [
    // At once, even while the posting calendar of the system is closed.
    { ...message, source: shelf.source, correlationId, lane: laneOf(reader, message.object) },
  ])
  if (accepted.lastId !== null)
    await tx`
      update sync_state set inbox_id = greatest(inbox_id, ${accepted.lastId}::bigint)
      where source = ${run.lease.source} and object = ${run.lease.object}`
  return accepted.lastId
}
