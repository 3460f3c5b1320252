import type { Logger } from 'pino'
import type { Connector } from '../../connectors/contract.ts'
import type { IngestHandler } from '../../gateway/http/deliveryRoute.ts'
import { describeError } from '../../gateway/http/describeError.ts'
import { createIngest } from '../../gateway/ingest/deliveries.ts'
import type { Sql } from '../../mdm/db/database.ts'
import { accept } from '../../mdm/inbox/accept.ts'

/** Returns the handler of deliveries, which writes them to the inbox. */
export function deliveryHandler(
  sql: Sql,
  connectors: ReadonlyMap<string, Connector>,
  log: Logger,
): IngestHandler {
  return createIngest({
    sources: connectors,
    accept: (messages) => accept(sql, messages),
    now: Date.now,
    report: (err, correlationId) =>
      log.error({ err: describeError(err), correlationId }, 'delivery failed'),
  })
}
