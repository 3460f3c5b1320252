import type { Logger } from 'pino'
import type { Connector } from '../../connectors/contract.ts'
import { queueOf } from '../../connectors/queueOf.ts'
import type { IngestHandler } from '../../gateway/http/deliveryRoute.ts'
import { describeError } from '../../gateway/http/describeError.ts'
import { ensureDevelopmentSecret } from '../../gateway/identity/developmentSecret.ts'
import { createIngest } from '../../gateway/ingest/deliveries.ts'
import { acceptDelivery } from '../../mdm/connections/hints/addHints.ts'
import type { Sql } from '../../mdm/db/database.ts'
import type { Config } from '../config/config.ts'
import { secretCheck } from './authentication.ts'

/** Returns the handler of deliveries, which writes them to the inbox. */
export function deliveryHandler(
  sql: Sql,
  connectors: ReadonlyMap<string, Connector>,
  { dataDir, developmentAccess }: Config<'dataDir' | 'developmentAccess'>,
  log: Logger,
): IngestHandler {
  const needsSecret = [...connectors.values()].some((c) => c.system.developmentSecret)
  if (needsSecret) ensureDevelopmentSecret(dataDir)
  return createIngest({
    sources: connectors,
    isSecret: secretCheck(dataDir, log),
    acceptsOwnUser: developmentAccess === 'user',
    accept: (messages) =>
      acceptDelivery(
        sql,
        messages.map((m) => {
          const connector = connectors.get(m.source)
          return connector ? { ...m, ...queueOf(connector, m.object) } : m
        }),
      ),
    now: Date.now,
    report: (err, correlationId) =>
      log.error({ err: describeError(err), correlationId }, 'delivery failed'),
  })
}
