import type { Sql } from '../db/database.ts'
import { transaction } from '../db/transaction.ts'
import { appendAudit } from './audit.ts'

/** A refused access. Holds no document and no values, because those may be personal data. */
export interface Refusal {
  /** Null if the caller is unknown. */
  actor: string | null
  code: string
  /** Requested fields of the graph. */
  fields: readonly string[]
  correlationId: string
}

export interface RefusalLog {
  note(refusal: Refusal): void
  /** Writes what has been recorded. */
  flush(): Promise<void>
  stop(): Promise<void>
}

const everyMs = 10_000
/** Entries of the audit log per interval; further refusals are counted in one more entry. */
const entriesMax = 50
const fieldsMax = 10

/**
 * Records refused access in the audit log: one entry for equal refusals of one caller within 10 s.
 * So a caller who keeps trying neither fills the disk nor delays others. A kill loses at most 10 s;
 * the process log has each refusal.
 */
export function openRefusals(sql: Sql, failed: (error: unknown) => void): RefusalLog {
  let noted = new Map<string, Refusal & { times: number }>()
  let beyond = 0
  let writing = Promise.resolve()

  const write = async () => {
    if (noted.size === 0) return
    const [entries, more] = [[...noted.values()], beyond]
    noted = new Map()
    beyond = 0
    await transaction(sql, async (tx) => {
      for (const { actor, ...facts } of entries)
        await appendAudit(tx, { event: 'ACCESS_REFUSED', actor: actor ?? 'nobody', ...facts })
      if (more > 0)
        await appendAudit(tx, {
          event: 'ACCESS_REFUSED',
          actor: 'nobody',
          code: 'MANY',
          times: more,
        })
    })
  }
  const flush = () => {
    writing = writing.then(write).catch(failed)
    return writing
  }
  const timer = setInterval(flush, everyMs).unref()
  return {
    note(refusal) {
      const fields = refusal.fields.slice(0, fieldsMax)
      const key = JSON.stringify([refusal.actor, refusal.code, fields])
      const known = noted.get(key)
      if (known) known.times++
      else if (noted.size >= entriesMax) beyond++
      else noted.set(key, { ...refusal, fields, times: 1 })
    },
    flush,
    async stop() {
      clearInterval(timer)
      await flush()
    },
  }
}
