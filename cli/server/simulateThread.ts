import { Worker } from 'node:worker_threads'
import type { StoredPolicy } from '../../mdm/policy/policies.ts'
import type { Simulation } from '../../mdm/policy/simulate.ts'
import type { SimulateData } from './simulateWorker.ts'

/**
 * Runs what-ifs on a thread of their own. The policy was parsed before, so it is known to be valid.
 */
export function simulateOnThread(
  databaseUrl: string,
  sources: string | undefined,
): (stored: StoredPolicy, sample: number | undefined) => Promise<Simulation> {
  return async (stored, sample) => {
    const data: SimulateData = { databaseUrl, sources, stored, sample }
    const worker = new Worker(new URL('./simulateWorker.ts', import.meta.url), { workerData: data })
    return await new Promise((resolve, reject) => {
      worker.once('message', resolve).once('error', reject)
      worker.once('exit', () => reject(new Error('the what-if ended without a report')))
    })
  }
}
