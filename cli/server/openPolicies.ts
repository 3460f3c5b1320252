import type { Sql } from '../../mdm/db/database.ts'
import { readStoredPolicy } from '../../mdm/policy/policies.ts'
import type { SourceSystem } from '../../schema/sourceSystem.ts'
import type { Policies } from '../../subgraphs/stewardship/whatIf.ts'
import { loadCandidatePolicy } from '../config/candidatePolicy.ts'
import { programVersion } from '../config/programVersion.ts'
import { checkCandidate } from './checkCandidate.ts'
import { simulateOnThread } from './simulateThread.ts'

/**
 * Creates the gateway's access to policies that are not active: it reads, checks and simulates
 * them. Their graph is checked in a process of its own.
 */
export function openPolicies(options: {
  sql: Sql
  databaseUrl: string
  sources: string | undefined
  systems: readonly SourceSystem[]
  ownSubgraphs?: string | undefined
  contractHide?: readonly string[] | undefined
}): Policies {
  const { sql, databaseUrl, sources, systems } = options
  return {
    program: programVersion(),
    async loadSelectedPolicy(selection) {
      const stored = await loadCandidatePolicy(sql, selection, systems)
      await checkCandidate(sql, stored, options)
      return stored
    },
    async checkProposed(version) {
      const stored = await readStoredPolicy(sql, version)
      if (stored) await checkCandidate(sql, stored, options)
    },
    simulate: simulateOnThread(databaseUrl, sources),
  }
}
