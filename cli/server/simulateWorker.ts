import { parentPort, workerData } from 'node:worker_threads'
import { openDatabase } from '../../mdm/db/database.ts'
import type { StoredPolicy } from '../../mdm/policy/policies.ts'
import { simulate } from '../../mdm/policy/simulate.ts'
import { openInstallation } from '../config/installation.ts'
import { resolutionContextOf } from '../config/policyFiles.ts'

/** A thread for one what-if, so that it never blocks a query. */
export interface SimulateData {
  databaseUrl: string
  sources: string | undefined
  stored: StoredPolicy
  sample: number | undefined
}

const { databaseUrl, sources, stored, sample } = workerData as SimulateData
const sql = openDatabase(databaseUrl, { name: 'touchstone-simulate', connectionsMax: 1 })
try {
  parentPort?.postMessage(
    await simulate(sql, resolutionContextOf(stored, openInstallation(sources).systems), { sample }),
  )
} finally {
  await sql.end({ timeout: 5 })
}
