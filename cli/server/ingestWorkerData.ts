import type { TracingConfig } from '../observe/tracing.ts'

/** Data of an ingest worker's thread. */
export interface WorkerData {
  databaseUrl: string
  sources: string | undefined
  /** Workers of this installation, as far as known here. They share the server's lock table. */
  workers: number
  rowsMax: number
  attemptsMax: number
  logLevel: string
  /** The number of this worker, from 1 on. */
  number: number
  tracing?: TracingConfig
}
