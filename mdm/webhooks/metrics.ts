import type { Transaction } from '../db/database.ts'

/** Statistics of an endpoint; there are at most `endpointsMax` of them. */
export interface EndpointFigure {
  id: string
  state: 'ACTIVE' | 'DISABLED'
  /** The breaker is open: nothing is sent. */
  paused: boolean
  /** Positions between the endpoint's position and the head of the feed. */
  lag: number
  /** Golden records that wait for a retry. */
  parked: number
}

/**
 * Returns the statistics of all endpoints: the table is small, and parked events are counted by
 * their key.
 */
export async function endpointFigures(tx: Transaction): Promise<EndpointFigure[]> {
  return await tx<EndpointFigure[]>`
    select w.id, w.state, coalesce(w.paused_until > now(), false) as paused,
      greatest(0, h.position - w.position)::float8 as lag, coalesce(p.n, 0)::int as parked
    from webhook w cross join feed_head h
    left join (select webhook, count(*) as n from webhook_parked group by 1) p on p.webhook = w.id`
}

/** Unsettled events are counted up to this many. */
export const unsettledRowsMax = 100_000

/** Counts events that wait for a retry or a replay, or are dead, by their partial index. */
export async function unsettledFigures(
  tx: Transaction,
): Promise<{ state: string; count: number }[]> {
  return await tx<{ state: string; count: number }[]>`
    select state, count(*)::int as count
    from (select state from webhook_delivery where state <> 'DELIVERED' limit ${unsettledRowsMax}) d group by 1`
}
