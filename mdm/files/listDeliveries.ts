import type { Sql } from '../db/database.ts'
import type { Delivery } from './deliveries.ts'

export type ListedDelivery = Omit<Delivery, 'correlationId' | 'series' | 'sequence' | 'stamp'>

export interface DeliveryFilter {
  source: string
  object?: string | undefined
  /** Only what is not read to its end and not decided. */
  open: boolean
}

/** Returns the latest files of a source system, the newest first. */
export async function listDeliveries(
  sql: Sql,
  { source, object, open }: DeliveryFilter,
  limit: number,
): Promise<ListedDelivery[]> {
  return await sql<ListedDelivery[]>`
    select id, source, object, place, name, version, bytes, modified_at as "modifiedAt", sha256, state, holds_back as "holdsBack",
      code, detail, rows, messages, exception_id as "exceptionId", seen_at as "seenAt", began_at as "beganAt", ended_at as "endedAt",
      move, moved_at as "movedAt"
    from file_delivery
    where source = ${source} and (${object ?? null}::text is null or object = ${object ?? null})
      and (not ${open} or state in ('WAITING', 'READING', 'MISSING') or holds_back)
    order by id desc limit ${limit}`
}
