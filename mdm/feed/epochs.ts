import type { Sql, Transaction } from '../db/database.ts'
import { transaction } from '../db/transaction.ts'
import { FeedError } from './feedError.ts'
import { type Epoch, Lineage } from './lineage.ts'

/**
 * Why an epoch began: FIRST with the feed; SERVER_CHANGED and WENT_BACK were detected; COMMAND by
 * an operator.
 */
export type EpochReason = 'FIRST' | 'SERVER_CHANGED' | 'WENT_BACK' | 'COMMAND'

/** The last lineage that each pool has read. */
const known = new WeakMap<Sql, Lineage>()

/** Returns the lineage that ends with `epoch`, or with a later one if it has begun meanwhile. */
export async function readLineage(sql: Sql, epoch: string): Promise<Lineage> {
  const last = known.get(sql)
  if (last?.current === epoch) return last
  const read = () => sql<Epoch[]>`
    select e.id, e.began_after as "beganAfter" from feed_epoch e join feed_head h on h.feed = e.feed
    order by e.number`
  let epochs = await read()
  if (epochs.length === 0) {
    // The feed was given another name by hand.
    await transaction(sql, renewEpoch)
    epochs = await read()
  }
  const lineage = new Lineage(epochs)
  known.set(sql, lineage)
  return lineage
}

/**
 * Begins an epoch if the store may have gone back since the last one began. A server that was
 * started since, or another database, may hold an older state; so may tables that were read from a
 * dump, whose rows another transaction wrote. No position is given out (append.ts), and no cursor
 * (readHead), before these three are compared. An epoch too many does no harm: it begins at the
 * head, where every cursor is still good.
 */
export async function renewEpoch(tx: Transaction): Promise<void> {
  await tx`select from feed_head for update`
  const [same] = await tx`
    select from feed_head h join feed_epoch e on e.id = h.epoch
    where h.server = feed_server() and e.feed = h.feed and e.xmin::text::bigint = h.epoch_xid`
  if (!same) await begin(tx, 'SERVER_CHANGED', null)
}

/**
 * Begins an epoch after `position`, or at the head. Cursors of later positions in any epoch so far
 * are rejected from then on.
 */
export async function beginEpoch(
  sql: Sql,
  reason: EpochReason,
  position: number | null,
): Promise<Epoch> {
  return await transaction(sql, async (tx) => {
    await tx`select from feed_head for update`
    return await begin(tx, reason, position)
  })
}

/**
 * Begins an epoch after a position at which the store was found to have gone back. Does nothing if
 * another process has begun one since: a second one would cut off what was written in the first.
 */
export async function beginEpochAfterReturn(
  sql: Sql,
  seen: { epoch: string; position: number },
): Promise<void> {
  await transaction(sql, async (tx) => {
    const [same] = await tx`select from feed_head where epoch = ${seen.epoch} for update`
    if (same) await begin(tx, 'WENT_BACK', seen.position)
  })
}

async function begin(
  tx: Transaction,
  reason: EpochReason,
  position: number | null,
): Promise<Epoch> {
  const [epoch] = await tx<Epoch[]>`
    insert into feed_epoch (feed, began_after, reason)
    select feed, least(coalesce(${position}::bigint, position), position), ${reason} from feed_head
    returning id, began_after as "beganAfter"`
  if (!epoch) throw new Error('feed_head has no row: the migrations have not run')
  await tx`
    update feed_head set epoch = ${epoch.id}, server = feed_server(),
      epoch_xid = (select xmin::text::bigint from feed_epoch where id = ${epoch.id})`
  return epoch
}

export interface ListedEpoch extends Epoch {
  reason: EpochReason
  at: Date
}

/** Returns the epochs, the newest first. */
export async function listEpochs(sql: Sql, rowsMax: number): Promise<ListedEpoch[]> {
  return await sql<ListedEpoch[]>`
    select id, began_after as "beganAfter", reason, at from feed_epoch order by number desc limit ${rowsMax}`
}

/** Throws CURSOR_OTHER_FEED if a position of `epoch` is not part of the present feed. */
export function requirePresent(lineage: Lineage, epoch: string, position: number): void {
  if (!lineage.holds(epoch, position)) throw otherFeed()
}

function otherFeed(): FeedError {
  return new FeedError(
    'CURSOR_OTHER_FEED',
    'the cursor is of another feed: another installation gave it out, or this store was restored to an earlier state since; subscribe with snapshot: true',
  )
}
