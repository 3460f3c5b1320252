import { openRowReaders, type RowReaders } from '../../mdm/access/rowReaders.ts'
import { requireRowRights, setUpRowRights } from '../../mdm/access/rowRights.ts'
import { databaseRole } from '../../mdm/db/applicationRole.ts'
import { openDatabase, type Sql } from '../../mdm/db/database.ts'
import { RowVisibility } from '../../mdm/feed/rowVisibility.ts'
import type { EndpointRows } from '../../mdm/webhooks/endpoints.ts'
import type { Policy } from '../../schema/policy.ts'
import type { Config } from '../config/config.ts'
import type { Installation } from '../config/installation.ts'
import { parseStoredPolicy } from '../config/policyFiles.ts'
import type { Connection } from '../connect.ts'
import { openAccess } from './authentication.ts'
import { servablePolicy } from './servablePolicy.ts'

/**
 * Sets up row rights in the database, as the owner of the tables if that is known. Does nothing if
 * none are configured. Throws RowRightsError if the database does not permit it.
 */
export async function prepareRowRights(
  config: Config<'access'>,
  { sql, url, ownerUrl }: Connection,
  installation: Installation,
): Promise<void> {
  if (!openAccess(config).rows) return
  const role = await databaseRole(sql)
  if (ownerUrl === undefined && !role.owns) return // rowReaders checks that somebody has done it
  const policy = await policyToSetUp(url, installation)
  const owner = openDatabase(ownerUrl ?? url, { name: 'touchstone-set-up', connectionsMax: 1 })
  try {
    await setUpRowRights(owner, policy, role.owns ? null : role.name)
  } finally {
    await owner.end({ timeout: 5 })
  }
}

/** Returns the policy that the roles of this process will use: the newest one may be refused. */
async function policyToSetUp(url: string, installation: Installation): Promise<Policy> {
  // One connection holds the lock of the check.
  const sql = openDatabase(url, { name: 'touchstone-set-up', connectionsMax: 2 })
  try {
    const stored = await servablePolicy(sql)
    return stored ? parseStoredPolicy(stored, null) : installation.policy
  } finally {
    await sql.end({ timeout: 5 })
  }
}

/**
 * Opens the connections that enforce row rights. Returns undefined if none are configured, at no
 * cost. Throws RowRightsError if the database is not set up for them: a gateway that cannot enforce
 * row rights does not start.
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
  await requireRowRights(sql, policy)
  return openRowReaders(databaseUrl, rows, open)
}

/** Returns the row visibility of webhooks, by the row rights of the caller who registered them. */
export function rowVisibilityFor(
  readers: RowReaders | undefined,
): (rows: EndpointRows) => RowVisibility | null {
  return (rows) => (readers?.of(rows) ? new RowVisibility(() => readers.of(rows) as Sql) : null)
}
