import type { Sql } from '../db/database.ts'
import { readOnlyTransaction } from '../db/readOnlyTransaction.ts'
import { type GoldenFacts, loadPlanFacts, type PlanContext } from './facts.ts'
import { planWrites } from './plan.ts'
import { isWaiting, type PlannedWrite } from './plannedWrite.ts'
import type { Target } from './target.ts'

/** Golden records that are compared at a time. */
const pageRows = 500

/** One write that would be made now. */
export interface DiffWrite {
  golden: GoldenFacts
  write: PlannedWrite
}

/** Counts of what would be written. */
export interface DiffCounts {
  goldenRecords: number
  creates: number
  updates: number
  /** Writes that wait for a record of another golden record, for the load of the target, or for a task. */
  waiting: number
  /** Writes, and fields, that are refused. */
  refused: number
  /** By golden type and field. */
  fields: { type: string; field: string; written: number; refused: number; codes: string[] }[]
}

/**
 * Compares all golden records with what a target holds, page by page, and returns what would be
 * written now. Nothing is stored or sent. `onWrite` is called for each write.
 */
export async function diffTarget(
  sql: Sql,
  context: PlanContext,
  target: Target,
  onWrite: (found: DiffWrite) => void,
  onProgress: (goldenRecords: number) => void = () => {},
): Promise<DiffCounts> {
  const counts = { goldenRecords: 0, creates: 0, updates: 0, waiting: 0, refused: 0 }
  const fields = new Map<string, DiffCounts['fields'][number]>()
  const fieldOf = (type: string, field: string) => {
    const name = `${type}.${field}`
    const found = fields.get(name) ?? { type, field, written: 0, refused: 0, codes: [] }
    fields.set(name, found)
    return found
  }
  const alone = { ...context, targets: new Map([[target.source, target]]) }
  const types = [...target.types.keys()]
  for (let after = '00000000-0000-0000-0000-000000000000'; ; ) {
    const facts = await readOnlyTransaction(sql, async (tx) => {
      const rows = await tx<{ id: string }[]>`
        select id from golden where id > ${after}::uuid and type = any(${types}::text[]) and state = 'ACTIVE'
        order by id limit ${pageRows}`
      after = rows.at(-1)?.id ?? ''
      return await loadPlanFacts(
        tx,
        alone,
        rows.map((r) => r.id),
      )
    })
    for (const golden of facts.goldens) {
      counts.goldenRecords++
      const input = facts.inputOf(golden, target)
      for (const write of input ? planWrites(input) : []) {
        if (isWaiting(write)) counts.waiting++
        else if (Object.keys(write.values).length === 0) counts.refused++
        else counts[write.operation === 'CREATE' ? 'creates' : 'updates']++
        for (const field of Object.keys(write.changes)) fieldOf(golden.type, field).written++
        for (const { field, code } of write.refused) {
          const of = fieldOf(golden.type, field)
          of.refused++
          if (!of.codes.includes(code)) of.codes.push(code)
        }
        onWrite({ golden, write })
      }
    }
    onProgress(counts.goldenRecords)
    if (facts.goldens.length < pageRows) break
  }
  const byCount = (a: { written: number; refused: number }) => a.written + a.refused
  return { ...counts, fields: [...fields.values()].sort((a, b) => byCount(b) - byCount(a)) }
}
