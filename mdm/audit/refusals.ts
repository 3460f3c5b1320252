import type { Sql } from '../db/database.ts'
import { transaction } from '../db/transaction.ts'
import { appendAudit } from './audit.ts'

/** Access that was refused. No document and no value of one: those may hold personal data. */
export interface Refusal {
  /** Null: who asked is not known. */
  actor: string | null
  code: string
  /** Fields of the graph that were asked for. */
  fields: readonly string[]
  correlationId: string
}

export interface RefusalLog {
  note(refusal: Refusal): void
  /** Writes what is noted. */
  flush(): Promise<void>
  stop(): Promise<void>
}

const everyMs = 10_000
/** Entries of the audit log in this time; what is refused beyond them is counted in one more. */
const entriesMax = 50
const fieldsMax = 10

/**
 * Refused access in the audit log, one entry for all that one caller was refused alike in 10 s: whoever knocks without end
 * fills no disk and holds nobody up. A kill loses 10 s of it; the process's own log has each.
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
      if (more > 0) await appendAudit(tx, { event: 'ACCESS_REFUSED', actor: 'nobody', code: 'MANY', times: more })
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
