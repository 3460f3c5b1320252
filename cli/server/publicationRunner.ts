import { Worker } from 'node:worker_threads'
import type { Sql } from '../../mdm/db/database.ts'
import { policyChannel, runningPublication } from '../../mdm/policy/policies.ts'
import type { PublishData } from './publicationWorker.ts'

export interface PublicationRunner {
  /** Leaves a publication in progress unchanged; the next process resumes it. */
  stop(): Promise<void>
}

/**
 * Runs publications that no process works on: those that mutations start, and those whose process
 * has ended. Uses a thread of its own; only one runs at a time in the whole installation.
 */
export async function startPublicationRunner(options: {
  sql: Sql
  databaseUrl: string
  sources: string | undefined
  /** The polling interval, in addition to notifications. */
  everyMs: number
  failed: (error: unknown) => void
}): Promise<PublicationRunner> {
  const { sql, databaseUrl, sources, everyMs, failed } = options
  const data: PublishData = { databaseUrl, sources }
  let worker: Worker | null = null
  let stopped = false
  const look = async () => {
    if (stopped || worker || !(await runningPublication(sql)) || stopped || worker) return
    worker = new Worker(new URL('./publicationWorker.ts', import.meta.url), { workerData: data })
    worker.once('error', failed).once('exit', () => {
      worker = null
    })
  }
  const again = () => void look().catch(failed)
  const timer = setInterval(again, everyMs)
  timer.unref()
  const { unlisten } = await sql.listen(policyChannel, again, again)
  return {
    async stop() {
      stopped = true
      clearInterval(timer)
      await unlisten().catch(failed)
      await worker?.terminate()
    },
  }
}
