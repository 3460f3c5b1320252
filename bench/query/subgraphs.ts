import { openInstallation } from '../../cli/config/installation.ts'
import { openDatabase } from '../../mdm/db/database.ts'
import type { Tailer } from '../../mdm/feed/tailer.ts'
import { createSubgraphs } from '../../subgraphs/all.ts'
import type { Subgraph } from '../../subgraphs/contract.ts'

/** Returns the subgraphs as the role `gateway` creates them, for queries only: without the feed. */
export function querySubgraphs(databaseUrl: string): Subgraph[] {
  const { policy, systems } = openInstallation()
  const sql = openDatabase(databaseUrl, {
    name: 'bench-query',
    connectionsMax: 10,
    planCache: 'auto',
  })
  return createSubgraphs({ sql, policy, sources: systems, tailer: { sql } as Tailer })
}

/** The scopes of a caller that may do everything. */
export const everyone = { has: () => true } as unknown as ReadonlySet<string>

/** Reports the URL to the parent process, and exits with it. */
export function reportUrl(url: string): void {
  process.once('disconnect', () => process.exit())
  process.send?.(url)
}
