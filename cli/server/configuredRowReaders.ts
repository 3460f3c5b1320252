import { openRowReaders, type RowReaders } from '../../mdm/access/rowReaders.ts'
import { setUpRowRights } from '../../mdm/access/rowRights.ts'
import { openDatabase, type Sql } from '../../mdm/db/database.ts'
import { RowVisibility } from '../../mdm/feed/rowVisibility.ts'
import type { EndpointRows } from '../../mdm/webhooks/endpoints.ts'
import type { Policy } from '../../schema/policy.ts'
import type { Config } from '../config/config.ts'
import { openAccess } from './authentication.ts'

/**
 * Sets up row rights in the database and opens the connections that enforce them. Returns undefined
 * if none are configured, at no cost. Throws RowRightsError if the database does not permit the
 * setup: a gateway that cannot enforce row rights does not start.
 */
export async function rowReaders(
  config: Config<'access'>,
  sql: Sql,
  policy: Policy,
  databaseUrl: string,
  open: typeof openDatabase = openDatabase,
): Promise<RowReaders | undefined> {
  const { rows } = openAccess(config)
  if (!rows) return undefined
  await setUpRowRights(sql, policy)
  return openRowReaders(databaseUrl, rows, open)
}

/** Returns the row visibility of webhooks, by the row rights of the caller who registered them. */
export function rowVisibilityFor(
  readers: RowReaders | undefined,
): (rows: EndpointRows) => RowVisibility | null {
  return (rows) => (readers?.of(rows) ? new RowVisibility(() => readers.of(rows) as Sql) : null)
}
