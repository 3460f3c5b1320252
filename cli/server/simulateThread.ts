import { Worker } from 'node:worker_threads'
import type { StoredPolicy } from '../../mdm/policy/policies.ts'
import type { Simulation } from '../../mdm/policy/simulate.ts'
import type { NamedField, UnfitValues } from '../../mdm/policy/unfitValues.ts'
import type { SimulateData } from './simulateWorker.ts'

/**
 * Runs what-ifs on a thread of their own. The policy was parsed before, so it is known to be valid.
 */
export function simulateOnThread(
  databaseUrl: string,
  sources: string | undefined,
): (stored: StoredPolicy, sample: number | undefined) => Promise<Simulation> {
  return (stored, sample) => run({ kind: 'SIMULATE', databaseUrl, sources, stored, sample })
}

/** Counts stored values that do not fit a policy on a thread of its own: it reads whole types. */
export function countOnThread(
  databaseUrl: string,
): (stored: StoredPolicy, fields: NamedField[]) => Promise<UnfitValues[]> {
  return (stored, fields) => run({ kind: 'COUNT_UNFIT', databaseUrl, stored, fields })
}

async function run<T>(data: SimulateData): Promise<T> {
  const worker = new Worker(new URL('./simulateWorker.ts', import.meta.url), { workerData: data })
  return await new Promise((resolve, reject) => {
    worker.once('message', resolve).once('error', reject)
    worker.once('exit', () => reject(new Error('the what-if ended without a report')))
  })
}
