import type { Sql } from '../../mdm/db/database.ts'
import type { SourceSystem } from '../../schema/sourceSystem.ts'
import type { Policies } from '../../subgraphs/stewardship/whatIf.ts'
import { loadCandidatePolicy } from '../config/candidatePolicy.ts'
import { resolutionContextOf } from '../config/policyFiles.ts'
import { simulateOnThread } from './simulateThread.ts'

/** What a gateway does with policies that are not in force: reads them, checks them, tries them. */
export function openPolicies(options: {
  sql: Sql
  databaseUrl: string
  sources: string | undefined
  systems: readonly SourceSystem[]
}): Policies {
  const { sql, databaseUrl, sources, systems } = options
  return {
    async candidate(asked) {
      const kept = await loadCandidatePolicy(sql, asked, systems)
      resolutionContextOf(kept, systems)
      return kept
    },
    simulate: simulateOnThread(databaseUrl, sources),
  }
}
