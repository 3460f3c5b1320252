import { workerData } from 'node:worker_threads'
import { openDatabase } from '../../mdm/db/database.ts'
import { carryOnPublication } from '../../mdm/policy/publish.ts'
import { configureAuditKeysOfThread } from '../config/auditKeys.ts'
import { openInstallation } from '../config/installation.ts'
import { resolutionContextOf } from '../config/policyFiles.ts'
import { servablePolicy } from './servablePolicy.ts'

/** A thread for one publication, so that it never blocks a query. */
export interface PublishData {
  databaseUrl: string
  sources: string | undefined
}

const { databaseUrl, sources } = workerData as PublishData
configureAuditKeysOfThread()
// One connection holds the lock; the others do the work.
const sql = openDatabase(databaseUrl, { name: 'touchstone-publish', connectionsMax: 3 })
try {
  const { systems, rules } = openInstallation(sources)
  // One that cannot be served is refused here, and is no longer there to carry on.
  await servablePolicy(sql, ({ problem, code }) => {
    // Nothing is brought in line with a policy that this process does not use.
    if (code === 'UNCHECKED') throw new Error(problem)
  })
  await carryOnPublication(sql, (stored) => ({
    ...resolutionContextOf(stored, systems, 'ANY_SYSTEM'),
    rules,
  }))
} finally {
  await sql.end({ timeout: 5 })
}
