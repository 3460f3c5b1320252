import { parentPort, workerData } from 'node:worker_threads'
import { openDatabase } from '../../mdm/db/database.ts'
import type { StoredPolicy } from '../../mdm/policy/policies.ts'
import { simulate } from '../../mdm/policy/simulate.ts'
import { countUnfitValues, type NamedField } from '../../mdm/policy/unfitValues.ts'
import { openInstallation } from '../config/installation.ts'
import { parseStoredPolicy, resolutionContextOf } from '../config/policyFiles.ts'

/** A thread for one what-if, so that it never blocks a query. */
export type SimulateData = { databaseUrl: string; stored: StoredPolicy } & (
  | { kind: 'SIMULATE'; sources: string | undefined; sample: number | undefined }
  | { kind: 'COUNT_UNFIT'; fields: NamedField[] }
)

const data = workerData as SimulateData
const { databaseUrl, stored } = data
const sql = openDatabase(databaseUrl, { name: 'touchstone-simulate', connectionsMax: 1 })
try {
  parentPort?.postMessage(await report())
} finally {
  await sql.end({ timeout: 5 })
}

async function report() {
  if (data.kind === 'COUNT_UNFIT')
    return await countUnfitValues(sql, parseStoredPolicy(stored, null), data.fields)
  const { systems } = openInstallation(data.sources)
  return await simulate(sql, resolutionContextOf(stored, systems), { sample: data.sample })
}
