import { ConnectionError } from '../../../connectors/connection/contract.ts'
import type { ClaimedObject } from '../lease.ts'
import type { PullTools } from '../pullObject.ts'
import { countDue, removeHints } from './dueHints.ts'
import { type HintsRead, hintsOfClaimMax, readHints } from './readHints.ts'
import { settleHints } from './settleHints.ts'

/** What a claim does about hints. */
export interface HintPlan {
  /** When the records are read: a flood is read by the pull, and the rest of it after that. */
  read: 'BEFORE' | 'AFTER' | 'NONE'
  /** Whether the object is pulled now although it is not due. */
  pulls: boolean
  /** The version of a hint that names the object alone. */
  whole: number | null
}

/**
 * Plans the hints of a claimed object. Before the first load is complete, it is what reads the
 * records.
 */
export async function planHints(
  { sql, connection }: PullTools,
  { lease, successAt, rescanSince }: ClaimedObject,
): Promise<HintPlan> {
  const { records, whole } = await countDue(sql, lease, hintsOfClaimMax + 1)
  const isFlood = records > hintsOfClaimMax && connection.hasDelta(lease.object)
  const isLoading = successAt === null || rescanSince !== null
  return {
    read: records === 0 ? 'NONE' : isFlood || isLoading ? 'AFTER' : 'BEFORE',
    pulls: isFlood || whole !== null,
    whole,
  }
}

/** How reading hints ended. */
export interface HintsEnded {
  read: HintsRead | null
  problem: ConnectionError | null
}

/** Reads hints. A failure of the system is stored, and holds back no pull. Throws LeaseLost. */
export async function tryHints(
  tools: PullTools,
  { lease }: ClaimedObject,
  signal: AbortSignal,
): Promise<HintsEnded> {
  try {
    const read = await readHints(tools, lease, signal)
    await settleHints(tools.sql, lease, null)
    return { read, problem: null }
  } catch (e) {
    if (!(e instanceof ConnectionError)) throw e
    await settleHints(tools.sql, lease, e)
    return { read: null, problem: e }
  }
}

/** Removes the hint that named the object alone, after the pull that it asked for. */
export async function removeWhole(
  { sql }: PullTools,
  { lease }: ClaimedObject,
  { whole }: HintPlan,
): Promise<void> {
  if (whole !== null) await removeHints(sql, lease, [{ id: '', times: whole }])
}
