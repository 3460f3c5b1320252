import type { Sql } from '../../mdm/db/database.ts'
import { Permits } from '../../mdm/feed/permits.ts'
import { readStoredPolicy, type StoredPolicy } from '../../mdm/policy/policies.ts'
import type { SourceSystem } from '../../schema/sourceSystem.ts'
import type { Policies } from '../../subgraphs/stewardship/whatIf.ts'
import { loadCandidatePolicy } from '../config/candidatePolicy.ts'
import { programVersion } from '../config/programVersion.ts'
import { checkCandidate, checkStoredValues } from './checkCandidate.ts'
import { countOnThread, simulateOnThread } from './simulateThread.ts'

/**
 * Creates the gateway's access to policies that are not active: it reads, checks and simulates
 * them. Their graph is checked in a process of its own, stored values on a thread of their own.
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
  const counts = new Permits(1)
  const count = countOnThread(databaseUrl)
  const check = async (stored: StoredPolicy) => {
    await checkCandidate(sql, stored, options)
    // Only what refuses the policy: the other fields are counted by the commands.
    await checkStoredValues(sql, stored, options, 'REQUIRED', (...of) =>
      counts.run(() => count(...of)),
    )
  }
  return {
    program: programVersion(),
    async loadSelectedPolicy(selection) {
      const stored = await loadCandidatePolicy(sql, selection, systems)
      await check(stored)
      return stored
    },
    async checkProposed(version) {
      const stored = await readStoredPolicy(sql, version)
      if (stored) await check(stored)
    },
    simulate: simulateOnThread(databaseUrl, sources),
  }
}
