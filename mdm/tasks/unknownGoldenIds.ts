import type { Transaction } from '../db/database.ts'
import { ownerOf, type StewardshipRules } from './rules.ts'
import { closeTasks, openTasks, taskId } from './tasks.ts'

/** A record of a golden type that this transaction has written. */
export interface WrittenBearer {
  key: string
  statedGolden: string | null
  /** The golden id that it bore before; undefined for a new record. */
  before: string | null | undefined
}

interface Row {
  key: string
  type: string
  source: string
  object: string
  sourceId: string
  statedGolden: string
  isUnknown: boolean
}

/**
 * Brings UNKNOWN_GOLDEN_ID tasks in line with these records: with the golden ids that they bear, and
 * with those of other records that a new one of them is the name of. Such an id was copied from
 * another record or installation, or typed; the record stands alone, which nobody would notice. Call
 * it once the records are saved. Bearer and named record share a lock (`applyMessages`), so one of
 * them sees the other.
 */
export async function syncUnknownGoldenIds(
  tx: Transaction,
  rules: StewardshipRules,
  records: readonly WrittenBearer[],
): Promise<void> {
  const bearers = records.filter((r) => r.statedGolden !== null || r.before).map((r) => r.key)
  const fresh = records.filter((r) => r.before === undefined).map((r) => r.key)
  if (bearers.length + fresh.length === 0) return
  const rows = await tx<Row[]>`
    select key, type, source, object, source_id as "sourceId", stated_golden as "statedGolden",
      stated_golden is not null and not deleted and not exists (
        select from source_record n where n.key = r.stated_golden and n.type = r.type) as "isUnknown"
    from source_record r where id in (
      select id from source_record where key = any(${bearers}::uuid[])
      union all select id from source_record where stated_golden = any(${fresh}::uuid[]))`
  const idOf = (r: Row) => taskId('UNKNOWN_GOLDEN_ID', [r.key])
  await closeTasks(tx, rows.filter((r) => !r.isUnknown).map(idOf), 'its reason is gone')
  await openTasks(
    tx,
    rules,
    rows
      .filter((r) => r.isUnknown)
      .map(({ key, type, source, object, sourceId, statedGolden }) => ({
        kind: 'UNKNOWN_GOLDEN_ID' as const,
        type,
        subject: [key],
        reason: `${object} ${sourceId} of ${source} bears the golden id ${statedGolden}, which names no ${type}: it may have been copied or typed. Put the right id there, or empty the field`,
        weight: null,
        stake: 0,
        owner: ownerOf(rules, { system: source, object, type }),
      })),
  )
}
