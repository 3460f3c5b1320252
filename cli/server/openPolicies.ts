import type { Sql } from '../../mdm/db/database.ts'
import type { SourceSystem } from '../../schema/sourceSystem.ts'
import type { Policies } from '../../subgraphs/stewardship/whatIf.ts'
import { loadCandidatePolicy } from '../config/candidatePolicy.ts'
import { resolutionContextOf } from '../config/policyFiles.ts'
import { simulateOnThread } from './simulateThread.ts'

/**
 * Creates the gateway's access to policies that are not active: it reads, checks and simulates
 * them.
 */
export function openPolicies(options: {
  sql: Sql
  databaseUrl: string
  sources: string | undefined
  systems: readonly SourceSystem[]
}): Policies {
  const { sql, databaseUrl, sources, systems } = options
  return {
    async loadSelectedPolicy(selection) {
      const stored = await loadCandidatePolicy(sql, selection, systems)
      resolutionContextOf(stored, systems)
      return stored
    },
    simulate: simulateOnThread(databaseUrl, sources),
  }
}
