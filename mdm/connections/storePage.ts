import type { PulledPage } from '../../connectors/connection/contract.ts'
import type { Sql, Transaction } from '../db/database.ts'
import { transaction } from '../db/transaction.ts'
import { type Accepted, acceptWithin } from '../inbox/accept.ts'
import { removeRead } from './hints/dueHints.ts'
import { type Lease, leaseMs, lost } from './lease.ts'
import { pageMessages } from './pageMessages.ts'
import type { ReadRow, RowReader } from './readRows.ts'
import type { Run } from './runs.ts'

/** Rows in one statement. */
const rowsMax = 2_000

export interface StoredPage {
  messages: number
  deletions: number
}

/**
 * Puts the rows of a page into the inbox and stores the position after them, in one transaction.
 * Takes the object's row first, so a holder that has lost its lease throws LeaseLost and stores
 * nothing.
 */
export async function storePage(
  sql: Sql,
  run: Run,
  reader: RowReader,
  page: Omit<PulledPage, 'rows'>,
  rows: readonly ReadRow[],
): Promise<StoredPage> {
  return await transaction(sql, async (tx) => {
    const { source, object } = run.lease
    const lastInboxId = await lockObject(tx, run.lease)
    // A load of everything is late by its nature, so it does not count for the service levels.
    const measured = run.mode === 'DELTA'
    const stored = await storeRows(tx, run.lease, reader, rows, { lastInboxId, measured })
    if (run.hasHints) await removeRead(tx, run, idsOf(rows))
    const { position } = page
    await tx`
      update sync_state set position = ${tx.json({ ...position })}, position_at = clock_timestamp(),
        expires_at = ${position.expiresAt === null ? null : new Date(position.expiresAt)}, within_run = ${!page.last},
        rows = rows + ${rows.length}, announced = coalesce(${page.total}, announced), attempts = 0,
        inbox_id = greatest(inbox_id, ${stored.lastId}::bigint), leased_until = clock_timestamp() + make_interval(secs => ${leaseMs / 1_000})
      where source = ${source} and object = ${object}`
    await countPage(tx, run, rows.length, stored)
    return stored
  })
}

/** Stores deletions that a census found; the position stays. Throws LeaseLost. */
export async function storeDeletions(
  sql: Sql,
  run: Run,
  reader: RowReader,
  rows: readonly ReadRow[],
): Promise<StoredPage> {
  return await transaction(sql, async (tx) => {
    const { source, object } = run.lease
    const lastInboxId = await lockObject(tx, run.lease)
    const stored = await storeRows(tx, run.lease, reader, rows, { lastInboxId, measured: false })
    await tx`
      update sync_state set inbox_id = greatest(inbox_id, ${stored.lastId}::bigint),
        leased_until = clock_timestamp() + make_interval(secs => ${leaseMs / 1_000})
      where source = ${source} and object = ${object}`
    await countPage(tx, run, 0, stored)
    return stored
  })
}

/** Locks the object until the end of the transaction and returns its last message. */
export async function lockObject(tx: Transaction, lease: Lease): Promise<number> {
  const [row] = await tx<{ inboxId: number }[]>`
    select inbox_id as "inboxId" from sync_state
    where source = ${lease.source} and object = ${lease.object} and fence = ${lease.fence} and leased_by = ${lease.holder}
    for update`
  if (!row) throw lost(lease)
  return row.inboxId
}

/** Puts rows into the inbox. `correlations` are those of the events that named them, by id. */
export async function storeRows(
  tx: Transaction,
  { source }: Lease,
  reader: RowReader,
  rows: readonly ReadRow[],
  {
    lastInboxId,
    measured,
    correlationId = crypto.randomUUID(),
    correlations = new Map(),
  }: {
    lastInboxId: number
    measured: boolean
    correlationId?: string
    correlations?: ReadonlyMap<string, string>
  },
): Promise<StoredPage & { lastId: number }> {
  const total = { messages: 0, deletions: 0, lastId: 0 }
  for (let n = 0; n < rows.length; n += rowsMax) {
    const part = rows.slice(n, n + rowsMax)
    const messages = await pageMessages(tx, part, {
      ...{ source, reader, lastInboxId, again: crypto.randomUUID() },
      correlationOf: (row) => correlations.get(row.id) ?? correlationId,
    })
    const accepted: Accepted = await acceptWithin(tx, messages, { measured })
    total.messages += accepted.accepted
    total.lastId = accepted.lastId ?? total.lastId
    total.deletions += part.filter((r) => r.row.deleted).length
  }
  return total
}

function idsOf(rows: readonly ReadRow[]): string[] {
  return rows.map(({ row }) => row.id)
}

export async function countPage(
  tx: Transaction,
  run: Run,
  rows: number,
  stored: StoredPage,
): Promise<void> {
  await tx`
    update sync_run set pages = pages + 1, rows = rows + ${rows}, messages = messages + ${stored.messages},
      deletions = deletions + ${stored.deletions}
    where id = ${run.id}`
}
