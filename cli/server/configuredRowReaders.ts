import { openRowReaders, type RowReaders } from '../../mdm/access/rowReaders.ts'
import { setUpRowRights } from '../../mdm/access/rowRights.ts'
import { openDatabase, type Sql } from '../../mdm/db/database.ts'
import { RowVisibility } from '../../mdm/feed/rowVisibility.ts'
import type { EndpointRows } from '../../mdm/webhooks/endpoints.ts'
import type { Policy } from '../../schema/policy.ts'
import type { Config } from '../config/config.ts'
import { openAccess } from './authentication.ts'

/**
 * Where row rights are configured: sets them up in the database, and opens what reads with them;
 * else undefined, and nothing is there that could cost. Throws RowRightsError where the database
 * does not let them be set up: a gateway that cannot hold anybody to them does not start.
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

/** What webhooks may be told of, by the rows of whoever registered them. */
export function sightOf(
  readers: RowReaders | undefined,
): (rows: EndpointRows) => RowVisibility | null {
  return (rows) => (readers?.of(rows) ? new RowVisibility(() => readers.of(rows) as Sql) : null)
}
