import type { Sql } from '../db/database.ts'
import { AuditKeyError, loadAuditKeys } from './auditKeys.ts'
import { readBreakMark } from './breaks.ts'
import { verifyAudit } from './verifyAudit.ts'

/** Less than the time limit of an operation, so that a caller learns how far the check came. */
export const checkMsMax = 8_000

export interface AuditCheck {
  result: 'INTACT' | 'BROKEN' | 'NOT_VERIFIED' | 'UNFINISHED'
  /** How many entries were checked and fit. */
  entries: number
  last: number
  detail: string | null
  at: Date
}

export function notChecked(detail: string): AuditCheck {
  return { result: 'NOT_VERIFIED', entries: 0, last: 0, detail, at: new Date() }
}

/** Creates a check of the whole log. Calls during a check share its result. */
export function createAuditCheck(sql: Sql, msMax = checkMsMax): () => Promise<AuditCheck> {
  let running: Promise<AuditCheck> | null = null
  return () => {
    running ??= checkAudit(sql, msMax).finally(() => {
      running = null
    })
    return running
  }
}

async function checkAudit(sql: Sql, msMax: number): Promise<AuditCheck> {
  const at = new Date()
  const stop = AbortSignal.timeout(msMax)
  let [entries, last] = [0, 0]
  const of = (result: AuditCheck['result'], detail: string | null): AuditCheck => ({
    ...{ result, entries, last, detail, at },
  })
  try {
    const log = await verifyAudit(sql, {
      signal: stop,
      onProgress: (checked, through) => {
        entries = checked
        last = through
      },
    })
    entries = log.rows
    last = log.last
    if (log.broken) return of('BROKEN', `entry ${log.broken.id}: ${log.broken.detail}`)
    const ring = log.keys.length > 0 ? await loadAuditKeys(false) : []
    const open = (await readBreakMark(sql, ring, log.chain))?.open
    if (open) return of('BROKEN', `a server found entry ${open.id} broken: ${open.detail}`)
    if (log.unverified)
      return of(
        'NOT_VERIFIED',
        `this process does not have the key ${log.unverified.keyId} of entry ${log.unverified.id} and later ones`,
      )
    if (log.rows > 0 && log.keys.length === 0)
      return of('NOT_VERIFIED', 'no entry is under a key yet: the entries fit together only')
    return of('INTACT', null)
  } catch (e) {
    if (stop.aborted)
      return of(
        'UNFINISHED',
        `the check stopped after ${msMax / 1_000} s: touchstone audit verify checks the rest`,
      )
    if (e instanceof AuditKeyError) return of('NOT_VERIFIED', e.message)
    throw e
  }
}
