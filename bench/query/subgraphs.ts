import { openInstallation } from '../../cli/config/installation.ts'
import { openDatabase } from '../../mdm/db/database.ts'
import type { Tailer } from '../../mdm/feed/tailer.ts'
import { createSubgraphs } from '../../subgraphs/all.ts'
import type { Subgraph } from '../../subgraphs/contract.ts'

/** The subgraphs as the role `gateway` makes them, for queries only: without the feed. */
export function querySubgraphs(databaseUrl: string): Subgraph[] {
  const { policy, systems } = openInstallation()
  const sql = openDatabase(databaseUrl, {
    name: 'bench-query',
    connectionsMax: 10,
    planCache: 'auto',
  })
  return createSubgraphs({ sql, policy, sources: systems, tailer: { sql } as Tailer })
}

/** Of whoever may do all. */
export const everyone = { has: () => true } as unknown as ReadonlySet<string>

/** Says the address to the process that started this one, and ends with it. */
export function tell(url: string): void {
  process.once('disconnect', () => process.exit())
  process.send?.(url)
}
