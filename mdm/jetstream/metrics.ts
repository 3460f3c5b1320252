import type { Sql, Transaction } from '../db/database.ts'

/** Statistics of a sink. */
export interface SinkStats {
  name: string
  position: number
  /** Positions between the sink's position and the head of the feed. */
  lag: number
  missed: number
  savedAt: Date
}

export async function sinkFigures(tx: Sql | Transaction): Promise<SinkStats[]> {
  return await tx<SinkStats[]>`
    select s.name, s.position, greatest(0, h.position - s.position) as lag, s.missed, s.updated_at as "savedAt"
    from sink s, feed_head h order by s.name`
}
