import type { Sql } from '../db/database.ts'

/** Outcomes of messages that were accepted under one correlation id. */
export interface Settled {
  /** Still in the queue. */
  waiting: number
  applied: number
  skipped: number
  exceptions: number
  /** Reasons why messages were not applied, most frequent first. */
  reasons: { outcome: 'SKIPPED' | 'EXCEPTION'; code: string; count: number; example: string }[]
}

export interface Span {
  correlationId: string
  firstId: number
  lastId: number
}

const reasonsMax = 20

/**
 * Counts messages of the range that still wait: a range of the queue's primary key, cheap enough to
 * poll every second.
 */
export async function countWaiting(
  sql: Sql,
  span: Pick<Span, 'firstId' | 'lastId'>,
): Promise<number> {
  const [row] = await sql<{ n: number }[]>`
    select count(*)::integer as n from pending where inbox_id between ${span.firstId} and ${span.lastId}`
  return row?.n ?? 0
}

/**
 * Returns the counts of a range: one pass over its part of the inbox, with probes of the queue and
 * the outcomes.
 */
export async function settled(sql: Sql, span: Span): Promise<Settled> {
  const rows = await sql<
    {
      outcome: 'SKIPPED' | 'EXCEPTION' | 'APPLIED' | 'WAITING'
      code: string | null
      count: number
      example: string | null
    }[]
  >`
    select case when p.inbox_id is not null then 'WAITING' else coalesce(o.outcome, 'APPLIED') end as outcome,
      case when p.inbox_id is null then o.code end as code, count(*)::integer as count,
      min(left(o.detail, 200)) as example
    from inbox i
    left join pending p on p.inbox_id = i.id
    left join outcome o on o.inbox_id = i.id
    where i.id between ${span.firstId} and ${span.lastId} and i.correlation_id = ${span.correlationId}
    group by 1, 2 order by count(*) desc`
  const sum = (outcome: string) =>
    rows.filter((r) => r.outcome === outcome).reduce((n, r) => n + r.count, 0)
  return {
    waiting: sum('WAITING'),
    applied: sum('APPLIED'),
    skipped: sum('SKIPPED'),
    exceptions: sum('EXCEPTION'),
    reasons: rows
      .flatMap((r) =>
        r.outcome === 'SKIPPED' || r.outcome === 'EXCEPTION'
          ? [{ outcome: r.outcome, code: r.code ?? '', count: r.count, example: r.example ?? '' }]
          : [],
      )
      .slice(0, reasonsMax),
  }
}
