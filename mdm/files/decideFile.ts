import { appendAudit } from '../audit/audit.ts'
import { SYNC_CHANNEL } from '../connections/control.ts'
import type { Sql, Transaction } from '../db/database.ts'
import { transaction } from '../db/transaction.ts'
import { closeExceptions } from '../inbox/requeue.ts'

/** SKIP: the later files no longer wait for it. AGAIN: a refused file is read once more. */
export type FileDecision = 'SKIP' | 'AGAIN'

export interface DecidedFile {
  source: string
  name: string
  object?: string | undefined
}

export type DecisionOutcome = { code: 'DONE'; object: string } | { code: 'REFUSED'; detail: string }

interface Found {
  id: number
  object: string
  state: string
  holdsBack: boolean
  exceptionId: number | null
  movedAt: Date | null
}

/** Carries out the decision of a person about one file, with its entry in the audit log. */
export async function decideFile(
  sql: Sql,
  caller: { actor: string; correlationId: string },
  decision: FileDecision,
  { source, name, object }: DecidedFile,
  reason: string,
): Promise<DecisionOutcome> {
  return await transaction(sql, async (tx) => {
    const found = await tx<Found[]>`
      select id, object, state, holds_back as "holdsBack", exception_id as "exceptionId", moved_at as "movedAt" from file_delivery d
      where source = ${source} and name = ${name} and (${object ?? null}::text is null or object = ${object ?? null})
        and version = (select max(version) from file_delivery v
          where v.source = d.source and v.object = d.object and v.place = d.place and v.name = d.name)
      order by id for update`
    const [file] = found
    if (!file)
      return refused(`${source} has put no file "${name}" anywhere; see "sync files ${source}"`)
    if (found.length > 1)
      return refused(`several objects have a file "${name}"; name one with --object`)
    const fault = decision === 'SKIP' ? faultOfSkip(file) : faultOfAgain(file)
    if (fault) return refused(`${name} ${fault}`)
    await apply(tx, decision, file, reason)
    await appendAudit(tx, {
      event: decision === 'SKIP' ? 'SKIP_FILE' : 'READ_FILE_AGAIN',
      ...{ actor: caller.actor, reason, correlationId: caller.correlationId },
      ...{ source, object: file.object, file: name },
    })
    await tx`
      update sync_state set due_at = clock_timestamp() where source = ${source} and (object = ${file.object} or ${file.object} = '')`
    await tx`select pg_notify(${SYNC_CHANNEL}, '')`
    return { code: 'DONE', object: file.object }
  })
}

async function apply(
  tx: Transaction,
  decision: FileDecision,
  { id, exceptionId }: Found,
  reason: string,
): Promise<void> {
  if (decision === 'SKIP')
    await tx`
      update file_delivery set state = 'REFUSED', holds_back = false, code = 'FILE_SKIPPED', detail = ${reason},
        ended_at = clock_timestamp()
      where id = ${id}`
  else
    await tx`
      update file_delivery set state = 'WAITING', holds_back = false, code = null, detail = null, rows = 0,
        ended_at = null, move = null, exception_id = null
      where id = ${id}`
  if (exceptionId !== null) await closeExceptions(tx, [exceptionId], 'DISCARDED')
}

function faultOfSkip({ state, holdsBack }: Found): string | null {
  if (state === 'MISSING' || state === 'WAITING' || (state === 'REFUSED' && holdsBack)) return null
  return state === 'READING' ? 'is being read' : 'holds back no other file'
}

function faultOfAgain({ state, movedAt }: Found): string | null {
  if (state !== 'REFUSED') return 'was not refused'
  return movedAt ? 'is in the folder for errors; put it back, and it is read again' : null
}

function refused(detail: string): DecisionOutcome {
  return { code: 'REFUSED', detail }
}
